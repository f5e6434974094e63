"""The paper's frame and ours, one into the other.

    paper   shape 100 | expression 50 | head rotation 3 | jaw 3 | detail 128       = 284, without detail 156
    ours    expression 50 | jaw 3 | head rotation 3 | gaze 2                        = 58 (``models.avatar.motion``)

Axes and units are the same, and head rotation is relative to the clip's mean in both. The paper has no gaze: it is
zero.
"""

from typing import Final

import torch
from torch import Tensor

from models.avatar import motion as ours
from models.training.batch import Batch
from schemas.units import DETAIL_DIM, EXPRESSION_DIM, SHAPE_DIM

SHAPE: Final = slice(0, SHAPE_DIM)
EXPRESSION: Final = slice(SHAPE.stop, SHAPE.stop + EXPRESSION_DIM)
ROTATION: Final = slice(EXPRESSION.stop, EXPRESSION.stop + 3)
JAW: Final = slice(ROTATION.stop, ROTATION.stop + 3)
JAW_OPENING: Final = JAW.start  # channel 153: rotation about x
PLAIN_DIM: Final = JAW.stop
DETAILED_DIM: Final = PLAIN_DIM + DETAIL_DIM

_JAW_LOW: Final = (0.0, -0.1, -0.1)  # radians
_JAW_HIGH: Final = (0.3, 0.1, 0.1)


class DetailMissing(ValueError):
    """The model makes frames of 284 numbers and the data has only 156 of them."""


def code_of(batch: Batch, frame_dim: int) -> Tensor:
    """The motion of ``batch`` as the paper's code [B, W, frame_dim]. Raises ``DetailMissing``."""
    if frame_dim < DETAILED_DIM:
        return to_code(batch.motion, batch.shape, None)
    if batch.detail is None:
        raise DetailMissing(
            "the model makes frames of 284 numbers, but the clips have no detail: train it with frame_dim=156, or "
            "curate with a DECA backend"
        )
    return to_code(batch.motion, batch.shape, batch.detail)


def to_code(frames: Tensor, shape: Tensor, detail: Tensor | None) -> Tensor:
    """Our ``frames`` [B, T, 58] of heads ``shape`` [B, 100] with ``detail`` [B, T, 128] to [B, T, 284], or 156."""
    shapes = shape[:, None].expand(-1, frames.shape[1], -1)
    parts = [shapes, frames[..., ours.EXPRESSION], frames[..., ours.ROTATION], frames[..., ours.JAW]]
    return torch.cat(parts if detail is None else [*parts, detail], dim=-1)


def to_frames(code: Tensor) -> Tensor:
    """The paper's ``code`` [..., 156 or 284] to our frames [..., 58], gaze zero; shape and detail are left behind."""
    gaze = code.new_zeros(*code.shape[:-1], ours.MOTION_DIM - ours.GAZE.start)
    return torch.cat([code[..., EXPRESSION], code[..., JAW], code[..., ROTATION], gaze], dim=-1)


def clamp_jaw(code: Tensor) -> Tensor:
    """``code`` with its jaw kept where a jaw can be: opening 0..0.3 rad, sideways and twist within 0.1."""
    low, high = code.new_tensor(_JAW_LOW), code.new_tensor(_JAW_HIGH)
    return torch.cat([code[..., : JAW.start], code[..., JAW].clamp(low, high), code[..., JAW.stop :]], dim=-1)
