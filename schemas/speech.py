"""What a clip's sound holds: per-frame features, words, and scores of its quality."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from schemas.arrays import Bool, Float32, UInt32, admit_fields


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the transcript; times in seconds from the clip's first sample."""

    text: str
    start_s: float
    end_s: float
    probability: float


@dataclass(frozen=True, slots=True)
class Phone:
    """A sound or a pause, one IPA symbol without its marks; seconds from the first sample."""

    symbol: str
    start_s: float
    stop_s: float
    stressed: bool  # begins with the mark of primary stress


@dataclass(frozen=True, slots=True)
class SpeechFeatures:
    """What a motion model hears of a sound, at 25 frames a second (T frames)."""

    n_frames: int
    envelope: Float32  # [T] amplitude, linear, full scale = 1
    f0_hz: Float32  # [T] 0 where unvoiced
    embedding: Float32  # [T, D]
    embedding_model: str  # name and layer, "whisper-base:2" say

    def __post_init__(self) -> None:
        admit_fields(
            self,
            {"T": self.n_frames},
            envelope=(np.float32, ("T",)),
            f0_hz=(np.float32, ("T",)),
            embedding=(np.float32, ("T", "D")),
        )


def joined(passages: Iterable[SpeechFeatures]) -> SpeechFeatures:
    """The features of a whole sound out of those of its passages, of which there is at least one."""
    parts = list(passages)
    return SpeechFeatures(
        n_frames=sum(part.n_frames for part in parts),
        envelope=np.concatenate([part.envelope for part in parts]),
        f0_hz=np.concatenate([part.f0_hz for part in parts]),
        embedding=np.concatenate([part.embedding for part in parts]),
        embedding_model=parts[0].embedding_model,
    )


@dataclass(frozen=True, slots=True)
class SpeechTrack:
    """Audio features of a clip at 25 frames a second (T frames)."""

    clip_id: str
    n_frames: int
    envelope: Float32  # [T] amplitude, linear, full scale = 1
    f0_hz: Float32  # [T] 0 where unvoiced
    voiced: Bool  # [T]
    embedding: Float32  # [T, D]
    embedding_model: str  # name and layer, "whisper-base:2" say
    language: str  # ISO 639-1, or "und" where the model is unsure
    language_probability: float
    transcript: str
    words: tuple[Word, ...]
    fingerprint: UInt32  # [K] audio sub-fingerprints, for near duplicates

    def __post_init__(self) -> None:
        admit_fields(
            self,
            {"T": self.n_frames},
            envelope=(np.float32, ("T",)),
            f0_hz=(np.float32, ("T",)),
            voiced=(np.bool_, ("T",)),
            embedding=(np.float32, ("T", "D")),
            fingerprint=(np.uint32, ("K",)),
        )

    @property
    def embedding_dim(self) -> int:
        return int(self.embedding.shape[1])

    @property
    def features(self) -> SpeechFeatures:
        """The part of it that a motion model hears."""
        return SpeechFeatures(self.n_frames, self.envelope, self.f0_hz, self.embedding, self.embedding_model)


@dataclass(frozen=True, slots=True)
class VoiceQuality:
    """Scores of a clip's sound. Levels in dB are 20*log10 of an amplitude ratio."""

    speech_ratio: float  # share of the clip that is speech
    snr_db: float  # level of speech over level of what lies between
    clipped_ratio: float  # share of samples at full scale
    dnsmos_ovrl: float  # DNSMOS P.835, 1..5
    dnsmos_sig: float
    dnsmos_bak: float
    dnsmos_p808: float
