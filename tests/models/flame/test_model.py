"""Skinning with pose correctives, against FLAME's formula written out in double precision."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from models.flame.model import flame_head
from models.flame.read import FlameArrays, read_flame
from models.head.landmarks import LID_GAPS
from models.head.model import HeadModel
from tests.models.flame.files import SMALL, random_embedding, random_flame, random_model, write_npz

FLAME_OPEN = Path(__file__).parents[4] / "shared/data/flame_open/flame2023_open_partial.npz"


def reference(arrays: FlameArrays, shape: np.ndarray, expression: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """M(beta, theta, psi) = W(T_P(beta, theta, psi), J(beta), theta, W), equations 1 to 4 of Li et al. 2017: one frame,
    ``pose`` [5, 3] axis-angle of root, neck, jaw, left and right eye, 4 x 4 transforms down the tree."""
    template, regressor, weights = (
        np.asarray(a, np.float64) for a in (arrays.template, arrays.joint_regressor, arrays.weights)
    )
    turns = Rotation.from_rotvec(pose).as_matrix()
    shaped = template + np.einsum("vck,k->vc", arrays.shape_basis.astype(np.float64), shape)
    joints = regressor @ shaped
    correctives = np.einsum("vck,k->vc", arrays.pose_basis.astype(np.float64), (turns[1:] - np.eye(3)).ravel())
    posed = shaped + np.einsum("vck,k->vc", arrays.expression_basis.astype(np.float64), expression) + correctives
    world: list[np.ndarray] = []
    for joint, parent in enumerate((-1, 0, 1, 1, 1)):
        local = np.eye(4)
        local[:3, :3] = turns[joint]
        local[:3, 3] = joints[joint] - (joints[parent] if parent >= 0 else 0)
        world.append(local if parent < 0 else world[parent] @ local)
    for joint in range(5):  # from the joint's own frame back to the model's at rest
        world[joint] = world[joint].copy()
        world[joint][:3, 3] -= world[joint][:3, :3] @ joints[joint]
    blended = np.einsum("vj,jab->vab", weights, np.stack(world))
    return np.einsum("vab,vb->va", blended, np.pad(posed, ((0, 0), (0, 1)), constant_values=1))[:, :3]


def differences(arrays: FlameArrays, flame: HeadModel) -> np.ndarray:
    rng = np.random.default_rng(3)
    frames = 4
    shape = rng.normal(0, 1, 100)
    expression, rotation, jaw, eyes, translation = (
        rng.normal(0, sd, (frames, n)) for sd, n in ((1, 50), (0.5, 3), (0.2, 3), (0.3, 6), (0.3, 3))
    )
    ours = flame.vertices(*(np.asarray(a, np.float32) for a in (shape, expression, rotation, jaw, eyes, translation)))
    theirs = [
        reference(arrays, *(np.asarray(a, np.float32).astype(np.float64) for a in (shape, expression[t], pose)))
        + translation[t].astype(np.float32)
        for t in range(frames)
        for pose in [np.stack([rotation[t], np.zeros(3), jaw[t], eyes[t, :3], eyes[t, 3:]])]
    ]
    return np.abs(ours - np.stack(theirs))


def test_skinning_equals_the_formula_on_a_random_model(tmp_path: Path) -> None:
    arrays = read_flame(write_npz(tmp_path / "flame2020.npz", random_model()), **SMALL)
    flame = flame_head(arrays, np.zeros(5023, np.uint8), random_embedding(arrays))
    assert differences(arrays, flame).max() < 1e-6


@pytest.mark.real_data
@pytest.mark.skipif(not FLAME_OPEN.exists(), reason="needs ../shared/data/flame_open")
def test_skinning_equals_the_formula_on_flame_2023_open() -> None:
    arrays = read_flame(FLAME_OPEN, n_expressions=0)
    flame = flame_head(arrays, np.zeros(5023, np.uint8), random_embedding(arrays))
    assert flame.n_seen_shapes == 60
    assert differences(arrays, flame).max() < 1e-6
    with np.load(FLAME_OPEN) as file:
        np.testing.assert_allclose(flame.joints(np.zeros(100, np.float32)), file["joints"], atol=1e-6)
    left_eye, right_eye = flame.joints(np.zeros(100, np.float32))[3:]
    assert 0.055 < left_eye[0] - right_eye[0] < 0.07  # our frame: x to the subject's left, metres


def test_correctives_of_nothing_move_nothing(tmp_path: Path) -> None:
    flame = random_flame(tmp_path)
    plain = replace(flame, pose_basis=None)
    zero = replace(flame, pose_basis=np.zeros_like(flame.pose_basis))
    rng = np.random.default_rng(0)
    args = [
        np.asarray(rng.normal(0, 0.2, size), np.float32) for size in ((100,), (2, 50), (2, 3), (2, 3), (2, 6), (2, 3))
    ]
    np.testing.assert_allclose(zero.vertices(*args), plain.vertices(*args), atol=1e-6)
    assert np.abs(plain.vertices(*args) - flame.vertices(*args)).max() > 1e-4


def test_a_neck_corrective_is_left_out_and_the_others_in_order(tmp_path: Path) -> None:
    model = random_model()
    model["posedirs"] = np.zeros((5023, 3, 36))
    model["posedirs"][11, 0, 3] = 1.0  # the neck's second row, first column
    model["posedirs"][12, 0, 9 + 5] = 1.0  # the jaw's second row, third column: -sin of its opening
    arrays = read_flame(write_npz(tmp_path / "flame2020.npz", model), **SMALL)
    flame = flame_head(arrays, np.zeros(5023, np.uint8), random_embedding(arrays))
    still = [np.zeros(size, np.float32) for size in ((100,), (1, 50), (1, 3), (1, 3), (1, 6), (1, 3))]
    opened = [*still[:3], np.array([[0.2, 0, 0]], np.float32), *still[4:]]
    moved = flame.vertices(*opened)[0] - replace(flame, pose_basis=None).vertices(*opened)[0]
    expected = -np.sin(0.2)
    assert moved[12, 0] == pytest.approx(expected, abs=1e-6)
    assert not np.delete(np.abs(moved) > 1e-6, 12, axis=0).any()


def test_eyelids_close_as_their_landmarks_meet(tmp_path: Path) -> None:
    head = random_flame(tmp_path)
    (right, _), (left, _) = LID_GAPS
    for closing, landmark in ((0, left), (1, right)):
        upper, lower = LID_GAPS[1 - closing]
        gap = head.landmarks(head.template)[[upper, lower]]
        basis = np.zeros_like(head.expression_basis)
        basis[head.faces[head.landmark_face[landmark]], :, 0] = gap[1] - gap[0]
        object.__setattr__(head, "expression_basis", basis)
        closure = head.eyelids(np.eye(1, 50, dtype=np.float32) * np.array([[0.0], [0.5], [1.0]], np.float32))
        np.testing.assert_allclose(closure[:, closing], [0, 0.5, 1], atol=1e-4)
        np.testing.assert_allclose(closure[:, 1 - closing], 0, atol=1e-4)
