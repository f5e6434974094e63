"""How far two shapes lie apart when place, turn and size do not count."""

import numpy as np

from schemas.arrays import Float32


def aligned_distance(found: Float32, true: Float32) -> Float32:
    """[T, V] distances of points ``found`` [T, V, 3] from ``true`` [T, V, 3], in the unit of ``true``, after the best
    similarity of each frame (Umeyama 1991)."""
    a, b = found - found.mean(1, keepdims=True), true - true.mean(1, keepdims=True)
    u, s, vt = np.linalg.svd(np.swapaxes(a, 1, 2) @ b)
    sign = np.ones_like(s)
    sign[:, 2] = np.sign(np.linalg.det(u @ vt))
    scale = (s * sign).sum(1) / (a**2).sum((1, 2))
    aligned = scale[:, None, None] * a @ ((u * sign[:, None]) @ vt)
    return np.asarray(np.linalg.norm(aligned - b, axis=2), np.float32)
