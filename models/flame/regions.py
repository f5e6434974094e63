"""Which part of the face each of FLAME's vertices belongs to: the open head's regions, carried over by geometry.

FLAME's own masks are a separate download under its own licence; these are found. Eyeballs are what the eye joints hold,
coloured by the angle from their axis. Every other vertex takes the region of the nearest point of the open head, once
the two are brought together: first by eyes, jaw, nose tip and crown (enough to render a face), then, when MediaPipe's
landmarks have been found on both, by the thin-plate spline through them (Bookstein 1989).
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.interpolate import RBFInterpolator
from scipy.spatial import cKDTree

from models.flame.read import FlameArrays
from models.head.landmarks import LEFT_IRIS, RIGHT_IRIS
from models.head.model import JAW, LEFT_EYE, RIGHT_EYE, HeadModel, load_open_head
from models.head.regions import EYEBALLS, Region
from schemas.arrays import Float32, UInt8

Array = npt.NDArray[np.float64]

_IRIS_M: Final = 5.9e-3  # radius of a human iris and of a pupil in room light
_PUPIL_M: Final = 1.9e-3
_BEHIND_M: Final = 0.05  # so far behind the eyes no landmark lies: there the first alignment holds the spline
_N_ANCHORS: Final = 60
_SMOOTHING: Final = 1e-6  # of the spline: landmarks of the two heads agree to about a millimetre


def first_regions(arrays: FlameArrays) -> UInt8:
    """[V] regions by a similarity alone; good to some 5 mm."""
    there = load_open_head()
    return _nearest(arrays, _aligned(arrays, there), there)


def regions_by_landmarks(arrays: FlameArrays, landmarks: Float32) -> UInt8:
    """[V] regions by the spline through MediaPipe's ``landmarks`` [478, 3] on FLAME's template."""
    there = load_open_head()
    on_skin = np.setdiff1d(np.arange(len(landmarks)), np.concatenate([LEFT_IRIS, RIGHT_IRIS]))
    aligned = _aligned(arrays, there)
    eyes = (arrays.joint_regressor @ arrays.template)[[LEFT_EYE, RIGHT_EYE]]
    behind = np.flatnonzero(arrays.template[:, 2] < eyes[:, 2].mean() - _BEHIND_M)
    anchors = behind[:: max(1, len(behind) // _N_ANCHORS)]
    here = np.concatenate([landmarks[on_skin], arrays.template[anchors]]).astype(np.float64)
    goal = np.concatenate([there.landmarks(there.template)[on_skin], aligned[anchors]]).astype(np.float64)
    _, one_each = np.unique(here.round(6), axis=0, return_index=True)  # two landmarks may share one vertex
    spline = RBFInterpolator(here[one_each], goal[one_each], kernel="thin_plate_spline", smoothing=_SMOOTHING)
    return _nearest(arrays, np.asarray(spline(arrays.template.astype(np.float64))), there)


def _aligned(arrays: FlameArrays, there: HeadModel) -> Array:
    """FLAME's template [V, 3] after the similarity that brings it onto the open head (Umeyama 1991)."""
    here, goal = (
        _guides(template, regressor @ template)
        for template, regressor in (
            (arrays.template.astype(np.float64), arrays.joint_regressor),
            (there.template.astype(np.float64), there.joint_regressor),
        )
    )
    centred, wanted = here - here.mean(0), goal - goal.mean(0)
    u, s, vt = np.linalg.svd(wanted.T @ centred)
    flip = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
    scale = (s * flip).sum() / (centred**2).sum()
    return np.asarray((arrays.template - here.mean(0)) @ (scale * (u * flip) @ vt).T + goal.mean(0))


def _guides(template: Array, joints: Array) -> Array:
    """[5, 3] both eyes, jaw, nose tip, crown."""
    return np.stack(
        [*joints[[LEFT_EYE, RIGHT_EYE, JAW]], template[template[:, 2].argmax()], template[template[:, 1].argmax()]]
    )


def _nearest(arrays: FlameArrays, aligned: Array, there: HeadModel) -> UInt8:
    skin = np.flatnonzero(~there.mask(*EYEBALLS, Region.TEETH, Region.TONGUE))  # FLAME has neither teeth nor tongue
    region = there.region[skin[cKDTree(there.template[skin]).query(aligned)[1]]].copy()
    joints = arrays.joint_regressor @ arrays.template
    for eye in (LEFT_EYE, RIGHT_EYE):
        ball = np.flatnonzero(arrays.weights[:, eye] > 0.5)
        arm = arrays.template[ball] - joints[eye]
        off_axis = np.hypot(arm[:, 0], arm[:, 1])
        front = arm[:, 2] > 0
        region[ball] = np.select(
            [front & (off_axis <= _PUPIL_M), front & (off_axis <= _IRIS_M + 2e-4)],
            [Region.PUPIL, Region.IRIS],
            Region.EYE_WHITE,
        )
    return region
