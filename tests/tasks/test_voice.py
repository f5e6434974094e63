import numpy as np
import pytest

from models.dnsmos import SpeechScores
from models.vad import WINDOW_SAMPLES
from schemas.arrays import Float32
from tasks.voice import SNR_RANGE_DB, VoiceConfig, snr_db, voice_quality

CONFIG = VoiceConfig()


class EveryOtherHalfSecond:
    """A detector that hears speech in the second half of every second."""

    def speech_probability(self, audio: Float32) -> Float32:
        n_windows = -(-audio.size // WINDOW_SAMPLES)
        return ((np.arange(n_windows) * WINDOW_SAMPLES) % 16_000 >= 8_000).astype(np.float32)


class Always:
    def __init__(self, probability: float) -> None:
        self.probability = probability

    def speech_probability(self, audio: Float32) -> Float32:
        return np.full(-(-audio.size // WINDOW_SAMPLES), self.probability, np.float32)


class Judge:
    def score(self, audio: Float32) -> SpeechScores:
        return SpeechScores(ovrl=3.0, sig=3.1, bak=3.2, p808=3.3)


def sound(noise_rms: float, seconds: int = 4, speech_rms: float = 0.1) -> Float32:
    """White noise, louder in the second half of every second."""
    rng = np.random.default_rng(0)
    level = np.where(np.arange(seconds * 16_000) % 16_000 >= 8_000, speech_rms, noise_rms)
    return (level * rng.standard_normal(level.size)).astype(np.float32)


@pytest.mark.parametrize("wanted_db", [0, 10, 20, 40])
def test_snr_is_the_level_difference(wanted_db: float) -> None:
    quality = voice_quality(sound(0.1 * 10 ** (-wanted_db / 20)), EveryOtherHalfSecond(), Judge(), CONFIG)
    assert quality.snr_db == pytest.approx(wanted_db, abs=0.5)
    assert quality.speech_ratio == pytest.approx(0.5, abs=0.03)
    assert (quality.dnsmos_ovrl, quality.dnsmos_sig, quality.dnsmos_bak, quality.dnsmos_p808) == (3.0, 3.1, 3.2, 3.3)


def test_without_pauses_the_quietest_part_is_the_noise() -> None:
    clean, noisy = (voice_quality(sound(rms), Always(1.0), Judge(), CONFIG).snr_db for rms in (0.001, 0.03))
    assert clean == pytest.approx(20 * np.log10(0.1 / 0.001 / np.sqrt(2)), abs=1.5)
    assert noisy < 10


def test_clipping_is_counted() -> None:
    wave = np.clip(2 * np.sin(np.arange(16_000) / 20), -1, 1).astype(np.float32)
    assert voice_quality(wave, Always(1.0), Judge(), CONFIG).clipped_ratio == pytest.approx(2 / 3, abs=0.02)
    assert voice_quality(wave / 2, Always(1.0), Judge(), CONFIG).clipped_ratio == 0


@pytest.mark.parametrize("probability", [0.0, 1.0])
@pytest.mark.parametrize("n_samples", [0, 1, 511, 640, 16_000])
def test_finite_on_silence_of_any_length(n_samples: int, probability: float) -> None:
    quality = voice_quality(np.zeros(n_samples, np.float32), Always(probability), Judge(), CONFIG)
    assert quality.snr_db == SNR_RANGE_DB[0]
    assert 0 <= quality.speech_ratio <= 1
    assert quality.clipped_ratio == 0


def test_digitally_silent_pauses_are_clamped() -> None:
    assert voice_quality(sound(0.0), EveryOtherHalfSecond(), Judge(), CONFIG).snr_db == SNR_RANGE_DB[1]


def test_the_edges_of_speech_are_not_noise() -> None:
    audio = sound(0.001)
    # Speech fades: what lies right behind its last window is still loud.
    audio[16_000 : 16_000 + 1_000] *= 50
    speech = EveryOtherHalfSecond().speech_probability(audio) > 0.5
    assert snr_db(audio, speech, CONFIG) == pytest.approx(40, abs=1)


def test_a_click_in_a_pause_is_not_the_noise() -> None:
    audio = sound(0.001)
    audio[4_000:4_500] = 0.5
    assert voice_quality(audio, EveryOtherHalfSecond(), Judge(), CONFIG).snr_db == pytest.approx(40, abs=1)


def test_words_that_the_detector_missed_in_half_of_the_pauses_are_not_the_noise() -> None:
    audio, loud = sound(0.001), sound(0.1)
    missed = np.arange(audio.size) % 16_000 < 4_500
    audio[missed] = loud[missed]
    assert voice_quality(audio, EveryOtherHalfSecond(), Judge(), CONFIG).snr_db == pytest.approx(40, abs=1)
