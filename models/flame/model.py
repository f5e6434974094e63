"""FLAME ready for use: a ``HeadModel`` and the one thing that record has no place for, the pose correctives.

A vertex at rest is ``template + shape_basis @ shape + expression_basis @ expression + pose_basis @ (R - I)``, with R
the rotation matrices of neck, jaw and eyes; linear blend skinning then poses it (Li, Bolkart, Black, Li, Romero 2017,
equations 1 to 4). Our motion records turn the head about the root and leave FLAME's neck joint at rest, as DECA does.
The correctives are not small: at a jaw opening of 15 degrees they move FLAME 2023 Open's vertices by up to 4.5 mm.
"""

from dataclasses import dataclass

import numpy as np

from models.flame.read import FlameArrays
from models.head.embedding import Embedding
from models.head.landmarks import LID_GAPS
from models.head.model import JAW, LEFT_EYE, RIGHT_EYE, ROOT, HeadModel
from models.head.rotation import to_matrix
from schemas.arrays import Float32, UInt8, admit_fields
from schemas.units import EXPRESSION_DIM

_TURNING = (JAW, LEFT_EYE, RIGHT_EYE)
_N_FEATURES = 9 * len(_TURNING)


@dataclass(frozen=True, slots=True, eq=False)
class Flame:
    """V vertices. ``head`` alone is FLAME without pose correctives: what a fit may use that does not know of them."""

    head: HeadModel
    pose_basis: Float32  # [V, 3, 27] metres per entry of (R - I), row by row, of jaw, left and right eye

    def __post_init__(self) -> None:
        admit_fields(self, {"V": len(self.head.template)}, pose_basis=(np.float32, ("V", 3, _N_FEATURES)))

    @classmethod
    def of(cls, arrays: FlameArrays, region: UInt8, embedding: Embedding) -> "Flame":
        """The model of a file's ``arrays``, with the regions [V] and landmarks that were found on it."""
        head = HeadModel(
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
        )
        return cls(head, np.ascontiguousarray(arrays.pose_basis[:, :, 9:]))  # the first nine are the neck's

    def vertices(
        self,
        shape: Float32,
        expression: Float32,
        rotation: Float32,
        jaw: Float32,
        eyes: Float32,
        translation: Float32,
    ) -> Float32:
        """Vertices [T, V, 3] over T frames, metres; arguments as ``HeadModel.vertices``."""
        head = self.head
        rest = head.template + head.shape_basis @ shape
        joints = head.joint_regressor @ rest
        turns = np.stack([to_matrix(jaw), to_matrix(eyes[:, :3]), to_matrix(eyes[:, 3:])], axis=1)  # [T, 3, 3, 3]
        features = (turns - np.eye(3, dtype=np.float32)).reshape(-1, _N_FEATURES)
        moved = (expression @ head.expression_basis.reshape(-1, EXPRESSION_DIM).T).reshape(-1, *rest.shape)
        moved += (features @ self.pose_basis.reshape(-1, _N_FEATURES).T).reshape(moved.shape)
        moved += rest
        # With the neck at rest and weights that sum to one, skinning is the sum of what each turning joint adds.
        posed = moved.copy()
        for k, joint in enumerate(_TURNING):
            arm = moved - joints[joint]
            turned = arm @ np.swapaxes(turns[:, k], -1, -2)
            turned -= arm
            turned *= head.weights[:, joint, None]
            posed += turned
        posed -= joints[ROOT]
        about_root = posed @ np.swapaxes(to_matrix(rotation), -1, -2)
        return np.asarray(about_root + (joints[ROOT] + translation)[:, None], np.float32)

    def eyelids(self, expression: Float32) -> Float32:
        """Closure [T, 2] of the left and right lid, 0 as open as at rest .. 1 shut, out of ``expression`` [T, 50].

        FLAME names no blink: the closure is how much nearer the lids of the mean head stand. Needs its landmarks.
        """
        head = self.head
        corners = head.faces[head.landmark_face[LID_GAPS]]  # [2 eyes, 2 lids, 3]
        weights = head.landmark_weights[LID_GAPS][..., None]
        lids = (head.template[corners] * weights).sum(-2)
        moves = (head.expression_basis[corners] * weights[..., None]).sum(-3)  # [2, 2, 3, 50]
        rest = lids[:, 0] - lids[:, 1]
        gaps = rest + np.einsum("eck,tk->tec", moves[:, 0] - moves[:, 1], expression)  # [T, 2, 3]
        closure = 1 - np.linalg.norm(gaps, axis=-1) / np.maximum(np.linalg.norm(rest, axis=-1), 1e-4)
        return np.asarray(np.clip(closure[:, ::-1], 0, 1), np.float32)  # LID_GAPS names the right eye first


def _n_used(basis: Float32) -> int:
    """How many of the directions [V, 3, K] are there: a file that holds fewer leaves the last ones zero."""
    return int(np.flatnonzero(np.abs(basis).max(axis=(0, 1)))[-1]) + 1
