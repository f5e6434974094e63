"""What a person asks of a performance: an emotion over time, how the head moves, how the camera does."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Self

import numpy as np

from schemas.arrays import Float32, admit_fields

MAX_INTENSITY: Final = 1.5


class Emotion(StrEnum):
    NEUTRAL = "neutral"
    ANGRY = "angry"
    CONTEMPT = "contempt"
    DISGUSTED = "disgusted"
    FEAR = "fear"
    HAPPY = "happy"
    SAD = "sad"
    SURPRISED = "surprised"


EMOTIONS: Final = tuple(Emotion)


@dataclass(frozen=True, slots=True)
class EmotionCurve:
    """Emotions over time: K keyframes, linear between them, constant before the first and past the last."""

    times_s: Float32  # [K] never falling; two at one time are a jump
    intensity: Float32  # [K, 8] in the order of EMOTIONS; 0 absent, 1 full, up to 1.5

    def __post_init__(self) -> None:
        sizes = {"K": len(self.times_s)}
        admit_fields(self, sizes, times_s=(np.float32, ("K",)), intensity=(np.float32, ("K", len(EMOTIONS))))
        _check_times("EmotionCurve", self.times_s)
        if self.intensity.min() < 0 or self.intensity.max() > MAX_INTENSITY:
            raise ValueError(f"EmotionCurve.intensity: must lie within 0 .. {MAX_INTENSITY}")


class PosePreset(StrEnum):
    NATURAL = "natural"  # as the motion model makes it
    STILL = "still"  # hardly at all
    PRESENTER = "presenter"  # lively: nods on accents, sways


@dataclass(frozen=True, slots=True)
class HeadPose:
    """A way of moving the head."""

    preset: PosePreset
    intensity: float = 1.0  # 0 .. 1.5

    def __post_init__(self) -> None:
        _check_intensity("HeadPose", self.intensity)


@dataclass(frozen=True, slots=True)
class PoseOfClip:
    """The head is to move as the person of a stored clip moves it."""

    clip_id: str


@dataclass(frozen=True, slots=True)
class PoseKeys:
    """The head is to go through K given poses."""

    times_s: Float32  # [K] rising
    degrees: Float32  # [K, 3] pitch, yaw, roll, as in ``models.head.angles``

    def __post_init__(self) -> None:
        admit_fields(self, {"K": len(self.times_s)}, times_s=(np.float32, ("K",)), degrees=(np.float32, ("K", 3)))
        _check_times("PoseKeys", self.times_s, strictly=True)


PoseChoice = HeadPose | PoseOfClip | PoseKeys


class CameraMove(StrEnum):
    FIXED = "fixed"
    PUSH_IN = "push-in"
    PULL_OUT = "pull-out"
    ORBIT = "orbit"
    SINGER_ORBIT_ZOOM = "singer-orbit-zoom"
    BEAT_BOUNCE = "beat-bounce"
    ENERGETIC_TALK = "energetic-talk"
    PARALLAX_ARC = "parallax-arc"
    PUSH_WHIP_PULL = "push-whip-pull"
    LOW_ANGLE_HERO = "low-angle-hero"
    EMOTIONAL_ARC = "emotional-arc"
    BROADWAY_SWING = "broadway-swing"


@dataclass(frozen=True, slots=True)
class CameraShot:
    """A way of moving the camera."""

    move: CameraMove
    intensity: float = 1.0  # 0 .. 1.5: how far it goes
    tempo: float = 1.0  # 2 moves at double speed

    def __post_init__(self) -> None:
        _check_intensity("CameraShot", self.intensity)
        if not 0.1 <= self.tempo <= 4:
            raise ValueError(f"CameraShot.tempo: got {self.tempo}, wanted 0.1 .. 4")


@dataclass(frozen=True, slots=True)
class CameraKeys:
    """The camera is to go through K given views of the face."""

    times_s: Float32  # [K] rising
    view: (
        Float32  # [K, 4] azimuth to the subject's left and elevation in degrees; zoom, 1 frames the head; roll, degrees
    )

    def __post_init__(self) -> None:
        admit_fields(self, {"K": len(self.times_s)}, times_s=(np.float32, ("K",)), view=(np.float32, ("K", 4)))
        _check_times("CameraKeys", self.times_s, strictly=True)


CameraChoice = CameraShot | CameraKeys


@dataclass(frozen=True, slots=True)
class Understood:
    """A phrase of a prompt and the control it was taken for."""

    phrase: str
    control: str  # "emotion happy", "pose presenter", "camera push-in", "tempo"
    intensity: float  # of a tempo, the tempo; 0 where the phrase forbids it
    score: float  # cosine similarity with the nearest example of the control


@dataclass(frozen=True, slots=True)
class Direction:
    """All that was asked for. What is None was not spoken of."""

    emotion: EmotionCurve | None = None
    pose: PoseChoice | None = None
    camera: CameraChoice | None = None
    understood: tuple[Understood, ...] = ()
    not_understood: tuple[str, ...] = ()

    def override(
        self,
        emotion: EmotionCurve | None = None,
        pose: PoseChoice | None = None,
        camera: CameraChoice | None = None,
    ) -> Self:
        """The same direction with explicit options in place of what the prompt said."""
        return replace(
            self,
            emotion=self.emotion if emotion is None else emotion,
            pose=self.pose if pose is None else pose,
            camera=self.camera if camera is None else camera,
        )


def _check_times(owner: str, times_s: Float32, strictly: bool = False) -> None:
    steps = np.diff(times_s)
    if len(times_s) == 0 or np.any(steps <= 0 if strictly else steps < 0):
        raise ValueError(
            f"{owner}.times_s: needs at least one key, and times that {'rise' if strictly else 'never fall'}"
        )


def _check_intensity(owner: str, intensity: float) -> None:
    if not 0 <= intensity <= MAX_INTENSITY:
        raise ValueError(f"{owner}.intensity: got {intensity}, wanted 0 .. {MAX_INTENSITY}")
