import numpy as np
import pytest

from models.background import music_score, second_voice_score
from models.pitch import pitch
from schemas.arrays import Float32
from tests.bench.music import tune
from tests.builders import speech_like

SECONDS = 4
N = SECONDS * 16_000


def mixed(voice: Float32, other: Float32, snr_db: float) -> Float32:
    level = np.sqrt(np.square(voice).mean() / np.square(other).mean())
    return np.asarray(voice + level * 10 ** (-snr_db / 20) * other, np.float32)


def gliding_voice(seed: int, f0_hz: float) -> Float32:
    """One voice whose pitch wanders as speech does."""
    rng = np.random.default_rng(seed)
    t = np.arange(N) / 16_000
    semitones = np.interp(t, np.linspace(0, SECONDS, 24), rng.uniform(-3, 3, 24))
    phase = 2 * np.pi * np.cumsum(f0_hz * 2 ** (semitones / 12)) / 16_000
    voice = sum(np.sin(k * phase) / k for k in range(1, 16))
    return np.asarray(0.1 * voice + 0.0005 * rng.standard_normal(N), np.float32)


@pytest.mark.parametrize("kind", ["pad", "piano", "band"])
def test_music_under_a_voice_is_found(kind: str) -> None:
    voice = gliding_voice(0, 120)
    alone = music_score(voice)
    under = [music_score(mixed(voice, tune(kind, N, np.random.default_rng(seed)), 5)) for seed in range(3)]
    assert alone < 2.2
    assert min(under) > 2.5


def test_noise_and_clicks_are_no_music() -> None:
    noise = np.random.default_rng(0).standard_normal(N).astype(np.float32)
    assert music_score(noise) < 1.5
    assert music_score(mixed(gliding_voice(0, 120), noise, 5)) < 2.2


def test_loudness_does_not_matter_to_music() -> None:
    sound = mixed(gliding_voice(1, 200), tune("piano", N, np.random.default_rng(0)), 5)
    assert music_score(0.1 * sound) == pytest.approx(music_score(sound), abs=0.05)


def second_voice(sound: Float32) -> float:
    return second_voice_score(sound, pitch(sound, 60, 500)[0])


def test_a_second_voice_leaves_tones_that_the_first_does_not_explain() -> None:
    one = gliding_voice(2, 110)
    alone, both = second_voice(one), second_voice(mixed(one, gliding_voice(3, 190), 3))
    assert alone < 0.15
    assert both > alone + 0.1


@pytest.mark.parametrize(
    "sound", [np.zeros(0), np.zeros(640), np.zeros(N), np.ones(N)], ids=["none", "40 ms", "silence", "dc"]
)
def test_finite_on_nothing(sound: Float32) -> None:
    sound = sound.astype(np.float32)
    assert 0 <= music_score(sound) < 2
    assert second_voice_score(sound, np.zeros(sound.size // 640, np.float32)) == 0
    assert np.isfinite(second_voice_score(sound, np.full(sound.size // 640, 120, np.float32)))


def test_syllables_with_pauses_are_one_voice() -> None:
    assert second_voice(speech_like(N)) < 0.2
