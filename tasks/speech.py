"""What is said in a clip, and how.

Enters: a ``Clip`` and its ``VoiceQuality``. Leaves: a ``SpeechTrack``: loudness, pitch and a learned embedding per
frame, language, words with times, and a fingerprint by which a second copy of the sound is found.
"""

from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from pydantic import Field

from models.pitch import pitch
from models.speech_encoder import SpeechEncoder
from schemas.arrays import Float32
from schemas.clip import Clip
from schemas.config import StageConfig
from schemas.speech import SpeechTrack, VoiceQuality, Word
from schemas.units import FRAME_RATE, SAMPLE_RATE, SAMPLES_PER_FRAME
from tasks.fingerprint import fingerprint

if TYPE_CHECKING:
    from models.whisper.model import Heard  # torch: planning a run needs only this module's config

VERSION = "1"

UNKNOWN_LANGUAGE: Final = "und"  # ISO 639's code for undetermined
_ENVELOPE_LOW_PASS_HZ: Final = 10.0  # below half the frame rate, above the rate of syllables


class Listener(SpeechEncoder, Protocol):
    """What the stage asks of ``models.whisper.model.Whisper``."""

    def hear(self, audio: Float32) -> "Heard": ...


class SpeechConfig(StageConfig):
    embedding_model: str = Field("whisper", description="'whisper', or a transformers speech model by name or path")
    embedding_layer: int = Field(2, ge=0, description="after which of its layers the embedding is taken")
    min_speech_ratio: float = Field(0.2, ge=0, le=1, description="with less speech, no language and no words")
    min_language_probability: float = Field(0.5, ge=0, le=1, description="below this the language is 'und'")
    min_f0_hz: float = Field(60.0, gt=0)
    max_f0_hz: float = Field(500.0, gt=0)
    quiet_ratio: float = Field(0.03, ge=0, lt=1, description="of the peak envelope: words end where it falls below")


def speech(
    clip: Clip, quality: VoiceQuality, whisper: Listener, config: SpeechConfig, encoder: SpeechEncoder | None = None
) -> SpeechTrack:
    """The speech track of ``clip``. ``encoder`` gives the embedding where ``config.embedding_model`` names another
    model than Whisper, which otherwise gives embedding and words in one pass.

    A clip with little speech is not transcribed: Whisper writes text for any sound.
    """
    audio = clip.audio
    envelope = amplitude_envelope(audio)
    f0_hz, voiced = pitch(audio, config.min_f0_hz, config.max_f0_hz)
    language, probability, transcript = UNKNOWN_LANGUAGE, 0.0, ""
    words: tuple[Word, ...] = ()
    if quality.speech_ratio >= config.min_speech_ratio:
        heard = whisper.hear(audio)
        embedding = heard.embedding if encoder is None else encoder.encode(audio)
        probability = heard.language_probability
        language = heard.language if probability >= config.min_language_probability else UNKNOWN_LANGUAGE
        transcript = heard.transcript
        words = without_pauses(heard.words, envelope, config.quiet_ratio)
    else:
        embedding = (encoder or whisper).encode(audio)
    return SpeechTrack(
        clip_id=clip.clip_id,
        n_frames=clip.n_frames,
        envelope=envelope,
        f0_hz=f0_hz,
        voiced=voiced,
        embedding=embedding,
        embedding_model=(encoder or whisper).name,
        language=language,
        language_probability=probability,
        transcript=transcript,
        words=words,
        fingerprint=fingerprint(audio),
    )


def amplitude_envelope(audio: Float32) -> Float32:
    """Magnitude of the analytic signal of ``audio`` [T * 640] below 10 Hz, at frame centres; [T], full scale 1."""
    from scipy import signal  # a second to import, which planning a run need not wait for

    magnitude = np.abs(signal.hilbert(audio.astype(np.float64)))
    low_pass = signal.butter(2, _ENVELOPE_LOW_PASS_HZ, fs=SAMPLE_RATE, output="sos")
    smooth = signal.sosfiltfilt(low_pass, magnitude)  # both ways: no delay
    return np.maximum(smooth[SAMPLES_PER_FRAME // 2 :: SAMPLES_PER_FRAME], 0.0).astype(np.float32)


def without_pauses(words: tuple[Word, ...], envelope: Float32, quiet_ratio: float) -> tuple[Word, ...]:
    """``words`` with the pauses at their ends cut off. Whisper's attention gives every instant to some word, the
    silence before the first word and after the last included; ``envelope`` [T] tells where sound is."""
    if not words:
        return words
    sounding = np.flatnonzero(envelope >= quiet_ratio * envelope.max())
    starts, ends = sounding / float(FRAME_RATE), (sounding + 1) / float(FRAME_RATE)
    trimmed = []
    for word in words:
        inside = (ends > word.start_s) & (starts < word.end_s)
        if inside.any():
            start = max(word.start_s, float(starts[inside][0]))
            end = min(word.end_s, float(ends[inside][-1]))
            word = Word(word.text, start, end, word.probability)
        trimmed.append(word)
    return tuple(trimmed)
