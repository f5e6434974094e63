"""Pose correctives on the landmarks: what FLAME adds to the head at rest when jaw and eyes turn, and its derivative.

The correction is linear in the entries of (R - I) (Li, Bolkart, Black, Li, Romero 2017, equation 4), so its derivative
is exact: a turn ``exp(d) Q`` of a joint changes ``Q`` by ``skew(d) Q``.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.head.model import HeadModel
from models.head.rotation import skew, to_matrix
from schemas.arrays import Float32


@dataclass(frozen=True, eq=False)
class PoseCorrectives:
    """L landmarks. Both eyes turn alike in a fit, so theirs are one."""

    jaw: Float32  # [L, 3, 9] metres per entry of (R - I), row by row
    gaze: Float32  # [L, 3, 9] of both eyes together

    @classmethod
    def of(cls, head: HeadModel) -> "PoseCorrectives | None":
        """None for a head that has none."""
        if head.pose_basis is None:
            return None
        on_landmarks = np.moveaxis(head.landmarks(np.moveaxis(head.pose_basis, 2, 0)), 0, 2)
        jaw, left, right = (np.ascontiguousarray(on_landmarks[:, :, 9 * k : 9 * k + 9]) for k in range(3))
        return cls(jaw, left + right)

    def part(self, landmarks: npt.NDArray[np.intp]) -> "PoseCorrectives":
        """Only ``landmarks`` [K], in that order."""
        return PoseCorrectives(self.jaw[landmarks], self.gaze[landmarks])

    def moved(self, jaw: Float32, gaze: Float32) -> Float32:
        """[T, L, 3] metres at rest, for turns ``jaw`` [T, 3] and ``gaze`` [T, 2]."""
        turns = (to_matrix(jaw), to_matrix(np.pad(gaze, ((0, 0), (0, 1)))))
        features = (np.reshape(turn - np.eye(3, dtype=np.float32), (-1, 9)) for turn in turns)
        of_jaw, of_gaze = (
            entries @ basis.reshape(-1, 9).T for entries, basis in zip(features, (self.jaw, self.gaze), strict=True)
        )
        return np.asarray((of_jaw + of_gaze).reshape(len(jaw), -1, 3), np.float32)

    def by_jaw(self, jaw: Float32) -> Float32:
        """[T, L, 3, 3] derivative of ``moved`` by a left perturbation of ``jaw`` [T, 3]."""
        return _by_turn(self.jaw, to_matrix(jaw))

    def by_gaze(self, gaze: Float32) -> Float32:
        """[T, L, 3, 2] derivative by pitch and yaw of ``gaze`` [T, 2]."""
        return _by_turn(self.gaze, to_matrix(np.pad(gaze, ((0, 0), (0, 1)))))[..., :2]


def _by_turn(basis: Float32, turn: Float32) -> Float32:
    axes = skew(np.eye(3, dtype=np.float32))  # [3, 3, 3]
    changes = (axes[None] @ turn[:, None]).reshape(len(turn), 3, 9)  # of the entries, axis by axis
    moved = changes.reshape(-1, 9) @ basis.reshape(-1, 9).T
    return np.asarray(np.moveaxis(moved.reshape(len(turn), 3, -1, 3), 1, 3), np.float32)
