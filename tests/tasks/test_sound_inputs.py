"""Any sound that a file can hold is judged alike: rates, widths, channels, clipped or silent."""

from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest

from models.dnsmos import SpeechScores
from models.vad import WINDOW_SAMPLES
from schemas.arrays import Float32
from schemas.source import Offer, SourceVideo
from schemas.speech import VoiceQuality
from tasks.ingest import IngestConfig, ingest
from tasks.media.footage import Footage
from tasks.voice import SNR_RANGE_DB, VoiceConfig, voice_quality
from tests.clock.film import Pictures, Sound, steady, write_film

SNR_DB = 30


class SecondHalves:
    """Hears speech in the second half of every second, and finds it good."""

    def speech_probability(self, audio: Float32) -> Float32:
        n_windows = -(-audio.size // WINDOW_SAMPLES)
        return ((np.arange(n_windows) * WINDOW_SAMPLES) % 16_000 >= 8_000).astype(np.float32)

    def score(self, audio: Float32) -> SpeechScores:
        assert np.isfinite(audio).all()
        assert np.abs(audio).max(initial=0) <= 1
        return SpeechScores(3, 3, 3, 3)


def voice(rate: int) -> Float32:
    """Three seconds: a voice in the second half of every second, the same 30 dB lower in the first."""
    t = np.arange(3 * rate) / rate
    tone = sum(np.sin(2 * np.pi * 150 * k * t) / k for k in range(1, 16))
    level = np.where(t % 1 >= 0.5, 0.3, 0.3 * 10 ** (-SNR_DB / 20))
    return (level * tone / 2).astype(np.float32)


def judged(path: Path, sound: Sound) -> tuple[VoiceQuality, Float32]:
    write_film(path, Pictures(steady(25)), sound, ())
    source = ingest(Offer(path), IngestConfig())
    assert isinstance(source, SourceVideo), source
    with Footage(source, 1280) as footage:
        audio, _ = footage.sound(0, sum(1 for _ in footage.pictures()))
    ears = SecondHalves()
    return voice_quality(audio, ears, ears, VoiceConfig()), audio


FORMATS = {
    "8 kHz": (".mov", Sound("pcm_s16le", 8_000)),
    "11.025 kHz, AAC": (".mp4", Sound("aac", 11_025)),
    "44.1 kHz stereo, MP3": (".mkv", Sound("libmp3lame", 44_100, "stereo")),
    "48 kHz 5.1": (".mkv", Sound("pcm_s24le", 48_000, "5.1", "s32")),
    "96 kHz": (".mkv", Sound("flac", 96_000)),
    "192 kHz stereo": (".mov", Sound("pcm_s16le", 192_000, "stereo")),
    "8 bits": (".mov", Sound("pcm_u8", 16_000, sample_format="u8")),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_voice_is_the_same_voice(name: str, tmp_path: Path) -> None:
    suffix, sound = FORMATS[name]
    quality, audio = judged(tmp_path / f"film{suffix}", replace(sound, wave=voice(sound.rate)))
    wanted = voice(16_000)
    assert np.corrcoef(audio[1600:-1600], wanted[1600:-1600])[0, 1] > 0.99
    assert quality.snr_db == pytest.approx(SNR_DB, abs=3)  # eight bits add noise of their own
    assert quality.clipped_ratio == 0


def test_clipping_is_seen_through_any_format(tmp_path: Path) -> None:
    loud = np.clip(8 * voice(48_000), -1, 1)
    quality, _ = judged(tmp_path / "film.mkv", Sound("pcm_s16le", layout="stereo", wave=loud))
    assert 0.05 < quality.clipped_ratio < 0.5


def test_samples_that_are_no_numbers_are_silent(tmp_path: Path) -> None:
    broken = voice(48_000)
    broken[10_000:12_000] = np.nan
    broken[20_000:20_010] = np.inf
    quality, audio = judged(tmp_path / "film.mkv", Sound("pcm_f32le", sample_format="flt", wave=broken))
    assert np.isfinite(audio).all()
    assert np.isfinite(astuple(quality)).all()


def test_silence_is_judged_and_lowest(tmp_path: Path) -> None:
    quality, audio = judged(tmp_path / "film.mp4", Sound("aac", wave=np.zeros(144_000, np.float32)))
    assert not audio.any()
    assert quality.snr_db == SNR_RANGE_DB[0]
