"""Small looks at a face that later stages judge by: how sharp it is, and what lies over its mouth."""

import cv2
import numpy as np
import numpy.typing as npt

from models.head.landmarks import OUTER_EYE_CORNERS
from schemas.arrays import Float32, UInt8
from schemas.units import MOUTH_PATCH_SIZE

SHARPNESS_SIZE = 96  # pixels: about the smallest face the gates let through
_CONTRAST = 40.0  # grey levels of standard deviation that every face is brought to
_MIN_CONTRAST = 4.0  # below, the Laplacian would measure noise
_OVERSAMPLE = 4

_MOUTH_CORNERS = (61, 291)


def sharpness(rgb: UInt8, landmarks: Float32) -> float:
    """Variance of the Laplacian on the face, shrunk to 96 x 96 grey and brought to one contrast.

    ``rgb`` [H, W, 3], ``landmarks`` [478, 3] in its pixels. The common size makes pictures of all resolutions
    comparable: a large face loses its finest detail, a small one is stretched and counts as soft, as it is; the common
    contrast does the same for dark and bright ones. 0 where the face lies outside the picture.
    (Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy".)
    """
    height, width = rgb.shape[:2]
    left, top = np.maximum(np.floor(landmarks[:, :2].min(0)), 0).astype(int)
    right, bottom = np.minimum(np.ceil(landmarks[:, :2].max(0)), (width, height)).astype(int)
    if right - left < 2 or bottom - top < 2:
        return 0.0
    grey = cv2.cvtColor(rgb[top:bottom, left:right], cv2.COLOR_RGB2GRAY)
    shrinks = min(grey.shape) >= SHARPNESS_SIZE
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    face = cv2.resize(grey, (SHARPNESS_SIZE, SHARPNESS_SIZE), interpolation=way).astype(np.float32)
    gain = _CONTRAST / max(float(face.std()), _MIN_CONTRAST)
    return float(cv2.Laplacian(face, cv2.CV_32F).var()) * gain**2


def mouth_patch(rgb: UInt8, landmarks: Float32) -> UInt8:
    """[24, 24, 3] RGB of mouth and chin, turned upright and brought to one size by eyes and mouth."""
    size = MOUTH_PATCH_SIZE * _OVERSAMPLE
    to_patch = _mouth_frame(landmarks, size)
    large = cv2.warpAffine(rgb, to_patch, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    small = cv2.resize(large, (MOUTH_PATCH_SIZE, MOUTH_PATCH_SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _mouth_frame(landmarks: Float32, size: int) -> npt.NDArray[np.float64]:
    """[2, 3] similarity from picture to patch pixels. The side is the larger of 1.15 times the distance of the outer
    eye corners and 1.45 times that of eyes and mouth: either shrinks when the head turns, not both."""
    points = landmarks[:, :2].astype(np.float64)
    right_eye, left_eye = points[list(OUTER_EYE_CORNERS)]
    mouth = points[list(_MOUTH_CORNERS)].mean(0)
    eyes = left_eye - right_eye
    down = mouth - (left_eye + right_eye) / 2
    side = max(1.15 * np.hypot(*eyes), 1.45 * np.hypot(*down), 4.0)
    angle = np.arctan2(eyes[1], eyes[0])
    cosine, sine = np.cos(angle) * size / side, np.sin(angle) * size / side
    turn = np.array([[cosine, sine], [-sine, cosine]])
    chinward = np.array([-np.sin(angle), np.cos(angle)])
    center = mouth + 0.15 * side * chinward
    return np.hstack([turn, (size / 2 - turn @ center)[:, None]])
