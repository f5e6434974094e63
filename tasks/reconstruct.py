"""Find a clip's 3D head motion.

Enters: a ``Clip`` with its landmarks. Leaves: a ``HeadMotion``, the parameters of a head model over the clip, and a
``FitQuality`` that says how well they explain the landmarks. A clip is never refused here: a poor fit has poor numbers,
and the gate that reads them refuses it.
"""

from functools import lru_cache

import numpy as np

from models.fit.basis import LandmarkBasis
from models.fit.project import pose
from models.fit.quality import measure
from models.fit.settings import FitSettings
from models.fit.solve import Fit, fit_landmarks
from models.head.angles import to_angles
from models.head.model import HeadModel
from models.head.rotation import to_axis_angle
from schemas.arrays import Float32
from schemas.clip import Clip
from schemas.motion import FitQuality, HeadMotion
from schemas.units import SHAPE_DIM

VERSION = "2"


class ReconstructConfig(FitSettings):
    """The fit's settings are the stage's."""


def reconstruct(clip: Clip, head: HeadModel, config: ReconstructConfig) -> tuple[HeadMotion, FitQuality]:
    """Fit ``head`` to the clip's landmarks. The same clip gives the same bits on one machine.

    Raises ``models.fit.solve.NothingToFit`` for a clip in which no face was seen in any frame.
    """
    basis = _basis(head)
    pixels = np.ascontiguousarray(clip.landmarks[:, :, :2])
    fit = fit_landmarks(basis, pixels, clip.present, (clip.image_width, clip.image_height), config)
    fitted = pose(basis, fit.state, fit.lens).pixels
    return motion_of(clip.clip_id, head, basis, fit), measure(fitted, clip.landmarks, clip.present)


def pose_degrees(motion: HeadMotion) -> Float32:
    """Pitch, yaw and roll [T, 3] of the head in degrees, as ``models.head.angles``; zero faces the camera."""
    return np.degrees(to_angles(motion.global_rotation))


@lru_cache(maxsize=2)
def _basis(head: HeadModel) -> LandmarkBasis:
    return LandmarkBasis.of(head)


def motion_of(clip_id: str, head: HeadModel, basis: LandmarkBasis, fit: Fit) -> HeadMotion:
    state = fit.state
    shape = np.zeros(SHAPE_DIM, np.float32)
    shape[: basis.n_shapes] = state.shape
    root = basis.root + basis.root_shape @ state.shape
    # The fit turns about the pivot, the record about the root: R (p - pivot) + position = R (p - root) + root + t.
    translation = state.position + state.rotation @ (root - basis.pivot) - root
    gaze = np.pad(state.gaze, ((0, 0), (0, 1)))
    return HeadMotion(
        clip_id=clip_id,
        head_model=head.name,
        n_frames=len(state.expression),
        shape=shape,
        expression=state.expression,
        global_rotation=to_axis_angle(state.rotation),
        jaw=state.jaw,
        eyes=np.concatenate([gaze, gaze], axis=1),
        eyelids=head.eyelids(state.expression),
        translation=translation.astype(np.float32),
        focal_px=fit.lens.focal_px,
        principal_point_px=fit.lens.centre_px,
    )
