"""When the mouth opens and shuts, against the truth: lag, and the mouth timing metric (MTM).

The reference's MTM gave a mouth that never moves the best score. Here an opening or closing that finds no partner, on
either side, costs as much as the largest offset that is still searched, and coverage says how many found one.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.signal import find_peaks

from models.metrics.mouth import gap_correlation
from schemas.arrays import Float32
from schemas.units import FRAME_RATE

Float64 = npt.NDArray[np.float64]
Frames = npt.NDArray[np.intp]

BAND_FRAMES: Final = 10  # 400 ms either way
_REACH_FRAMES: Final = 2  # how far from where the warp points an extremum may lie
_LEAST_MM: Final = 0.75  # an extremum rises out of its surroundings by this
_LEAST_SHARE: Final = 0.25  # and by this share of the true gap's standard deviation
_MS_PER_FRAME: Final = float(1000 / FRAME_RATE)


@dataclass(frozen=True, slots=True)
class Timing:
    """Extrema of the lip gap, predicted against true; nan where the truth has none."""

    mtm_ms: float  # mean over matched and unmatched extrema: absolute offset, or the whole band where unmatched
    offset_ms: float  # median over matched extrema, positive where the prediction is late; nan without a match
    coverage: float  # share of the true extrema that are matched


@dataclass(frozen=True, slots=True)
class Lag:
    """``frames`` > 0: the prediction comes after the truth. A model that hears well turns this round into an audit:
    the clip's picture runs that many frames ahead of its sound."""

    frames: int
    correlation: float  # of the lip gaps at that lag
    correlation_at_zero: float


@dataclass(frozen=True, slots=True)
class Extrema:
    """Frames at which the mouth is widest or narrowest, and which belong together."""

    true: tuple[int, ...]
    predicted: tuple[int, ...]
    matched: tuple[tuple[int, int], ...]  # a true one and its prediction

    def timing(self, span: slice) -> Timing:
        """What the extrema within ``span`` say. A match counts where its true side lies."""
        counted = [(i, j) for i, j in self.matched if _within(i, span)]
        n_true = sum(_within(i, span) for i in self.true)
        if n_true == 0:
            return Timing(float("nan"), float("nan"), float("nan"))
        partners = {j for _, j in self.matched}
        strays = sum(_within(j, span) for j in self.predicted if j not in partners)
        unmatched = n_true - len(counted) + strays
        offsets = np.array([j - i for i, j in counted]) * _MS_PER_FRAME
        cost = float(np.abs(offsets).sum()) + unmatched * BAND_FRAMES * _MS_PER_FRAME
        offset = float(np.median(offsets)) if counted else float("nan")
        return Timing(cost / (len(counted) + unmatched), offset, len(counted) / n_true)


def best_lag(truth_gap: Float32, predicted_gap: Float32, furthest: int = BAND_FRAMES) -> Lag:
    """The shift within ``furthest`` frames at which the lip gaps [T] correlate best, over the frames they share."""
    n = len(truth_gap)
    furthest = min(furthest, max(n // 2, 0))
    lags = range(-furthest, furthest + 1)
    found = [
        gap_correlation(truth_gap[max(-k, 0) : n - max(k, 0)], predicted_gap[max(k, 0) : n + min(k, 0)]) for k in lags
    ]
    # Of equals the smallest shift: a mouth that never moves is not late.
    best = max(range(len(found)), key=lambda i: (found[i], -abs(lags[i])))
    return Lag(lags[best], found[best], found[furthest])


def match_extrema(truth_gap: Float32, predicted_gap: Float32) -> Extrema:
    """Match the extrema of two lip gaps [T] in mm, openings with openings and closings with closings, by a derivative
    dynamic time warp (Keogh and Pazzani 2001)."""
    least = max(_LEAST_MM, _LEAST_SHARE * float(truth_gap.std()))
    path = warp(_derivative(truth_gap), _derivative(predicted_gap), BAND_FRAMES)
    true, ours, matched = [], [], []
    for sign in (1, -1):
        there, here = (_peaks(sign * gap, least) for gap in (truth_gap, predicted_gap))
        true += there.tolist()
        ours += here.tolist()
        matched += _match(there, here, path)
    return Extrema(tuple(true), tuple(ours), tuple(matched))


def warp(truth: Float64, predicted: Float64, band: int) -> Float64:
    """[T] the frame of ``predicted`` that each frame of ``truth`` is warped to (mean, where it is warped to several),
    along the cheapest path of squared differences within ``band`` frames of the diagonal."""
    n = len(truth)
    width = 2 * band + 1
    columns = np.arange(n)[:, None] + np.arange(-band, band + 1)  # cell (i, k) is predicted frame i + k - band
    inside = (columns >= 0) & (columns < n)
    cost = np.where(inside, (truth[:, None] - predicted[np.clip(columns, 0, n - 1)]) ** 2, np.inf)
    total = np.empty((n, width))
    for i in range(n):
        if i == 0:
            before = np.where(columns[0] == 0, 0.0, np.inf)
        else:
            # Diagonal keeps its cell, straight up was one cell to the right.
            before = np.minimum(total[i - 1], np.append(total[i - 1, 1:], np.inf))
        # Along the row: total[k] = min over j <= k of before[j] + cost[j..k], by one running minimum.
        run = np.cumsum(np.where(inside[i], cost[i], 0.0))
        start = np.where(inside[i], before - np.append(0.0, run[:-1]), np.inf)
        total[i] = np.where(inside[i], run + np.minimum.accumulate(start), np.inf)
    return _walk_back(total, band)


def _walk_back(total: Float64, band: int) -> Float64:
    n = len(total)
    summed, visits = np.zeros(n), np.zeros(n)
    i, k = n - 1, band
    while True:
        summed[i] += i + k - band
        visits[i] += 1
        if i == 0 and k == band:
            return summed / visits
        diagonal = total[i - 1, k] if i > 0 else np.inf
        above = total[i - 1, k + 1] if i > 0 and k + 1 < total.shape[1] else np.inf
        left = total[i, k - 1] if k > 0 else np.inf
        if diagonal <= above and diagonal <= left:
            i -= 1
        elif above <= left:
            i, k = i - 1, k + 1
        else:
            k -= 1


def _derivative(gap: Float32) -> Float64:
    """[T] Keogh and Pazzani's estimate, in units of its own deviation: timing is asked for here, not size."""
    padded = np.pad(gap.astype(np.float64), 1, mode="edge")
    slope = ((padded[1:-1] - padded[:-2]) + (padded[2:] - padded[:-2]) / 2) / 2
    deviation = float(slope.std())
    return np.asarray(slope / deviation) if deviation > 1e-9 else np.zeros(len(gap))


def _peaks(gap: Float32, least_mm: float) -> Frames:
    found, _ = find_peaks(gap, prominence=least_mm)
    return np.asarray(found, np.intp)


def _match(true: Frames, ours: Frames, path: Float64) -> list[tuple[int, int]]:
    """One to one, the closest to where the warp points first."""
    away = np.abs(path[true][:, None] - ours)
    pairs = []
    while away.size and away.min() <= _REACH_FRAMES:
        i, j = np.unravel_index(int(away.argmin()), away.shape)
        pairs.append((int(true[i]), int(ours[j])))
        away[i, :] = away[:, j] = np.inf
    return pairs


def _within(frame: int, span: slice) -> bool:
    return bool(span.start <= frame < span.stop)
