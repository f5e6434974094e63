"""Where a camera path puts the head in the renderer's camera frame (``schemas.units``)."""

from dataclasses import dataclass

import numpy as np

from models.render import Camera
from schemas.arrays import Float32, admit_fields
from schemas.performance import CameraPath


class BlindCamera(ValueError):
    """A camera stands on the point it looks at, or sees nothing."""


@dataclass(frozen=True, slots=True)
class View:
    """The head's frame to the camera's over T frames: ``rotation @ point + translation``."""

    rotation: Float32  # [T, 3, 3] rows: the picture's right, its up, towards the operator
    translation: Float32  # [T, 3] metres
    vertical_fov: Float32  # [T] radians

    def __post_init__(self) -> None:
        sizes = {"T": len(self.rotation)}
        admit_fields(
            self,
            sizes,
            rotation=(np.float32, ("T", 3, 3)),
            translation=(np.float32, ("T", 3)),
            vertical_fov=(np.float32, ("T",)),
        )

    def __len__(self) -> int:
        return len(self.rotation)

    def part(self, frames: slice) -> "View":
        return View(self.rotation[frames], self.translation[frames], self.vertical_fov[frames])

    def seen(self, vertices: Float32) -> Float32:
        """Points [T, V, 3] of the head's frame in the camera's."""
        return np.asarray(vertices @ np.swapaxes(self.rotation, 1, 2) + self.translation[:, None], np.float32)

    def camera(self, frame: int, width: int, height: int) -> Camera:
        """The pinhole of one frame; the target falls on the middle of the picture."""
        focal = height / 2 / np.tan(float(self.vertical_fov[frame]) / 2)
        return Camera(width, height, focal, ((width - 1) / 2, (height - 1) / 2))


def look_at(path: CameraPath) -> View:
    """The view along ``path``. A camera that looks straight up or down keeps the subject's left at its right.

    Raises ``BlindCamera``.
    """
    ahead = (path.target - path.position).astype(np.float64)
    distance = np.linalg.norm(ahead, axis=1, keepdims=True)
    if (distance < 1e-6).any():
        raise BlindCamera("a camera stands on the point it looks at: move its position or its target")
    if (path.vertical_fov <= 0).any() or (path.vertical_fov >= np.pi).any():
        raise BlindCamera("a camera's vertical field of view must lie between 0 and pi radians")
    ahead /= distance
    right = np.cross(ahead, [0.0, 1.0, 0.0])
    length = np.linalg.norm(right, axis=1, keepdims=True)
    right = np.where(length > 1e-6, right / np.maximum(length, 1e-12), [1.0, 0.0, 0.0])
    up = np.cross(right, ahead)
    cosine, sine = np.cos(path.roll)[:, None], np.sin(path.roll)[:, None]
    right, up = cosine * right - sine * up, sine * right + cosine * up
    rotation = np.stack([right, up, -ahead], axis=1)
    translation = -(rotation @ path.position[:, :, None])[:, :, 0]
    return View(rotation.astype(np.float32), translation.astype(np.float32), path.vertical_fov)
