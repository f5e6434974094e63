"""Fits that were not shown a third of the landmarks: what they say about it.

Each half of a clip is fitted on its own, on a few keyframes far apart, so that motion is not smoothed.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from models.fit.basis import LandmarkBasis
from models.fit.project import pose
from models.fit.quality import eye_distance
from models.fit.settings import FitSettings
from models.fit.solve import fit_landmarks
from models.head.landmarks import LID_GAPS, LIP_GAPS
from schemas.arrays import Bool, Float32
from schemas.units import N_LANDMARKS, N_MESH_POINTS

# The fit weighs these points' openings on their own: held out, they would give themselves away.
_SHOWN: Final = np.unique(np.concatenate([LIP_GAPS, LID_GAPS]))
HELD_OUT: Final = np.setdiff1d(np.arange(N_MESH_POINTS), _SHOWN)[::3]
_LEFT: Final = np.setdiff1d(np.arange(N_LANDMARKS), HELD_OUT)
_NO_SMOOTHING: Final = 1e6


def held_out_error(
    basis: LandmarkBasis,
    landmarks: Float32,
    present: Bool,
    image_size: tuple[int, int],
    settings: FitSettings,
    keyframes: int,
) -> float:
    """Mean error at ``HELD_OUT``, per cent of the distance of the outer eye corners, on the geometric projection: both
    halves of ``landmarks`` [T, 478, 3] (pixels), of which at least one frame is ``present``, fitted to the other
    landmarks: shape, pose and expression of ``keyframes`` frames each."""
    blind = basis.part(_LEFT)
    unsmoothed = settings.model_copy(
        update={
            "motion_iterations": 1,  # the keyframes' motion comes with their shape
            **{name: _NO_SMOOTHING for name in type(settings).model_fields if name.startswith("smooth_")},
        }
    )
    errors = []
    for half in np.array_split(np.flatnonzero(present), 2):
        if not len(half):
            continue
        shown = landmarks[_spread(half, keyframes)]
        fit = fit_landmarks(
            blind, np.ascontiguousarray(shown[:, _LEFT, :2]), np.ones(len(shown), np.bool_), image_size, unsmoothed
        )
        miss = pose(basis, fit.state, fit.lens).pixels[:, HELD_OUT] - shown[:, HELD_OUT, :2]
        errors.append(np.linalg.norm(miss, axis=2) / eye_distance(shown)[:, None])
    return 100 * float(np.concatenate(errors).mean())


def _spread(frames: npt.NDArray[np.intp], at_most: int) -> npt.NDArray[np.intp]:
    """Up to ``at_most`` of ``frames``, evenly spread."""
    n = min(at_most, len(frames))
    return np.asarray(frames[((np.arange(n) + 0.5) * len(frames) / n).astype(int)])
