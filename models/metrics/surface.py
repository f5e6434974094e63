"""Points of the face over time, in millimetres, free of who speaks and of where the head points.

Every metric sees the mean head: shape zero on both sides, so that identity is not scored, and no head rotation, so that
a nod is not taken for a lip. What is left of ``HeadModel.vertices`` is linear in the expression (and in the jaw's pose
correctives), then turned by the jaw; only the points asked for are computed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from models.avatar.motion import EXPRESSION, JAW
from models.head.landmarks import INNER_LIPS
from models.head.model import JAW as JAW_JOINT
from models.head.model import HeadModel, load_open_head
from models.head.regions import Region
from models.head.rotation import to_matrix
from schemas.arrays import Float32
from schemas.units import EXPRESSION_DIM, SHAPE_DIM

UPPER_FACE: Final = (Region.FOREHEAD, Region.BROWS, Region.EYELIDS, Region.NOSE)
_MM_PER_M: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Surface:
    """P vertices of a head that follow its jaw and expressions only; millimetres, axes as in ``schemas.units``."""

    vertices: npt.NDArray[np.intp]  # [P] which of the head's
    region: npt.NDArray[np.uint8]  # [P] models.head.regions.Region
    rest_mm: Float32  # [P, 3] the neutral face of the mean head
    basis_mm: Float32  # [50, P * 3] full strength each
    jaw_joint_mm: Float32  # [P, 3] the same for each point: numpy broadcasts rows of three slowly
    jaw_weight: Float32  # [P, 3] the same for each axis
    corrective_mm: Float32  # [9, P * 3] per entry of (R - I) of the jaw; [0, P * 3] for a head that has none

    @classmethod
    def of(cls, head: HeadModel, vertices: npt.NDArray[np.intp]) -> "Surface":
        joint = head.joints(np.zeros(SHAPE_DIM, np.float32))[JAW_JOINT]
        basis = head.expression_basis[vertices].reshape(-1, EXPRESSION_DIM).T
        of_jaw = np.zeros((len(vertices), 3, 0)) if head.pose_basis is None else head.pose_basis[vertices, :, :9]
        return cls(
            vertices=vertices,
            region=head.region[vertices],
            rest_mm=np.asarray(head.template[vertices] * _MM_PER_M, np.float32),
            basis_mm=np.ascontiguousarray(basis * _MM_PER_M, np.float32),
            jaw_joint_mm=np.asarray(np.tile(joint * _MM_PER_M, (len(vertices), 1)), np.float32),
            jaw_weight=np.repeat(head.weights[vertices, JAW_JOINT, None], 3, axis=1),
            corrective_mm=np.ascontiguousarray(of_jaw.reshape(3 * len(vertices), -1).T * _MM_PER_M, np.float32),
        )

    def positions(self, frames: Float32) -> Float32:
        """Points [T, P, 3] of ``frames`` [T, 58]; head rotation and gaze move none of them."""
        arm = (frames[:, EXPRESSION] @ self.basis_mm).reshape(len(frames), -1, 3)
        arm += self.rest_mm - self.jaw_joint_mm
        turn = to_matrix(frames[:, JAW])
        if len(self.corrective_mm):
            change = (turn - np.eye(3, dtype=np.float32)).reshape(-1, 9)
            arm += (change @ self.corrective_mm).reshape(arm.shape)
        turned = arm @ np.swapaxes(turn, -1, -2)
        turned -= arm
        turned *= self.jaw_weight
        turned += arm
        turned += self.jaw_joint_mm
        return np.asarray(turned, np.float32)

    def within(self, regions: Sequence[Region]) -> npt.NDArray[np.intp]:
        """[Q] which of the P points lie in ``regions``."""
        return np.flatnonzero(np.isin(self.region, regions))


@cache
def surface_of(head: HeadModel, regions: tuple[Region, ...]) -> Surface:
    """The head's vertices in ``regions``, made ready once per process."""
    return Surface.of(head, np.flatnonzero(head.mask(*regions)))


def lips_mm(frames: Float32, head: HeadModel | None = None) -> Float32:
    """The lips' vertices [T, L, 3] of ``frames`` [T, 58], on the mean head, head rotation removed, in mm."""
    return surface_of(head or load_open_head(), (Region.LIPS,)).positions(frames)


def lip_gap_mm(frames: Float32, head: HeadModel | None = None) -> Float32:
    """Distance [T] of the middle of the upper inner lip from that of the lower, of ``frames`` [T, 58], in mm."""
    head = head or load_open_head()
    surface = _gap_surface(head)
    corners = surface.positions(frames).reshape(len(frames), 2, 3, 3)
    weights = head.landmark_weights[list(INNER_LIPS)]
    upper, lower = (corners * weights[:, :, None]).sum(axis=2).transpose(1, 0, 2)
    return np.asarray(np.linalg.norm(upper - lower, axis=-1), np.float32)


@cache
def _gap_surface(head: HeadModel) -> Surface:
    """The corners of the two triangles on which the landmarks lie."""
    return Surface.of(head, head.faces[head.landmark_face[list(INNER_LIPS)]].ravel().astype(np.intp))
