import numpy as np
import pytest

from models.prosody_curves import FLOOR_DB, energy_db, loudness_db, onset_db, speech_level, tilt_db
from schemas.arrays import Float32
from tests.builders import speech_like

N_FRAMES = 100
N = N_FRAMES * 640


def noise(slope_db: float) -> Float32:
    """Noise whose spectrum falls by ``slope_db`` an octave."""
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(N))
    hz = np.maximum(np.fft.rfftfreq(N, 1 / 16_000), 50)
    spectrum *= (hz / 1000) ** (slope_db / (20 * np.log10(2)))
    return np.fft.irfft(spectrum, N).astype(np.float32)


@pytest.mark.parametrize("slope_db", [-9, 0, 3])
def test_tilt_is_the_slope_of_the_spectrum(slope_db: float) -> None:
    tilt = tilt_db(noise(slope_db))
    assert tilt.shape == (N_FRAMES,)
    assert np.median(tilt) == pytest.approx(slope_db, abs=0.5)
    assert np.median(tilt_db(0.01 * noise(slope_db))) == pytest.approx(slope_db, abs=0.5)


def test_levels_are_relative_to_the_speech_and_do_not_know_the_gain() -> None:
    envelope = np.where(np.arange(N_FRAMES) < 90, 0.02, 0.2).astype(np.float32)
    level = speech_level(envelope)
    assert level == pytest.approx(0.2)
    assert loudness_db(envelope, level)[[0, -1]] == pytest.approx([-20, 0], abs=0.01)
    quieter = loudness_db(envelope / 8, speech_level(envelope / 8))
    assert quieter == pytest.approx(loudness_db(envelope, level), abs=0.01)


def test_energy_is_the_power_of_a_frame() -> None:
    t = np.arange(N) / 16_000
    sine = (0.2 * np.sin(2 * np.pi * 400 * t)).astype(np.float32)
    sine[: N // 2] = 0
    energy = energy_db(sine, level=0.2)
    assert energy[: N_FRAMES // 2] == pytest.approx(FLOOR_DB)
    assert energy[N_FRAMES // 2 + 1 :] == pytest.approx(-3.01, abs=0.05)


def test_an_onset_falls_into_its_own_frame() -> None:
    sound = 1e-4 * np.random.default_rng(0).standard_normal(N).astype(np.float32)
    sound[40 * 640 + 320 : 60 * 640] *= 1000
    onset = onset_db(sound)
    assert onset.argmax() == 40
    assert onset[40] > 40
    assert onset[61:70].max() < 20  # it ends: a fall counts nothing


def test_silence_is_flat_and_finite() -> None:
    silence = np.zeros(N, np.float32)
    level = speech_level(np.zeros(N_FRAMES, np.float32))
    assert energy_db(silence, level) == pytest.approx(FLOOR_DB)
    assert tilt_db(silence) == pytest.approx(0)
    assert onset_db(silence) == pytest.approx(0)


def test_curves_move_with_the_sound_by_whole_frames() -> None:
    sound = speech_like(N, seed=3)
    later = np.concatenate([np.zeros(5 * 640, np.float32), sound])[:N]
    for curve in (tilt_db, onset_db):
        assert curve(later)[8:-3] == pytest.approx(curve(sound)[3:-8], abs=1e-3)
