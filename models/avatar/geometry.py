"""The face as a differentiable function of generated frames: what the losses see of the head model.

Head rotation, gaze and place are left out: a lip error is measured on a head that stands still. Linear expressions, one
joint and its pose correctives, where the head has them, then suffice, for the few vertices that matter.
"""

import numpy as np
import torch
from torch import Tensor, nn

from models.avatar.motion import EXPRESSION, JAW
from models.head.model import JAW as JAW_JOINT
from models.head.model import HeadModel
from models.head.regions import Region
from schemas.units import EXPRESSION_DIM, SHAPE_DIM

UPPER_FACE = (Region.FOREHEAD, Region.BROWS, Region.EYELIDS)
_UPPER_STRIDE = 8  # eyelids are finely meshed; every eighth vertex tells as much


class FaceGeometry(nn.Module):
    """Vertices of the mean head's lips (L) and upper face (U) out of frames, in millimetres."""

    def __init__(self, head: HeadModel) -> None:
        super().__init__()
        lips = np.flatnonzero(head.mask(Region.LIPS))
        upper = np.flatnonzero(head.mask(*UPPER_FACE))[::_UPPER_STRIDE]
        chosen = np.concatenate([lips, upper])
        self.n_lips = len(lips)
        joint = head.joints(np.zeros(SHAPE_DIM, np.float32))[JAW_JOINT]
        basis = head.expression_basis[chosen].reshape(-1, EXPRESSION_DIM) * 1000.0
        self.basis: Tensor
        self.arm: Tensor
        self.follows: Tensor
        self.correctives: Tensor
        of_jaw = np.zeros((len(chosen), 3, 0)) if head.pose_basis is None else head.pose_basis[chosen, :, :9]
        for name, values in (
            ("basis", np.ascontiguousarray(basis.T)),
            ("arm", (head.template[chosen] - joint) * 1000.0),
            ("follows", head.weights[chosen, JAW_JOINT, None].copy()),
            ("correctives", np.ascontiguousarray(of_jaw.reshape(len(basis), -1).T * 1000.0, np.float32)),
        ):
            self.register_buffer(name, torch.from_numpy(values), persistent=False)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Frames [..., 58] to lips [..., L, 3] and upper face [..., U, 3], relative to the jaw joint."""
        flat = frames[..., EXPRESSION] @ self.basis
        turn = rotation_matrix(frames[..., JAW])
        if len(self.correctives):
            change = turn - torch.eye(3, dtype=turn.dtype, device=turn.device)
            flat = flat + change.flatten(-2) @ self.correctives
        moved = flat.reshape(*flat.shape[:-1], -1, 3) + self.arm
        turned = moved @ turn.transpose(-1, -2)
        vertices = moved + self.follows * (turned - moved)
        return vertices[..., : self.n_lips, :], vertices[..., self.n_lips :, :]


def rotation_matrix(axis_angle: Tensor) -> Tensor:
    """Axis-angle [..., 3] of less than half a turn to matrices [..., 3, 3] (Rodrigues), smooth at zero."""
    squared = (axis_angle**2).sum(-1, keepdim=True)[..., None]
    angle = (squared + 1e-12).sqrt()
    x, y, z = axis_angle.unbind(-1)
    zero = torch.zeros_like(x)
    rows = [torch.stack(row, -1) for row in ((zero, -z, y), (z, zero, -x), (-y, x, zero))]
    skew = torch.stack(rows, -2)
    eye = torch.eye(3, dtype=axis_angle.dtype, device=axis_angle.device)
    matrix: Tensor = eye + angle.sin() / angle * skew + (1 - angle.cos()) / (squared + 1e-12) * (skew @ skew)
    return matrix
