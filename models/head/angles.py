"""Pitch, yaw and roll: what people call a head's rotation, ``R = Ry(yaw) @ Rx(pitch) @ Rz(roll)``.

Yaw turns about the vertical, positive to the subject's left; pitch then nods, positive downwards; roll tilts about the
line of sight, positive towards the subject's right shoulder. Radians.
"""

import numpy as np

from models.head.rotation import to_axis_angle, to_matrix
from schemas.arrays import Float32


def to_angles(rotation: Float32) -> Float32:
    """Pitch, yaw and roll [T, 3] of axis-angle ``rotation`` [T, 3]; pitch within a right angle."""
    r = to_matrix(rotation)
    pitch = np.arcsin(np.clip(-r[:, 1, 2], -1, 1))
    yaw = np.arctan2(r[:, 0, 2], r[:, 2, 2])
    roll = np.arctan2(r[:, 1, 0], r[:, 1, 1])
    return np.asarray(np.stack([pitch, yaw, roll], axis=1), np.float32)


def from_angles(angles: Float32) -> Float32:
    """Axis-angle [T, 3] of pitch, yaw and roll [T, 3]."""
    pitch, yaw, roll = (to_matrix(angles[:, k, None] * np.eye(3, dtype=np.float32)[k]) for k in range(3))
    return np.asarray(to_axis_angle(yaw @ pitch @ roll), np.float32)
