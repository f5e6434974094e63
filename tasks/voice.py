"""How good a clip's sound is.

Enters: a clip's audio and the two warm models. Leaves: a ``VoiceQuality``, finite for any sound, silence included;
gates compare it later.
"""

from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from pydantic import Field

from models.vad import WINDOW_SAMPLES, speech_windows
from schemas.arrays import Bool, Float32
from schemas.config import StageConfig
from schemas.speech import VoiceQuality
from schemas.units import SAMPLE_RATE

if TYPE_CHECKING:
    from models.dnsmos import SpeechScores  # torch: planning a run needs only this module's config

VERSION = "2"

SNR_RANGE_DB: Final = (-20.0, 60.0)  # clamped: gated or digitally silent pauses would be infinite
_FULL_SCALE: Final = 0.99  # below 1, since resampling and lossy coding round a clipped peak off
_SILENT_RMS: Final = 1e-5


class SpeechDetector(Protocol):
    def speech_probability(self, audio: Float32) -> Float32: ...


class SpeechJudge(Protocol):
    def score(self, audio: Float32) -> "SpeechScores": ...


class VoiceConfig(StageConfig):
    speech_onset: float = Field(0.5, gt=0, lt=1, description="speech begins where its probability reaches this")
    speech_offset: float = Field(0.35, gt=0, lt=1, description="and ends where it stays below this")
    noise_guard_s: float = Field(0.1, ge=0, description="distance from speech at which a pause counts as noise")
    noise_percent: float = Field(
        25.0, gt=0, lt=100, description="of the pauses' windows are quieter than what counts as their noise"
    )
    min_noise_s: float = Field(0.2, gt=0, description="with less pause than this, noise is read from the quietest part")
    quietest_percent: float = Field(5.0, gt=0, lt=50, description="what the quietest part is")


def voice_quality(audio: Float32, vad: SpeechDetector, dnsmos: SpeechJudge, config: VoiceConfig) -> VoiceQuality:
    """Scores of ``audio`` [S], 16 kHz mono, full scale 1."""
    speech = speech_windows(vad.speech_probability(audio), config.speech_onset, config.speech_offset)
    scores = dnsmos.score(audio)
    return VoiceQuality(
        speech_ratio=float(speech.mean()) if speech.size else 0.0,
        snr_db=snr_db(audio, speech, config),
        clipped_ratio=float(np.mean(np.abs(audio) >= _FULL_SCALE)) if audio.size else 0.0,
        dnsmos_ovrl=scores.ovrl,
        dnsmos_sig=scores.sig,
        dnsmos_bak=scores.bak,
        dnsmos_p808=scores.p808,
    )


def snr_db(audio: Float32, speech: Bool, config: VoiceConfig) -> float:
    """20 * log10 of the RMS of speech over the RMS of the noise between, in ``SNR_RANGE_DB``.

    ``speech`` [W] marks windows of 512 samples of ``audio`` [S]. The noise is the lower quartile of the pauses: a
    click, a breath or a word the detector missed is no noise floor (with the mean, one clean clip in twenty fell below
    10 dB, with the median one in 150; steady noise has all its windows within a decibel). Without enough pause it is
    the level that the quietest windows stay below, an upper bound as speech is in them too. Without speech: the lowest
    value.
    """
    lowest, highest = SNR_RANGE_DB
    power = _window_power(audio)
    speech = speech[: power.size]
    if not speech.any():
        return lowest
    speech_rms = float(np.sqrt(power[speech].mean()))
    pause = ~_widened(speech, config.noise_guard_s)
    if pause.sum() * WINDOW_SAMPLES >= config.min_noise_s * SAMPLE_RATE:
        noise_power = float(np.percentile(power[pause], config.noise_percent))
    else:
        noise_power = float(np.percentile(power, config.quietest_percent))
    if speech_rms < _SILENT_RMS:
        return lowest
    noise_rms = max(float(np.sqrt(noise_power)), _SILENT_RMS)
    return float(np.clip(20.0 * np.log10(speech_rms / noise_rms), lowest, highest))


def _window_power(audio: Float32) -> Float32:
    """Mean square of each whole window; [S // 512]."""
    n_windows = audio.size // WINDOW_SAMPLES
    windows = audio[: n_windows * WINDOW_SAMPLES].reshape(n_windows, WINDOW_SAMPLES)
    return np.asarray(np.square(windows).mean(axis=1), np.float32)


def _widened(mask: Bool, by_s: float) -> Bool:
    reach = round(by_s * SAMPLE_RATE / WINDOW_SAMPLES)
    return np.convolve(mask, np.ones(2 * reach + 1), mode="same") > 0 if reach else mask
