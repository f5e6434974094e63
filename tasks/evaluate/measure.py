"""Every metric of the table, and how a performance is measured by all of them at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from models.avatar.motion import ROTATION
from models.head.model import HeadModel
from models.head.regions import FACE, Region
from models.metrics import beats, closure, face, head, mouth
from models.metrics.span import speech_span
from models.metrics.surface import UPPER_FACE, Surface, lip_gap_mm, surface_of
from models.metrics.timing import Extrema, match_extrema
from schemas.arrays import Float32
from schemas.speech import SpeechFeatures, Word
from tasks.evaluate.records import Span
from tasks.evaluate.sync import CONFIDENCE, KNOWN, MATCH, OFFSET, PREFERRED

Measures = npt.NDArray[np.float64]
_LEAST_SILENCE_FRAMES: Final = 5


class Better(StrEnum):
    """Which way a metric points."""

    LOWER = "lower"
    HIGHER = "higher"
    ONE = "nearer to 1"
    TRUTH = "nearer to the truth's"
    NEITHER = "-"


class Part(StrEnum):
    MOUTH = "mouth"
    FACE = "face"
    HEAD = "head"
    SYNC = "sync"


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    unit: str
    better: Better
    part: Part
    sees_mouth: bool
    meaning: str
    median: bool = False  # over clips, in place of the mean


def _mouth(name: str, unit: str, better: Better, meaning: str) -> Metric:
    return Metric(name, unit, better, Part.MOUTH, True, meaning)


def _face(name: str, unit: str, better: Better, meaning: str, sees_mouth: bool = False) -> Metric:
    return Metric(name, unit, better, Part.FACE, sees_mouth, meaning)


def _head(name: str, unit: str, better: Better, meaning: str) -> Metric:
    return Metric(name, unit, better, Part.HEAD, False, meaning)


def _sync(name: str, unit: str, better: Better, meaning: str, median: bool = False) -> Metric:
    return Metric(name, unit, better, Part.SYNC, True, meaning, median)


METRICS: Final = (
    _mouth("LVE", "mm", Better.LOWER, "mean over frames of the largest lip vertex error"),
    _mouth("LVE squared", "mm²", Better.LOWER, "the same of squared errors, as most papers print it"),
    _mouth("LVE_d", "mm", Better.LOWER, "LVE after each side's own mean mouth is taken off"),
    _mouth("LVS", "", Better.HIGHER, "cosine similarity of lip displacements from neutral"),
    _mouth("MOD", "mm", Better.LOWER, "mean absolute difference of the lip gaps"),
    _mouth("gap correlation", "", Better.HIGHER, "Pearson's r of the lip gaps"),
    _mouth("lip spread", "ratio", Better.ONE, "how much the lips move, over how much they truly do"),
    _mouth("MTM", "ms", Better.LOWER, "offset of lip-gap extrema; 400 for each that finds no partner"),
    _mouth("MTM offset", "ms", Better.NEITHER, "median signed offset of matched extrema, positive is late"),
    _mouth("MTM coverage", "", Better.HIGHER, "share of the true extrema that find a partner"),
    _mouth("closure AUC", "", Better.HIGHER, "nearer to closed at word-initial p, b, m than where the mouth is open"),
    _mouth("closure recall", "", Better.HIGHER, "share of word-initial p, b, m at which the lips meet"),
    _mouth("jitter", "m/s³", Better.TRUTH, "third derivative of the lips"),
    _mouth("jitter ratio", "ratio", Better.ONE, "the same over the truth's"),
    _mouth("silent lips", "mm/s", Better.TRUTH, "lip speed where nobody speaks"),
    _mouth("diversity lips", "mm", Better.NEITHER, "mean lip distance between two seeds"),
    _face("MVE", "mm", Better.LOWER, "mean vertex error of the face", sees_mouth=True),
    _face("UFVE", "mm", Better.LOWER, "mean vertex error of forehead, brows, eyelids and nose"),
    _face("FDD", "mm", Better.LOWER, "difference of the upper face's temporal standard deviation, per vertex"),
    _face("upper spread", "ratio", Better.ONE, "how much the upper face moves, over how much it truly does"),
    _head("head spread", "ratio", Better.ONE, "how far the head turns about its mean, over how far it truly does"),
    _head("BA", "", Better.HIGHER, "head beats near speech onsets"),
    _head("BA over chance", "", Better.HIGHER, "BA less what the same beats score at a random shift"),
    _head("PBAS", "", Better.HIGHER, "head beats near pitch accents"),
    _head("PBAS over chance", "", Better.HIGHER, "PBAS less what the same beats score at a random shift"),
    _head("silent head", "°/s", Better.TRUTH, "head speed where nobody speaks"),
    _head("diversity head", "°", Better.NEITHER, "mean angle between two seeds' heads"),
    _sync(OFFSET, "ms", Better.NEITHER, "median over clips, where it can be told; positive: the sound is late", True),
    _sync(KNOWN, "share", Better.HIGHER, "clips whose offset the sync model can tell"),
    _sync(CONFIDENCE, "", Better.HIGHER, "its probability that its best offset is right"),
    _sync(MATCH, "", Better.HIGHER, "its probability that lips and sound belong together"),
    _sync(PREFERRED, "share", Better.HIGHER, "clips nearer to their own sound than to another's; unknown is not"),
)
COLUMN: Final = {metric.name: i for i, metric in enumerate(METRICS)}


class Performer:
    """A performance, looked at: face points, lip gap and head of frames [T, 58], each made once."""

    def __init__(self, frames: Float32, model: HeadModel) -> None:
        surface: Surface = surface_of(model, FACE)
        lips, upper = surface.within((Region.LIPS,)), surface.within(UPPER_FACE)
        self.frames = frames
        self.face_mm: Float32 = surface.positions(frames)  # [T, P, 3]
        self.lips_mm: Float32 = self.face_mm.take(lips, axis=1)  # [T, L, 3]
        self.upper_mm: Float32 = self.face_mm.take(upper, axis=1)  # [T, U, 3]
        self.neutral_lips_mm: Float32 = surface.rest_mm[lips]  # [L, 3]
        self.gap_mm: Float32 = lip_gap_mm(frames, model)  # [T]
        self.rotation: Float32 = frames[:, ROTATION]  # [T, 3]
        self._excerpts: dict[tuple[int, int], Excerpt] = {}

    def within(self, span: slice) -> "Excerpt":
        """The frames of ``span``; asked again, the same excerpt with what it already knows."""
        return self._excerpts.setdefault((span.start, span.stop), Excerpt(self, span))


class Excerpt:
    """Some frames of a performance, and what can be said of them without another to compare with."""

    def __init__(self, performer: Performer, span: slice) -> None:
        self.face_mm = performer.face_mm[span]
        self.lips_mm = performer.lips_mm[span]
        self.gap_mm = performer.gap_mm[span]
        self.upper_mm = performer.upper_mm[span]
        self._rotation = performer.rotation[span]

    @cached_property
    def upper_deviation(self) -> Float32:
        return face.deviation(self.upper_mm)

    @cached_property
    def lip_spread(self) -> float:
        return face.spread(self.lips_mm)

    @cached_property
    def jitter(self) -> float:
        return face.jitter(self.lips_mm)

    @cached_property
    def head_spread(self) -> float:
        return head.spread_deg(self._rotation)


@dataclass(frozen=True, slots=True)
class Heard:
    """What of a clip's sound the metrics need, found once for all rows."""

    words: Sequence[Word]
    spans: dict[Span, slice]
    onsets: beats.Frames
    accents: beats.Frames
    n_frames: int

    @classmethod
    def of(cls, features: SpeechFeatures, words: Sequence[Word]) -> Self:
        n = features.n_frames
        return cls(
            words=words,
            spans={Span.SPEECH: speech_span(features.envelope), Span.WHOLE: slice(0, n)},
            onsets=beats.speech_onsets(features.envelope),
            accents=beats.pitch_accents(features.f0_hz),
            n_frames=n,
        )

    def silent_steps(self) -> npt.NDArray[np.bool_]:
        """[T - 1] whether both frames of a step lie before or after the speech."""
        step, speech = np.arange(self.n_frames - 1), self.spans[Span.SPEECH]
        return np.asarray((step + 1 < speech.start) | (step >= speech.stop))


