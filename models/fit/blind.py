"""Fits that were not shown a third of the landmarks: what they say about it, and whether they find one person.

Each half of a clip is fitted on its own, on a few keyframes far apart, so that motion is not smoothed. MediaPipe sees
another face in a head that has turned (by .5 mm at 10 degrees), so the halves are compared at frames of like pose.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from models.fit.basis import LandmarkBasis
from models.fit.project import pose
from models.fit.quality import eye_distance
from models.fit.settings import FitSettings
from models.fit.similarity import aligned_distance
from models.fit.solve import fit_landmarks, lens_of
from models.fit.start import orthographic_pose
from models.head.landmarks import LID_GAPS, LIP_GAPS
from schemas.arrays import Bool, Float32
from schemas.units import N_LANDMARKS

Index = npt.NDArray[np.intp]

_MESH_POINTS: Final = 468
# The fit weighs these points' openings on their own: held out, they would give themselves away.
_SHOWN: Final = np.unique(np.concatenate([LIP_GAPS, LID_GAPS]))
HELD_OUT: Final = np.setdiff1d(np.arange(_MESH_POINTS), _SHOWN)[::3]
_LEFT: Final = np.setdiff1d(np.arange(N_LANDMARKS), HELD_OUT)
_NO_SMOOTHING: Final = 1e6


@dataclass(frozen=True, slots=True)
class BlindFit:
    """``nme`` is the mean error at ``HELD_OUT``, per cent of the distance of the outer eye corners, on the geometric
    projection. ``drift_mm`` is the distance between the two halves' faces: mean over the landmarks at rest, after the
    best similarity; None where a half was too short."""

    nme: float
    drift_mm: float | None


def fit_blindly(
    basis: LandmarkBasis,
    landmarks: Float32,
    present: Bool,
    image_size: tuple[int, int],
    settings: FitSettings,
    keyframes: int,
) -> BlindFit:
    """Fit the halves of ``landmarks`` [T, 478, 3] (pixels), of which at least one frame is ``present``, to the
    landmarks that are not held out: shape, pose and expression of ``keyframes`` frames each."""
    blind = basis.part(_LEFT)
    unsmoothed = settings.model_copy(
        update={
            "motion_iterations": 1,  # the keyframes' motion comes with their shape
            **{name: _NO_SMOOTHING for name in type(settings).model_fields if name.startswith("smooth_")},
        }
    )
    halves = [half for half in np.array_split(np.flatnonzero(present), 2) if len(half)]
    comparable = len(halves) == 2 and min(map(len, halves)) >= keyframes
    if comparable:
        facing = orthographic_pose(basis.template, landmarks[:, :, :2], lens_of(image_size, settings))[0][:, 2]
        halves = _alike(halves, facing, keyframes)
    errors, faces = [], []
    for half in halves:
        shown = landmarks[half[_spread(len(half), keyframes)]]
        fit = fit_landmarks(
            blind, np.ascontiguousarray(shown[:, _LEFT, :2]), np.ones(len(shown), np.bool_), image_size, unsmoothed
        )
        miss = pose(basis, fit.state, fit.lens).pixels[:, HELD_OUT] - shown[:, HELD_OUT, :2]
        errors.append(np.linalg.norm(miss, axis=2) / eye_distance(shown)[:, None])
        faces.append(basis.template + basis.shape @ fit.state.shape)
    drift_mm = 1e3 * float(aligned_distance(faces[0][None], faces[1][None]).mean()) if comparable else None
    return BlindFit(100 * float(np.concatenate(errors).mean()), drift_mm)


def _alike(halves: list[Index], facing: Float32, at_least: int) -> list[Index]:
    """Pairs of frames, in the first half's order, in which the head faces the same way [T, 3] in both halves: the
    better half of all pairs, and ``at_least`` so many."""
    first, second = halves
    apart = ((facing[first][:, None] - facing[second]) ** 2).sum(-1)
    of_first, of_second = linear_sum_assignment(apart)
    best = np.sort(np.argsort(apart[of_first, of_second], kind="stable")[: max(at_least, len(of_first) // 2)])
    return [first[of_first[best]], second[of_second[best]]]


def _spread(n: int, at_most: int) -> Index:
    """Up to ``at_most`` of ``n`` places, evenly spread."""
    chosen = min(at_most, n)
    return np.asarray((np.arange(chosen) + 0.5) * n / chosen, np.intp)
