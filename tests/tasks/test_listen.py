"""A sound of any length becomes features without seams, and says what is wrong with it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from models.whisper.states import WhisperStates
from models.whisper.steady import SteadyWhisper
from schemas.arrays import Float32
from schemas.speech import SpeechFeatures, VoiceQuality, joined
from schemas.units import SAMPLES_PER_FRAME
from tasks.listen import Impression, ListenConfig, Passage, concerns, features_of_audio, listen
from tasks.listen_live import LiveConfig, LiveListener
from tasks.media.hearing import CannotListen, SoundFile
from tasks.speech import SpeechConfig, speech
from tests import builders
from tests.models.whisper_files import write_tiny_whisper
from tests.tasks.test_speech import MUSIC

SHORT_WINDOWS = ListenConfig(hop_s=2.0, context_s=1.0)


class Detector:
    """Hears speech wherever there is sound."""

    def speech_probability(self, audio: Float32) -> Float32:
        windows = np.resize(np.abs(audio), (-(-audio.size // 512), 512))
        return (windows.max(axis=1) > 0.01).astype(np.float32)


class Loudness:
    """An encoder of no context: the mean amplitude of a frame, by the peak it was told."""

    name, dim = "loudness:0", 1

    def __init__(self) -> None:
        self.longest = 0
        self.peaks: list[float] = []

    def encode(self, audio: Float32) -> Float32:
        return np.abs(audio).reshape(-1, SAMPLES_PER_FRAME).mean(axis=1, keepdims=True)

    def peak(self, audio: Float32) -> float:
        return float(np.abs(audio).max())

    def encode_at(self, audio: Float32, peak: float) -> Float32:
        self.longest = max(self.longest, audio.size)
        self.peaks.append(peak)
        return self.encode(audio)


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> WhisperStates:
    return WhisperStates(write_tiny_whisper(tmp_path_factory.mktemp("whisper")))


def heard(audio: Float32, n_blocks: int = 1, config: ListenConfig = SHORT_WINDOWS) -> list[Passage]:
    return list(listen(np.array_split(audio, n_blocks), Loudness(), Detector(), config))


def features(passages: list[Passage]) -> SpeechFeatures:
    return joined(p.features for p in passages)


def test_features_are_the_numbers_that_curation_stores(whisper: WhisperStates) -> None:
    clip = builders.clip(50)
    quality: VoiceQuality = MUSIC  # too little speech to be transcribed: the decoder is not needed
    stored = speech(clip, quality, whisper, SpeechConfig()).features  # type: ignore[arg-type]
    found = features_of_audio(clip.audio, whisper, SpeechConfig())
    assert found.embedding_model == stored.embedding_model
    for name in ("envelope", "f0_hz", "embedding"):
        np.testing.assert_array_equal(getattr(found, name), getattr(stored, name))


@pytest.mark.parametrize("seconds", [0.2, 2.0, 3.04, 4.0, 9.51])
def test_passages_make_up_the_whole(seconds: float) -> None:
    audio = builders.speech_like(int(seconds * 16_000))
    passages = heard(audio, n_blocks=7)
    padded = np.pad(audio, (0, -audio.size % SAMPLES_PER_FRAME))
    np.testing.assert_array_equal(np.concatenate([p.audio for p in passages]), padded)
    whole, direct = features(passages), features_of_audio(padded, Loudness(), SpeechConfig())
    assert whole.n_frames == direct.n_frames == padded.size // SAMPLES_PER_FRAME
    np.testing.assert_allclose(whole.embedding, direct.embedding, atol=1e-6)
    inside = slice(3, -3)  # at its ends, a sound's envelope hangs on what was cut off
    np.testing.assert_allclose(whole.envelope[inside], direct.envelope[inside], atol=1e-4)
    assert np.mean((whole.f0_hz > 0) == (direct.f0_hz > 0)) > 0.98


def test_windows_take_over_from_one_another_gradually() -> None:
    class Counting(Loudness):
        """Every window has another number."""

        def encode_at(self, audio: Float32, peak: float) -> Float32:
            super().encode_at(audio, peak)
            return np.full((audio.size // SAMPLES_PER_FRAME, 1), len(self.peaks), np.float32)

    audio = builders.speech_like(9 * 16_000)
    passages = list(listen([audio], Counting(), Detector(), SHORT_WINDOWS))
    numbers = features(passages).embedding[:, 0]
    assert numbers[0] == 1
    assert numbers[-1] == len(passages) == 4
    steps = np.diff(numbers)
    assert steps.min() >= 0
    assert steps.max() < 0.06


def test_memory_is_that_of_a_window() -> None:
    encoder = Loudness()
    alive = builders.speech_like(16_000)

    def endless() -> Iterator[Float32]:
        for _ in range(60):
            yield alive

    sizes = [p.audio.size for p in listen(endless(), encoder, Detector(), SHORT_WINDOWS)]
    assert sum(sizes) == 60 * 16_000
    assert encoder.longest == 4 * 16_000


def test_a_quiet_stretch_is_not_raised_to_the_loud_one_before() -> None:
    audio = builders.speech_like(12 * 16_000)
    audio[4 * 16_000 :] *= 0.1
    encoder = Loudness()
    list(listen([audio], encoder, Detector(), SHORT_WINDOWS))
    assert encoder.peaks[-1] == pytest.approx(encoder.peaks[0], abs=0.011 * 12)


def test_a_sound_file_keeps_its_time(tmp_path: Path) -> None:
    path = builders.write_media(tmp_path / "click.m4a", sound=builders.click(3.0, 1.5))
    sound = np.concatenate(list(SoundFile(path).blocks()))
    assert np.abs(sound).argmax() / 16_000 == pytest.approx(1.5, abs=0.003)
    assert sound.size / 16_000 == pytest.approx(3.0, abs=0.05)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("absent.wav", None, "No such file"),
        ("empty.wav", b"", "not a media file"),
        ("noise.mp3", bytes(range(256)) * 40, "decoded|media file"),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:3,\nother.wav\n", "not a media file"),
    ],
)
def test_what_is_no_sound_is_refused_in_words(tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CannotListen, match=says):
        list(SoundFile(tmp_path / name).blocks())


def test_a_video_without_sound_is_refused(tmp_path: Path) -> None:
    path = builders.write_media(tmp_path / "mute.mp4", builders.moving_pattern(5))
    with pytest.raises(CannotListen, match="no sound"):
        list(SoundFile(path).blocks())


def test_a_sound_too_long_is_refused(tmp_path: Path) -> None:
    path = builders.write_media(tmp_path / "long.mkv", sound=builders.tone(4.0))
    with pytest.raises(CannotListen, match="cut it into parts"):
        list(SoundFile(path, max_duration_s=2.0).blocks())


def test_no_samples_are_refused() -> None:
    with pytest.raises(CannotListen, match="one sample"):
        list(listen([], Loudness(), Detector(), SHORT_WINDOWS))


def test_a_single_sample_gives_a_frame() -> None:
    assert features(heard(np.ones(1, np.float32))).n_frames == 1


def test_silence_is_heard_and_told_of() -> None:
    passages = heard(np.zeros(3 * 16_000, np.float32))
    whole = features(passages)
    assert not whole.f0_hz.any()
    assert not whole.envelope.any()
    assert "nothing can be heard" in concerns([p.impression for p in passages], None, SHORT_WINDOWS)[0]


def test_concerns_tell_of_music_and_damage_only() -> None:
    speaking, music = Impression(100, 0.7, 0.5), Impression(100, 0.0, 0.5)
    assert concerns([speaking, music], None, ListenConfig()) == ()
    assert "0% of the 4.0 s" in concerns([music], None, ListenConfig())[0]
    assert concerns([Impression(5, 0.0, 0.5)], None, ListenConfig()) == ()
    hurt = SoundFile(Path("a.mp3"), damaged_packets=3)
    assert "3 packets" in concerns([speaking], hurt, ListenConfig())[0]


def live(audio: Float32, config: LiveConfig, block: int = 700) -> list[SpeechFeatures]:
    listener = LiveListener(Loudness(), config)
    pushed = [listener.push(audio[at : at + block]) for at in range(0, audio.size, block)]
    return [f for f in (*pushed, listener.finish()) if f is not None]


def test_live_features_are_those_heard_afterwards() -> None:
    audio = builders.speech_like(4 * 16_000)
    found = joined(live(audio, LiveConfig()))
    whole = features_of_audio(audio, Loudness(), SpeechConfig())
    assert found.n_frames == 100
    np.testing.assert_allclose(found.embedding, whole.embedding, atol=1e-6)
    np.testing.assert_allclose(found.envelope[3:-3], whole.envelope[3:-3], atol=2e-3)
    assert np.mean((found.f0_hz > 0) == (whole.f0_hz > 0)) > 0.97


def test_live_features_come_as_soon_as_the_look_ahead_is_heard() -> None:
    config = LiveConfig(look_ahead_s=0.4, hop_s=0.2)
    listener = LiveListener(Loudness(), config)
    audio = builders.speech_like(16_000)
    assert listener.push(audio[: 15 * SAMPLES_PER_FRAME - 1]) is None
    first = listener.push(audio[15 * SAMPLES_PER_FRAME - 1 : 15 * SAMPLES_PER_FRAME])
    assert first is not None
    assert first.n_frames == listener.n_final == 5
    rest = listener.finish()
    assert rest is not None
    assert listener.n_final == 15
    assert listener.finish() is None


def test_the_look_ahead_is_heard_before_it_is_final() -> None:
    listener, audio = LiveListener(Loudness(), LiveConfig(look_ahead_s=0.4, hop_s=0.2)), builders.speech_like(16_000)
    assert listener.ahead is None
    loudness = Loudness().encode(audio[: 20 * SAMPLES_PER_FRAME])
    for final in (5, 10):
        assert listener.push(audio[: listener.n_missing - 1]) is None
        assert listener.n_missing == 1
        assert listener.push(audio[:1]) is not None
        assert listener.ahead is not None
        assert (listener.n_final, listener.ahead.n_frames) == (final, 10)
    listener = LiveListener(Loudness(), LiveConfig(look_ahead_s=0.4, hop_s=0.2))
    listener.push(audio[: 15 * SAMPLES_PER_FRAME])
    assert listener.ahead is not None
    np.testing.assert_allclose(listener.ahead.embedding, loudness[5:15], atol=1e-6)
    listener.push(audio[15 * SAMPLES_PER_FRAME : 20 * SAMPLES_PER_FRAME])
    np.testing.assert_allclose(listener.ahead.embedding, loudness[10:20], atol=1e-6)
    listener.finish()
    assert listener.ahead is None, "nothing follows the end"


def test_a_position_leaves_no_trace_in_a_steady_embedding(whisper: WhisperStates) -> None:
    steady = SteadyWhisper(whisper)
    hum = whisper.encode_steady_sound(0.5)
    assert np.abs(np.diff(hum[:200], axis=0)).max() > 0.1
    np.testing.assert_allclose(np.diff(steady.steady(hum[:200]), axis=0), 0, atol=1e-5)
    audio = builders.speech_like(60 * SAMPLES_PER_FRAME)
    np.testing.assert_array_equal(steady.encode(audio), steady.steady(whisper.encode(audio)))


def test_a_part_is_levelled_by_the_loudest_of_the_whole(whisper: WhisperStates) -> None:
    steady = SteadyWhisper(whisper)
    audio = builders.speech_like(50 * SAMPLES_PER_FRAME)
    own = steady.peak(audio)
    np.testing.assert_array_equal(steady.encode_at(audio, own), steady.encode(audio))
    assert np.abs(steady.encode_at(audio, own + 0.5) - steady.encode(audio)).max() > 0.01
