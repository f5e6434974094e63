"""A stored motion seen through its landmarks again: what the record says, without the 5000 vertices."""

import numpy as np

from models.fit.basis import LandmarkBasis
from models.fit.project import Lens, Posed, pose
from models.fit.state import FitState
from models.head.rotation import to_matrix
from schemas.motion import HeadMotion


def replay(basis: LandmarkBasis, motion: HeadMotion) -> Posed:
    """Landmarks of every frame of ``motion``, whose head is ``basis``'s; both eyes look where they do on average."""
    shape = motion.shape[: basis.n_shapes]
    rotation = to_matrix(motion.global_rotation)
    # The record turns about the root, the basis about its pivot: tasks.reconstruct tells why.
    root = basis.root + basis.root_shape @ shape
    position = motion.translation + root - rotation @ (root - basis.pivot)
    state = FitState(
        shape=shape,
        rotation=rotation,
        position=position.astype(np.float32),
        jaw=motion.jaw,
        gaze=((motion.eyes[:, 0:2] + motion.eyes[:, 3:5]) / 2).astype(np.float32),
        expression=motion.expression,
    )
    return pose(basis, state, Lens(motion.focal_px, motion.principal_point_px))
