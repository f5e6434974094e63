"""The head model seen through its landmarks only: 478 points instead of 5000 vertices."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.head.landmarks import LEFT_IRIS, LID_GAPS, LIP_GAPS, RIGHT_IRIS
from models.head.model import JAW, LEFT_EYE, RIGHT_EYE, ROOT, HeadModel
from schemas.arrays import Float32, Int32
from schemas.units import N_LANDMARKS

Index = npt.NDArray[np.intp]

_TURNING = (JAW, LEFT_EYE, RIGHT_EYE)


@dataclass(frozen=True, eq=False)
class LandmarkBasis:
    """L landmarks, B shapes. A landmark at rest is ``x = template + shape @ beta + expression @ psi``; posed it is
    ``x + w (Q - I)(x - c)`` with the turn Q of its joint at ``c``. Metres, head frame.

    Exact for rigid parts; where skinning weights change within a triangle it is off by less than 0.1 mm.
    """

    number: Index  # [L] MediaPipe's
    template: Float32  # [L, 3]
    shape: Float32  # [L, 3, B] only what moves the face
    expression: Float32  # [L, 3, 50]
    joint: Int32  # [L] 0 jaw, 1 left eye, 2 right eye
    weight: Float32  # [L] share of that joint
    joints: Float32  # [3, 3] rest positions
    joints_shape: Float32  # [3, 3, B]
    root: Float32  # [3] about which the record's rotation turns
    root_shape: Float32  # [3, B]
    pivot: Float32  # [3] about which the fit turns: the middle of the face keeps rotation and translation apart
    sigma: Float32  # [L] metres
    gaps: Index  # [G, 2] openings: upper and lower landmark

    @property
    def n_shapes(self) -> int:
        return int(self.shape.shape[2])

    def part(self, landmarks: Index) -> "LandmarkBasis":
        """Only ``landmarks`` [K] of it, in that order, and the openings between two of them."""
        place = np.full(len(self.template), -1)
        place[landmarks] = np.arange(len(landmarks))
        gaps = place[self.gaps]
        return replace(
            self,
            number=self.number[landmarks],
            template=self.template[landmarks],
            shape=self.shape[landmarks],
            expression=self.expression[landmarks],
            joint=self.joint[landmarks],
            weight=self.weight[landmarks],
            sigma=self.sigma[landmarks],
            gaps=gaps[(gaps >= 0).all(axis=1)],
        )

    @classmethod
    def of(cls, head: HeadModel) -> "LandmarkBasis":
        """The basis of ``head``; takes some 10 ms, so build it once per head."""
        seen = head.n_seen_shapes
        template = head.landmarks(head.template)
        shape = head.landmarks(np.moveaxis(head.shape_basis[:, :, :seen], 2, 0))
        expression = head.landmarks(np.moveaxis(head.expression_basis, 2, 0))
        joint = np.zeros(N_LANDMARKS, np.int32)
        joint[LEFT_IRIS], joint[RIGHT_IRIS] = 1, 2
        corner_weights = head.weights[head.faces[head.landmark_face]]  # [L, 3, 5]
        weight = (corner_weights * head.landmark_weights[:, :, None]).sum(1)[:, _TURNING]
        rest_joints = head.joint_regressor @ head.template
        joints_shape = np.einsum("jv,vck->jck", head.joint_regressor, head.shape_basis[:, :, :seen])
        return cls(
            number=np.arange(N_LANDMARKS),
            template=template,
            shape=np.ascontiguousarray(np.moveaxis(shape, 0, 2)),
            expression=np.ascontiguousarray(np.moveaxis(expression, 0, 2)),
            joint=joint,
            weight=weight[np.arange(N_LANDMARKS), joint],
            joints=rest_joints[list(_TURNING)],
            joints_shape=joints_shape[list(_TURNING)].astype(np.float32),
            root=rest_joints[ROOT],
            root_shape=joints_shape[ROOT].astype(np.float32),
            pivot=template.mean(0),
            sigma=head.landmark_sigma,
            gaps=np.concatenate([LIP_GAPS, LID_GAPS]),
        )
