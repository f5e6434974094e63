"""Pictures at 25 fps and sound at 16 kHz on one clock, whatever clock the file keeps."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from schemas.arrays import Float32
from schemas.source import Offer, SourceVideo
from tasks.ingest import IngestConfig, ingest
from tasks.media.clock import MAX_GAP_S, Presented, at_frame_rate
from tasks.media.container import UndecodableMedia, upright_size
from tasks.media.footage import Footage
from tests.builders import click, moving_pattern, numbered_grey, tone, write_media
from tests.clock.film import Pictures, Sound, write_film
from tests.clock.film import steady as steady_times
from tests.clock.signals import number_of

NTSC = Fraction(30000, 1001)


def read(path: Path, max_side_px: int = 1280) -> tuple[np.ndarray, Float32, tuple[int, int], int, SourceVideo]:
    source = ingest(Offer(path), IngestConfig())
    assert isinstance(source, SourceVideo), source
    with Footage(source, max_side_px) as footage:
        pictures = np.array([p.rgb for p in footage.pictures()])
        sound, span = footage.sound(0, len(pictures))
    return pictures, sound, span, footage.damaged_frames, source


def steady(fps: Fraction | int, n: int, start: Fraction = Fraction(0)) -> list[Fraction]:
    return [start + Fraction(k) / Fraction(fps) for k in range(n)]


def wandering(n: int) -> list[Fraction]:
    """Variable rate: 8 to 60 ms between pictures."""
    gaps = np.random.default_rng(3).integers(8, 60, n)
    return [Fraction(int(t), 1000) for t in np.concatenate([[0], np.cumsum(gaps)[:-1]])]


CLOCKS = {
    "25 fps": (steady(25, 75), 0.0, ".mp4"),
    "23.976 fps": (steady(Fraction(24000, 1001), 72), 0.0, ".mkv"),
    "29.97 fps": (steady(NTSC, 90), 0.0, ".mp4"),
    "50 fps": (steady(50, 150), 0.0, ".mkv"),
    "variable rate": (wandering(90), 0.0, ".mp4"),
    "sound 0.7 s late": (steady(25, 75), 0.7, ".mp4"),
    "sound late, matroska": (steady(NTSC, 90), 0.4, ".mkv"),
    "pictures start at 0.5 s": (steady(25, 75, Fraction(1, 2)), 0.0, ".mkv"),
    "pictures start at 0.5 s, edit list": (steady(25, 75, Fraction(1, 2)), 0.0, ".mov"),
}


@pytest.mark.parametrize("name", CLOCKS)
def test_flash_and_click_stay_together(tmp_path: Path, name: str) -> None:
    pts_s, sound_start_s, suffix = CLOCKS[name]
    flash = next(k for k, t in enumerate(pts_s) if t - pts_s[0] >= 1.5)
    at_s = float(pts_s[flash])
    path = write_media(
        tmp_path / f"clip{suffix}",
        numbered_grey(235 if k >= flash else 20 for k in range(len(pts_s))),
        pts_s=pts_s,
        sound=click(4.0, at_s - sound_start_s),
        sound_start_s=sound_start_s,
    )
    pictures, sound, *_ = read(path)
    lit = np.flatnonzero(pictures.mean((1, 2, 3)) > 128)
    loud = np.flatnonzero(np.abs(sound) > 0.2)
    since_first = at_s - float(pts_s[0])
    source_frame = float(pts_s[flash] - pts_s[flash - 1])
    off_s = abs(lit[0] / 25 - since_first)
    assert off_s <= source_frame + 1e-9
    assert off_s <= 0.02 + 1e-9  # half a frame of ours
    assert loud[0] / 16000 == pytest.approx(since_first, abs=0.001)
    assert len(sound) == 640 * len(pictures)


def frames_at(times: Sequence[float], origin: float = 0.0, last_s: float = 0.04) -> list[int]:
    shown = (Presented(Fraction(str(t)), Fraction(str(last_s)), k) for k, t in enumerate(times))
    picked = list(at_frame_rate(shown, Fraction(str(origin))))
    assert [k for k, _ in picked] == list(range(len(picked)))
    return [picture for _, picture in picked]


def test_twenty_five_a_second_pass_unchanged() -> None:
    assert frames_at([0, 0.04, 0.08, 0.12]) == [0, 1, 2, 3]


def test_ten_a_second_are_repeated_and_fifty_halved() -> None:
    assert frames_at([0, 0.1, 0.2], last_s=0.1) == [0, 0, 1, 1, 1, 2, 2, 2]
    assert frames_at([0.02 * k for k in range(8)], last_s=0.02) == [0, 2, 4, 6]


def test_the_nearer_of_two_pictures_is_taken() -> None:
    assert frames_at([0, 0.027, 0.059, 0.08]) == [0, 1, 3]


def test_a_long_gap_holds_the_picture_on_screen() -> None:
    assert frames_at([0, 0.04, 0.4, 0.44]) == [0] + [1] * 9 + [2, 3]


def test_pictures_out_of_order_are_dropped_and_a_broken_clock_ends_the_film() -> None:
    assert frames_at([0, 0.04, 0.03, 0.08]) == [0, 1, 3]
    assert frames_at([0, 0.04, MAX_GAP_S + 1, MAX_GAP_S + 1.04]) == [0, 1]


def test_a_single_picture_is_one_frame() -> None:
    assert frames_at([0.0], last_s=0.001) == [0]


@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
def test_the_rotation_tag_brings_the_picture_upright(tmp_path: Path, rotation_deg: int) -> None:
    upright = np.full((64, 96, 3), 90, np.uint8)
    upright[:24, :32] = (230, 40, 40)  # a red mark in the upper left corner
    stored = np.rot90(upright, -rotation_deg // 90)
    path = write_media(tmp_path / "a.mp4", [stored] * 30, rotation_deg=rotation_deg, sound=tone(1.2))
    pictures, *_, source = read(path)
    assert (source.width, source.height, source.rotation_deg) == (96, 64, rotation_deg)
    assert pictures.shape == (30, 64, 96, 3)
    assert np.abs(pictures[10].astype(int) - upright).mean() < 6


def test_large_pictures_are_shrunk_and_pixels_made_square(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", moving_pattern(30, 100, 160), sound=tone(1.2), pixel_aspect=Fraction(16, 15))
    pictures, *_, source = read(path, max_side_px=120)
    assert (source.width, source.height) == upright_size(160, 100, Fraction(16, 15), 0) == (171, 100)
    assert pictures.shape[1:] == (70, 120, 3)
    assert pictures[0].flags.c_contiguous


def test_sound_that_starts_late_or_ends_early_lies_outside_the_span(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mov", moving_pattern(75), sound=tone(1.0), sound_start_s=1.0)
    _, sound, (start, stop), *_ = read(path)
    assert start == pytest.approx(16000, abs=16)
    assert stop == pytest.approx(32000, abs=16)
    assert not sound[: start - 1].any()
    assert not sound[stop + 1 :].any()
    assert np.abs(sound[start + 100 : stop - 100]).max() == pytest.approx(0.3, abs=0.02)


def test_lossy_sound_keeps_its_time_and_level(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", moving_pattern(75), sound=tone(3.0, 400), audio_codec="aac")
    _, sound, *_ = read(path)
    wanted = 0.3 * np.sin(2 * np.pi * 400 * np.arange(len(sound)) / 16000)
    assert np.corrcoef(sound[4000:40000], wanted[4000:40000])[0, 1] > 0.98  # half a period late would be -1


def test_sound_is_the_same_in_parts_and_in_one(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", moving_pattern(75), sound=tone(3.0))
    _, whole, _, _, source = read(path)
    with Footage(source, 1280) as footage:
        parts = []
        for picture in footage.pictures():
            if picture.index % 25 == 24:
                parts.append(footage.sound(picture.index - 24, 25)[0])
    assert np.array_equal(np.concatenate(parts), whole)


def spoil(path: Path, nth: int) -> None:
    """Overwrite the middle of one packet of the pictures."""
    with av.open(str(path)) as container:
        packet = [p for p in container.demux(video=0) if p.size][nth]
    assert packet.pos is not None
    raw = bytearray(path.read_bytes())
    at = packet.pos + packet.size // 2
    raw[at : at + packet.size // 3] = np.random.default_rng(0).bytes(packet.size // 3)
    path.write_bytes(raw)


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_damage_is_counted_and_everything_delivered(tmp_path: Path, codec: str) -> None:
    grain = np.random.default_rng(5).integers(-30, 30, (75, 96, 128, 3))
    grainy = [np.clip(p + g, 0, 255).astype(np.uint8) for p, g in zip(moving_pattern(75), grain, strict=True)]
    path = write_media(tmp_path / "a.mkv", grainy, sound=tone(3.0), video_codec=codec)
    assert read(path)[3] == 0
    spoil(path, 40)
    pictures, _, _, damaged, _ = read(path)
    assert len(pictures) == 75
    assert 1 <= damaged <= 40


def test_a_file_cut_short_gives_what_it_still_holds(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", moving_pattern(75), sound=tone(3.0))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    pictures, sound, (start, stop), *_, source = read(path)
    assert 40 <= len(pictures) <= 60
    assert source.duration_s == pytest.approx(len(pictures) / 25, abs=0.05)
    assert (start, len(sound)) == (0, 640 * len(pictures))
    assert stop == pytest.approx(len(sound), abs=3200)


def test_pictures_far_larger_than_the_probed_one_are_not_decoded(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", moving_pattern(30, 600, 800), sound=tone(1.2))
    *_, source = read(path)
    small = replace(source, width=64, height=64)
    with Footage(small, 1280) as footage, pytest.raises(UndecodableMedia):
        list(footage.pictures())


def test_nothing_is_read_over_the_network_or_through_other_protocols(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", moving_pattern(30), sound=tone(1.2))
    *_, source = read(path)
    odd = tmp_path / "http:"
    odd.mkdir()
    moved = path.rename(odd / "a.mkv")
    with Footage(replace(source, offer=Offer(moved)), 1280) as footage:
        assert sum(1 for _ in footage.pictures()) == 30


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_a_picture_lost_in_avi_delays_none_behind_it(tmp_path: Path, codec: str) -> None:
    film = Pictures(steady_times(25), codec, Fraction(1, 25), decoding_from_zero=True)
    path = tmp_path / "a.avi"
    write_film(path, film, Sound("pcm_s16le"), [1.0])
    with av.open(str(path)) as container:
        packet = [p for p in container.demux(video=0) if p.size][20]
    raw = bytearray(path.read_bytes())
    raw[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    path.write_bytes(raw)
    numbers = [number_of(p) for p in read(path)[0]]
    assert numbers[:20] == list(range(20))
    assert numbers[24:74] == list(range(24, 74))  # from the next key frame on


@pytest.mark.parametrize("shift", [-1000, 1000])
def test_moved_sound_is_the_same_sound_from_elsewhere_in_the_file(shift: int, tmp_path: Path) -> None:
    path = tmp_path / "clicks.mkv"
    write_media(path, moving_pattern(50), sound=click(2.0, at_s=1.0))
    _, whole, _, _, source = read(path)
    with Footage(source, 64) as footage:
        moved, span = footage.sound(10, 20, shift)
    assert np.array_equal(moved, whole[10 * 640 + shift : 30 * 640 + shift])
    assert span == (0, 20 * 640)
