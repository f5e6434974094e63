"""The studio: a performance's frames as pictures, a bust before a wall or a room."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from models.head.model import HeadModel
from models.look.bust import Bust
from models.look.skin import RGB, Palette
from models.look.surface import Surface
from models.render import Camera, Light, no_depth, paint
from models.view import View
from schemas.arrays import Float32, UInt8
from schemas.performance import Performance

_FRAMES_AT_ONCE: Final = 32
_CORNER_LIGHT: Final = 0.72  # of the wall's, in the picture's corners


@dataclass(frozen=True, slots=True)
class Set:
    """How a studio is set up. ``background`` is sRGB, 0..255; every pixel is the mean of ``supersample`` squared."""

    width: int
    height: int
    supersample: int
    background: RGB
    light: Light
    palette: Palette


class Studio:
    """Draws one head model; everything that stays from frame to frame is worked out once."""

    def __init__(self, head: HeadModel, stage: Set, room: UInt8 | None = None) -> None:
        """``room`` [H, W, 3] is what is seen behind, instead of a plain wall of ``stage.background``."""
        self._head = head
        self._stage = stage
        self._bust = Bust(head, stage.palette)
        self._wall = _wall(stage) if room is None else _enlarged(room, stage)
        self._behind: _Behind | None = None

    def shoot(self, performance: Performance, view: View) -> Iterator[UInt8]:
        """Yield the frames, [H, W, 3] RGB; ``view`` has as many."""
        for first in range(0, performance.n_frames, _FRAMES_AT_ONCE):
            frames = slice(first, first + _FRAMES_AT_ONCE)
            vertices = self._head.vertices(
                performance.shape,
                performance.expression[frames],
                performance.global_rotation[frames],
                performance.jaw[frames],
                performance.eyes[frames],
                performance.translation[frames],
            )
            for at, head in enumerate(vertices, start=first):
                yield self._frame(head, view, at)

    def _frame(self, head: Float32, view: View, at: int) -> UInt8:
        camera = view.camera(at, self._stage.width, self._stage.height)
        if self._behind is None or not self._behind.seen_from(camera, view, at):
            self._behind = self._draw_shoulders(camera, view, at)
        behind = self._behind
        picture = behind.picture.copy()
        points, normals = _turned(*self._bust.pose(head), view, at)
        box = _box(points, camera)
        if box is not None:
            canvas, depth = (
                behind.canvas[box.inside(self._factor)].copy(),
                behind.depth[box.inside(self._factor)].copy(),
            )
            if self._bust.lining is not None:
                self._draw(canvas, depth, box.camera(camera), self._bust.lining, points, -normals)
            self._draw(canvas, depth, box.camera(camera), self._bust.head, points, normals)
            picture[box.inside(1)] = _to_bytes(canvas, box.right - box.left, box.bottom - box.top)
        return picture

    def _draw_shoulders(self, camera: Camera, view: View, at: int) -> "_Behind":
        canvas, depth = self._wall.copy(), no_depth(camera.scaled(self._factor))
        points, normals = _turned(self._bust.shoulder_points, self._bust.shoulder_normals, view, at)
        self._draw(canvas, depth, camera, self._bust.shoulders, points, normals)
        picture = _to_bytes(canvas, camera.width, camera.height)
        return _Behind(camera, view.rotation[at], view.translation[at], canvas, depth, picture)

    def _draw(
        self, canvas: Float32, depth: Float32, camera: Camera, surface: Surface, points: Float32, normals: Float32
    ) -> None:
        lit = surface.lit(points, normals, self._stage.light)
        paint(canvas, depth, points, surface.faces, lit, camera.scaled(self._factor))

    @property
    def _factor(self) -> int:
        return self._stage.supersample


@dataclass(frozen=True, slots=True)
class _Behind:
    """Wall and shoulders from one place: they stay as long as the camera does."""

    seen_by: Camera
    rotation: Float32  # [3, 3]
    translation: Float32  # [3]
    canvas: Float32  # [H * s, W * s, 3]
    depth: Float32  # [H * s, W * s]
    picture: UInt8  # [H, W, 3]

    def seen_from(self, camera: Camera, view: View, at: int) -> bool:
        same_place = np.array_equal(self.translation, view.translation[at])
        return camera == self.seen_by and same_place and np.array_equal(self.rotation, view.rotation[at])


@dataclass(frozen=True, slots=True)
class _Box:
    """A part of the picture, in pixels, half open."""

    left: int
    top: int
    right: int
    bottom: int

    def inside(self, factor: int) -> tuple[slice, slice]:
        return slice(self.top * factor, self.bottom * factor), slice(self.left * factor, self.right * factor)

    def camera(self, camera: Camera) -> Camera:
        """The camera that sees only this part."""
        cx, cy = camera.principal_point_px
        return Camera(self.right - self.left, self.bottom - self.top, camera.focal_px, (cx - self.left, cy - self.top))


def _turned(points: Float32, normals: Float32, view: View, at: int) -> tuple[Float32, Float32]:
    turn = view.rotation[at].T
    return points @ turn + view.translation[at], normals @ turn


def _box(points: Float32, camera: Camera) -> _Box | None:
    """The part of the picture that can show ``points`` [V, 3], if any can.

    A point beside or behind the camera could be seen anywhere at the edge, so it asks for the whole picture.
    """
    if (points[:, 2] > -0.05).any():
        return _Box(0, 0, camera.width, camera.height)
    at = camera.project(points)
    left, top = np.floor(at.min(axis=0)).astype(int) - 1
    right, bottom = np.ceil(at.max(axis=0)).astype(int) + 2
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, camera.width), min(bottom, camera.height)
    return _Box(int(left), int(top), int(right), int(bottom)) if left < right and top < bottom else None


def _wall(stage: Set) -> Float32:
    """A plain wall [H * s, W * s, 3], lit from the middle."""
    height, width = stage.height * stage.supersample, stage.width * stage.supersample
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None]
    share = 1 - (1 - _CORNER_LIGHT) * (x**2 + (y + 0.2) ** 2) / 2.44
    wall = share[:, :, None] * np.asarray(stage.background) / 255
    return np.ascontiguousarray(wall.clip(0, 1), np.float32)


def _enlarged(room: UInt8, stage: Set) -> Float32:
    size = (stage.width * stage.supersample, stage.height * stage.supersample)
    return np.asarray(cv2.resize(room, size, interpolation=cv2.INTER_LINEAR) / np.float32(255), np.float32)


def _to_bytes(canvas: Float32, width: int, height: int) -> UInt8:
    small = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.convertScaleAbs(small, alpha=255), np.uint8)
