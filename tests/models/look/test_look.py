"""The bust is closed, follows the head, and its parts show the colours they should."""

from dataclasses import replace

import numpy as np

from models.head.model import load_open_head
from models.head.regions import Region
from models.look.bust import Bust
from models.look.refine import refine
from models.look.skin import Palette
from models.look.studio import Set, Studio
from models.render import Light
from models.view import View, look_at
from schemas.arrays import UInt8
from schemas.performance import CameraPath, Performance
from tests.models.export.performances import lively

HEAD = load_open_head()
STAGE = Set(128, 128, 1, (30, 200, 30), Light(), Palette())
STUDIO = Studio(HEAD, STAGE)
BUST = Bust(HEAD, Palette())


SIZES = {"expression": 50, "global_rotation": 3, "jaw": 3, "eyes": 6, "translation": 3}


def still(n_frames: int = 1) -> Performance:
    nothing = {name: np.zeros((n_frames, size), np.float32) for name, size in SIZES.items()}
    return replace(lively(HEAD, n_frames), **nothing)


def view(x: np.ndarray | float, target_x: float = 0.0) -> View:
    x = np.atleast_1d(np.float32(x))
    n = len(x)
    position, target = np.zeros((n, 3), np.float32), np.zeros((n, 3), np.float32)
    position[:, 0], position[:, 2], target[:, 0] = x, 1.0, target_x
    return look_at(CameraPath(n, position, target, np.zeros(n, np.float32), np.full(n, 0.35, np.float32)))


def shot(performance: Performance, seen: View) -> list[UInt8]:
    return list(STUDIO.shoot(performance, seen))


def is_wall(picture: UInt8) -> np.ndarray:
    return picture[:, :, 1].astype(int) > 2 * picture[:, :, 0].astype(int)


def test_refining_a_flat_sheet_leaves_it_flat_and_whole() -> None:
    faces = np.array([[0, 1, 2], [2, 1, 3], [2, 3, 4]], np.int32)
    points = np.float32([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0.5, 2, 0]])
    mesh = refine(faces, len(points), (np.array([True, True, False]), np.array([True, False, False])))
    fine, normals = mesh.surface(points, np.tile(np.float32([0, 0, 1]), (5, 1)))
    a, b, c = (fine[mesh.faces[:, k]] for k in range(3))
    areas = np.cross(b - a, c - a)[:, 2] / 2
    assert (areas > 0).all()
    assert np.isclose(areas.sum(), 1.5)
    assert len(mesh.faces) == 16 + 4 + 1
    np.testing.assert_array_equal(fine[:, 2], 0)
    np.testing.assert_allclose(mesh.extend(points), fine)
    np.testing.assert_allclose(normals, np.tile([0, 0, 1], (len(fine), 1)))


def test_a_coarse_sphere_becomes_rounder_inside_and_stays_put_at_the_border() -> None:
    corner = np.float32([[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0]])
    faces = np.array([[0, 1, 2], [1, 3, 2]], np.int32)
    mesh = refine(faces, 4, (np.array([True, True]),))
    fine, _ = mesh.surface(corner, corner)
    halves = mesh.levels[0].halves
    radius = dict(zip(map(tuple, halves.tolist()), np.linalg.norm(fine[4:], axis=1), strict=True))
    assert 0.85 < radius[(1, 2)] < 1.05  # the edge between both triangles, flat it would be 0.71
    assert np.isclose(radius[(0, 1)], np.sqrt(0.5), atol=1e-6)


def test_the_neck_goes_on_below_its_cut() -> None:
    points, _ = BUST.pose(HEAD.template)
    lowest = points[np.unique(BUST.head.faces), 1].min()
    assert lowest < HEAD.template[:, 1].min() - 0.03
    faces = BUST.head.faces.astype(np.int64)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    number = edges @ [len(points), 1]
    border = edges[~np.isin(number, edges @ [1, len(points)])]
    on_neck = border[(points[border, 1] < -0.04).all(axis=1) & (points[border, 2] < 0.045).all(axis=1)]
    assert len(on_neck) > 30
    assert points[on_neck, 1].max() < HEAD.template[:, 1].min()  # the cut itself is closed


def test_hair_stands_off_the_scalp_and_the_face_does_not() -> None:
    points, _ = BUST.pose(HEAD.template)
    away = np.linalg.norm(points[: len(HEAD.template)] - HEAD.template, axis=1)
    assert away[HEAD.mask(Region.SCALP)].max() > 0.009
    assert away[HEAD.mask(Region.NOSE, Region.LIPS, Region.EYELIDS)].max() < 1e-6


def test_the_head_is_before_the_wall_and_the_wall_around_it() -> None:
    (picture,) = shot(still(), view(0))
    wall = is_wall(picture)
    assert wall[2:20, 2:20].all()
    assert wall[2:20, -20:-2].all()
    assert not wall[50:80, 50:78].any()
    face = picture[55:70, 60:68].reshape(-1, 3).mean(axis=0)
    assert face[0] > face[1] > face[2]  # skin


def test_an_open_mouth_is_dark_inside() -> None:
    jaw = np.float32([[0, 0, 0], [0.3, 0, 0]])
    shut, wide = shot(replace(still(2), jaw=jaw), view([0, 0]))
    darker = shut.astype(int).sum(axis=2) - wide.astype(int).sum(axis=2)
    rows, columns = np.nonzero(darker > 150)
    assert len(rows) > 20
    assert abs(columns.mean() - 63.5) < 4
    assert rows.mean() > 70


def test_nobody_sees_through_a_mouth_without_a_cavity() -> None:
    inside = HEAD.mask(Region.MOUTH, Region.TEETH, Region.TONGUE)
    shell = replace(
        HEAD,
        faces=HEAD.faces[~inside[HEAD.faces].any(1)],
        uv=None,
        uv_faces=None,
        region=np.where(inside, Region.SKIN, HEAD.region).astype(np.uint8),
    )
    wide = replace(still(), jaw=np.float32([[0.3, 0, 0]]))
    (picture,) = Studio(shell, STAGE).shoot(wide, view(0))
    assert not is_wall(picture)[72:100, 54:74].any()
    assert (picture[72:100, 54:74].max(axis=2) < 50).sum() > 20  # dark, as a mouth


def test_a_still_camera_and_a_moved_one_agree() -> None:
    one = still()
    three = still(3)
    moved = shot(three, view([0, 0.2, 0]))
    np.testing.assert_array_equal(moved[0], moved[2])  # shoulders that were kept are those drawn anew
    np.testing.assert_array_equal(moved[1], shot(one, view(0.2))[0])
    assert (moved[0] != moved[1]).any()


def test_a_head_out_of_the_picture_leaves_the_wall() -> None:
    (picture,) = shot(still(), view(3.0, target_x=3.0))
    assert is_wall(picture).all()


def test_a_camera_inside_the_head_still_gives_a_picture() -> None:
    path = CameraPath(1, np.zeros((1, 3), np.float32), np.float32([[0, 0, 1]]), np.float32([0]), np.float32([0.4]))
    (picture,) = shot(still(), look_at(path))
    assert picture.shape == (128, 128, 3)
