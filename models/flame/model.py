"""FLAME as a ``HeadModel``, pose correctives and all."""

import numpy as np

from models.flame.read import FlameArrays
from models.head.embedding import Embedding
from models.head.model import HeadModel
from schemas.arrays import Float32, UInt8
from schemas.units import EXPRESSION_DIM


def flame_head(arrays: FlameArrays, region: UInt8, embedding: Embedding) -> HeadModel:
    """The model of a file's ``arrays``, with the regions [V] and landmarks that were found on it."""
    return HeadModel(
        name=arrays.name,
        template=arrays.template,
        faces=arrays.faces,
        shape_basis=arrays.shape_basis,
        expression_basis=arrays.expression_basis,
        expression_names=tuple(f"expression_{k:02d}" for k in range(EXPRESSION_DIM)),
        joint_regressor=arrays.joint_regressor,
        weights=arrays.weights,
        parents=np.array([-1, 0, 1, 1, 1], np.int32),
        n_seen_shapes=_n_used(arrays.shape_basis),
        region=region,
        landmark_face=embedding.face.astype(np.int32),
        landmark_weights=embedding.weights.astype(np.float32),
        landmark_sigma=embedding.sigma.astype(np.float32),
        pose_basis=np.ascontiguousarray(arrays.pose_basis[:, :, 9:]),  # the first nine are the neck's, which rests
    )


def _n_used(basis: Float32) -> int:
    """How many of the directions [V, 3, K] are there: a file that holds fewer leaves the last ones zero."""
    return int(np.flatnonzero(np.abs(basis).max(axis=(0, 1)))[-1]) + 1
