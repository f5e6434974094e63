"""The head model seen through its landmarks only: 478 points instead of 5000 vertices."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from models.fit.correctives import PoseCorrectives
from models.head.landmarks import LEFT_IRIS, LID_GAPS, LIP_GAPS, RIGHT_IRIS
from models.head.model import JAW, LEFT_EYE, RIGHT_EYE, ROOT, HeadModel
from schemas.arrays import Float32, Int32
from schemas.units import N_LANDMARKS

Index = npt.NDArray[np.intp]

_TURNING = (JAW, LEFT_EYE, RIGHT_EYE)
_EVEN = 1e-4


@dataclass(frozen=True, eq=False)
class LandmarkBasis:
    """L landmarks, B shapes. A landmark at rest is ``x = template + shape @ beta + expression @ psi``; posed it is
    ``x + (Q - I)(w (x - c) + d)`` with the turn Q of its joint at ``c``; where the head has pose correctives, ``x`` has
    them in it. Metres, head frame.

    ``d``, made of template, shape and expression as ``x`` is, comes of corners of one triangle that follow the jaw
    unequally: 0.13 mm at most with the jaw 10 degrees open.
    """

    number: Index  # [L] MediaPipe's
    template: Float32  # [L, 3]
    shape: Float32  # [L, 3, B] only what moves the face
    expression: Float32  # [L, 3, 50]
    joint: Int32  # [L] 0 jaw, 1 left eye, 2 right eye
    weight: Float32  # [L] share of that joint
    uneven: Index  # [K] landmarks whose corners follow the jaw unequally
    uneven_template: Float32  # [K, 3]
    uneven_shape: Float32  # [K, 3, B]
    uneven_expression: Float32  # [K, 3, 50]
    joints: Float32  # [3, 3] rest positions
    joints_shape: Float32  # [3, 3, B]
    root: Float32  # [3] about which the record's rotation turns
    root_shape: Float32  # [3, B]
    pivot: Float32  # [3] about which the fit turns: the middle of the face keeps rotation and translation apart
    sigma: Float32  # [L] metres, of MediaPipe's answer
    unseen: Float32  # [L] metres, of what the shapes that are not sought do to the landmark
    gaps: Index  # [G, 2] openings: upper and lower landmark
    has_actions: bool  # expressions are actions 0..1, not components either way
    correctives: PoseCorrectives | None

    @property
    def size_of_shapes(self) -> Float32:
        """[B] growth of the landmarks' spread, as a share, by each identity direction."""
        spread = self.template - self.template.mean(0)
        moved = self.shape - self.shape.mean(0)
        return np.asarray(np.einsum("lc,lck->k", spread, moved) / (spread**2).sum(), np.float32)

    @property
    def n_shapes(self) -> int:
        return int(self.shape.shape[2])

    def part(self, landmarks: Index) -> "LandmarkBasis":
        """Only ``landmarks`` [K] of it, in that order, and the openings between two of them."""
        place = np.full(len(self.template), -1)
        place[landmarks] = np.arange(len(landmarks))
        gaps, kept = place[self.gaps], place[self.uneven] >= 0
        return replace(
            self,
            number=self.number[landmarks],
            template=self.template[landmarks],
            shape=self.shape[landmarks],
            expression=self.expression[landmarks],
            joint=self.joint[landmarks],
            weight=self.weight[landmarks],
            uneven=place[self.uneven[kept]],
            uneven_template=self.uneven_template[kept],
            uneven_shape=self.uneven_shape[kept],
            uneven_expression=self.uneven_expression[kept],
            sigma=self.sigma[landmarks],
            unseen=self.unseen[landmarks],
            gaps=gaps[(gaps >= 0).all(axis=1)],
            correctives=None if self.correctives is None else self.correctives.part(landmarks),
        )

    @classmethod
    def of(cls, head: HeadModel) -> "LandmarkBasis":
        """The basis of ``head``; takes some 10 ms, so build it once per head."""
        seen = head.n_seen_shapes
        template = head.landmarks(head.template)
        shape = head.landmarks(np.moveaxis(head.shape_basis[:, :, :seen], 2, 0))
        unseen = head.landmarks(np.moveaxis(head.shape_basis[:, :, seen:], 2, 0))
        expression = head.landmarks(np.moveaxis(head.expression_basis, 2, 0))
        joint = np.zeros(N_LANDMARKS, np.int32)
        joint[LEFT_IRIS], joint[RIGHT_IRIS] = 1, 2
        corners = head.faces[head.landmark_face]
        weight = (head.weights[corners] * head.landmark_weights[:, :, None]).sum(1)[:, _TURNING]
        excess = head.landmark_weights * (head.weights[corners, JAW] - weight[:, :1])  # [L, 3]
        uneven = np.flatnonzero((np.abs(excess).sum(1) > _EVEN) & (joint == 0))

        def unevenly(values: Float32) -> Float32:
            return np.asarray(np.einsum("kc,kc...->k...", excess[uneven], values[corners[uneven]]), np.float32)

        rest_joints = head.joint_regressor @ head.template
        joints_shape = np.einsum("jv,vck->jck", head.joint_regressor, head.shape_basis[:, :, :seen])
        return cls(
            number=np.arange(N_LANDMARKS),
            template=template,
            shape=np.ascontiguousarray(np.moveaxis(shape, 0, 2)),
            expression=np.ascontiguousarray(np.moveaxis(expression, 0, 2)),
            joint=joint,
            weight=weight[np.arange(N_LANDMARKS), joint],
            uneven=uneven,
            uneven_template=unevenly(head.template),
            uneven_shape=unevenly(head.shape_basis[:, :, :seen]),
            uneven_expression=unevenly(head.expression_basis),
            joints=rest_joints[list(_TURNING)],
            joints_shape=joints_shape[list(_TURNING)].astype(np.float32),
            root=rest_joints[ROOT],
            root_shape=joints_shape[ROOT].astype(np.float32),
            pivot=template.mean(0),
            sigma=head.landmark_sigma,
            unseen=np.sqrt((unseen**2).sum((0, 2)) / 2).astype(np.float32),
            gaps=np.concatenate([LIP_GAPS, LID_GAPS]),
            has_actions=head.has_actions,
            correctives=PoseCorrectives.of(head),
        )


@lru_cache(maxsize=2)
def basis_of(head: HeadModel) -> LandmarkBasis:
    """``LandmarkBasis.of``, kept for the heads that were asked for last: every stage of a worker shares one."""
    return LandmarkBasis.of(head)
