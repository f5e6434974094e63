"""One picture of a span by seeking, and a page of clips: the right frame, the head where the motion says."""

from pathlib import Path

import numpy as np
import pytest

from models.encode import encode_video
from models.head.model import load_open_head
from schemas.motion import HeadMotion
from tasks.contacts import ContactConfig, Tile, Undrawable, draw_pair, page
from tasks.media.container import UndecodableMedia
from tasks.media.glimpse import glimpse
from tests.builders import numbered_grey, write_media

N_SOURCE, WIDTH, HEIGHT = 120, 160, 120
CONFIG = ContactConfig(panel_px=96)


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frame k has the grey value 10 + 2k; one key frame, at the start, as long films have it."""
    path = tmp_path_factory.mktemp("source") / "source.mp4"
    frames = (np.full((HEIGHT, WIDTH, 3), 10 + 2 * k, np.uint8) for k in range(N_SOURCE))
    encode_video(path, frames, lambda: np.zeros(N_SOURCE * 640, np.float32), 16_000, crf=5)
    return path


def motion(z_m: float, n_frames: int = 20) -> HeadMotion:
    zeros = np.zeros((n_frames, 3), np.float32)
    return HeadMotion(
        "clip", "open-head@1", n_frames, np.zeros(100, np.float32), np.zeros((n_frames, 50), np.float32), zeros, zeros,
        np.zeros((n_frames, 6), np.float32), np.zeros((n_frames, 2), np.float32),
        zeros + np.float32([0, -0.03, z_m]), 300.0, ((WIDTH - 1) / 2, (HEIGHT - 1) / 2),
    )  # fmt: skip


@pytest.mark.parametrize("start", [0, 37, 100])
def test_a_glimpse_knows_which_frame_it_shows(footage: Path, start: int) -> None:
    seen = glimpse(footage, start, 10, WIDTH)
    assert start <= seen.index < start + 10
    assert seen.rgb.shape == (HEIGHT, WIDTH, 3)
    assert seen.rgb.mean() == pytest.approx(10 + 2 * seen.index, abs=1.5)


def test_a_glimpse_is_upright_and_as_small_as_asked(tmp_path: Path) -> None:
    path = write_media(tmp_path / "turned.mp4", numbered_grey([90] * 10, 64, 128), rotation_deg=90)
    assert glimpse(path, 2, 5, 64).rgb.shape == (64, 32, 3)


@pytest.mark.parametrize("start", [N_SOURCE + 5, 10**6])
def test_there_is_no_glimpse_past_the_end(footage: Path, start: int) -> None:
    with pytest.raises(UndecodableMedia, match="no picture is found between"):
        glimpse(footage, start, 10, WIDTH)


def test_the_head_is_drawn_on_the_right_only(footage: Path) -> None:
    pair = draw_pair(footage, 30, (WIDTH, HEIGHT), motion(-0.9), load_open_head(), CONFIG).astype(int)
    assert pair.shape == (96, 192, 3)
    difference = np.abs(pair[:, :96] - pair[:, 96:]).max(axis=2)
    assert difference[40:70, 40:56].mean() > 20
    assert difference[:3].max() == 0


def test_what_cannot_be_drawn_is_said(footage: Path) -> None:
    with pytest.raises(Undrawable, match="160x120, the clip was cut from 320x240"):
        draw_pair(footage, 30, (320, 240), motion(-0.9), load_open_head(), CONFIG)
    with pytest.raises(Undrawable, match="outside the picture"):
        draw_pair(footage, 30, (WIDTH, HEIGHT), motion(-0.02), load_open_head(), CONFIG)


def test_a_page_has_a_place_for_every_tile() -> None:
    tiles = [Tile(np.full((96, 192, 3), 40 * k, np.uint8), f"kept {k}", k % 2 == 0) for k in range(5)]
    sheet = page(tiles, CONFIG)
    found = [int(value) for value in (0, 40, 80, 120, 160) if (sheet == value).all(axis=2).sum() >= 96 * 192]
    assert found == [0, 40, 80, 120, 160]
