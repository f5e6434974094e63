"""What is behind the person: a wall, a room, shelves, a window or the open, out of focus."""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from models.look.skin import RGB
from schemas.arrays import Float32, UInt8


def draw_room(size_px: int, rng: np.random.Generator) -> UInt8:
    """A background [size, size, 3] by chance."""
    wall = rng.uniform(40, 215) + rng.normal(0, 9, 3)
    kind = _KINDS[rng.integers(len(_KINDS))]
    room = kind(np.asarray(wall, np.float32), size_px, rng)
    return _out_of_focus(room, size_px * float(rng.uniform(1 / 120, 1 / 25)))


def furnished(wall: RGB, size_px: int, rng: np.random.Generator) -> UInt8:
    """A wall [size, size, 3] of a given colour with a few things on it."""
    return _out_of_focus(_things(np.asarray(wall, np.float32), size_px, rng), size_px / 28)


def _out_of_focus(room: Float32, sigma_px: float) -> UInt8:
    return np.asarray(cv2.GaussianBlur(room, (0, 0), sigma_px).clip(0, 255), np.uint8)


def _plain(wall: Float32, size_px: int, rng: np.random.Generator) -> Float32:
    y, x = np.linspace(-1, 1, size_px)[:, None], np.linspace(-1, 1, size_px)[None]
    cx, cy = rng.uniform(-0.6, 0.6, 2)
    fade = 1 - rng.uniform(0.1, 0.35) * ((x - cx) ** 2 + (y - cy) ** 2) / 2
    return np.asarray(fade[:, :, None] * wall, np.float32)


def _things(wall: Float32, size_px: int, rng: np.random.Generator) -> Float32:
    fade = np.linspace(1.08, 0.8, size_px, dtype=np.float32)[:, None, None]
    room: Float32 = np.broadcast_to(wall * fade, (size_px, size_px, 3)).copy()
    for _ in range(7):
        corner = rng.integers(-size_px // 6, size_px, 2)
        far = corner + rng.integers(size_px // 8, size_px // 2, 2)
        _box(room, corner, far, wall * rng.uniform(0.6, 1.3) + rng.normal(0, 14, 3))
    return room


def _shelves(wall: Float32, size_px: int, rng: np.random.Generator) -> Float32:
    room = _plain(wall * np.float32(0.5), size_px, rng)
    height = int(size_px * rng.uniform(0.12, 0.22))
    for top in range(int(rng.integers(0, height)), size_px, height):
        left = 0
        while left < size_px:
            width = int(size_px * rng.uniform(0.012, 0.05))
            rise = int(height * rng.uniform(0.55, 0.88))
            colour = rng.uniform(30, 200) + rng.normal(0, 18, 3)
            _box(room, (left, top + height - rise), (left + width, top + height - size_px // 60), colour)
            left += width
    return room


def _window(wall: Float32, size_px: int, rng: np.random.Generator) -> Float32:
    room = _plain(wall * np.float32(0.8), size_px, rng)
    left, top = int(rng.uniform(-0.1, 0.75) * size_px), int(rng.uniform(-0.2, 0.2) * size_px)
    right, bottom = left + int(rng.uniform(0.25, 0.5) * size_px), top + int(rng.uniform(0.4, 0.8) * size_px)
    sky = np.array([205, 222, 240]) * rng.uniform(0.85, 1.06)
    _box(room, (left, top), (right, bottom), sky)
    _box(room, (left, (top + 2 * bottom) // 3), (right, bottom), rng.uniform(70, 150, 3) * (0.9, 1.0, 0.8))
    for x in (left, (left + right) // 2, right):
        _box(room, (x - size_px // 90, top), (x + size_px // 90, bottom), wall * 1.1)
    return room


def _outdoors(wall: Float32, size_px: int, rng: np.random.Generator) -> Float32:
    coarse = rng.normal(0, 22, (9, 9, 1)) + 0.2 * wall + np.array([75, 90, 60]) * rng.uniform(0.7, 1.3)
    sky = np.array([196, 214, 234]) * rng.uniform(0.8, 1.05)
    horizon = int(rng.integers(1, 5))
    coarse[:horizon] = 0.7 * sky + 0.3 * coarse[:horizon]
    leaves = cv2.resize(coarse.astype(np.float32), (size_px, size_px), interpolation=cv2.INTER_CUBIC)
    fine = rng.normal(0, 14, (size_px // 8, size_px // 8, 1)).astype(np.float32)
    rough = cv2.resize(fine, (size_px, size_px), interpolation=cv2.INTER_LINEAR)[:, :, None]
    return np.asarray(leaves + rough, np.float32)


_KINDS: Final[tuple[Callable[[Float32, int, np.random.Generator], Float32], ...]] = (
    _plain,
    _things,
    _shelves,
    _window,
    _outdoors,
)


def _box(room: Float32, corner: object, far: object, colour: object) -> None:
    (left, top), (right, bottom) = np.asarray(corner), np.asarray(far)
    shown = tuple(float(c) for c in np.asarray(colour))
    cv2.rectangle(room, (int(left), int(top)), (int(right), int(bottom)), shown, -1)
