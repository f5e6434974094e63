"""Showing a clip: the right frames of the source, the head where the motion says, the sound of the same span."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from models.encode import encode_video
from models.head.model import load_open_head
from schemas.motion import HeadMotion
from schemas.source import Offer, SourceVideo
from tasks.sheet import PLOT_HEIGHT, plot_curves, write_sheet
from tasks.show import ShowConfig, ShownClip, SpanNotFound, write_overlay

N_SOURCE, START, N_CLIP = 40, 12, 10
WIDTH, HEIGHT = 160, 120
CONFIG = ShowConfig(panel_px=96, still_frames=3)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> ShownClip:
    """Frame k of the source has the grey value 40 + 4k; its sound is silent but for the clip's own span."""
    path = tmp_path_factory.mktemp("source") / "source.mp4"
    sound = np.zeros(N_SOURCE * 640, np.float32)
    sound[START * 640 : (START + N_CLIP) * 640] = 0.5 * np.sin(np.arange(N_CLIP * 640) * 0.2)
    frames = (np.full((HEIGHT, WIDTH, 3), 40 + 4 * k, np.uint8) for k in range(N_SOURCE))
    encode_video(path, frames, lambda: sound, 16_000, crf=5)
    source = SourceVideo(
        source_id="source",
        sha256="",
        offer=Offer(path),
        size_bytes=path.stat().st_size,
        duration_s=N_SOURCE / 25,
        width=WIDTH,
        height=HEIGHT,
        fps=Fraction(25),
        rotation_deg=0,
        video_stream=0,
        audio_stream=1,
        video_start_s=Fraction(0),
        audio_start_s=Fraction(0),
    )
    zeros = np.zeros((N_CLIP, 3), np.float32)
    motion = HeadMotion(
        clip_id="clip",
        head_model="open-head@1",
        n_frames=N_CLIP,
        shape=np.zeros(100, np.float32),
        expression=np.zeros((N_CLIP, 50), np.float32),
        global_rotation=zeros,
        jaw=zeros,
        eyes=np.zeros((N_CLIP, 6), np.float32),
        eyelids=np.zeros((N_CLIP, 2), np.float32),
        translation=zeros + np.float32([0, -0.03, -0.9]),
        focal_px=300.0,
        principal_point_px=((WIDTH - 1) / 2, (HEIGHT - 1) / 2),
    )
    return ShownClip(source, START, WIDTH, HEIGHT, motion, np.linspace(0, 1, N_CLIP, dtype=np.float32))


def test_the_video_shows_the_clips_own_frames_and_sound(clip: ShownClip, tmp_path: Path) -> None:
    path = write_overlay(tmp_path / "overlay.mp4", clip, load_open_head(), CONFIG)
    with av.open(str(path)) as media:
        pictures = [f.to_ndarray(format="rgb24") for f in media.decode(video=0)]
    with av.open(str(path)) as media:
        heard = np.concatenate([f.to_ndarray()[0] for f in media.decode(audio=0)])
    assert len(pictures) == N_CLIP
    assert pictures[0].shape == (96, 3 * 96, 3)
    shown = np.array([p[40:60, 40:60].mean() for p in pictures])
    np.testing.assert_allclose(shown, 40 + 4 * (START + np.arange(N_CLIP)), atol=3)
    assert np.sqrt((heard[1500:5000] ** 2).mean()) == pytest.approx(0.5 / np.sqrt(2), rel=0.1)


def test_the_overlay_panel_differs_from_the_original_only_at_the_face(clip: ShownClip, tmp_path: Path) -> None:
    path = write_overlay(tmp_path / "overlay.mp4", clip, load_open_head(), CONFIG)
    with av.open(str(path)) as media:
        picture = next(media.decode(video=0)).to_ndarray(format="rgb24").astype(int)
    original, overlay, alone = (picture[:, k * 96 : (k + 1) * 96] for k in range(3))
    difference = np.abs(overlay - original).max(axis=2)
    assert difference[40:70, 40:56].mean() > 20
    assert difference[:4].max() < 12
    assert np.abs(alone - original)[48, 48].max() > 20


def test_the_sheet_has_pairs_of_frames_and_the_curves(clip: ShownClip, tmp_path: Path) -> None:
    path = write_sheet(tmp_path / "deep" / "sheet.png", clip, load_open_head(), CONFIG)
    sheet = cv2.imread(str(path))
    assert sheet.shape == (2 * 96 + PLOT_HEIGHT, 3 * 96, 3)
    first, last = sheet[48, 10].mean(), sheet[48, -10].mean()
    assert last - first == pytest.approx(4 * (N_CLIP - 1), abs=4)


def test_curves_rise_where_they_rise() -> None:
    rising = np.linspace(0, 0.4, 50, dtype=np.float32)
    page = plot_curves(rising, rising[::-1].copy(), np.array([0, 49]), 400).astype(int)
    red = (page[:, :, 0] - page[:, :, 2] > 80) & (np.arange(PLOT_HEIGHT)[:, None] > 24)
    assert np.nonzero(red[:, 30:60])[0].mean() > np.nonzero(red[:, 340:370])[0].mean() + 60


def test_a_file_that_changed_is_told_apart(clip: ShownClip, tmp_path: Path) -> None:
    too_late = replace(clip, start_frame=N_SOURCE - 3)
    with pytest.raises(SpanNotFound, match="curate it again"):
        write_overlay(tmp_path / "o.mp4", too_late, load_open_head(), CONFIG)
    other_size = replace(clip, image_width=2 * WIDTH, image_height=2 * HEIGHT)
    with pytest.raises(SpanNotFound, match="320x240"):
        write_overlay(tmp_path / "o.mp4", other_size, load_open_head(), CONFIG)
    assert list(tmp_path.iterdir()) == []
