import importlib.metadata
from pathlib import Path

import numpy as np
import pytest

from models.vad import WINDOW_SAMPLES, SileroVad, probability_per_frame, speech_windows
from schemas.arrays import Float32
from tests.builders import tone

MODEL = Path(
    str(importlib.metadata.distribution("silero-vad").locate_file("silero_vad/data/silero_vad_16k_sequence.onnx"))
)


@pytest.fixture(scope="module")
def vad() -> SileroVad:
    return SileroVad(MODEL)


def windows(*parts: tuple[float, int]) -> Float32:
    """Probabilities: (value, how many windows) after one another."""
    return np.concatenate([np.full(n, value, np.float32) for value, n in parts])


@pytest.mark.parametrize("n_samples", [0, 1, 512, 513, 48_000])
def test_one_probability_a_window(vad: SileroVad, n_samples: int) -> None:
    probability = vad.speech_probability(np.zeros(n_samples, np.float32))
    assert probability.shape == (-(-n_samples // WINDOW_SAMPLES),)
    assert np.all((probability >= 0) & (probability <= 1))


def test_silence_noise_and_tone_are_no_speech(vad: SileroVad) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(48_000).astype(np.float32)
    for sound in (np.zeros(48_000, np.float32), noise, tone(3.0, rate=16_000)):
        assert not speech_windows(vad.speech_probability(sound)).any()


def test_agrees_with_the_packages_own_code(vad: SileroVad) -> None:
    from silero_vad.sequence_vad import SileroVADSequence

    sound = 0.1 * np.random.default_rng(1).standard_normal(20 * 16_000 + 77).astype(np.float32)
    sound *= np.sin(np.arange(sound.size) / 2000) ** 2
    np.testing.assert_allclose(
        vad.speech_probability(sound), SileroVADSequence(str(MODEL)).audio_forward(sound), atol=1e-6
    )


def test_speech_opens_high_and_closes_low() -> None:
    probability = windows((0.4, 5), (0.6, 10), (0.4, 5), (0.1, 20))
    assert np.flatnonzero(speech_windows(probability)).tolist() == list(range(5, 20))


def test_short_dips_stay_and_short_bursts_go() -> None:
    dip = windows((0.9, 10), (0.1, 2), (0.9, 10), (0.1, 10))
    assert speech_windows(dip).sum() == 22
    pause = windows((0.9, 10), (0.1, 6), (0.9, 10), (0.1, 10))
    assert speech_windows(pause).sum() == 20
    burst = windows((0.1, 10), (0.9, 4), (0.1, 10))
    assert not speech_windows(burst).any()
    assert speech_windows(np.zeros(0, np.float32)).size == 0


def test_frames_take_the_window_at_their_centre() -> None:
    probability = np.arange(6, dtype=np.float32)
    assert probability_per_frame(probability, 5).tolist() == [0, 1, 3, 4, 5]  # centres at 320, 960, 1600, 2240, 2880
    assert probability_per_frame(np.zeros(0, np.float32), 2).tolist() == [0, 0]
