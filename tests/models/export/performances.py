"""Performances made in the test."""

import numpy as np

from models.head.model import HeadModel
from schemas.performance import Performance

FLOAT_FIELDS = ("shape", "expression", "global_rotation", "jaw", "eyes", "translation")


def lively(head: HeadModel, n_frames: int = 12, seed: int = 0) -> Performance:
    """Everything moves, smoothly; some actions are never used, all lie within 0..1."""
    rng = np.random.default_rng(seed)
    phase = np.linspace(0, 2 * np.pi, n_frames)[:, None]

    def waves(size: int, width: float) -> np.ndarray:
        return (width * np.sin(phase * rng.uniform(0.5, 2, size) + rng.uniform(0, 6, size))).astype(np.float32)

    expression = np.abs(waves(50, 0.7)) * (rng.random(50) < 0.4)
    jaw = np.abs(waves(3, 0.2)) * np.float32([1, 0, 0])
    return Performance(
        head_model=head.name,
        n_frames=n_frames,
        shape=rng.normal(0, 0.6, 100).astype(np.float32),
        expression=expression.astype(np.float32),
        global_rotation=waves(3, 0.4),
        jaw=jaw,
        eyes=waves(6, 0.2) * np.float32([1, 1, 0, 1, 1, 0]),
        translation=waves(3, 0.02),
    )


def vertices_of(performance: Performance, head: HeadModel) -> np.ndarray:
    p = performance
    return head.vertices(p.shape, p.expression, p.global_rotation, p.jaw, p.eyes, p.translation)
