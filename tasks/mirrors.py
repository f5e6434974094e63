"""Whether a face is a known one's mirror image.

Enters: the asymmetry of a clip's face (``models.evidence.asymmetry``) and of the same person's in other videos. Leaves:
how alike they are, which ``flows.mirrors`` judges at the commit.
"""

import numpy as np
from pydantic import Field

from schemas.arrays import Float32
from schemas.config import StageConfig

VERSION = "2"


class MirrorConfig(StageConfig):
    """38 clips of one person, each against the others: cosine .61 at least as they are, -.25 at most mirrored. Of 44 of
    eleven people who are symmetric, and so agree by chance only, one was judged, and kept."""

    min_cosine: float = Field(-0.2, ge=-1, le=0, description="with the person's asymmetry elsewhere; below, a mirror's")
    min_videos: int = Field(3, ge=2, description="other videos of the person that must show it")
    min_agreement: float = Field(0.6, ge=0, lt=1, description="mean cosine of two of these videos' asymmetries")


def likeness(face: Float32, others: list[Float32], config: MirrorConfig) -> float | None:
    """Cosine of the asymmetry ``face`` [A] with what ``others`` share; None where they are too few or disagree."""
    if len(others) < config.min_videos or not face.any():
        return None
    shared = np.sum([_direction(other) for other in others], axis=0)
    # The squared length of a sum of n directions is n, and the cosine of every two of them twice.
    n = len(others)
    if float(shared @ shared) - n < config.min_agreement * n * (n - 1):
        return None
    return float(_direction(face) @ _direction(shared))


def _direction(asymmetry: Float32) -> Float32:
    return np.asarray(asymmetry / max(float(np.linalg.norm(asymmetry)), 1e-9), np.float32)
