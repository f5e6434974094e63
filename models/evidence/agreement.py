"""Whether the lips do what the voice lets one expect, and how much earlier or later."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.arrays import Bool, Float32

_STILL: Final = 1e-6
_COMPARED_FRAMES: Final = 25  # no lag leaves fewer: what a second shares may be chance

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """``correlation`` is Pearson's r, mean over what is compared, at the best ``lag_frames`` (interpolated by a
    parabola): positive where the picture comes late, None where it is at an end of the range and so no peak."""

    correlation: float
    lag_frames: float | None


def agreement(lips: Float32, expected: Float32, seen: Bool, reach_frames: int) -> Agreement | None:
    """How ``lips`` [T, C] follow what is ``expected`` of them [T, C], moved by up to ``reach_frames`` either way; over
    the frames ``seen`` [T].

    None where there are too few of them, or lips or expectation do not move.
    """
    reach = min(reach_frames, len(lips) - _COMPARED_FRAMES)
    if reach < 1 or seen.sum() < _COMPARED_FRAMES or min(lips.std(0).min(), expected.std(0).min()) < _STILL:
        return None
    r = np.array([_correlation(lips, expected, seen, lag) for lag in range(-reach, reach + 1)])
    best = int(r.argmax())
    lag = best - reach + _vertex(r, best) if 0 < best < len(r) - 1 else None
    return Agreement(float(r[best]), lag)


def _correlation(lips: Float32, expected: Float32, seen: Bool, lag: int) -> float:
    """Of ``lips[t + lag]`` and ``expected[t]``."""
    n = len(lips)
    picture, sound = slice(max(lag, 0), n + min(lag, 0)), slice(max(-lag, 0), n - max(lag, 0))
    both = seen[picture]
    if not both.any():
        return 0.0
    return float((_normal(lips[picture][both]) * _normal(expected[sound][both])).mean())


def _normal(values: Float32) -> Float64:
    centred = values.astype(np.float64) - values.mean(0)
    return np.asarray(centred / np.maximum(centred.std(0), _STILL))


def _vertex(r: Float64, best: int) -> float:
    """Where the parabola through the best value and its neighbours is highest, relative to it."""
    before, at, after = r[best - 1 : best + 2]
    bend = before - 2 * at + after
    return float((before - after) / (2 * bend)) if bend < 0 else 0.0
