"""Clips to cells: means and intervals over clips, paired differences, and what is suspicious about them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.metrics.bootstrap import Float64, Interval, bounds, draw_clips, interval
from tasks.evaluate.measure import COLUMN, METRICS, Better, Measures
from tasks.evaluate.records import Difference, EvaluateConfig, Row, Score, Span, Split, Warning

_LEAST_RATIO = 1e-3  # a mouth that never moves is not infinitely far from 1
_MEDIANS = tuple(i for i, metric in enumerate(METRICS) if metric.median)


@dataclass(frozen=True, slots=True)
class Measured:
    """One clip: per row and span the values [S, M] of S seeds and the weights [M]."""

    split: Split
    rows: dict[Row, dict[Span, tuple[Measures, Measures]]]


@dataclass(frozen=True, slots=True)
class Table:
    scores: tuple[Score, ...]
    differences: tuple[Difference, ...]
    warnings: tuple[Warning, ...]


def tabulate(measured: Sequence[Measured], config: EvaluateConfig) -> Table:
    """All cells. The same draws of clips serve all rows of a split, so differences are paired."""
    scores: list[Score] = []
    differences: list[Difference] = []
    warnings: list[Warning] = []
    for split in Split:
        inside = [clip for clip in measured if clip.split is split]
        if not inside:
            continue
        draws = draw_clips(len(inside), config.draws, config.pairing_seed)
        for span in Span:
            rows = {row: _interval(inside, row, span, draws, config) for row in Row}
            for row, found in rows.items():
                scores += _scores(row, split, span, found, _seed_sd(inside, row, span))
            truth = rows[Row.TRUTH]
            for row in (row for row in Row if row not in (Row.TRUTH, Row.MODEL)):
                compared = _compare(row, split, span, rows[Row.MODEL], rows[row], truth, config.confidence)
                differences += compared
                warnings += _warnings(compared, rows[Row.MODEL], rows[row])
    warnings.sort(key=lambda w: (not w.sure, w.span is Span.WHOLE))
    return Table(tuple(scores), tuple(differences), tuple(warnings))


def _interval(clips: Sequence[Measured], row: Row, span: Span, draws: Float64, config: EvaluateConfig) -> Interval:
    found = [clip.rows[row][span] for clip in clips]
    values = np.stack([values.mean(axis=0) for values, _ in found])
    weights = np.stack([weights for _, weights in found])
    return interval(values, weights, draws, config.confidence, _MEDIANS)


def _seed_sd(clips: Sequence[Measured], row: Row, span: Span) -> list[float | None]:
    """[M] standard deviation over seeds of the mean over clips."""
    values = np.stack([clip.rows[row][span][0] for clip in clips])  # [n, S, M]
    if values.shape[1] < 2:
        return [None] * len(METRICS)
    weights = np.stack([clip.rows[row][span][1] for clip in clips])[:, None]
    weighed = np.where(np.isfinite(values), weights, 0.0)
    summed = (np.nan_to_num(values) * weighed).sum(axis=0)
    total = weighed.sum(axis=0)
    means = np.divide(summed, total, out=np.full_like(summed, np.nan), where=total > 0)
    means[:, _MEDIANS] = np.nan
    return [float(sd) if np.isfinite(sd) else None for sd in means.std(axis=0, ddof=1)]


def _scores(row: Row, split: Split, span: Span, found: Interval, seed_sd: list[float | None]) -> list[Score]:
    return [
        Score(
            metric.name,
            row,
            split,
            span,
            float(found.value[i]),
            float(found.low[i]),
            float(found.high[i]),
            int(found.n_clips[i]),
            seed_sd[i],
        )
        for i, metric in enumerate(METRICS)
        if found.n_clips[i]
    ]


def _compare(
    row: Row, split: Split, span: Span, model: Interval, other: Interval, truth: Interval, confidence: float
) -> list[Difference]:
    gain = _badness(other.value, truth.value) - _badness(model.value, truth.value)
    resampled = _badness(other.resampled, truth.resampled) - _badness(model.resampled, truth.resampled)
    low, high = bounds(resampled, confidence)
    return [
        Difference(metric.name, row, split, span, float(gain[i]), float(low[i]), float(high[i]))
        for i, metric in enumerate(METRICS)
        if np.isfinite(gain[i])
    ]


def _badness(values: Float64, truth: Float64) -> Float64:
    """[..., M] how far each metric is from where it should be; nan for one that points nowhere."""
    far = {
        Better.LOWER: values,
        Better.HIGHER: -values,
        Better.ONE: np.abs(np.log(np.maximum(values, _LEAST_RATIO))),
        Better.TRUTH: np.abs(values - truth),
        Better.NEITHER: np.full_like(values, np.nan),
    }
    return np.stack([far[metric.better][..., i] for i, metric in enumerate(METRICS)], axis=-1)


def _warnings(compared: Sequence[Difference], model: Interval, other: Interval) -> list[Warning]:
    return [
        Warning(
            metric=found.metric,
            row=found.row,
            split=found.split,
            span=found.span,
            model=float(model.value[COLUMN[found.metric]]),
            other=float(other.value[COLUMN[found.metric]]),
            sure=found.sure,
        )
        for found in compared
        if found.value <= 0
    ]
