"""The 68 points beside the 478, and the finders that give them."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.fan import FanPoints, FanUnavailable, read_parameters
from models.points68 import COMPARED, N_POINTS, NOT_LOOKED, OF_MEDIAPIPE, MediaPipePoints, SecondLook, disagreement
from tasks.clips import ClipsConfig, cut_clips
from tasks.shots import ShotsConfig, shots
from tasks.tracks import TracksConfig, tracks
from tests.builders import Actor, clip, observation

# Which of the 68 a mirror makes of each.
MIRRORED = [*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31, 45, 44, 43, 42, 47, 46]
MIRRORED += [39, 38, 37, 36, 41, 40, 54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]
PICTURE = np.full((300, 400, 3), 128, np.uint8)


def faces(n: int = 2) -> np.ndarray:
    actors = [Actor(center_px=(100 + 150 * k, 150), height_px=100) for k in range(n)]
    return np.concatenate([actor.landmarks(np.array([0])) for actor in actors])


class Shifted:
    """MediaPipe's own points, moved by ``px`` to the right; remembers how many faces it saw at a time."""

    def __init__(self, px: float) -> None:
        self.px = px
        self.asked: list[int] = []

    def points(self, rgb: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        self.asked.append(len(landmarks))
        return MediaPipePoints().points(rgb, landmarks) + np.float32([self.px, 0, 0])


def test_the_points_lie_where_the_68_do() -> None:
    face = faces(1)[0]
    points = face[OF_MEDIAPIPE, :2]
    middle = points[[27, 28, 29, 30, 33, 8, 51, 57, 62, 66], 0]
    assert np.ptp(middle) < 2
    mirrored = points[MIRRORED] * [-1, 1] + [2 * middle.mean(), 0]
    assert np.abs(mirrored - points).max() < 4
    brows, nose, eyes, mouth = (points[a:b, 1].mean() for a, b in ((17, 27), (31, 36), (36, 48), (48, 68)))
    assert brows < eyes < nose < mouth < points[8, 1]
    assert points[36, 0] < points[39, 0] < points[42, 0] < points[45, 0]  # the subject's right is at the left


def test_disagreement_is_a_share_of_the_eyes_distance_without_the_jaw_line() -> None:
    landmarks = faces()
    unit = np.linalg.norm(landmarks[:, 33] - landmarks[:, 263], axis=1)
    np.testing.assert_allclose(disagreement(Shifted(5).points(PICTURE, landmarks), landmarks), 500 / unit, rtol=1e-4)
    points = MediaPipePoints().points(PICTURE, landmarks)
    points[:, : COMPARED[0]] += 50
    assert disagreement(points, landmarks).max() == 0
    assert disagreement(points[:, :, :2], landmarks).max() == 0


def test_it_looks_at_some_frames_and_at_faces_that_are_shown() -> None:
    second = SecondLook(Shifted(5), every_frames=3)
    landmarks = faces()
    landmarks[1] += [1000, 0, 0]  # followed out of the picture
    found = [second.disagreement(PICTURE, landmarks, frame) for frame in range(7)]
    assert [bool(row[0] > 0) for row in found] == [True, False, False, True, False, False, True]
    assert all(row[1] == NOT_LOOKED for row in found)
    assert second.finder.asked == [1, 1, 1]


def test_a_clip_says_how_far_the_finders_are_apart() -> None:
    seen = observation(60, [Actor(missing=(20, 21))])
    apart = np.where(seen.faces.frame % 5, -1, 2.0 + (seen.faces.frame >= 30)).astype(np.float32)
    seen = replace(seen, faces=replace(seen.faces, disagreement=apart))
    (track,) = tracks(seen, shots(seen, ShotsConfig()), TracksConfig())
    ((cut,), _) = cut_clips(seen, track, ClipsConfig(), "test")
    assert cut.landmark_disagreement == pytest.approx((2 * 5 + 3 * 6) / 11)  # frame 20 was bridged
    assert clip(10).landmark_disagreement is None
    assert clip(10, disagreement=np.full(10, NOT_LOOKED)).landmark_disagreement is None


@pytest.mark.parametrize("zipped", [True, False], ids=["torch >= 1.6", "torch < 1.6"])
def test_both_published_layouts_are_read(tmp_path: Path, zipped: bool) -> None:
    plain, nested = {"conv1.weight": torch.ones(2)}, {"module.conv1.weight": torch.ones(2)}
    for name, content in (("fan", plain), ("depth", {"epoch": 40, "best_acc": 0.1, "state_dict": nested})):
        torch.save(content, tmp_path / name, _use_new_zipfile_serialization=zipped)
        assert list(read_parameters(tmp_path / name)) == ["conv1.weight"]


class Calls:
    def __reduce__(self) -> object:
        return os.system, ("touch touched",)


def test_other_files_are_refused_and_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": Calls()}, "calls")
    torch.save([1, 2], "list")
    Path("page").write_text("a page that says that you must log in")
    for name, message in (
        ("gone", "is not there"),
        ("calls", "plain tensors"),
        ("page", "plain tensors"),
        ("list", "holds no parameters"),
    ):
        with pytest.raises(FanUnavailable, match=f"{message}(.|\\n)*adrianbulat"):
            read_parameters(tmp_path / name)
    assert not Path("touched").exists()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files in their layouts, networks at random."""
    from face_alignment.models import FAN, ResNetDepth  # numba: seconds that only the slow tests are to cost

    folder = tmp_path_factory.mktemp("fan")
    torch.manual_seed(0)
    torch.save(FAN(4).state_dict(), folder / "2DFAN4.pth.tar")
    depth = {f"module.{name}": value for name, value in ResNetDepth().state_dict().items()}
    torch.save({"epoch": 1, "state_dict": depth}, folder / "depth.pth.tar")
    return folder


def never(*_: Any, **__: Any) -> None:
    raise AssertionError("the package wanted to fetch something")


@pytest.mark.slow
@pytest.mark.parametrize("n_dims", [2, 3])
def test_the_packages_networks_are_filled_by_path(
    published: Path, n_dims: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("face_alignment.api.load_file_from_url", never)
    finder = FanPoints(published / "2DFAN4.pth.tar", published / "depth.pth.tar" if n_dims == 3 else None)
    rgb = np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)
    points = finder.points(rgb, faces())
    assert points.dtype == np.float32
    assert points.shape == (2, N_POINTS, n_dims)
    assert np.isfinite(points).all()
    low, high = faces()[:, :, :2].min(1), faces()[:, :, :2].max(1)
    reach = (high - low).max() * 0.7  # the networks see a square about the box
    assert (points[:, :, :2] > (low - reach)[:, None]).all()
    assert (points[:, :, :2] < (high + reach)[:, None]).all()
    assert finder.points(rgb, faces()[:0]).shape == (0, N_POINTS, n_dims)


@pytest.mark.slow
def test_weights_of_another_network_are_refused(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("face_alignment.api.load_file_from_url", never)
    with pytest.raises(FanUnavailable, match="is not of this network"):
        FanPoints(published / "depth.pth.tar")
