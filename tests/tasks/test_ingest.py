"""Every file offered is either described truly or refused with the right reason."""

import hashlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from schemas.source import Offer, SourceVideo, source_id_of
from schemas.verdict import Reason, Verdict
from tasks.ingest import VERSION, IngestConfig, hash_file, ingest
from tests.builders import moving_pattern, real_clip, tone, write_media


def refused(path: Path, **config: float) -> Verdict:
    verdict = ingest(Offer(path), IngestConfig.model_validate(config))
    assert isinstance(verdict, Verdict), verdict
    assert not verdict.keep
    assert (verdict.gate, verdict.stage_version) == ("ingest", f"ingest@{VERSION}")
    assert verdict.subject_id == source_id_of(hash_file(path))
    assert verdict.detail
    return verdict


def talk(path: Path, seconds: float = 2.0) -> Path:
    return write_media(path, moving_pattern(round(25 * seconds)), sound=tone(seconds))


def test_a_good_file_is_described(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", moving_pattern(60, 96, 128), fps=30, sound=tone(2.0), sound_start_s=0.25)
    offer = Offer(path, dataset="made", licence="CC0-1.0")
    source = ingest(offer, IngestConfig())
    assert isinstance(source, SourceVideo)
    assert source.offer is offer
    assert source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert source.source_id == source.sha256[:16]
    assert source.size_bytes == path.stat().st_size
    assert (source.width, source.height, source.fps, source.rotation_deg) == (128, 96, Fraction(30), 0)
    assert source.duration_s == pytest.approx(2.0, abs=0.05)
    assert source.video_start_s == 0
    assert float(source.audio_start_s) == pytest.approx(0.25, abs=0.03)


def test_a_hash_that_is_known_is_not_computed_again(tmp_path: Path) -> None:
    source = ingest(Offer(talk(tmp_path / "a.mp4")), IngestConfig(), sha256="ab" * 32)
    assert isinstance(source, SourceVideo)
    assert source.sha256 == "ab" * 32


def test_what_is_not_media_is_undecodable(tmp_path: Path) -> None:
    for name, content in (("empty.mp4", b""), ("text.mp4", b"hello " * 999), ("noise.mp4", bytes(range(256)) * 99)):
        path = tmp_path / name
        path.write_bytes(content)
        assert refused(path).reason is Reason.UNDECODABLE


def test_an_index_without_its_data_is_undecodable(tmp_path: Path) -> None:
    path = talk(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])  # the index of an mp4 stands at its end
    assert refused(path).reason is Reason.UNDECODABLE


def test_an_absent_file_is_the_environments_fault(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ingest(Offer(tmp_path / "gone.mp4"), IngestConfig())


def test_a_missing_stream_is_named(tmp_path: Path) -> None:
    assert refused(write_media(tmp_path / "a.mp4", moving_pattern(50))).reason is Reason.NO_AUDIO
    assert refused(write_media(tmp_path / "b.mp4", sound=tone(2.0))).reason is Reason.NO_VIDEO
    assert refused(write_media(tmp_path / "c.wav", sound=tone(2.0), audio_codec="pcm_s16le")).reason is Reason.NO_VIDEO


def test_cover_art_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        cover = container.add_stream("mjpeg", rate=1)
        cover.width = cover.height = 64
        cover.pix_fmt = "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        sound = container.add_stream("aac", rate=48_000, layout="mono")
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        container.mux(cover.encode(frame))
        container.mux(cover.encode())
        for k in range(100):
            block = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), format="s16", layout="mono")
            block.sample_rate, block.pts = 48_000, 1024 * k
            container.mux(sound.encode(block))
        container.mux(sound.encode())
    assert refused(path).reason is Reason.NO_VIDEO


def test_durations_are_measured_against_their_limits(tmp_path: Path) -> None:
    short = refused(talk(tmp_path / "a.mp4", 0.4))
    assert (short.reason, short.threshold) == (Reason.TOO_SHORT, 1.0)
    assert short.measured == pytest.approx(0.4)
    long = refused(talk(tmp_path / "b.mp4", 3), max_duration_s=2.0)
    assert (long.reason, long.threshold) == (Reason.TOO_LONG, 2.0)
    assert long.measured is not None
    assert 2.0 < long.measured <= 3.0


def test_a_header_that_promises_too_much_is_not_believed(tmp_path: Path) -> None:
    path = talk(tmp_path / "a.mkv", 4)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source = ingest(Offer(path), IngestConfig())
    assert isinstance(source, SourceVideo)
    assert 1.0 < source.duration_s < 3.0


def test_large_files_and_pictures_are_refused_before_decoding(tmp_path: Path) -> None:
    path = talk(tmp_path / "a.mp4")
    size = path.stat().st_size
    large = refused(path, max_bytes=size - 1)
    assert (large.reason, large.measured, large.threshold) == (Reason.TOO_LARGE, size, size - 1)
    wide = refused(path, max_pixels=128 * 96 - 1)
    assert (wide.reason, wide.measured, wide.threshold) == (Reason.TOO_LARGE, 128 * 96, 128 * 96 - 1)


def test_playlists_that_open_other_files_are_refused(tmp_path: Path) -> None:
    secret = talk(tmp_path / "secret.mp4")
    concat = tmp_path / "a.mp4"
    concat.write_text(f"ffconcat version 1.0\nfile '{secret.name}'\n")
    playlist = tmp_path / "b.mp4"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{secret.as_uri()}\n#EXT-X-ENDLIST\n")
    assert refused(concat).reason is Reason.UNDECODABLE
    assert refused(playlist).reason is Reason.UNDECODABLE


def test_of_several_streams_the_first_of_each_kind_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        films = [container.add_stream("mpeg4", rate=25) for _ in range(2)]
        for film, size in zip(films, (64, 32), strict=True):
            film.width, film.height, film.pix_fmt = size, size, "yuv420p"
        for picture in moving_pattern(50, 64, 64):
            for film in films:
                shown = av.VideoFrame.from_ndarray(picture, format="rgb24")
                container.mux(film.encode(shown))
            block = av.AudioFrame.from_ndarray(np.zeros((1, 640), np.int16), format="s16", layout="mono")
            block.sample_rate = 16_000
            container.mux(sound.encode(block))
        container.mux(sound.encode())
        for film in films:
            container.mux(film.encode())
    source = ingest(Offer(path), IngestConfig())
    assert isinstance(source, SourceVideo)
    assert (source.audio_stream, source.video_stream, source.width) == (0, 1, 64)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("zero_bytes.mp4", Reason.UNDECODABLE),
        ("derived_truncated.mp4", Reason.UNDECODABLE),
        ("noaudio_talking.mp4", Reason.NO_AUDIO),
        ("noface_bottles_noaudio.mp4", Reason.NO_AUDIO),
        ("noface_person_10fps_139s_noaudio.mp4", Reason.NO_AUDIO),
        ("derived_rot90_tag.mp4", (512, 512, 270)),
        ("derived_truncated_grid.mpg", (360, 288, 0)),
        ("face_then_none_vfr_hevc.mov", (960, 540, 0)),
        ("noface_nasa_two_streams.mp4", (320, 180, 0)),
    ],
)
def test_real_files(name: str, expected: Reason | tuple[int, int, int]) -> None:
    found = ingest(Offer(real_clip(f"bad/{name}")), IngestConfig())
    if isinstance(found, Verdict):
        assert found.reason is expected
    else:
        assert (found.width, found.height, found.rotation_deg) == expected
