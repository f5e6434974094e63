"""The 68 points of the face that other landmark finders know (iBUG's, Sagonas et al. 2013), beside MediaPipe's 478.

Where two finders that share no weights place the same point differently, at least one is wrong: how far apart they are
tells of a bad clip what neither says of itself.
"""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from models.head.landmarks import OUTER_EYE_CORNERS
from schemas.arrays import Float32, UInt8, admit

N_POINTS: Final = 68
NOT_LOOKED: Final = np.float32(-1)
_LEAST_SIDE_PX: Final = 8  # of what the picture shows of a face that is worth a second look
# MediaPipe's landmark at each of the 68. Both count from the subject's right.
OF_MEDIAPIPE: Final = np.array(
    [
        *(127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356),  # jaw line
        *(70, 63, 105, 66, 107, 336, 296, 334, 293, 300),  # brows
        *(168, 197, 5, 4, 75, 97, 2, 326, 305),  # nose
        *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),  # eyes
        *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181),  # outer lips
        *(78, 81, 13, 311, 308, 402, 14, 178),  # inner lips
    ]
)
WHERE_FAN_IS_HAD: Final = (
    "The authors of face-alignment publish 2DFAN4-11f355bf06.pth.tar, 3DFAN4-7835d9f11d.pth.tar and "
    "depth-2a464da4ea.pth.tar on https://www.adrianbulat.com/downloads/python-fan/; the package is under BSD-3-Clause, "
    "of the weights no licence is stated"
)
# The jaw line is left out: the 68 follow the outline that is seen, MediaPipe's points stay on the face.
COMPARED: Final = np.arange(17, N_POINTS)


class PointFinder(Protocol):
    """What finds the 68 points of faces that are known to be there."""

    def points(self, rgb: UInt8, landmarks: Float32) -> Float32:
        """[F, 68, 2 or 3] pixels, x right, y down, in the picture ``rgb`` [H, W, 3] whose faces have MediaPipe's
        ``landmarks`` [F, 478, 3]; z, if there is one, in pixels too, towards the viewer negative or positive as the
        finder has it."""


class MediaPipePoints:
    """MediaPipe's own, a ``PointFinder`` that looks at no pixel."""

    def points(self, rgb: UInt8, landmarks: Float32) -> Float32:  # noqa: ARG002 - the interface's
        return landmarks[:, OF_MEDIAPIPE]


@dataclass(frozen=True, slots=True)
class SecondLook:
    """A second finder, and at every how many frames it looks."""

    finder: PointFinder
    every_frames: int

    def disagreement(self, rgb: UInt8, landmarks: Float32, frame: int) -> Float32:
        """[F] as the function ``disagreement``; ``NOT_LOOKED`` in the frames between."""
        apart = np.full(len(landmarks), NOT_LOOKED)
        if frame % self.every_frames == 0:
            boxes = boxes_within(rgb, landmarks)
            shown = np.flatnonzero((boxes[:, 2:] - boxes[:, :2] >= _LEAST_SIDE_PX).all(axis=1))
            if shown.size:
                apart[shown] = disagreement(self.finder.points(rgb, landmarks[shown]), landmarks[shown])
        return apart


def boxes_within(rgb: UInt8, landmarks: Float32) -> Float32:
    """[F, 4] left, top, right, bottom of the faces with ``landmarks`` [F, 478, 3], as far as the picture shows them."""
    corners = np.stack([landmarks[:, :, :2].min(1), landmarks[:, :, :2].max(1)], axis=1)
    size = np.array([rgb.shape[1], rgb.shape[0]], np.float32)
    return np.asarray(np.clip(corners, 0, size).reshape(-1, 4), np.float32)


def disagreement(points: Float32, landmarks: Float32) -> Float32:
    """[F] mean distance in the picture between ``points`` [F, 68, 2 or 3] and MediaPipe's ``landmarks`` [F, 478, 3]
    over the points that both know, in per cent of the distance of the outer eye corners (in three dimensions)."""
    admit("points", points[..., :2], np.float32, (len(landmarks), N_POINTS, 2))
    right, left = (landmarks[:, i] for i in OUTER_EYE_CORNERS)
    unit = np.maximum(np.linalg.norm(left - right, axis=1), 1.0)
    apart = points[:, COMPARED, :2] - landmarks[:, OF_MEDIAPIPE[COMPARED], :2]
    return np.asarray(100 * np.linalg.norm(apart, axis=2).mean(1) / unit, np.float32)
