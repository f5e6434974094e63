"""The frame that the avatar generates: a clip's motion without its identity, its place and its camera.

    expression 50 | jaw 3 | head rotation 3 | gaze 2                                                          = 58

Head rotation is taken relative to the clip's mean orientation, so that where a camera happened to stand is not learned.
Gaze is the mean of both eyeballs, about x and y. The open head's lids are two of its expressions.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.head.rotation import to_axis_angle, to_matrix
from schemas.arrays import Bool, Float32
from schemas.motion import HeadMotion
from schemas.units import EXPRESSION_DIM

EXPRESSION: Final = slice(0, EXPRESSION_DIM)
JAW: Final = slice(50, 53)
ROTATION: Final = slice(53, 56)
GAZE: Final = slice(56, 58)
MOTION_DIM: Final = 58
_OF_THE_MOUTH: Final = ("mouth", "jaw", "cheekPuff")


def to_frames(motion: HeadMotion) -> Float32:
    """The clip's motion as frames [T, 58]."""
    eyes = motion.eyes.reshape(-1, 2, 3)[:, :, :2].mean(axis=1)
    parts = (motion.expression, motion.jaw, relative_rotation(motion.global_rotation), eyes)
    return np.concatenate(parts, axis=1, dtype=np.float32)


def relative_rotation(rotation: Float32) -> Float32:
    """Axis-angle [T, 3] relative to the mean orientation (chordal mean: the polar factor of the mean matrix)."""
    matrices = to_matrix(rotation)
    u, _, vt = np.linalg.svd(matrices.mean(axis=0))
    mean = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]).astype(np.float32) @ vt
    return to_axis_angle((mean.T @ matrices).astype(np.float32))


def mouth_channels(expression_names: Sequence[str]) -> Bool:
    """[58] which numbers of a frame shape the mouth: the jaw, and the actions that ARKit names after mouth and jaw; of
    expressions without such names, components of the whole face, all."""
    mouth = np.zeros(MOTION_DIM, np.bool_)
    named = [name.startswith(_OF_THE_MOUTH) for name in expression_names]
    mouth[EXPRESSION] = named if any(named) else True
    mouth[JAW] = True
    return mouth


def eyes_of(frames: Float32) -> Float32:
    """Axis-angle [T, 6] of the left then the right eyeball, which look the same way."""
    gaze = np.pad(frames[:, GAZE], ((0, 0), (0, 1)))
    return np.concatenate([gaze, gaze], axis=1)
