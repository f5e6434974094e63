"""Where a fit begins: each frame's pose by scaled orthography (POS, DeMenthon and Davis 1995), all else at rest."""

import numpy as np

from models.fit.basis import LandmarkBasis
from models.fit.project import NEAREST_M, Lens
from models.fit.state import FitState
from schemas.arrays import Float32

_FARTHEST_M = 50.0


def orthographic_pose(points: Float32, observed: Float32, lens: Lens) -> tuple[Float32, Float32]:
    """Rotation [T, 3, 3] and camera-frame centroid [T, 3] of ``points`` [L, 3] seen at ``observed`` [T, L, 2]."""
    centred = points - points.mean(0)
    centre = observed.mean(1)
    flat = observed - centre[:, None]
    axes = np.swapaxes(np.linalg.pinv(centred) @ flat, 1, 2)  # [T, 2, 3] scale times the first two rows of R
    axes[:, 1] *= -1  # the picture's y points down
    u, s, vt = np.linalg.svd(axes, full_matrices=False)
    two = u @ vt
    rotation = np.concatenate([two, np.cross(two[:, 0], two[:, 1])[:, None]], axis=1)
    scale = np.maximum(s.mean(1), 1e-6)
    depth = -np.clip(lens.focal_px / scale, 2 * NEAREST_M, _FARTHEST_M)
    x = -(centre[:, 0] - lens.centre_px[0]) * depth / lens.focal_px
    y = (centre[:, 1] - lens.centre_px[1]) * depth / lens.focal_px
    return rotation.astype(np.float32), np.stack([x, y, depth], axis=1).astype(np.float32)


def first_guess(basis: LandmarkBasis, observed: Float32, lens: Lens) -> FitState:
    """The mean head with a neutral face, posed to ``observed`` [T, L, 2]."""
    n = len(observed)
    rotation, centroid = orthographic_pose(basis.template, observed, lens)
    still = np.zeros((n, 3), np.float32)
    return FitState(
        shape=np.zeros(basis.n_shapes, np.float32),
        rotation=rotation,
        position=centroid + rotation @ (basis.pivot - basis.template.mean(0)),
        jaw=still,
        gaze=np.zeros((n, 2), np.float32),
        expression=np.zeros((n, basis.expression.shape[2]), np.float32),
    )
