"""What a voice and a face do beside the words: curves over time, and numbers for the whole clip. The only labels
are those of a model that a recipe names."""

from dataclasses import dataclass, fields

import numpy as np

from schemas.arrays import Float32, admit_fields


class _Numbers:
    """Records whose fields are columns of ``clips`` by the same names."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return tuple(f.name for f in fields(cls))  # type: ignore[arg-type] # every subclass is a dataclass


@dataclass(frozen=True, slots=True)
class VoiceCurves:
    """How a clip is said, 25 frames a second (T frames), each about the frame's centre.

    Levels are dB against the clip's own level of speech, so that a microphone's gain changes nothing and clips compare.
    """

    clip_id: str
    n_frames: int
    loudness_db: Float32  # [T] Hilbert envelope below 10 Hz
    energy_db: Float32  # [T] power of the frame's 40 ms
    tilt_db: Float32  # [T] dB an octave, 200 to 6400 Hz: a pressed voice is flatter, a breathy one steeper
    onset_db: Float32  # [T] how much mel bands rise within the frame, mean over bands

    def __post_init__(self) -> None:
        admit_fields(
            self,
            {"T": self.n_frames},
            loudness_db=(np.float32, ("T",)),
            energy_db=(np.float32, ("T",)),
            tilt_db=(np.float32, ("T",)),
            onset_db=(np.float32, ("T",)),
        )


@dataclass(frozen=True, slots=True)
class VoiceCues(_Numbers):
    """What in a voice goes with arousal: each rises with it, the tilt towards 0 (Banse and Scherer 1996; Juslin and
    Laukka 2003). They depend on the speaker and the microphone first: compare clips of one speaker. None where there
    is too little to tell."""

    speech_level_dbfs: float | None
    f0_median_hz: float | None
    f0_range_semitones: float | None  # 10th to 90th percentile
    loudness_range_db: float | None  # the same, of voiced frames
    voice_tilt_db: float | None  # median of voiced frames, dB an octave
    words_per_s: float | None  # of time in words


@dataclass(frozen=True, slots=True)
class VoiceEmotion:
    """What a model of the user's own makes of a voice, by its own K labels. What they are worth its authors say."""

    model: str
    labels: tuple[str, ...]
    probabilities: Float32  # [K]; they add up to 1 unless the model may give several labels at once

    def __post_init__(self) -> None:
        admit_fields(self, {"K": len(self.labels)}, probabilities=(np.float32, ("K",)))


@dataclass(frozen=True, slots=True)
class Background(_Numbers):
    """What sounds beside the voice: ``models.background``."""

    music: float  # 0..5, speech alone below 2
    second_voice: float  # 0..1, one voice about 0.12; noise and music raise it too


@dataclass(frozen=True, slots=True)
class FaceCues(_Numbers):
    """What the face shows over the whole clip, 0..1, by ``models.expression``; valence and arousal -1..1."""

    face_neutral: float
    face_angry: float
    face_contempt: float
    face_disgusted: float
    face_fear: float
    face_happy: float
    face_sad: float
    face_surprised: float
    face_valence: float
    face_arousal: float
