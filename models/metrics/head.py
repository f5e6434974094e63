"""How the head turns: rotations [T, 3] as axis-angle in radians, measured on SO(3), never by their coordinates."""

import numpy as np

from models.avatar.motion import relative_rotation
from models.head.rotation import to_axis_angle, to_matrix
from schemas.arrays import Float32
from schemas.units import FRAME_RATE


def spread_deg(rotation: Float32) -> float:
    """Root mean square angle in degrees between the head and its own mean orientation."""
    return float(np.degrees(np.sqrt((relative_rotation(rotation) ** 2).sum(axis=1).mean())))


def angular_velocity(rotation: Float32) -> Float32:
    """[T - 1, 3] radians a second, in the head's own frame, from each frame to the next."""
    matrices = to_matrix(rotation.astype(np.float64))
    steps = np.swapaxes(matrices[:-1], -1, -2) @ matrices[1:]
    return np.asarray(to_axis_angle(steps) * float(FRAME_RATE), np.float32)


def speed_deg(rotation: Float32) -> Float32:
    """[T - 1] angular speed in degrees a second, from each frame to the next."""
    return np.asarray(np.degrees(np.linalg.norm(angular_velocity(rotation), axis=1)), np.float32)


def angle_between_deg(ours: Float32, theirs: Float32) -> float:
    """Mean angle in degrees between two heads, frame by frame."""
    turns = np.swapaxes(to_matrix(ours.astype(np.float64)), -1, -2) @ to_matrix(theirs.astype(np.float64))
    return float(np.degrees(np.linalg.norm(to_axis_angle(turns), axis=1).mean()))
