"""What an evaluation takes and what it finds."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
from pydantic import Field

from models.avatar.motion import MOTION_DIM
from schemas.arrays import Float32, admit_fields
from schemas.config import StageConfig
from schemas.speech import SpeechFeatures, Word
from schemas.units import SHAPE_DIM


class EvaluateConfig(StageConfig):
    reference: Literal["first", "none"] = Field(
        "first", description="what the model is shown of the person: the clip's first frame or nothing"
    )
    steps: int | None = Field(None, ge=1, description="steps of the sampler; the model's own number if none is given")
    seeds: tuple[int, ...] = Field((0, 1, 2), min_length=1, description="the model performs every clip once per seed")
    neighbours: int = Field(10, ge=1, description="training frames that the nearest-neighbour row averages")
    draws: int = Field(2000, ge=100, description="bootstrap resamples over clips")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="of all intervals")
    pairing_seed: int = Field(0, description="decides whose speech drives whom in the shuffled row, and the bootstrap")
    late_frames: int = Field(2, ge=1, description="a clip is called out of sync from this lag on")
    late_gain: float = Field(0.1, ge=0, description="and if its lip gap correlates better by this much at that lag")


class Split(StrEnum):
    """Identity-disjoint clips apart from clips that are new only in their sentence."""

    SEEN = "seen speakers, new sentences"
    UNSEEN = "unseen speakers"


class Span(StrEnum):
    SPEECH = "speech span"
    WHOLE = "whole clip"


class Row(StrEnum):
    """Who performs. Only ``MODEL`` is under test; what beats it among the others, other than the truth, is told."""

    TRUTH = "ground truth"
    MODEL = "model"
    SHUFFLED = "shuffled audio"  # the model, hearing another clip
    NEIGHBOURS = "nearest in sound"  # training frames with the most similar sound, averaged
    MEAN_TRAJECTORY = "mean trajectory"  # the mean training clip, frame by frame from the start
    MEAN = "mean motion"  # the mean training frame, held
    OWN_MEAN = "own mean (oracle)"  # the clip's true mean frame, held: knows the answer
    FROZEN = "frozen mouth"  # the truth, its mouth held as in the clip's first frame


@dataclass(frozen=True, slots=True)
class EvaluationClip:
    """A clip with its true motion (T frames of ``models.avatar.motion``) and what can be heard in it."""

    clip_id: str
    speaker_id: str
    frames: Float32  # [T, 58]
    shape: Float32  # [100]
    features: SpeechFeatures
    words: tuple[Word, ...]

    def __post_init__(self) -> None:
        sizes = {"T": self.features.n_frames}
        admit_fields(self, sizes, frames=(np.float32, ("T", MOTION_DIM)), shape=(np.float32, (SHAPE_DIM,)))


@dataclass(frozen=True, slots=True)
class Score:
    """One cell of the table: a mean over clips, its interval, the model's seeds averaged within each clip."""

    metric: str
    row: Row
    split: Split
    span: Span
    value: float
    low: float
    high: float
    n_clips: int
    seed_sd: float | None  # of the mean over clips, between seeds; None for a row without seeds


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better than a row the model is, paired by clip, in the metric's unit: positive where it is better."""

    metric: str
    row: Row
    split: Split
    span: Span
    value: float
    low: float
    high: float

    @property
    def sure(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class ClipScore:
    """One clip's measures under one row, in the order of ``tasks.evaluate.measure.METRICS``; nan where undefined."""

    clip_id: str
    row: Row
    span: Span
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """A clip's sync, as the model hears it. ``lag_frames`` > 0: the picture runs ahead of the sound."""

    clip_id: str
    speaker_id: str
    split: Split
    n_frames: int
    driven_by: str  # the clip whose speech drove the shuffled row
    lag_frames: int
    lag_correlation: float  # of the lip gaps at that lag
    correlation: float  # at none
    late: bool


@dataclass(frozen=True, slots=True)
class Warning:
    """The table ranks something above the model, or as good, that must not be."""

    metric: str
    row: Row
    split: Split
    span: Span
    model: float
    other: float
    sure: bool  # the paired interval leaves out zero

    def __str__(self) -> str:
        how = "better than" if self.sure else "no worse than"
        return (
            f"{self.metric}: {self.row} scores {self.other:.3g}, {how} the model's {self.model:.3g} "
            f"({self.split}, {self.span})"
        )


@dataclass(frozen=True, slots=True)
class Played:
    """What a clip's truth, the model and the model on another's speech did (first seed), for curves and films."""

    clip_id: str
    shape: Float32  # [100]
    envelope: Float32  # [T]
    speech: slice
    truth: Float32  # [T, 58]
    model: Float32  # [T, 58]
    shuffled: Float32  # [T, 58]

    @property
    def frames(self) -> dict[Row, Float32]:
        return {Row.TRUTH: self.truth, Row.MODEL: self.model, Row.SHUFFLED: self.shuffled}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything found. ``warnings`` come first wherever this is shown."""

    config: EvaluateConfig
    n_training_clips: int
    warnings: tuple[Warning, ...]
    scores: tuple[Score, ...]
    differences: tuple[Difference, ...]
    audits: tuple[Audit, ...]
    per_clip: tuple[ClipScore, ...]
    played: tuple[Played, ...]

    def score(self, metric: str, row: Row, split: Split, span: Span = Span.SPEECH) -> Score:
        """One cell. Raises ``KeyError`` where the table has none."""
        for found in self.scores:
            if (found.metric, found.row, found.split, found.span) == (metric, row, split, span):
                return found
        raise KeyError(f"no score of {metric!r} for {row} on {split}, {span}")
