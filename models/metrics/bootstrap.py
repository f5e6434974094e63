"""Confidence intervals by drawing clips with replacement: frames of one clip are not independent, clips nearly are.

One set of draws serves every metric and row, so that differences between rows are paired by clip.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A weighted mean (or a median) over clips and the percentiles of its bootstrap, of M quantities at once; nan
    without a clip."""

    value: Float64  # [M]
    low: Float64  # [M]
    high: Float64  # [M]
    n_clips: npt.NDArray[np.intp]  # [M] clips that have a value
    resampled: Float64  # [B, M] the same mean over each draw


def draw_clips(n_clips: int, n_draws: int, seed: int) -> Float64:
    """[B, n] how often each of ``n_clips`` clips comes up in each of ``n_draws`` resamples."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n_clips, np.full(n_clips, 1 / n_clips), size=n_draws).astype(np.float64)


def interval(
    values: Float64, weights: Float64, draws: Float64, confidence: float, medians: Sequence[int] = ()
) -> Interval:
    """Weighted means over clips of ``values`` [n, M] by ``weights`` [n, M], with percentile intervals of ``confidence``
    over ``draws`` [B, n]; of the columns ``medians`` unweighted medians. A value that is nan has no weight."""
    known = np.isfinite(values) & (weights > 0)
    weighed = np.where(known, weights, 0.0)
    summed = np.where(known, values, 0.0) * weighed
    with np.errstate(invalid="ignore", divide="ignore"):
        value = summed.sum(axis=0) / weighed.sum(axis=0)
        resampled = (draws @ summed) / (draws @ weighed)
    for column in medians:
        value[column] = _medians(values[:, column], np.ones((1, len(values))))[0]
        resampled[:, column] = _medians(values[:, column], draws)
    low, high = bounds(resampled, confidence)
    return Interval(value, low, high, known.sum(axis=0), resampled)


def _medians(values: Float64, draws: Float64) -> Float64:
    """[B] of ``values`` [n], each as often as ``draws`` [B, n] say; nan has none, and nothing a nan."""
    order = np.argsort(values)[: np.isfinite(values).sum()]
    if not order.size:
        return np.full(len(draws), np.nan)
    upto = draws[:, order].cumsum(axis=1)
    half = upto[:, -1:] / 2
    low, high = (values[order[reached.argmax(axis=1)]] for reached in (upto >= half, upto > half))
    return np.where(half[:, 0] > 0, (low + high) / 2, np.nan)


def bounds(resampled: Float64, confidence: float) -> tuple[Float64, Float64]:
    """The percentiles [M] between which ``confidence`` of ``resampled`` [B, M] lies; nan where none is a number."""
    tail = 50 * (1 - confidence)
    low, high = np.full((2, resampled.shape[1]), np.nan)
    known = np.isfinite(resampled).any(axis=0)
    if known.any():
        low[known], high[known] = np.nanpercentile(resampled[:, known], (tail, 100 - tail), axis=0)
    return low, high
