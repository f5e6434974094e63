"""SyncNet's view of a face: a square about head and chin, 224 x 224 pixels.

As in the authors' run_pipeline.py (``--crop_scale 0.4``): the box of a face that is followed; its centre and half its
larger side, each smoothed by a median of 13 frames; a square 2.8 halves wide, which begins at the box's top and
reaches below the chin; grey of 110 beyond the picture; no normalisation, the channels in OpenCV's order. Three things
differ: the box is that of MediaPipe's landmarks, from chin to forehead, in place of the S3FD detector's; the median is
of the frames that there are, where theirs takes zeros beyond the ends; no picture is coded as JPEG and XviD on the way.
"""

from typing import Final

import cv2
import numpy as np

from models.syncnet.published import CROP_PX
from schemas.arrays import Float32, UInt8

SMOOTHED_FRAMES: Final = 13
_WIDER: Final = 1.4
_GREY: Final = (110, 110, 110)


def boxes_of(landmarks: Float32) -> Float32:
    """[F, 3] centre x, y and half the larger side, in pixels, of faces with ``landmarks`` [F, 478, 2 or 3]."""
    low, high = landmarks[:, :, :2].min(1), landmarks[:, :, :2].max(1)
    return np.concatenate([(low + high) / 2, (high - low).max(1, keepdims=True) / 2], axis=1)


def overlap(one: Float32, other: Float32) -> float:
    """Shared area of two such boxes [3], taken as squares, over their united area."""
    shared = np.clip(
        np.minimum(one[:2] + one[2], other[:2] + other[2]) - np.maximum(one[:2] - one[2], other[:2] - other[2]), 0, None
    )
    both = float(shared.prod())
    return both / max(float(4 * one[2] ** 2 + 4 * other[2] ** 2) - both, 1e-9)


def cut(rgb: UInt8, box: Float32) -> UInt8:
    """The crop [224, 224, 3], BGR, of the picture ``rgb`` [H, W, 3] about ``box`` [3]."""
    x, y, half = box.astype(np.float64)
    corner = np.array([x - _WIDER * half, y - half])
    scale = CROP_PX / max(2 * _WIDER * half, 1.0)
    # A pixel's centre is half a pixel from its edge, as cv2.resize has it.
    to_crop = np.hstack([scale * np.eye(2), (scale * (0.5 - corner) - 0.5)[:, None]])
    crop = cv2.warpAffine(rgb, to_crop, (CROP_PX, CROP_PX), flags=cv2.INTER_LINEAR, borderValue=_GREY)
    return np.ascontiguousarray(crop[:, :, ::-1])
