import numpy as np
import pytest

from models.pitch import pitch
from models.whisper.model import Heard
from schemas.arrays import Float32
from schemas.speech import VoiceQuality, Word
from schemas.units import SAMPLES_PER_FRAME
from tasks.speech import SpeechConfig, amplitude_envelope, speech, without_pauses
from tests.builders import clip

TALKING = VoiceQuality(0.8, 30.0, 0.0, 3.0, 3.0, 3.0, 3.0)
MUSIC = VoiceQuality(0.05, 30.0, 0.0, 3.0, 3.0, 3.0, 3.0)


class Encoder:
    name, dim = "other:1", 3

    def encode(self, audio: Float32) -> Float32:
        return np.full((audio.size // SAMPLES_PER_FRAME, 3), 2, np.float32)


class Listener:
    name, dim = "whisper-fake:2", 4

    def __init__(self, language_probability: float = 0.9) -> None:
        self.language_probability = language_probability
        self.heard = 0

    def encode(self, audio: Float32) -> Float32:
        return np.ones((audio.size // SAMPLES_PER_FRAME, 4), np.float32)

    def hear(self, audio: Float32) -> Heard:
        self.heard += 1
        return Heard(self.encode(audio), "fr", self.language_probability, "bonjour", (Word("bonjour", 0.2, 1.0, 0.9),))


@pytest.mark.parametrize("n_frames", [25, 75, 211])
def test_every_track_has_one_value_a_frame(n_frames: int) -> None:
    track = speech(clip(n_frames), TALKING, Listener(), SpeechConfig())
    assert track.n_frames == n_frames
    assert track.embedding.shape == (n_frames, 4)
    assert track.embedding_model == "whisper-fake:2"
    assert (track.language, track.transcript) == ("fr", "bonjour")
    assert len(track.words) == 1


def test_music_is_not_transcribed_but_embedded() -> None:
    listener = Listener()
    track = speech(clip(), MUSIC, listener, SpeechConfig())
    assert listener.heard == 0
    assert (track.language, track.language_probability, track.transcript, track.words) == ("und", 0.0, "", ())
    assert track.embedding.shape == (75, 4)


def test_an_unsure_language_is_undetermined() -> None:
    track = speech(clip(), TALKING, Listener(0.4), SpeechConfig())
    assert (track.language, track.language_probability) == ("und", 0.4)
    assert track.transcript == "bonjour"


def test_another_encoder_gives_the_embedding() -> None:
    track = speech(clip(), TALKING, Listener(), SpeechConfig(embedding_model="other"), Encoder())
    assert track.embedding_model == "other:1"
    assert np.all(track.embedding == 2)
    assert track.transcript == "bonjour"


def test_silence_gives_a_finite_track() -> None:
    track = speech(clip(audio=np.zeros(75 * SAMPLES_PER_FRAME, np.float32)), MUSIC, Listener(), SpeechConfig())
    assert not track.voiced.any()
    assert not track.envelope.any()
    assert not track.fingerprint.any()


def test_envelope_is_the_amplitude_at_the_frame_centre() -> None:
    t = np.arange(100 * SAMPLES_PER_FRAME) / 16_000
    amplitude = 0.3 + 0.2 * np.sin(2 * np.pi * 1.5 * t)
    envelope = amplitude_envelope((amplitude * np.sin(2 * np.pi * 300 * t)).astype(np.float32))
    centres = amplitude[SAMPLES_PER_FRAME // 2 :: SAMPLES_PER_FRAME]
    assert envelope.shape == (100,)
    np.testing.assert_allclose(envelope[5:-5], centres[5:-5], atol=0.01)


def test_pitch_follows_a_glide_at_the_frame_centre() -> None:
    t = np.arange(100 * SAMPLES_PER_FRAME) / 16_000
    hz = 120 + 20 * t
    phase = 2 * np.pi * (120 * t + 10 * t**2)
    voice = sum(np.sin(k * phase) / k for k in range(1, 9))
    audio = (0.1 * voice).astype(np.float32)
    audio[: 30 * SAMPLES_PER_FRAME] = 0
    f0, voiced = pitch(audio, 60.0, 500.0)
    assert f0.shape == voiced.shape == (100,)
    assert not voiced[:28].any()
    assert voiced[33:97].all()
    centres = hz[SAMPLES_PER_FRAME // 2 :: SAMPLES_PER_FRAME]
    np.testing.assert_allclose(f0[33:97], centres[33:97], rtol=0.005)  # a frame of delay would be 0.8 Hz


def test_words_lose_the_pauses_around_them() -> None:
    envelope = np.zeros(50, np.float32)
    envelope[10:20] = envelope[30:40] = 0.5
    words = (Word("a", 0.0, 1.0, 1.0), Word("b", 1.0, 2.0, 1.0), Word("c", 1.8, 1.9, 1.0))
    a, b, c = without_pauses(words, envelope, 0.03)
    assert (a.start_s, a.end_s) == pytest.approx((0.4, 0.8))
    assert (b.start_s, b.end_s) == pytest.approx((1.2, 1.6))
    assert c == words[2]  # all pause: left as it is
