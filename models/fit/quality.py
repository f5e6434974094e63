"""How well a fit explains the landmarks it was fitted to, as ``schemas.motion.FitQuality``."""

import numpy as np

from models.head.landmarks import INNER_LIPS, LIPS, OUTER_EYE_CORNERS
from schemas.arrays import Bool, Float32
from schemas.motion import FitQuality

_STILL = 1e-3  # an inner-lip distance that varies by less than this share of the eyes' distance does not move


def measure(fitted: Float32, landmarks: Float32, present: Bool) -> FitQuality:
    """Compare ``fitted`` [T, 478, 2] with MediaPipe's ``landmarks`` [T, 478, 3], both pixels, where ``present`` [T].

    The unit, the distance of the outer eye corners, is taken in three dimensions (MediaPipe's z is in pixels as well),
    so that a head that turns does not seem to be fitted worse. Jitter counts runs of three frames seen.
    """
    unit = eye_distance(landmarks)
    error = np.linalg.norm(fitted - landmarks[:, :, :2], axis=2) / unit[:, None]
    per_frame = error[present].mean(1)
    bend = np.linalg.norm(np.diff(fitted, n=2, axis=0), axis=2).mean(1) / unit[1:-1]
    runs = present[:-2] & present[1:-1] & present[2:]
    return FitQuality(
        nme=100 * float(per_frame.mean()),
        nme_p95=100 * float(np.percentile(per_frame, 95)),
        lip_nme=100 * float(error[present][:, LIPS].mean()),
        lip_gap_correlation=_correlation(_gap(fitted, unit)[present], _gap(landmarks[:, :, :2], unit)[present]),
        jitter=100 * float(bend[runs].mean()) if runs.any() else 0.0,
    )


def eye_distance(landmarks: Float32) -> Float32:
    """[T] distance in pixels of the outer eye corners of ``landmarks`` [T, 478, 3], in three dimensions; at least 1."""
    right, left = (landmarks[:, i] for i in OUTER_EYE_CORNERS)
    return np.asarray(np.maximum(np.linalg.norm(left - right, axis=1), 1.0), np.float32)


def _gap(points: Float32, unit: Float32) -> Float32:
    """[T] distance of the inner lips' middles over ``unit``."""
    upper, lower = (points[:, i] for i in INNER_LIPS)
    return np.asarray(np.linalg.norm(upper - lower, axis=1) / unit)


def _correlation(a: Float32, b: Float32) -> float:
    if len(a) < 2 or min(a.std(), b.std()) < _STILL:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
