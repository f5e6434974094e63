"""Finding MediaPipe's landmarks on a FLAME mesh."""

from pathlib import Path

import numpy as np
import pytest

from models.flame.embed import Sightings, embed_flame, place
from models.flame.read import FlameEdition, read_flame
from models.flame.regions import regions_by_landmarks
from models.head.model import load_open_head
from models.head.regions import EYEBALLS, FACE, Region
from models.landmarks import FaceLandmarker
from tests.builders import face_landmarker_file
from tests.models.flame.files import write_npz
from tests.models.flame.test_model import FLAME_OPEN


def test_landmarks_are_placed_where_they_were_seen() -> None:
    head = load_open_head()
    rng = np.random.default_rng(0)
    turns = rng.normal(0, 0.3, (3, 3)).astype(np.float32)
    still = np.zeros((3, 50), np.float32)
    away = np.tile(np.array([0, 0, -1], np.float32), (3, 1))
    vertices = head.vertices(np.zeros(100, np.float32), still, turns, still[:, :3], still[:, :6], away)
    focal = 1000.0
    flat, points = (v[..., :2] / -v[..., 2:] * focal for v in (vertices, head.landmarks(vertices)))
    noise = rng.normal(0, 0.2, points.shape)
    found = place(head, Sightings(flat.astype(np.float64), points + noise, np.full(3, 1 / focal)))
    corners = head.template[head.faces[found.face]]
    off = np.linalg.norm((corners * found.weights[..., None]).sum(1) - head.landmarks(head.template), axis=1)
    assert np.median(off) < 0.6e-3
    assert np.median(found.sigma) < 0.8e-3


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.skipif(not FLAME_OPEN.exists(), reason="needs ../shared/data/flame_open")
def test_landmarks_and_regions_are_found_on_flame_2023_open(tmp_path: Path) -> None:
    with np.load(FLAME_OPEN) as file:
        model = {key: file[key] for key in file.files}
    model["shapedirs"] = np.pad(model["shapedirs"], ((0, 0), (0, 0), (0, 340)))  # its expressions are not in the file
    path = write_npz(tmp_path / "model.npz", model)
    arrays = read_flame(path, FlameEdition.FLAME2023_OPEN)
    heard: list[tuple[int, int]] = []
    with FaceLandmarker(face_landmarker_file()) as finder:
        head = embed_flame(arrays, finder, 24, lambda *count: heard.append(count))
    assert heard == [(k, 24) for k in range(1, 25)]
    points = head.landmarks(head.template)
    # Inner lips, eye corners, nose tip and chin lie where a face has them; left and right mirror each other.
    upper, lower, nose, chin, right_eye, left_eye = points[[13, 14, 1, 152, 33, 263]]
    assert chin[1] < lower[1] <= upper[1] + 1e-3 < nose[1] < right_eye[1]
    assert nose[2] > max(upper[2], chin[2])
    np.testing.assert_allclose(left_eye * [-1, 1, 1], right_eye, atol=4e-3)
    assert np.median(head.landmark_sigma) < 3e-3
    assert 100 < head.mask(Region.LIPS).sum() < 400
    assert head.mask(*EYEBALLS).sum() == 2 * 546
    on_face = np.isin(head.region[head.faces[head.landmark_face[:468]]], (*FACE, Region.MOUTH)).any(1)
    assert on_face.mean() > 0.9
    np.testing.assert_array_equal(regions_by_landmarks(arrays, points), head.region)
