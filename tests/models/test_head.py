"""The open head: layout, kinematics, and the promises its data makes to the fit."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.head.model import JAW, LEFT_EYE, RIGHT_EYE, UnreadableHeadModel, load_open_head, read_head
from models.head.regions import EYEBALLS, Region, base_colours
from models.head.rotation import to_axis_angle, to_matrix
from models.head.sheet import sheet
from schemas.units import EXPRESSION_DIM, SHAPE_DIM

HEAD = load_open_head()


def rest(n: int = 1, **changes: np.ndarray) -> dict[str, np.ndarray]:
    sizes = {"expression": EXPRESSION_DIM, "rotation": 3, "jaw": 3, "eyes": 6, "translation": 3}
    values = {name: np.zeros((n, size), np.float32) for name, size in sizes.items()}
    return {"shape": np.zeros(SHAPE_DIM, np.float32), **values, **changes}


def acting(name: str) -> np.ndarray:
    strength = np.zeros((1, EXPRESSION_DIM), np.float32)
    strength[0, HEAD.expression_names.index(name)] = 1
    return strength


def test_rest_is_the_template() -> None:
    np.testing.assert_allclose(HEAD.vertices(**rest())[0], HEAD.template, atol=1e-6)


def test_frame_is_left_up_out_in_metres() -> None:
    left_eye, right_eye = HEAD.joints(np.zeros(SHAPE_DIM, np.float32))[[LEFT_EYE, RIGHT_EYE]]
    assert 0.055 < left_eye[0] - right_eye[0] < 0.07
    nose_tip = HEAD.template[HEAD.mask(Region.NOSE)][:, 2].max()
    assert nose_tip > HEAD.template[HEAD.mask(Region.EARS)][:, 2].max() + 0.05
    assert HEAD.template[HEAD.mask(Region.SCALP)][:, 1].max() > HEAD.template[HEAD.mask(Region.LIPS)][:, 1].max() + 0.1


def test_faces_are_counter_clockwise_seen_from_outside() -> None:
    corners = HEAD.template[HEAD.faces].astype(np.float64)
    volume = np.einsum("fi,fi->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    assert volume > 0.002


def test_weights_and_regressor_are_convex() -> None:
    np.testing.assert_allclose(HEAD.weights.sum(1), 1, atol=2e-3)
    np.testing.assert_allclose(HEAD.joint_regressor.sum(1), 1, atol=1e-5)
    assert HEAD.weights.min() >= 0
    assert HEAD.joint_regressor.min() >= 0


def test_rotation_turns_the_head_rigidly_about_its_root() -> None:
    turn = np.array([[0.2, -0.5, 0.1]], np.float32)
    root = HEAD.joints(np.zeros(SHAPE_DIM, np.float32))[0]
    moved = HEAD.vertices(**rest(rotation=turn, translation=np.array([[0, 0, -1]], np.float32)))[0]
    expected = (HEAD.template - root) @ to_matrix(turn)[0].T + root + [0, 0, -1]
    np.testing.assert_allclose(moved, expected, atol=1e-5)


def test_jaw_opens_the_mouth_downwards_and_leaves_the_upper_face() -> None:
    moved = HEAD.vertices(**rest(jaw=np.array([[0.3, 0, 0]], np.float32)))[0]
    shift = moved - HEAD.template
    upper, lower = HEAD.landmarks(moved)[[13, 14]]
    assert upper[1] - lower[1] > 0.02
    still = HEAD.mask(Region.FOREHEAD, Region.BROWS, Region.EYELIDS, *EYEBALLS)
    assert np.abs(shift[still]).max() < 1e-3
    teeth = np.linalg.norm(shift[HEAD.mask(Region.TEETH)], axis=1)
    assert (teeth < 1e-3).any()  # the upper row stays
    assert (teeth > 0.01).any()  # the lower row follows


def test_eyes_turn_as_spheres_in_place() -> None:
    gaze = np.array([[0, 0.4, 0, 0, 0.4, 0]], np.float32)
    moved = HEAD.vertices(**rest(eyes=gaze))[0]
    centres = HEAD.joints(np.zeros(SHAPE_DIM, np.float32))
    for joint in (LEFT_EYE, RIGHT_EYE):
        ball = HEAD.weights[:, joint] == 1
        radius = np.linalg.norm(moved[ball] - centres[joint], axis=1)
        assert np.ptp(radius) < 1e-3
        pupil = moved[ball & HEAD.mask(Region.PUPIL)].mean(0)
        assert pupil[0] - centres[joint, 0] > 0.004  # positive yaw looks to the subject's left
    assert np.abs((moved - HEAD.template)[~HEAD.mask(*EYEBALLS)]).max() < 1e-6


@pytest.mark.parametrize(("name", "side"), [("eyeBlinkLeft", 1), ("eyeBlinkRight", -1), ("mouthSmileLeft", 1)])
def test_actions_move_the_side_they_name(name: str, side: int) -> None:
    shift = np.linalg.norm(HEAD.vertices(**rest(expression=acting(name)))[0] - HEAD.template, axis=1)
    assert side * HEAD.template[shift.argmax(), 0] > 0.01


def test_a_blink_shuts_the_lid_and_is_the_eyelid() -> None:
    gaps = [
        HEAD.landmarks(HEAD.vertices(**rest(expression=e))[0])[[386, 374], 1]
        for e in (acting("eyeBlinkLeft") * s for s in (0, 1))
    ]
    open_gap, shut_gap = (upper - lower for upper, lower in gaps)
    assert shut_gap < 0.35 * open_gap
    np.testing.assert_array_equal(HEAD.eyelids(acting("eyeBlinkLeft")), [[1, 0]])


def test_the_last_components_leave_the_face_alone() -> None:
    unseen = np.abs(HEAD.shape_basis[:, :, HEAD.n_seen_shapes :])
    assert unseen[HEAD.mask(Region.EARS)].max() > 3e-3
    assert unseen[HEAD.mask(Region.LIPS, Region.NOSE, Region.BROWS)].max() < 1e-3


def test_identity_does_not_change_size() -> None:
    rng = np.random.default_rng(0)
    face = HEAD.mask(Region.SKIN, Region.NOSE, Region.LIPS, Region.FOREHEAD)
    size = [
        (HEAD.template + HEAD.shape_basis @ rng.normal(0, 1, SHAPE_DIM).astype(np.float32))[face].std(0).mean()
        for _ in range(40)
    ]
    assert np.std(size) / np.mean(size) < 0.02


def test_ears_stay_ears_for_any_plausible_face() -> None:
    rng = np.random.default_rng(1)
    ears = HEAD.mask(Region.EARS)
    for _ in range(20):
        beta = np.zeros(SHAPE_DIM, np.float32)
        beta[: HEAD.n_seen_shapes] = rng.normal(0, 1.5, HEAD.n_seen_shapes)
        assert np.linalg.norm((HEAD.shape_basis @ beta)[ears], axis=1).max() < 0.05


def test_landmarks_lie_where_they_should() -> None:
    points = HEAD.landmarks(HEAD.template)
    eyes = HEAD.joints(np.zeros(SHAPE_DIM, np.float32))[[LEFT_EYE, RIGHT_EYE]]
    assert np.linalg.norm(points[473, :2] - eyes[0, :2]) < 3e-3  # left iris
    assert np.linalg.norm(points[468, :2] - eyes[1, :2]) < 3e-3
    assert np.abs(points[1, 0]) < 5e-3  # the nose's tip, in the middle and foremost
    assert points[1, 2] > points[[33, 263, 61, 291], 2].max()
    assert points[263, 0] > 0.03 > -0.03 > points[33, 0]
    jaw_share = (HEAD.weights[HEAD.faces[HEAD.landmark_face], JAW] * HEAD.landmark_weights).sum(1)
    assert jaw_share[14] > 0.5 > jaw_share[13]


def test_every_region_has_a_colour() -> None:
    assert set(np.unique(HEAD.region)) <= {int(r) for r in Region}
    assert base_colours(HEAD.region).shape == (len(HEAD.template), 3)


def test_the_texture_shows_every_triangle_once() -> None:
    assert HEAD.uv is not None
    assert HEAD.uv_faces is not None
    assert 0 < HEAD.uv.min() < HEAD.uv.max() < 1
    size = 4096
    corners = (HEAD.uv[HEAD.uv_faces] * (size - 1)).astype(np.float32)
    owner = np.zeros((size, size), np.int32)
    for number, triangle in enumerate(np.round(corners).astype(np.int32), 1):
        cv2.fillConvexPoly(owner, triangle, number)
    u, v = np.round(corners.mean(1)).astype(int).T
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    seen = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) > 60  # large enough that its middle is no other's edge
    assert seen.mean() > 0.4
    assert (owner[v, u] == np.arange(1, len(corners) + 1))[seen].mean() > 0.999
    # A seam parts the texture, never the surface: one place of the texture is one vertex.
    pairs = np.unique(np.stack([HEAD.uv_faces.ravel(), HEAD.faces.ravel()]), axis=1)
    assert (np.unique(pairs[0], return_counts=True)[1] == 1).mean() > 0.999


def test_a_page_shows_people_and_every_action() -> None:
    page = sheet(HEAD)
    tile = page[:200, :200]
    assert page.shape == (8 * 200, 9 * 200, 3)
    tiles = [page[r : r + 200, c : c + 200] for r in range(0, 1600, 200) for c in range(0, 1800, 200)][:69]
    assert all(np.abs(other[14:].astype(int) - tile[14:]).max() > 30 for other in tiles[1:])


def test_axis_angle_round_trip_up_to_half_a_turn() -> None:
    rng = np.random.default_rng(0)
    axis = rng.normal(size=(200, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    vectors = axis * np.concatenate([np.full(20, 1e-7), rng.uniform(0, np.pi - 1e-3, 180)])[:, None]
    np.testing.assert_allclose(to_axis_angle(to_matrix(vectors)), vectors, atol=1e-5)


def test_a_file_that_is_no_head_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "head.npz"
    np.savez(path, v_template=np.zeros((3, 3)))
    with pytest.raises(UnreadableHeadModel, match="Rebuild"):
        read_head(path)
    path.write_bytes(b"not a zip")
    with pytest.raises(UnreadableHeadModel):
        read_head(path)


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "head.npz"
    np.savez(path, name=np.array([{"a": 1}], dtype=object))
    with pytest.raises(UnreadableHeadModel):
        read_head(path)
