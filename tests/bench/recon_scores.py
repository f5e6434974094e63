"""How far a fitted motion is from the true one, and how well it explains landmarks it has or has not seen."""

from dataclasses import dataclass

import numpy as np

from models.fit.basis import LandmarkBasis
from models.fit.project import pose
from models.fit.quality import measure
from models.fit.solve import Fit
from models.head.landmarks import OUTER_EYE_CORNERS
from models.head.model import HeadModel
from models.head.regions import FACE, Region
from models.head.rotation import to_axis_angle, to_matrix
from models.overlay import head_vertices
from schemas.motion import HeadMotion
from tests.bench.recon_data import Case
from tests.similarity import aligned_distance


@dataclass(frozen=True)
class Errors:
    """Means over a clip's frames. Vertices of the face, after the similarity that fits each frame's best."""

    vertex_mm: float
    lips_mm: float
    jaw_deg: float
    rotation_deg: float
    dynamic_deg: float  # of the rotation, its mean error over the clip left out


@dataclass(frozen=True)
class Reprojection:
    """In per cent of the outer eye corners' distance, on the geometric projection."""

    all_landmarks: float
    lips: float
    held_out: float
    lip_gap_correlation: float


def errors(found: HeadMotion, truth: HeadMotion, head: HeadModel) -> Errors:
    face, lips = head.mask(*FACE), head.mask(Region.LIPS)
    distance = aligned_distance(head_vertices(head, found)[:, face], head_vertices(head, truth)[:, face])
    off = to_axis_angle(np.swapaxes(to_matrix(truth.global_rotation), 1, 2) @ to_matrix(found.global_rotation))
    jaw = np.degrees(found.jaw[:, 0] - truth.jaw[:, 0])
    return Errors(
        vertex_mm=1e3 * float(distance.mean()),
        lips_mm=1e3 * float(distance[:, lips[face]].mean()),
        jaw_deg=float(np.abs(jaw).mean()),
        rotation_deg=float(np.degrees(np.linalg.norm(off, axis=1)).mean()),
        dynamic_deg=float(np.degrees(np.linalg.norm(off - off.mean(0), axis=1)).mean()),
    )


def reprojection(whole: Fit, part: Fit, held_out: np.ndarray, basis: LandmarkBasis, case: Case) -> Reprojection:
    """Of ``whole``, fitted to all landmarks, and ``part``, fitted to those that are not ``held_out``."""
    quality = measure(pose(basis, whole.state, whole.lens).pixels, case.landmarks, case.present)
    guessed = pose(basis, part.state, part.lens).pixels[:, held_out]
    distance = np.linalg.norm(guessed - case.landmarks[:, held_out, :2], axis=2)
    right, left = (case.landmarks[:, k] for k in OUTER_EYE_CORNERS)
    unit = np.linalg.norm(left - right, axis=1)
    return Reprojection(
        all_landmarks=quality.nme,
        lips=quality.lip_nme,
        held_out=100 * float((distance / unit[:, None])[case.present].mean()),
        lip_gap_correlation=quality.lip_gap_correlation,
    )
