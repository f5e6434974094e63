"""Axis-angle and rotation matrices, batched. Float32 in, float32 out."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]


def skew(vector: Floats) -> Floats:
    """[..., 3] to the matrices [..., 3, 3] with ``skew(a) @ b == cross(a, b)``."""
    out = np.zeros((*vector.shape, 3), vector.dtype)
    out[..., 0, 1], out[..., 0, 2], out[..., 1, 2] = -vector[..., 2], vector[..., 1], -vector[..., 0]
    return out - np.swapaxes(out, -1, -2)


def to_matrix(axis_angle: Floats) -> Floats:
    """[..., 3] radians to [..., 3, 3] (Rodrigues)."""
    angle_sq = (axis_angle**2).sum(-1)[..., None, None]
    angle = np.sqrt(angle_sq)
    k = skew(axis_angle)
    small = angle < 1e-3
    safe = np.where(small, 1, angle)
    sine = np.where(small, 1 - angle_sq / 6, np.sin(safe) / safe)
    cosine = np.where(small, 0.5 - angle_sq / 24, (1 - np.cos(safe)) / safe**2)
    out: Floats = np.eye(3, dtype=axis_angle.dtype) + sine * k + cosine * (k @ k)
    return out.astype(axis_angle.dtype, copy=False)


def to_axis_angle(matrix: Floats) -> Floats:
    """[..., 3, 3] rotations to [..., 3] radians, angle within 0..pi."""
    trace = np.trace(matrix, axis1=-2, axis2=-1)
    # By way of the quaternion: sound at every angle, including pi (Markley 2008: take the largest of four columns).
    diagonal = np.stack([trace, *(matrix[..., i, i] for i in range(3))], -1)
    best = diagonal.argmax(-1)
    symmetric = matrix + np.swapaxes(matrix, -1, -2)
    turn = np.stack([matrix[..., k, j] - matrix[..., j, k] for j, k in ((1, 2), (2, 0), (0, 1))], -1)
    table = np.empty((*matrix.shape[:-2], 4, 4), np.float64)
    table[..., 0, 0] = 1 + trace
    table[..., 0, 1:] = table[..., 1:, 0] = turn
    table[..., 1:, 1:] = symmetric
    for i in range(3):
        table[..., i + 1, i + 1] = 1 + 2 * matrix[..., i, i] - trace
    quaternion = np.take_along_axis(table, best[..., None, None], axis=-2)[..., 0, :]
    quaternion /= np.linalg.norm(quaternion, axis=-1, keepdims=True)
    quaternion *= np.where(quaternion[..., :1] < 0, -1, 1)
    vector, scalar = quaternion[..., 1:], quaternion[..., :1]
    sine = np.linalg.norm(vector, axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, scalar)
    scale = np.where(sine > 1e-9, angle / np.maximum(sine, 1e-12), 2.0)
    return np.asarray(vector * scale, matrix.dtype)
