"""What a motion model is asked for: frames of head motion out of speech, an identity and a few conditions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from models.avatar.motion import MOTION_DIM
from schemas.arrays import Float32, admit_fields
from schemas.speech import SpeechFeatures

STYLE_DIM: Final = 6


class UnknownSpeech(ValueError):
    """Speech features of another encoder than the one the model was trained with."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What steers a motion model besides the speech. Whatever is None is left to the model."""

    reference: Float32 | None = None  # [58] a frame of this person: how the face rests
    style: Float32 | None = (
        None  # [6] log of the head's standard deviation in pitch, yaw, roll (rad), then of its speed
    )
    previous: Float32 | None = None  # [K, 58] the frames just before, to go on from without a seam

    def __post_init__(self) -> None:
        wanted = {
            "reference": (np.float32, (MOTION_DIM,)),
            "style": (np.float32, (STYLE_DIM,)),
            "previous": (np.float32, ("K", MOTION_DIM)),
        }
        admit_fields(self, {}, **{name: w for name, w in wanted.items() if getattr(self, name) is not None})


class MotionModel(Protocol):
    """Speech to motion. The same arguments give the same frames on one machine."""

    def perform(
        self, speech: SpeechFeatures, shape: Float32, condition: Condition, steps: int | None, seed: int
    ) -> Float32:
        """Frames [T, 58] (``models.avatar.motion``) for the identity ``shape`` [100], by ``steps`` steps of the
        sampler or the model's own number."""
        ...

    def stream(
        self, chunks: Iterable[SpeechFeatures], shape: Float32, condition: Condition, steps: int | None, seed: int
    ) -> Iterator[Float32]:
        """The same for a speech that comes in pieces; frames come in pieces too, not of the same lengths."""
        ...
