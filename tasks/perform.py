"""Let an avatar speak: the sound is heard passage by passage, moved to, and directed.

Enters: the sound, a motion model, the person, and how they are to feel and hold themselves. Leaves: a ``Performance``
as long as the sound, and what camera and film need beside it. Memory grows by the motion and the sound alone, some
0.3 GB an hour; what the speech model hears is forgotten as it goes.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from models.avatar.motion import EXPRESSION, JAW, ROTATION, eyes_of
from models.avatar.protocol import Condition, MotionModel
from models.controls.emotion import apply_emotion
from models.controls.pose import ResolvedPose, apply_pose, wanted_style
from models.head.model import HeadModel
from schemas.arrays import Float32
from schemas.config import StageConfig
from schemas.controls import EmotionCurve, HeadPose, PosePreset
from schemas.performance import Performance
from schemas.speech import SpeechFeatures
from schemas.units import SHAPE_DIM
from tasks.listen import Impression, ListenConfig, WindowEncoder, concerns, listen
from tasks.media.hearing import SoundFile
from tasks.portrait import Identity
from tasks.voice import SpeechDetector

VERSION = "1"


class PerformConfig(StageConfig):
    """How a performance is made. The same settings, sound and model give the same performance on one machine."""

    seed: int = Field(0, ge=0)
    steps: int | None = Field(None, ge=1, description="of the sampler; the model's own number if none is given")
    eye_contact: float = Field(1.0, ge=0, le=1, description="1: the eyes stay on the camera while the head turns")
    listen: ListenConfig = Field(default_factory=ListenConfig)


@dataclass(frozen=True, slots=True)
class Part:
    """What the performer is told besides the sound. What is None is left to the model."""

    identity: Identity | None = None
    emotion: EmotionCurve | None = None
    pose: ResolvedPose = HeadPose(PosePreset.NATURAL)  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True)
class Performed:
    """A performance of T frames with its sound."""

    performance: Performance
    audio: Float32  # [T * 640] 16 kHz mono
    speech: SpeechFeatures  # its loudness and melody; the embedding is forgotten
    concerns: tuple[str, ...]  # what a person should know of the sound, a sentence each


@dataclass(slots=True)
class _Listening:
    """Keeps of every passage what is wanted later, while its features go on to the model."""

    envelopes: list[Float32]
    pitches: list[Float32]
    sounds: list[Float32]
    impressions: list[Impression]

    def to(
        self, sound: SoundFile, encoder: WindowEncoder, detector: SpeechDetector, config: ListenConfig
    ) -> Iterator[SpeechFeatures]:
        for passage in listen(sound.blocks(), encoder, detector, config):
            self.envelopes.append(passage.features.envelope)
            self.pitches.append(passage.features.f0_hz)
            self.sounds.append(passage.audio)
            self.impressions.append(passage.impression)
            yield passage.features

    def remembered(self, embedding_model: str) -> SpeechFeatures:
        envelope, f0_hz = np.concatenate(self.envelopes), np.concatenate(self.pitches)
        return SpeechFeatures(len(envelope), envelope, f0_hz, np.zeros((len(envelope), 0), np.float32), embedding_model)


def perform(
    sound: SoundFile,
    encoder: WindowEncoder,
    detector: SpeechDetector,
    model: MotionModel,
    part: Part,
    head: HeadModel,
    config: PerformConfig,
    progress: Callable[[int], None] | None = None,
) -> Performed:
    """Perform ``sound``; ``progress`` hears how many frames are made.

    Raises ``tasks.media.hearing.CannotListen``; ``models.avatar.protocol.UnknownSpeech`` if ``encoder`` is not the ear
    that ``model`` was trained with; ``models.head.model.NoNamedActions`` for an emotion on a head without them.
    """
    heard = _Listening([], [], [], [])
    shape = np.zeros(SHAPE_DIM, np.float32) if part.identity is None else part.identity.shape
    reference = None if part.identity is None else part.identity.reference
    condition = Condition(reference=reference, style=wanted_style(part.pose))
    chunks = heard.to(sound, encoder, detector, config.listen)
    made = model.stream(chunks, shape, condition, config.steps, config.seed)
    frames = np.concatenate(list(_counted(made, progress)))
    speech = heard.remembered(encoder.name)
    if part.emotion is not None:
        frames = apply_emotion(frames, part.emotion, head)
    frames = apply_pose(frames, part.pose, speech, config.seed, config.eye_contact)
    return Performed(
        performance=to_performance(frames, shape, head),
        audio=np.concatenate(heard.sounds),
        speech=speech,
        concerns=concerns(heard.impressions, sound, config.listen),
    )


def _counted(pieces: Iterable[Float32], progress: Callable[[int], None] | None) -> Iterator[Float32]:
    done = 0
    for piece in pieces:
        yield piece
        done += len(piece)
        if progress is not None:
            progress(done)


def to_performance(frames: Float32, shape: Float32, head: HeadModel) -> Performance:
    """Frames [T, 58] on the identity ``shape`` [100], the head in its place."""
    return Performance(
        head_model=head.name,
        n_frames=len(frames),
        shape=shape,
        expression=np.ascontiguousarray(frames[:, EXPRESSION]),
        global_rotation=np.ascontiguousarray(frames[:, ROTATION]),
        jaw=np.ascontiguousarray(frames[:, JAW]),
        eyes=eyes_of(frames),
        translation=np.zeros((len(frames), 3), np.float32),
    )
