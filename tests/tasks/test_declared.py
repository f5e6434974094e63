"""What headers say of a file's length, against files of known length; nothing for files that do not say."""

import struct
from pathlib import Path

import pytest

from tasks.media.container import open_media
from tasks.media.declared import declared_duration_s
from tests.builders import moving_pattern, real_clip, tone, write_media

SECONDS = 2.0


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".ts"])
def test_a_header_tells_the_length(tmp_path: Path, suffix: str) -> None:
    video_codec = "libvpx" if suffix == ".webm" else "mpeg4"
    audio_codec = {".webm": "libopus", ".mpg": "mp2", ".ts": "mp2"}.get(suffix)
    path = tmp_path / f"a{suffix}"
    write_media(path, moving_pattern(50, 32, 32), sound=tone(SECONDS), video_codec=video_codec, audio_codec=audio_codec)
    assert declared_duration_s(path) == pytest.approx(SECONDS, abs=0.15)


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"not a video" * 100, b"\x1a\x45\xdf\xa3\x80", b"\x47" * 400])
def test_what_is_no_video_has_no_length(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    assert declared_duration_s(path) is None


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_a_damaged_header_does_no_harm(tmp_path: Path, suffix: str) -> None:
    whole = write_media(tmp_path / f"a{suffix}", moving_pattern(2, 32, 32), sound=tone(0.1)).read_bytes()
    cut = tmp_path / f"cut{suffix}"
    for n_bytes in range(0, 600, 37):
        for tail in (b"", b"\xff" * 40, b"\x00" * 40):
            cut.write_bytes(whole[:n_bytes] + tail)
            duration_s = declared_duration_s(cut)
            assert duration_s is None or duration_s > 0


def test_a_box_of_no_size_is_the_last(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(struct.pack(">I4s", 8, b"ftyp") + struct.pack(">I4s", 3, b"moov") + b"\x00" * 50)
    assert declared_duration_s(path) is None


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name", ["talking/hdtf_aoc.mp4", "talking/grid_s1_bbaf2n.mpg", "bad/cuts_tears_of_steel_70s.webm"]
)
def test_real_files_are_as_long_as_ffmpeg_says(name: str) -> None:
    path = real_clip(name)
    with open_media(path, 4096 * 2304) as media:
        assert declared_duration_s(path) == pytest.approx(media.duration / 1e6, abs=0.1)
