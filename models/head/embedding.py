"""Where landmarks lie on a mesh: a triangle and barycentric weights each."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class LandmarksNotFound(RuntimeError):
    """MediaPipe did not find the face in enough renders to learn from."""


@dataclass(frozen=True)
class Embedding:
    """A surface point for each of L landmarks."""

    face: npt.NDArray[np.int64]  # [L]
    weights: Array  # [L, 3] barycentric
    sigma: Array  # [L] metres, root mean square of the capped distance

    @classmethod
    def unknown(cls, count: int) -> "Embedding":
        """A stand-in until the landmarks have been learned."""
        return cls(np.zeros(count, np.int64), np.full((count, 3), 1 / 3), np.ones(count))
