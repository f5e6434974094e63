"""Evaluations to rows of the issue's table: means over clips of means over trainings, intervals over clips."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models.head.model import load_open_head
from models.metrics.bootstrap import bounds, draw_clips, interval
from tasks.evaluate.measure import COLUMN, Performer
from tasks.evaluate.records import Evaluation, Row, Span
from tests.bench.avatar_table import Figure, Range, Section

_DRAWS: Final = 4000
_CONFIDENCE: Final = 0.95
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    value: float
    low: float
    high: float
    n: int


class Scores:
    """Per-clip measures of several trainings of one preset; a clip counts once, however often it was held out."""

    def __init__(self, evaluations: Sequence[Evaluation]) -> None:
        found: dict[tuple[Row, Span, str], list[tuple[float, ...]]] = defaultdict(list)
        self._weights: dict[tuple[Span, str], dict[str, float]] = {}
        for evaluation in evaluations:
            for clip in evaluation.per_clip:
                found[clip.row, clip.span, clip.clip_id].append(clip.values)
            for played in evaluation.played:
                spans = {Span.SPEECH: played.speech, Span.WHOLE: slice(0, len(played.truth))}
                truth = Performer(played.truth, load_open_head())
                for span, frames in spans.items():
                    self._weights.setdefault((span, played.clip_id), _true_sizes(truth, frames))
        self._mean = {key: np.mean(values, axis=0) for key, values in found.items()}

    def of(self, metric: str, row: Row, span: Span, clips: Sequence[str]) -> Float64:
        """[n]"""
        return np.array([self._mean[row, span, clip_id][COLUMN[metric]] for clip_id in clips])

    def mean(self, metric: str, row: Row, span: Span, clips: Sequence[str]) -> Estimate:
        """A ratio weighs by what it divides by, as in ``tasks.evaluate``."""
        weights = [self._weights[span, clip_id].get(metric, 1.0) for clip_id in clips]
        draws = draw_clips(len(clips), _DRAWS, 0)
        found = interval(self.of(metric, row, span, clips)[:, None], np.array(weights)[:, None], draws, _CONFIDENCE)
        return Estimate(float(found.value[0]), float(found.low[0]), float(found.high[0]), int(found.n_clips[0]))

    def less_than(self, metric: str, row: Row, span: Span, clips: Sequence[str]) -> Estimate:
        """Change against another row in per cent of it, paired by clip."""
        return change(self.of(metric, Row.MODEL, span, clips), self.of(metric, row, span, clips))


def change(ours: Float64, theirs: Float64) -> Estimate:
    """Of the means over clips, in per cent, paired by clip."""
    both = np.stack([ours, theirs], axis=1)
    found = interval(both, np.ones_like(both), draw_clips(len(ours), _DRAWS, 0), _CONFIDENCE)
    low, high = bounds((100 * (found.resampled[:, 0] / found.resampled[:, 1] - 1))[:, None], _CONFIDENCE)
    value = 100 * (found.value[0] / found.value[1] - 1)
    return Estimate(float(value), float(low[0]), float(high[0]), len(ours))


def _true_sizes(truth: Performer, frames: slice) -> dict[str, float]:
    part = truth.within(frames)
    return {
        "upper spread": float(part.upper_deviation.mean()),
        "head spread": part.head_spread,
        "lip spread": part.lip_spread,
        "jitter ratio": part.jitter,
    }


def _figure(
    name: str, unit: str, found: Estimate, must: Range | None, aim: Range | None, digits: int = 2, note: str = ""
) -> Figure:
    return Figure(name, unit, found.value, found.low, found.high, found.n, must, aim, digits, note)


def sentences(scores: Scores, clips: Sequence[str], title: str) -> Section:
    speech = Span.SPEECH

    def less(row: Row, must: float, aim: float, name: str) -> Figure:
        found = scores.less_than("LVE", row, speech, clips)
        return _figure(name, "%", found, Range(high=must), Range(high=aim), 1)

    return Section(
        title,
        (
            less(Row.MEAN, -55, -66, "LVE against mean motion"),
            less(Row.SHUFFLED, -55, -68, "LVE against its own shuffled audio"),
            _figure(
                "lip-gap correlation",
                "",
                scores.mean("gap correlation", Row.MODEL, speech, clips),
                Range(low=0.90),
                Range(low=0.94),
                3,
            ),
            _figure(
                "lip-gap correlation of shuffled audio",
                "",
                scores.mean("gap correlation", Row.SHUFFLED, speech, clips),
                Range(high=0.2),
                None,
                3,
            ),
            _figure("LVE", "mm", scores.mean("LVE", Row.MODEL, speech, clips), Range(high=1.3), Range(high=1.0)),
        ),
    )


def strangers(scores: Scores, clips: Sequence[str]) -> Section:
    less = scores.less_than("LVE_d", Row.OWN_MEAN, Span.SPEECH, clips)
    correlation = scores.mean("gap correlation", Row.MODEL, Span.SPEECH, clips)
    shuffled = scores.mean("gap correlation", Row.SHUFFLED, Span.SPEECH, clips)
    return Section(
        "unseen GRID speakers, speech span",
        (
            _figure("LVE_d against own mean", "%", less, Range(high=-35), Range(high=-50), 1),
            _figure("lip-gap correlation", "", correlation, Range(low=0.83), Range(low=0.90), 3),
            _figure("lip-gap correlation of shuffled audio", "", shuffled, None, None, 3),
        ),
    )


def neighbours(scores: Scores, clips: Sequence[str]) -> Section:
    """Against looking the sound up."""
    less = scores.less_than("LVE", Row.NEIGHBOURS, Span.WHOLE, clips)
    return Section(
        "s1 held-out sentences, whole clip, against 10 nearest neighbours in sound",
        (
            _figure("LVE against theirs", "%", less, Range(high=0), Range(high=-20), 1),
            _figure(
                "jitter, ours to the truth's",
                "",
                scores.mean("jitter ratio", Row.MODEL, Span.WHOLE, clips),
                Range(high=1.3),
                None,
            ),
            _figure(
                "jitter, theirs to the truth's",
                "",
                scores.mean("jitter ratio", Row.NEIGHBOURS, Span.WHOLE, clips),
                None,
                None,
            ),
        ),
    )


def spreads(scores: Scores, clips: Sequence[str], strange: Sequence[str]) -> Section:
    must, aim = Range(0.8, 1.2), Range(0.9, 1.1)
    figures = [
        _figure(name, "", scores.mean(metric, Row.MODEL, span, clips), must, aim)
        for span in Span
        for name, metric in ((f"upper face, {span}", "upper spread"), (f"head, {span}", "head spread"))
    ]
    figures += [
        _figure(
            f"{name}, unseen speakers, speech span",
            "",
            scores.mean(metric, Row.MODEL, Span.SPEECH, strange),
            None,
            None,
        )
        for name, metric in (("upper face", "upper spread"), ("head", "head spread"))
    ]
    return Section("movement as a ratio of the truth's, s1 held-out sentences", tuple(figures))


def against_paper(ours: Scores, paper: Scores, clips: Sequence[str], speed: Figure) -> Section:
    figures = []
    for metric in ("LVE", "FDD"):
        mine, theirs = (s.of(metric, Row.MODEL, Span.SPEECH, clips) for s in (ours, paper))
        note = f"ours {mine.mean():.2f} mm, paper's {theirs.mean():.2f} mm"
        figures.append(_figure(f"{metric} against paper's", "%", change(mine, theirs), Range(high=0), None, 1, note))
    return Section("against the paper preset: same clips, same processor time, speech span", (*figures, speed))
