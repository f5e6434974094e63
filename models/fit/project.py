"""Landmarks of a fitted head on the picture, and how they move with every unknown."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.fit.basis import LandmarkBasis
from models.fit.state import EXPRESSION, GAZE, JAW, N_PARAMETERS, ROTATION, TRANSLATION, FitState
from models.head.rotation import skew, to_matrix
from schemas.arrays import Float32

NEAREST_M = 0.05


@dataclass(frozen=True, slots=True)
class Lens:
    """Pinhole of ``schemas.units``: ``u = cx - f x / z``, ``v = cy + f y / z``."""

    focal_px: float
    centre_px: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Posed:
    """T frames of L landmarks, with what the Jacobian reuses."""

    points: Float32  # [T, L, 3] camera frame, metres
    pixels: Float32  # [T, L, 2]
    turns: Float32  # [T, 3, 3, 3] world rotation of jaw, left eye, right eye
    arms: Float32  # [T, L, 3] what the landmark's joint turns: from the joint to the landmark, times its share


def pose(basis: LandmarkBasis, state: FitState, lens: Lens) -> Posed:
    """Project ``state``'s landmarks."""
    n = len(state.expression)
    flat = (basis.template + basis.shape @ state.shape).ravel()
    rest = (flat + state.expression @ basis.expression.reshape(-1, basis.expression.shape[2]).T).reshape(n, -1, 3)
    if basis.correctives is not None:
        rest += basis.correctives.moved(state.jaw, state.gaze)
    joints = basis.joints + basis.joints_shape @ state.shape
    arms = basis.weight[:, None] * (rest - joints[basis.joint])
    skewed = basis.uneven_template + basis.uneven_shape @ state.shape
    by_action = basis.uneven_expression.reshape(-1, basis.expression.shape[2])
    arms[:, basis.uneven] += skewed + (state.expression @ by_action.T).reshape(n, -1, 3)
    gaze = to_matrix(np.pad(state.gaze, ((0, 0), (0, 1))))
    turns = state.rotation[:, None] @ np.stack([to_matrix(state.jaw), gaze, gaze], axis=1)
    still = (rest - basis.pivot) @ np.swapaxes(state.rotation, 1, 2)
    swung = np.empty_like(still)
    for j in range(3):
        of_joint = np.flatnonzero(basis.joint == j)
        swung[:, of_joint] = arms[:, of_joint] @ np.swapaxes(turns[:, j] - state.rotation, 1, 2)
    points = still + swung + state.position[:, None]
    points[..., 2] = np.minimum(points[..., 2], -NEAREST_M)
    scaled = lens.focal_px * points[..., :2] / points[..., 2:]
    pixels = np.stack([lens.centre_px[0] - scaled[..., 0], lens.centre_px[1] + scaled[..., 1]], axis=-1)
    return Posed(points, pixels.astype(np.float32, copy=False), turns, arms)


def jacobians(
    basis: LandmarkBasis, state: FitState, posed: Posed, lens: Lens, with_shape: bool
) -> tuple[Float32, Float32 | None]:
    """Derivatives of the pixels, [T, L, 2, 61] by each frame's own parameters and [T, L, 2, B] by the shape.

    Those by shape and expression leave the basis' uneven part out: it hardly changes the way of a step, and what the
    steps lead to still has it.
    """
    n, n_landmarks, _ = posed.points.shape
    x, y, z = (posed.points[..., i] for i in range(3))
    by_point = np.zeros((n, n_landmarks, 2, 3), np.float32)  # of the pixel by the camera-frame point
    by_point[..., 0, 0] = -lens.focal_px / z
    by_point[..., 0, 2] = lens.focal_px * x / z**2
    by_point[..., 1, 1] = lens.focal_px / z
    by_point[..., 1, 2] = -lens.focal_px * y / z**2

    w = basis.weight[:, None, None]
    turns = posed.turns[:, basis.joint]
    by_rest = by_point @ ((1 - w) * state.rotation[:, None] + w * turns)  # of the pixel by the landmark at rest

    own = np.empty((n, n_landmarks, 2, N_PARAMETERS), np.float32)
    lever = posed.points - state.position[:, None]
    own[..., ROTATION] = by_point @ -skew(lever)
    own[..., TRANSLATION] = by_point
    # A turn exp(d) Q of the joint moves the arm by d x (Q arm), in the head frame.
    own[..., JAW] = 0
    own[..., GAZE] = 0
    jaw_moves = np.flatnonzero((basis.weight > 0) & (basis.joint == 0))
    own[:, jaw_moves, :, JAW] = _by_turn(posed, state, by_point, jaw_moves, to_matrix(state.jaw))
    eyes = np.flatnonzero(basis.joint > 0)
    gaze = to_matrix(np.pad(state.gaze, ((0, 0), (0, 1))))
    own[:, eyes, :, GAZE] = _by_turn(posed, state, by_point, eyes, gaze)[..., :2]
    if basis.correctives is not None:
        own[..., JAW] += by_rest @ basis.correctives.by_jaw(state.jaw)
        own[..., GAZE] += by_rest @ basis.correctives.by_gaze(state.gaze)
    _chain(by_rest, basis.expression, own[..., EXPRESSION])
    if not with_shape:
        return own, None
    shape = np.empty((n, n_landmarks, 2, basis.shape.shape[2]), np.float32)
    with_joint = basis.joints_shape[basis.joint]
    _chain(by_rest, basis.shape - with_joint, shape)
    rigid = by_point @ state.rotation[:, None]
    shape += np.einsum("tlij,ljk->tlik", rigid, with_joint, optimize=True)
    return own, shape


def _by_turn(
    posed: Posed,
    state: FitState,
    by_point: Float32,
    which: npt.NDArray[np.intp],
    turn: Float32,
) -> Float32:
    """[T, K, 2, 3] derivative by a left perturbation of the joint's own turn [T, 3, 3], for landmarks ``which``."""
    arm = posed.arms[:, which] @ np.swapaxes(turn, 1, 2)
    by_head = by_point[:, which] @ state.rotation[:, None]
    return np.asarray(by_head @ -skew(arm), np.float32)


def _chain(left: Float32, basis: Float32, out: Float32) -> None:
    """``out[t, l] = left[t, l] @ basis[l]``, [2, 3] by [3, K]: three passes beat as many small products."""
    np.multiply(left[..., 0, None], basis[:, None, 0], out=out)
    for axis in (1, 2):
        out += left[..., axis, None] * basis[:, None, axis]
