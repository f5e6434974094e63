import numpy as np
import pytest
import torch

from models.avatar.geometry import UPPER_FACE, FaceGeometry, rotation_matrix
from models.avatar.motion import EXPRESSION, JAW, MOTION_DIM, eyes_of, relative_rotation
from models.head.model import JAW as JAW_JOINT
from models.head.model import HeadModel, load_open_head
from models.head.regions import Region
from models.head.rotation import to_axis_angle, to_matrix
from tests.models.flame.dressed import dressed_head


def random_frames(n: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    frames = rng.uniform(0, 0.6, (n, MOTION_DIM)).astype(np.float32)
    frames[:, JAW] = rng.normal(0, 0.15, (n, 3))
    return frames


@pytest.mark.parametrize("head", [load_open_head(), dressed_head()], ids=["open", "FLAME"])
def test_lips_and_upper_face_are_those_of_the_head_model(head: HeadModel) -> None:
    frames = random_frames(5)
    still = np.zeros((5, 6), np.float32)
    mean = np.zeros(100, np.float32)
    vertices = head.vertices(mean, frames[:, EXPRESSION], still[:, :3], frames[:, JAW], still, still[:, :3])
    relative = (vertices - head.joints(mean)[JAW_JOINT]) * 1000

    lips, upper = FaceGeometry(head)(torch.from_numpy(frames))

    np.testing.assert_allclose(lips.numpy(), relative[:, head.mask(Region.LIPS)], atol=2e-3)
    expected = relative[:, np.flatnonzero(head.mask(*UPPER_FACE))[::8]]
    np.testing.assert_allclose(upper.numpy(), expected, atol=2e-3)


def test_gradients_are_finite_for_a_jaw_at_rest() -> None:
    jaw = torch.zeros(1, 3, requires_grad=True)
    rotation_matrix(jaw).sum().backward()
    assert jaw.grad is not None
    assert torch.isfinite(jaw.grad).all()


def test_rotation_is_told_from_the_mean_orientation() -> None:
    turned = to_matrix(np.array([[0.0, 0.9, 0.0]], np.float32))
    sway = to_matrix(np.array([[0.1, 0, 0], [-0.1, 0, 0], [0, 0, 0.05], [0, 0, -0.05]], np.float32))

    relative = relative_rotation(to_axis_angle(turned @ sway))

    np.testing.assert_allclose(relative, to_axis_angle(sway), atol=1e-4)


def test_both_eyes_look_the_same_way() -> None:
    frames = np.zeros((2, MOTION_DIM), np.float32)
    frames[:, 56:] = [[0.1, 0.2], [0.3, 0.4]]
    np.testing.assert_allclose(eyes_of(frames), [[0.1, 0.2, 0, 0.1, 0.2, 0], [0.3, 0.4, 0, 0.3, 0.4, 0]])
