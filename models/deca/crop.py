"""DECA's view of a face: a square cut about the landmarks, brought to 224 x 224 pixels.

As in the authors' decalib/datasets/datasets.py: the box of the 68 landmarks (jaw line and brows span it); its side is
the mean of width and height times 1.1 times 1.25, cut to whole pixels; the square's corners go to the crop's outermost
pixels; no normalisation but 0..1. We take the box from the MediaPipe landmarks that lie where the 68 do.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from models.deca.code import CROP_PX
from schemas.arrays import Float32, UInt8, admit_fields

_ENLARGED: Final = 1.1 * 1.25
_JAW_LINE: Final = (127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152)  # the right half, ear to chin
_JAW_LINE_LEFT: Final = (377, 400, 378, 379, 365, 397, 288, 361, 323, 454, 356)
_BROWS: Final = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
_NOSE_TIP: Final = (1,)  # which leaves the jaw line's box in a profile
SPAN_68: Final = np.array([*_JAW_LINE, *_JAW_LINE_LEFT, *_BROWS, *_NOSE_TIP])


@dataclass(frozen=True, slots=True)
class CropBoxes:
    """The squares of T frames, in pixels of the picture."""

    centre: Float32  # [T, 2]
    side: Float32  # [T] whole numbers

    def __post_init__(self) -> None:
        admit_fields(self, {"T": len(self.side)}, centre=(np.float32, ("T", 2)), side=(np.float32, ("T",)))

    @classmethod
    def around(cls, landmarks: Float32) -> "CropBoxes":
        """About MediaPipe's ``landmarks`` [T, 478, 2 or 3] in pixels."""
        points = landmarks[:, SPAN_68, :2]
        low, high = points.min(1), points.max(1)
        side = np.floor((high - low).mean(1) * _ENLARGED)
        return cls(((low + high) / 2).astype(np.float32), np.maximum(side, 2).astype(np.float32))

    @property
    def pixels_a_pixel(self) -> Float32:
        """[T] crop pixels to a pixel of the picture."""
        return np.asarray((CROP_PX - 1) / self.side, np.float32)

    def to_crop(self, frame: int) -> npt.NDArray[np.float64]:
        """[2, 3] from pixels of the picture to pixels of the frame's crop."""
        scale = float(self.pixels_a_pixel[frame])
        corner = self.centre[frame].astype(np.float64) - self.side[frame] / 2
        return np.hstack([scale * np.eye(2), (-scale * corner)[:, None]])


def cut(rgb: UInt8, boxes: CropBoxes, frame: int) -> UInt8:
    """The crop [224, 224, 3] of the picture ``rgb`` [H, W, 3]; black beyond its edge."""
    size = (CROP_PX, CROP_PX)
    return np.asarray(cv2.warpAffine(rgb, boxes.to_crop(frame), size, flags=cv2.INTER_LINEAR), np.uint8)
