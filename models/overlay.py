"""A fitted head drawn over the face it was fitted to, so that a person can judge the fit."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from models.head.landmarks import INNER_LIPS, LOWER_INNER_LIP, OUTER_EYE_CORNERS, UPPER_INNER_LIP
from models.head.model import HeadModel
from models.head.regions import EYEBALLS, FACE, Region, base_colours
from models.head.rotation import to_matrix
from models.render import Camera, Fragments, Light, rasterise, resolve, shade, vertex_normals
from schemas.arrays import Float32, UInt8
from schemas.motion import HeadMotion

# Contours in MediaPipe's landmark numbers; the subject's right is at the left of the picture.
OUTER_LIPS: Final = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
MOUTH: Final = (78, *LOWER_INNER_LIP, 308, *reversed(UPPER_INNER_LIP))
RIGHT_EYE: Final = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_EYE: Final = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
RIGHT_BROW: Final = (46, 53, 52, 65, 55, 107, 66, 105, 63, 70)
LEFT_BROW: Final = (276, 283, 282, 295, 285, 336, 296, 334, 293, 300)

_LIPS_COLOUR: Final = (255, 70, 90)
_EYES_COLOUR: Final = (70, 255, 140)
_BROWS_COLOUR: Final = (255, 210, 60)
_CONTOURS: Final = (
    (OUTER_LIPS, _LIPS_COLOUR),
    (MOUTH, _LIPS_COLOUR),
    (RIGHT_EYE, _EYES_COLOUR),
    (LEFT_EYE, _EYES_COLOUR),
    (RIGHT_BROW, _BROWS_COLOUR),
    (LEFT_BROW, _BROWS_COLOUR),
)
_MEASURED_COLOUR: Final = (255, 255, 255)
_SUBPIXEL_BITS: Final = 4
_CLAY: Final = np.array([0.72, 0.75, 0.82], np.float32)
_DARK: Final = np.array([38, 40, 46], np.uint8)
_FRAMES_AT_ONCE: Final = 64
_SIDE_DEG: Final = 75.0


def head_vertices(head: HeadModel, motion: HeadMotion) -> Float32:
    """Vertices [T, V, 3] of every frame, metres, camera frame."""
    chunks = []
    for first in range(0, motion.n_frames, _FRAMES_AT_ONCE):
        part = slice(first, first + _FRAMES_AT_ONCE)
        chunks.append(
            head.vertices(
                motion.shape,
                motion.expression[part],
                motion.global_rotation[part],
                motion.jaw[part],
                motion.eyes[part],
                motion.translation[part],
            )
        )
    return np.concatenate(chunks)


def lip_gap(landmarks: Float32) -> Float32:
    """Inner-lip distance over the outer-corner inter-ocular distance, [...], from landmarks [..., 478, 3]."""
    upper, lower = INNER_LIPS
    right, left = OUTER_EYE_CORNERS
    gap = np.linalg.norm(landmarks[..., upper, :] - landmarks[..., lower, :], axis=-1)
    return np.asarray(gap / np.linalg.norm(landmarks[..., right, :] - landmarks[..., left, :], axis=-1), np.float32)


def _from_the_left(vertices: Float32) -> Float32:
    """``vertices`` [V, 3] turned about the upright through their middle, so that the camera sees their left side."""
    middle = (vertices.min(0) + vertices.max(0)) / 2
    turn = to_matrix(np.array([0, -np.radians(_SIDE_DEG), 0], np.float32))
    return np.asarray((vertices - middle) @ turn.T + middle, np.float32)


@dataclass(frozen=True, slots=True)
class Window:
    """The square of a picture, in its pixels, that is shown enlarged or reduced to ``panel_px``."""

    left: int
    top: int
    side: int
    panel_px: int

    @classmethod
    def around(cls, points: Float32, margin: float, panel_px: int) -> "Window":
        """The square about all ``points`` [..., 2], ``margin`` times as large as they need."""
        flat = points.reshape(-1, 2)
        low, high = flat.min(axis=0), flat.max(axis=0)
        side = max(2, round(float((high - low).max()) * margin))
        left, top = np.round((low + high) / 2 - side / 2).astype(int)
        return cls(int(left), int(top), side, panel_px)

    def cut(self, frame: UInt8) -> UInt8:
        """[panel, panel, 3], black where the window reaches over the picture's edge."""
        height, width, _ = frame.shape
        over = (-self.top, self.top + self.side - height, -self.left, self.left + self.side - width)
        above, below, before, behind = (min(max(n, 0), self.side) for n in over)
        inside = frame[
            max(self.top, 0) : max(self.top + self.side, 0), max(self.left, 0) : max(self.left + self.side, 0)
        ]
        whole = cv2.copyMakeBorder(inside, above, below, before, behind, cv2.BORDER_CONSTANT)
        method = cv2.INTER_AREA if self.side > self.panel_px else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(whole, (self.panel_px, self.panel_px), interpolation=method))

    def place(self, points: Float32) -> Float32:
        """Pixels [..., 2] of the picture as pixels of the panel."""
        corner = np.array([self.left, self.top])
        return np.asarray((points - corner + 0.5) * (self.panel_px / self.side) - 0.5, np.float32)

    def camera(self, motion: HeadMotion) -> Camera:
        """The camera that sees the head as the panel shows it."""
        scale = self.panel_px / self.side
        cx, cy = motion.principal_point_px
        centre = ((cx - self.left + 0.5) * scale - 0.5, (cy - self.top + 0.5) * scale - 0.5)
        return Camera(self.panel_px, self.panel_px, motion.focal_px * scale, centre)


