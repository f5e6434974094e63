"""The unknowns of a fit and how a Gauss-Newton step changes them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.head.rotation import to_axis_angle, to_matrix
from schemas.arrays import Float32
from schemas.units import EXPRESSION_DIM

# Order of a frame's parameters in a step.
ROTATION = slice(0, 3)
TRANSLATION = slice(3, 6)
JAW = slice(6, 9)
GAZE = slice(9, 11)  # pitch, yaw; both eyes alike
EXPRESSION = slice(11, 11 + EXPRESSION_DIM)
N_PARAMETERS = 11 + EXPRESSION_DIM

# The longest step a frame may take at once; beyond it the linearisation means nothing.
_LONGEST_TURN = 0.5
_LONGEST_STRENGTH = 1.5


@dataclass(frozen=True, slots=True)
class FitState:
    """T frames. A landmark ``p`` of the head frame lies at ``rotation @ (p - pivot) + position`` in the camera's."""

    shape: Float32  # [B]
    rotation: Float32  # [T, 3, 3]
    position: Float32  # [T, 3] metres, of the pivot
    jaw: Float32  # [T, 3] axis-angle
    gaze: Float32  # [T, 2] pitch, yaw
    expression: Float32  # [T, 50]

    def moved(self, step: Float32, shape_step: Float32 | None = None) -> "FitState":
        """The state after ``step`` [T, 61] (rotation perturbed from the left) and ``shape_step`` [B]."""
        turn = step[:, ROTATION]
        length = np.linalg.norm(turn, axis=1, keepdims=True)
        turn = np.asarray(turn * np.minimum(1, _LONGEST_TURN / np.maximum(length, 1e-9)), np.float32)
        depth = self.position[:, 2:]
        shift = np.clip(step[:, TRANSLATION], depth / 3, -depth / 3)  # depth is negative
        return FitState(
            shape=self.shape if shape_step is None else np.clip(self.shape + shape_step, -6, 6),
            rotation=(to_matrix(turn) @ self.rotation).astype(np.float32),
            position=self.position + shift,
            jaw=self.jaw + np.clip(step[:, JAW], -_LONGEST_TURN, _LONGEST_TURN),
            gaze=self.gaze + np.clip(step[:, GAZE], -_LONGEST_TURN, _LONGEST_TURN),
            expression=self.expression + np.clip(step[:, EXPRESSION], -_LONGEST_STRENGTH, _LONGEST_STRENGTH),
        )

    def at(self, frames: npt.NDArray[np.intp]) -> "FitState":
        """The same shape, only ``frames`` of the motion."""
        return FitState(
            self.shape,
            self.rotation[frames],
            self.position[frames],
            self.jaw[frames],
            self.gaze[frames],
            self.expression[frames],
        )

    def coordinates(self, reference: Float32) -> Float32:
        """[T, 61] the parameters as plain numbers; rotation relative to ``reference`` [3, 3], where it is small."""
        seen = to_axis_angle(self.rotation @ reference.T)
        return np.concatenate([seen, self.position, self.jaw, self.gaze, self.expression], axis=1)

    def mean_rotation(self) -> Float32:
        """[3, 3] the rotation nearest to all frames' (chordal mean)."""
        u, _, vt = np.linalg.svd(self.rotation.mean(0))
        u[:, 2] *= np.sign(np.linalg.det(u @ vt))
        return np.asarray(u @ vt, np.float32)
