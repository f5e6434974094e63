"""A finer mesh for the screen: rounder where the head's own triangles are large, finer where colours have an edge."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.arrays import Bool, Float32, Int32

_ROUNDNESS = np.float32(0.75)  # Boubekeur & Alexa's alpha


@dataclass(frozen=True, slots=True)
class _Level:
    halves: npt.NDArray[np.int64]  # [E, 2] the two vertices between which each new one lies
    bends: Float32  # [E, 1] 0 on the border to coarser triangles, which would open, else 1


@dataclass(frozen=True, slots=True)
class Refinement:
    """Some triangles cut in four, perhaps more than once."""

    faces: Int32  # [F, 3]
    levels: tuple[_Level, ...]

    def extend(self, values: Float32) -> Float32:
        """Per-vertex ``values`` [V, K] of the coarse mesh on the fine one, half-way between on new vertices."""
        for level in self.levels:
            a, b = level.halves.T
            values = np.concatenate([values, (values[a] + values[b]) * np.float32(0.5)])
        return values

    def surface(self, points: Float32, normals: Float32) -> tuple[Float32, Float32]:
        """``points`` and unit ``normals`` [V, 3] of the coarse mesh on the fine one, rounded between.

        Phong tessellation (Boubekeur and Alexa 2008): a new point moves towards its projections on the tangent planes
        of the two old ones.
        """
        for level in self.levels:
            a, b = level.halves.T
            edge, bend = points[b] - points[a], normals[b] - normals[a]
            # Half of each projection: the middle's distances to the planes are (n_a . edge)/2 and -(n_b . edge)/2.
            rise_a = np.einsum("ek,ek->e", normals[a], edge)[:, None] * normals[a]
            rise_b = np.einsum("ek,ek->e", normals[b], edge)[:, None] * normals[b]
            lift = _ROUNDNESS * np.float32(0.25) * (rise_b - rise_a) * level.bends
            middle = normals[a] + np.float32(0.5) * bend
            middle /= np.sqrt(np.einsum("ek,ek->e", middle, middle))[:, None] + np.float32(1e-12)
            points = np.concatenate([points, points[a] + np.float32(0.5) * edge + lift])
            normals = np.concatenate([normals, middle])
        return points, normals


def refine(faces: Int32, n_vertices: int, chosen: Sequence[Bool]) -> Refinement:
    """Cut the triangles of ``chosen[0]`` [F] once, and those also in ``chosen[1]`` [F] a second time, and so on."""
    levels: list[_Level] = []
    done, fine, left = [], faces.astype(np.int64), list(chosen)
    while left:
        now, *left = left
        done.append(fine[~now])
        fine = fine[now]
        left = [np.tile(later[now], 4) for later in left]
        edges = np.sort(fine[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        halves, which, count = np.unique(edges, axis=0, return_inverse=True, return_counts=True)
        ab, bc, ca = (n_vertices + which.reshape(-1, 3)).T
        a, b, c = fine.T
        fine = np.concatenate([np.stack(t, axis=1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
        levels.append(_Level(halves, (count > 1).astype(np.float32)[:, None]))
        n_vertices += len(halves)
    return Refinement(np.concatenate([*done, fine]).astype(np.int32), tuple(levels))
