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
from models.landmarks import FoundFaces
from models.overlay import lip_gap
from schemas.arrays import UInt8
from schemas.motion import HeadMotion
from schemas.source import Offer, SourceVideo
from schemas.verdict import Reason, Verdict
from tasks.curves import CELL_HEIGHT, CELL_WIDTH, PLOT_HEIGHT, plot_curves, quality_rows
from tasks.sheet import write_sheet
from tasks.show import ShowConfig, ShownClip, SpanNotFound, look_again, write_overlay

N_SOURCE, START, N_CLIP = 40, 12, 10
WIDTH, HEIGHT = 160, 120
CONFIG = ShowConfig(panel_px=96, still_frames=3)
VERDICTS = (
    Verdict("clip", "min_face_px", True, None, 120.0, 96.0, "judge@1"),
    Verdict("clip", "max_closure_rank", True, None, None, 0.5, "judge@1", "not measured"),
    Verdict("clip", "max_recon_nme_p95", False, Reason.POOR_FIT, 9.0, 5.0, "judge@1"),
)


class Finder:
    """Sees a face around ``centre`` in every frame but the first; its lips are 10 px apart."""

    def __init__(self, centre: tuple[float, float] = (WIDTH / 2, HEIGHT / 2)) -> None:
        self.looked = 0
        self._landmarks = np.zeros((1, 478, 3), np.float32)
        self._landmarks[:, :, :2] = centre
        self._landmarks[0, 13, 1] -= 5
        self._landmarks[0, 14, 1] += 5
        self._landmarks[0, [33, 263], 0] += [-20, 20]

    def restart(self) -> None:
        self.looked = 0

    def find(self, rgb: UInt8) -> FoundFaces:
        self.looked += 1
        n = 0 if self.looked == 1 else 1
        return FoundFaces(self._landmarks[:n], np.zeros((n, 52), np.float32))


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
    return ShownClip(source, START, WIDTH, HEIGHT, motion, np.linspace(0, 1, N_CLIP, dtype=np.float32), VERDICTS)


def test_the_video_shows_the_clips_own_frames_and_sound(clip: ShownClip, tmp_path: Path) -> None:
    path = write_overlay(tmp_path / "overlay.mp4", clip, load_open_head(), Finder(), CONFIG)
    with av.open(str(path)) as media:
        pictures = [f.to_ndarray(format="rgb24") for f in media.decode(video=0)]
    with av.open(str(path)) as media:
        heard = np.concatenate([f.to_ndarray()[0] for f in media.decode(audio=0)])
    assert len(pictures) == N_CLIP
    assert pictures[0].shape == (96 + PLOT_HEIGHT + 3 * CELL_HEIGHT + 14, 4 * 96, 3)
    shown = np.array([p[40:60, 40:60].mean() for p in pictures])
    np.testing.assert_allclose(shown, 40 + 4 * (START + np.arange(N_CLIP)), atol=3)
    assert np.sqrt((heard[1500:5000] ** 2).mean()) == pytest.approx(0.5 / np.sqrt(2), rel=0.1)


def test_the_overlay_panel_differs_from_the_original_only_at_the_face(clip: ShownClip, tmp_path: Path) -> None:
    path = write_overlay(tmp_path / "overlay.mp4", clip, load_open_head(), Finder(), CONFIG)
    with av.open(str(path)) as media:
        picture = next(media.decode(video=0)).to_ndarray(format="rgb24").astype(int)
    original, overlay, alone, side = (picture[:96, k * 96 : (k + 1) * 96] for k in range(4))
    difference = np.abs(overlay - original).max(axis=2)
    assert difference[40:70, 40:56].mean() > 20
    assert difference[:4].max() < 12
    assert np.abs(alone - original)[48, 48].max() > 20
    assert np.abs(side - alone).max(axis=2).mean() > 10


def test_the_sheet_has_frames_curves_and_gates(clip: ShownClip, tmp_path: Path) -> None:
    path = write_sheet(tmp_path / "deep" / "sheet.png", clip, load_open_head(), Finder(), CONFIG)
    sheet = cv2.imread(str(path))
    assert sheet.shape == (3 * 96 + PLOT_HEIGHT + 3 * CELL_HEIGHT + 14, 3 * 96, 3)
    first, last = sheet[48, 10].mean(), sheet[48, -10].mean()
    assert last - first == pytest.approx(4 * (N_CLIP - 1), abs=4)


def test_curves_rise_where_they_rise() -> None:
    rising = np.linspace(0, 0.4, 50, dtype=np.float32)
    page = plot_curves(rising, rising / 2, rising[::-1].copy(), [0, 49], 400).astype(int)
    below_title = np.arange(PLOT_HEIGHT)[:, None] > 24
    red = (page[:, :, 0] - page[:, :, 2] > 80) & below_title
    assert np.nonzero(red[:, 30:60])[0].mean() > np.nonzero(red[:, 340:370])[0].mean() + 60
    dark = (page.max(axis=2) < 80) & below_title
    assert np.nonzero(dark[:, 340:370])[0].mean() > np.nonzero(red[:, 340:370])[0].mean() + 40


def test_what_was_not_measured_is_not_drawn() -> None:
    measured = np.linspace(0.2, 0.4, 50, dtype=np.float32)
    measured[10:40] = np.nan
    page = plot_curves(np.zeros(50, np.float32), measured, np.zeros(50, np.float32), [], 400).astype(int)
    dark = (page.max(axis=2) < 80) & (np.arange(PLOT_HEIGHT)[:, None] > 24)
    assert not dark[:, 120:280].any()
    assert dark[:, 20:60].any()
    assert dark[:, 340:380].any()


def test_the_gates_tell_refused_passed_and_not_measured_apart() -> None:
    page = quality_rows(VERDICTS, 3 * CELL_WIDTH + 10).astype(int)
    refused, passed, unknown = (page[:, k * CELL_WIDTH : (k + 1) * CELL_WIDTH] for k in range(3))
    assert (refused[:, :, 0] - refused[:, :, 1]).max() > 100
    assert (passed[:, :, 1] - passed[:, :, 0]).max() > 40
    assert np.ptp(unknown, axis=2).max() < 20
    assert unknown.min() < 120


def test_the_landmarks_shown_are_of_the_face_that_was_fitted() -> None:
    finder, frame = Finder((100, 50)), np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    fitted = np.float32([100, 50]) + np.random.default_rng(0).uniform(-20, 20, (478, 2)).astype(np.float32)
    assert look_again(finder, frame, fitted) is None, "nothing is found in the first frame"
    found = look_again(finder, frame, fitted)
    assert found is not None
    assert lip_gap(found) == pytest.approx(10 / 40)
    assert look_again(finder, frame, fitted + 60) is None


def test_a_file_that_changed_is_told_apart(clip: ShownClip, tmp_path: Path) -> None:
    too_late = replace(clip, start_frame=N_SOURCE - 3)
    with pytest.raises(SpanNotFound, match="curate it again"):
        write_overlay(tmp_path / "o.mp4", too_late, load_open_head(), Finder(), CONFIG)
    other_size = replace(clip, image_width=2 * WIDTH, image_height=2 * HEIGHT)
    with pytest.raises(SpanNotFound, match="320x240"):
        write_overlay(tmp_path / "o.mp4", other_size, load_open_head(), Finder(), CONFIG)
    assert list(tmp_path.iterdir()) == []
