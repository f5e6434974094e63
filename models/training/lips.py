"""How far the lips stand apart, frame by frame, out of a head model's parameters alone."""

from dataclasses import replace

import numpy as np

from models.head.landmarks import INNER_LIPS
from models.head.model import HeadModel
from schemas.arrays import Float32
from schemas.motion import HeadMotion


class LipGap:
    """The distance between the inner lips over a clip; the head is cut down to the few vertices that decide it."""

    def __init__(self, head: HeadModel) -> None:
        triangles = head.landmark_face[list(INNER_LIPS)]
        around = np.flatnonzero((head.joint_regressor != 0).any(axis=0))  # joints must come out as on the whole head
        kept, new = np.unique(np.concatenate([around, head.faces[triangles].ravel()]), return_inverse=True)
        self._corners = new[len(around) :].reshape(2, 3)
        self._weights = head.landmark_weights[list(INNER_LIPS)]
        self._head = replace(
            head,
            template=head.template[kept],
            shape_basis=head.shape_basis[kept],
            expression_basis=head.expression_basis[kept],
            joint_regressor=head.joint_regressor[:, kept],
            weights=head.weights[kept],
            region=head.region[kept],
            pose_basis=None if head.pose_basis is None else head.pose_basis[kept],
        )

    def __call__(self, motion: HeadMotion) -> Float32:
        """Millimetres [T]."""
        still = np.zeros((motion.n_frames, 6), np.float32)
        vertices = self._head.vertices(motion.shape, motion.expression, still[:, :3], motion.jaw, still, still[:, :3])
        upper, lower = np.moveaxis((vertices[:, self._corners] * self._weights[..., None]).sum(-2), 1, 0)
        return np.asarray(np.linalg.norm(upper - lower, axis=-1) * 1000.0, np.float32)
