"""Something that crosses the face: a hand or a microphone, moved before the finished picture."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from models.look.skin import RGB
from schemas.arrays import Float32, UInt8
from schemas.units import FRAME_RATE

THINGS: Final = ("hand", "microphone")
_SPRITE_PX: Final = 256  # wide
_SPRITE_HEIGHT_PX: Final = 1024  # whatever comes in does not end within the picture
_CROSSING_S: Final = (0.5, 2.5)
_COVERED: Final = 0.5  # of opacity, from which on a landmark is hidden


@dataclass(frozen=True, slots=True)
class Occluder:
    """A picture with opacity that lies over frames ``start_frame`` to ``stop_frame`` at moving places."""

    thing: str
    sprite: Float32  # [H, W, 4] RGB 0..255 and opacity 0..1
    start_frame: int
    stop_frame: int
    place: Float32  # [stop - start, 2, 3] from the sprite's pixels to the picture's

    def over(self, picture: UInt8, frame: int) -> UInt8:
        """``picture`` [H, W, 3] with the thing before it, if it is there in ``frame``."""
        layer = self._layer(frame, picture.shape[1], picture.shape[0])
        if layer is None:
            return picture
        opacity = layer[:, :, 3:]
        return np.asarray(picture * (1 - opacity) + layer[:, :, :3] * opacity + 0.5, np.uint8)

    def hides(self, points: Float32, frame: int, size_px: int) -> float:
        """Share of ``points`` [K, 2] (pixels) that the thing covers in ``frame`` of a picture of ``size_px``."""
        layer = self._layer(frame, size_px, size_px)
        if layer is None:
            return 0.0
        column, row = np.clip(points.round().astype(int), 0, size_px - 1).T
        return float((layer[row, column, 3] > _COVERED).mean())

    def _layer(self, frame: int, width: int, height: int) -> Float32 | None:
        if not self.start_frame <= frame < self.stop_frame:
            return None
        place = self.place[frame - self.start_frame]
        return np.asarray(cv2.warpAffine(self.sprite, place, (width, height), flags=cv2.INTER_LINEAR), np.float32)


def draw_occluder(
    n_frames: int, mouth: Float32, face_px: float, skin: RGB, size_px: int, rng: np.random.Generator
) -> Occluder:
    """A thing that comes from below or aside to about the mouth [n_frames, 2] (pixels) and goes again, in a picture of
    ``size_px``; ``face_px`` is how high the face is in it."""
    thing = THINGS[rng.integers(len(THINGS))]
    length = min(n_frames, int(rng.uniform(*_CROSSING_S) * FRAME_RATE))
    start = int(rng.integers(0, n_frames - length + 1))
    phase = np.linspace(0, 1, length, dtype=np.float32)
    near = np.clip(3.2 * np.minimum(phase, 1 - phase), 0, 1)
    near = near * near * (3 - 2 * near)
    side = rng.choice([-1.0, 1.0])
    away = np.array([side * rng.uniform(0.2, 1.0), 1.0]) * (1.1 * size_px)
    goal = mouth[start : start + length] + rng.normal(0, 0.12 * face_px, 2)
    centre = goal + (1 - near[:, None]) * away
    if thing == "hand":
        sprite, scale, turn = _hand(skin, rng), rng.uniform(0.75, 1.0), side * rng.uniform(10, 50)
    else:
        sprite, scale, turn = _microphone(rng), rng.uniform(0.6, 0.9), side * rng.uniform(5, 35)
    grown = scale * face_px / _SPRITE_PX
    place = np.empty((length, 2, 3), np.float32)
    for k in range(length):
        place[k] = cv2.getRotationMatrix2D((_SPRITE_PX / 2, _SPRITE_PX * 0.35), turn, grown)
        place[k, :, 2] += centre[k] - (_SPRITE_PX / 2, _SPRITE_PX * 0.35)
    return Occluder(thing, sprite, start, start + length, place)


def _hand(skin: RGB, rng: np.random.Generator) -> Float32:
    """A palm with four fingers up and a thumb, and a forearm that leads out of the picture."""
    opacity = np.zeros((_SPRITE_HEIGHT_PX, _SPRITE_PX), np.float32)
    shade = np.zeros_like(opacity)
    spread = rng.uniform(0.03, 0.12)
    for k, length in enumerate((78, 92, 88, 66)):
        lean = (k - 1.5) * spread
        root = np.array([98 + 20 * k, 120])
        tip = root + length * np.array([np.sin(lean), -np.cos(lean)])
        _limb(opacity, shade, root, tip, 11, 0.86 + 0.05 * (k % 2))
    _limb(opacity, shade, np.array([90, 165]), np.array([50, 105]), 13, 0.9)
    cv2.ellipse(opacity, (128, 145), (48, 44), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    cv2.ellipse(shade, (128, 145), (48, 44), 0, 0, 360, 0.95, -1, cv2.LINE_AA)
    _limb(opacity, shade, np.array([128, 170]), np.array([128, _SPRITE_HEIGHT_PX]), 34, 0.82)
    return _sprite(np.asarray(skin, np.float32), opacity, shade)


def _microphone(rng: np.random.Generator) -> Float32:
    """A ball of wire on a dark handle."""
    opacity = np.zeros((_SPRITE_HEIGHT_PX, _SPRITE_PX), np.float32)
    shade = np.zeros_like(opacity)
    _limb(opacity, shade, np.array([128, 110]), np.array([128, _SPRITE_HEIGHT_PX]), 20, 0.35)
    cv2.ellipse(opacity, (128, 88), (38, 42), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    cv2.ellipse(shade, (128, 88), (38, 42), 0, 0, 360, 0.8, -1, cv2.LINE_AA)
    y, x = np.mgrid[0:_SPRITE_HEIGHT_PX, 0:_SPRITE_PX]
    mesh = 0.85 + 0.15 * ((x // 3 + y // 3) % 2)
    shade = np.where(y < 130, shade * mesh, shade).astype(np.float32)
    return _sprite(np.full(3, rng.uniform(60, 170), np.float32), opacity, shade)


def _limb(opacity: Float32, shade: Float32, a: Float32, b: Float32, radius: int, light: float) -> None:
    ends = [tuple(int(v) for v in p) for p in (a, b)]
    for canvas, value, grown in ((opacity, 1.0, 0), (shade, light * 0.75, 0), (shade, light, -3)):
        cv2.line(canvas, ends[0], ends[1], value, 2 * (radius + grown), cv2.LINE_AA)


def _sprite(colour: Float32, opacity: Float32, shade: Float32) -> Float32:
    soft = cv2.GaussianBlur(shade, (0, 0), 2.5) / np.maximum(cv2.GaussianBlur(opacity, (0, 0), 2.5), 0.05)
    rgb = np.clip(soft[:, :, None] * colour, 0, 255)
    return np.concatenate([rgb, cv2.GaussianBlur(opacity, (0, 0), 1.2)[:, :, None]], axis=2).astype(np.float32)
