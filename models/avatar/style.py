"""How somebody moves the head, in six numbers: what a model is trained on, asked for, and compared by."""

from typing import Final

import numpy as np

from models.avatar.motion import ROTATION
from schemas.arrays import Float32
from schemas.units import FRAME_RATE

# A head that moves less stands still: a logarithm needs a floor.
STILL_RAD: Final = 1e-4
STILL_RAD_S: Final = 1e-3


def style_of(frames: Float32) -> Float32:
    """How a head moves [6]: log standard deviation of pitch, yaw, roll (rad), then of their velocities (rad/s), of
    ``frames`` [T, 58]."""
    turn = frames[:, ROTATION].astype(np.float64)
    velocity = np.diff(turn, axis=0) * float(FRAME_RATE) if len(turn) > 1 else np.zeros((1, 3))
    spread = np.concatenate([np.maximum(turn.std(0), STILL_RAD), np.maximum(velocity.std(0), STILL_RAD_S)])
    return np.asarray(np.log(spread), np.float32)
