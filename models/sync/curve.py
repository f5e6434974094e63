"""From the agreement of every frame with its neighbours to offset, drift and how sure they are.

Input is always ``products`` [T, 2 * K + 1]: lips of frame ``t`` times sound of frame ``t + k - K``, in units of the
network's evidence (log odds), nan where that frame is not there.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.arrays import Float32

Float64 = npt.NDArray[np.float64]

NEAR_FRAMES: Final = 2  # counts as in sync, or as the same offset


@dataclass(frozen=True, slots=True)
class Peak:
    """The best offset of a curve."""

    late_frames: float  # a fraction too, by the parabola through the best and its neighbours
    mean: float  # agreement there, per frame
    rise: float  # over the median of the curve, per frame
    share: float  # of the posterior within two frames of it
    share_in_sync: float  # within two frames of zero
    n_frames: int


def curve_of(products: Float32) -> Float64:
    """[2 * K + 1] mean over the frames that each offset has; one that has under half of them counts as the lowest."""
    there = np.isfinite(products)
    count = there.sum(axis=0)
    mean = np.where(there, products, 0.0).sum(axis=0, dtype=np.float64) / np.maximum(count, 1)
    enough = 2 * count >= len(products)
    return np.asarray(np.where(enough, mean, mean[enough].min()))


def peak_of(products: Float32, temper: float) -> Peak:
    """``temper`` flattens the evidence: frames in a row say much the same, and the network trusts itself too much."""
    curve = curve_of(products)
    furthest = len(curve) // 2
    best = int(curve.argmax())
    posterior = _softmax(temper * len(products) * curve)
    offsets = np.arange(len(curve))
    return Peak(
        late_frames=best - furthest + parabola(curve, best),
        mean=float(curve[best]),
        rise=float(curve[best] - np.median(curve)),
        share=float(posterior[np.abs(offsets - best) <= NEAR_FRAMES].sum()),
        share_in_sync=float(posterior[np.abs(offsets - furthest) <= NEAR_FRAMES].sum()),
        n_frames=len(products),
    )


def in_step(products: Float32) -> float:
    """How much better lips and sound agree within two frames of in step than they usually do: a score for generated
    motion, 0 where the sound might as well be another's (as SyncNet's LSE-C, over offsets, but for the right one)."""
    curve = curve_of(products)
    middle = len(curve) // 2
    return float(curve[middle - NEAR_FRAMES : middle + NEAR_FRAMES + 1].max() - np.median(curve))


def drift_of(products: Float32, steepest_frames: float, step_frames: float = 0.5) -> tuple[float, float]:
    """By how many frames the offset grows over the clip, and by how much evidence that beats a constant one.

    Offsets are laid along every straight line ``offset + drift * (t / T - 1/2)``, and the line with the most evidence
    wins (a Hough transform), so that no single part of the clip needs to be sure of its own.
    """
    n, width = products.shape
    filled = np.where(np.isfinite(products), products, curve_of(products)).astype(np.float64)
    steps = round(steepest_frames / step_frames)
    drifts = step_frames * np.arange(-steps, steps + 1)
    along = np.arange(n) / n - 0.5
    sums = np.empty((len(drifts), width))
    for row, drift in enumerate(drifts):
        at = np.clip(np.arange(width) + (drift * along)[:, None], 0, width - 1)
        below = np.minimum(at.astype(np.intp), width - 2)
        part = at - below
        low, high = (np.take_along_axis(filled, column, axis=1) for column in (below, below + 1))
        sums[row] = ((1 - part) * low + part * high).sum(axis=0)
    straight = sums[len(drifts) // 2].max()
    best = np.unravel_index(int(sums.argmax()), sums.shape)[0]
    return float(drifts[best]), float(sums.max() - straight)


def parabola(curve: Float64, best: int) -> float:
    """Where between its neighbours the top lies, -0.5..0.5."""
    if not 0 < best < len(curve) - 1:
        return 0.0
    before, top, after = curve[best - 1 : best + 2]
    bend = before - 2 * top + after
    return float(0.5 * (before - after) / bend) if bend < 0 else 0.0


def _softmax(logits: Float64) -> Float64:
    raised = np.exp(logits - logits.max())
    return np.asarray(raised / raised.sum())
