"""What became of something offered: kept or refused, by which gate, for which reason, at which measurement."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why something was refused. The value is what people read in ``xtalker why`` and query in SQL."""

    # of a source
    UNDECODABLE = "undecodable"
    CORRUPT = "corrupt"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    TOO_LARGE = "too_large"
    NO_VIDEO = "no_video"
    NO_AUDIO = "no_audio"
    SILENT_AUDIO = "silent_audio"
    NO_FACE = "no_face"
    DUPLICATE = "duplicate"
    WORKER_CRASHED = "worker_crashed"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    # of a clip
    NEAR_DUPLICATE = "near_duplicate"
    MIRRORED = "mirrored"
    SMALL_FACE = "small_face"
    FACE_LOST = "face_lost"
    SEVERAL_FACES = "several_faces"
    YAW = "yaw"
    PITCH = "pitch"
    ROLL = "roll"
    BLURRED = "blurred"
    MOUTH_OCCLUDED = "mouth_occluded"
    AUDIO_MISSING = "audio_missing"
    LITTLE_SPEECH = "little_speech"
    NOISY = "noisy"
    CLIPPED_AUDIO = "clipped_audio"
    POOR_AUDIO = "poor_audio"
    MUSIC = "music"
    POOR_FIT = "poor_fit"
    UNSURE_FIT = "unsure_fit"  # it misses landmarks that it was not shown
    UNSTEADY_FIT = "unsteady_fit"
    IDENTITY_CHANGES = "identity_changes"
    EXTREME_EXPRESSION = "extreme_expression"
    EYES_ASTRAY = "eyes_astray"
    EYES_SHUT = "eyes_shut"
    LIDS_DIFFER = "lids_differ"
    FROZEN_PICTURE = "frozen_picture"
    LIPS_STAY_OPEN = "lips_stay_open"  # at p, b and m
    LIPS_OFF_VOICE = "lips_off_voice"
    PICTURE_EARLY = "picture_early"
    PICTURE_LATE = "picture_late"
    OUT_OF_SYNC = "out_of_sync"
    SYNC_DRIFTS = "sync_drifts"
    FOREIGN_VOICE = "foreign_voice"  # voice-over, dubbed, or another's: the lips do not say it


@dataclass(frozen=True, slots=True)
class Verdict:
    """One gate's answer about one source, track or clip (``subject_id``).

    ``measured`` and ``threshold`` are in the gate's own unit; both are None where the gate is not a comparison.
    ``reason`` is None exactly when ``keep`` is true. ``detail`` says in words what a person would want to know.
    """

    subject_id: str
    gate: str
    keep: bool
    reason: Reason | None
    measured: float | None
    threshold: float | None
    stage_version: str
    detail: str = ""

    def __post_init__(self) -> None:
        if self.keep != (self.reason is None):
            raise ValueError(f"verdict of gate {self.gate!r}: keep={self.keep} does not go with reason={self.reason}")
