"""What MediaPipe makes of a head that turns: it sees the same face otherwise from every side.

Whoever compares faces seen at different poses takes that off first. ``models/data/TURNING.md`` says how it was learned.
"""

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from models.head.angles import to_angles
from models.head.rotation import to_axis_angle
from schemas.arrays import Bool, Float32
from schemas.units import N_MESH_POINTS

_FILE: Final = Path(__file__).parent.parent / "data" / "turning.npz"

Index = npt.NDArray[np.intp]


def laid_on(mean_face: Float32, landmarks: Float32, by: Index | slice = slice(None)) -> tuple[Float32, Float32]:
    """``landmarks`` [T, 478, 3] (pixels; y down, z away from the viewer) in the frame of ``mean_face`` [478, 3]
    (metres): [T, 468, 3] mm, each frame laid there by the similarity that is best for the points ``by`` (Umeyama 1991);
    and the head's pitch, yaw and roll [T, 3] (radians)."""
    seen = landmarks[:, :N_MESH_POINTS] * np.array([1, -1, -1], np.float32)  # the head's axes
    goal = mean_face[:N_MESH_POINTS] - mean_face[:N_MESH_POINTS][by].mean(0)
    seen = seen - seen[:, by].mean(1, keepdims=True)
    u, _, vt = np.linalg.svd(np.swapaxes(seen[:, by], 1, 2) @ goal[by])
    u[:, :, 2] *= np.sign(np.linalg.det(u @ vt))[:, None]
    rotation = u @ vt
    scale = np.sqrt((goal[by] ** 2).sum() / np.maximum((seen[:, by] ** 2).sum((1, 2)), 1e-9))
    faces = 1e3 * (seen @ rotation) * scale[:, None, None]
    return faces.astype(np.float32), to_angles(to_axis_angle(rotation.astype(np.float32)))


def odd_turns(angles: Float32) -> Float32:
    """[T, 4] what a mirror turns round of pitch, yaw and roll [T, 3]: yaw, its square with its sign, roll, and yaw
    times pitch."""
    pitch, yaw, roll = angles.T
    return np.stack([yaw, yaw * np.abs(yaw), roll, yaw * pitch], axis=1)


def turns(angles: Float32) -> Float32:
    """[T, 8] ``odd_turns``, and what a mirror leaves: pitch, its square with its sign and without, and yaw's square."""
    pitch, yaw, _ = angles.T
    return np.concatenate(
        [odd_turns(angles), np.stack([pitch, pitch * np.abs(pitch), pitch**2, yaw**2], axis=1)], axis=1
    )


def drift(landmarks: Float32, present: Bool, mean_face: Float32, at_least: int) -> float | None:
    """How far the faces of a clip's two halves lie apart, mm: mean over the points of ``landmarks`` [T, 478, 3]
    (pixels) that neither expression nor jaw moves much, across and up the face; what turning does to them is taken off
    each frame ``present``. None where a half has fewer than ``at_least``."""
    points, by_turn = _of_turning()
    faces, angles = laid_on(mean_face, landmarks[present], points)
    faces = faces[:, points, :2] - np.einsum("tk,kpc->tpc", turns(angles), by_turn)
    first, second = np.array_split(faces, 2)
    if len(second) < at_least:
        return None
    return float(np.linalg.norm(first.mean(0) - second.mean(0), axis=1).mean())


@cache
def _of_turning() -> tuple[Index, Float32]:
    with np.load(_FILE, allow_pickle=False) as arrays:
        return arrays["points"].astype(np.intp), arrays["by_turn"]