@dataclass(frozen=True, slots=True)
class Panels:
    """One frame three ways, each [panel, panel, 3]."""

    original: UInt8
    overlay: UInt8  # the face of the head, half transparent, its lips, eyes and brows drawn; white: the landmarks
    alone: UInt8


class HeadPainter:
    """Paints one head model; what does not change from frame to frame is worked out once."""

    def __init__(self, head: HeadModel, opacity: float, supersample: int) -> None:
        self._head = head
        self._opacity = opacity
        self._supersample = supersample
        clay = np.broadcast_to(_CLAY, (len(head.template), 3))
        natural = head.mask(Region.LIPS, Region.TEETH, Region.TONGUE, Region.MOUTH, *EYEBALLS)
        self._colours = np.where(natural[:, None], base_colours(head.region) / np.float32(255), clay).astype(np.float32)
        self._on_face = head.mask(*FACE, *EYEBALLS, Region.TEETH, Region.TONGUE, Region.MOUTH)

    def paint(
        self, frame: UInt8, vertices: Float32, window: Window, camera: Camera, measured: Float32 | None = None
    ) -> Panels:
        """Paint the head ``vertices`` [V, 3] (camera frame) over ``frame`` [H, W, 3]; ``camera`` is ``window``'s.
        ``measured`` [478, 2] are the landmarks found in ``frame``, in its pixels."""
        fragments, lit = self._light(vertices, camera)
        face = np.all(self._on_face[fragments.corners], axis=1)
        original = window.cut(frame)
        dark = np.broadcast_to(_DARK, original.shape)
        over_face = resolve(fragments.where(face), lit[face], camera).over(original, self._opacity)
        if measured is not None:
            self._dot(over_face, window.place(measured))
        return Panels(
            original,
            self._with_contours(over_face, vertices, camera),
            resolve(fragments, lit, camera).over(dark),
        )

    def side(self, vertices: Float32, camera: Camera) -> UInt8:
        """[panel, panel, 3] the head alone, from the subject's left: what no landmark of a frontal face can tell."""
        turned = _from_the_left(vertices)
        fragments, lit = self._light(turned, camera)
        dark = np.broadcast_to(_DARK, (camera.height, camera.width, 3))
        return resolve(fragments, lit, camera).over(dark)

    def _light(self, vertices: Float32, camera: Camera) -> tuple[Fragments, Float32]:
        fragments = rasterise(vertices, self._head.faces, camera.scaled(self._supersample))
        normals = vertex_normals(vertices, self._head.faces)
        at = fragments.interpolate(np.concatenate([self._colours, normals, vertices], axis=1))
        return fragments, shade(at[:, :3], at[:, 3:6], at[:, 6:], Light())

    def _dot(self, picture: UInt8, points: Float32) -> None:
        shown = sorted({k for contour, _ in _CONTOURS for k in contour})
        for x, y in np.round(points[shown] * (1 << _SUBPIXEL_BITS)).astype(int).tolist():
            cv2.circle(picture, (x, y), 20, _MEASURED_COLOUR, -1, cv2.LINE_AA, _SUBPIXEL_BITS)

    def _with_contours(self, picture: UInt8, vertices: Float32, camera: Camera) -> UInt8:
        points = camera.project(self._head.landmarks(vertices))
        fixed = np.round(points * (1 << _SUBPIXEL_BITS)).astype(np.int32)
        for contour, colour in _CONTOURS:
            line = [fixed[list(contour)]]
            cv2.polylines(picture, line, True, colour, 1, cv2.LINE_AA, _SUBPIXEL_BITS)
        return picture