def measure(truth: Performer, ours: Performer, heard: Heard) -> dict[Span, tuple[Measures, Measures]]:
    """Values [M] and weights [M] of every metric, for each span. What is undefined is nan; diversity is not a property
    of one performance and stays so. Ratios weigh by what they divide by: their mean is a ratio of sums."""
    extrema = match_extrema(truth.gap_mm, ours.gap_mm)
    head_beats = beats.head_beats(ours.rotation)
    return {span: _measure(truth, ours, heard, heard.spans[span], extrema, head_beats) for span in Span}


def _measure(
    truth: Performer, ours: Performer, heard: Heard, span: slice, extrema: Extrema, head_beats: beats.Frames
) -> tuple[Measures, Measures]:
    values: dict[str, float] = {}
    weights: dict[str, float] = {}

    def ratio(name: str, value: float, by: float) -> None:
        values[name], weights[name] = (value / by, by) if by > 1e-6 else (np.nan, 0.0)

    true, mine = truth.within(span), ours.within(span)
    values["LVE"] = mouth.lve(true.lips_mm, mine.lips_mm)
    values["LVE squared"] = mouth.lve_sq(true.lips_mm, mine.lips_mm)
    values["LVE_d"] = mouth.lve_d(true.lips_mm, mine.lips_mm)
    values["LVS"] = mouth.lvs(true.lips_mm, mine.lips_mm, truth.neutral_lips_mm)
    values["MOD"] = mouth.mod(true.gap_mm, mine.gap_mm)
    values["gap correlation"] = mouth.gap_correlation(true.gap_mm, mine.gap_mm)
    ratio("lip spread", mine.lip_spread, true.lip_spread)
    timing = extrema.timing(span)
    values["MTM"], values["MTM offset"], values["MTM coverage"] = timing.mtm_ms, timing.offset_ms, timing.coverage
    closing = closure.closure(truth.gap_mm, ours.gap_mm, heard.words, span)
    values["closure AUC"], weights["closure AUC"] = closing.auc, closing.n_pairs
    values["closure recall"], weights["closure recall"] = closing.recall, closing.n_events
    values["jitter"] = mine.jitter
    ratio("jitter ratio", mine.jitter, true.jitter)

    values["MVE"] = face.vertex_error(true.face_mm, mine.face_mm)
    values["UFVE"] = face.vertex_error(true.upper_mm, mine.upper_mm)
    values["FDD"] = face.fdd(true.upper_deviation, mine.upper_deviation)
    ratio("upper spread", float(mine.upper_deviation.mean()), float(true.upper_deviation.mean()))

    ratio("head spread", mine.head_spread, true.head_spread)
    for name, events in (("BA", heard.onsets), ("PBAS", heard.accents)):
        alignment = beats.align(_inside(head_beats, span), _inside(events, span), span.stop - span.start)
        values[name], values[f"{name} over chance"] = alignment.score, alignment.score - alignment.chance
    silent = heard.silent_steps()
    if span == heard.spans[Span.WHOLE] and silent.sum() >= _LEAST_SILENCE_FRAMES:
        values["silent lips"] = float(face.speed(ours.lips_mm)[silent].mean())
        values["silent head"] = float(head.speed_deg(ours.rotation)[silent].mean())
    return (
        np.array([values.get(metric.name, np.nan) for metric in METRICS]),
        np.array([weights.get(metric.name, 1.0) for metric in METRICS]),
    )


def diversity(performers: Sequence[Performer], span: slice) -> dict[str, float]:
    """Mean distance of two seeds' performances of one clip: lip vertices in mm, heads in degrees."""
    pairs = [(a, b) for i, a in enumerate(performers) for b in performers[i + 1 :]]
    if not pairs:
        return {}
    return {
        "diversity lips": float(np.mean([face.vertex_error(a.lips_mm[span], b.lips_mm[span]) for a, b in pairs])),
        "diversity head": float(
            np.mean([head.angle_between_deg(a.rotation[span], b.rotation[span]) for a, b in pairs])
        ),
    }


def _inside(frames: beats.Frames, span: slice) -> beats.Frames:
    inside: beats.Frames = frames[(frames >= span.start) & (frames < span.stop)] - span.start
    return inside
