"""What is encoded can be read back: size, rate, length, sound."""

from pathlib import Path

import av
import numpy as np
import pytest

from models.encode import EncodingFailed, encode_video
from schemas.arrays import Float32


def tone(n_frames: int) -> Float32:
    return (0.5 * np.sin(np.arange(n_frames * 640) * 2 * np.pi * 440 / 16_000)).astype(np.float32)


def test_frames_and_sound_come_back(tmp_path: Path) -> None:
    shades = np.linspace(20, 230, 30).astype(np.uint8)
    frames = (np.full((48, 64, 3), shade, np.uint8) for shade in shades)
    encode_video(tmp_path / "clip.mp4", frames, lambda: tone(30), 16_000)
    with av.open(str(tmp_path / "clip.mp4")) as media:
        stream = media.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == 25
        pictures = [frame.to_ndarray(format="rgb24") for frame in media.decode(video=0)]
    with av.open(str(tmp_path / "clip.mp4")) as media:
        heard = np.concatenate([f.to_ndarray()[0] for f in media.decode(audio=0)])
    assert np.abs(np.array([p.mean() for p in pictures]) - shades).max() < 4
    assert abs(len(heard) - 30 * 640) <= 2048
    assert 0.3 < np.sqrt((heard[2048:-2048] ** 2).mean()) < 0.4
    assert [p.name for p in tmp_path.iterdir()] == ["clip.mp4"]


def test_a_refused_video_leaves_nothing_and_says_why(tmp_path: Path) -> None:
    odd = [np.zeros((31, 33, 3), np.uint8)] * 400
    with pytest.raises(EncodingFailed, match="divisible by 2"):
        encode_video(tmp_path / "clip.mp4", odd, lambda: tone(1), 16_000)
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_frame_maker_passes_through(tmp_path: Path) -> None:
    def frames():  # type: ignore[no-untyped-def]
        yield np.zeros((32, 32, 3), np.uint8)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        encode_video(tmp_path / "clip.mp4", frames(), lambda: tone(1), 16_000)
    assert list(tmp_path.iterdir()) == []
