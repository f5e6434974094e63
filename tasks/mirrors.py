"""Whether a face is a known one's mirror image.

Enters: the asymmetry of a clip's face (``models.evidence.asymmetry``) and of the same person's in other videos. Leaves:
how alike they are, which ``flows.mirrors`` judges at the commit.
"""

import numpy as np
from pydantic import Field

from schemas.arrays import Float32
from schemas.config import StageConfig

VERSION = "1"


class MirrorConfig(StageConfig):
    """15 clips of one person, each against the others: cosine .80 at least as they are, -.69 at most mirrored."""

    min_cosine: float = Field(-0.2, ge=-1, le=0, description="with the person's asymmetry elsewhere; below, a mirror's")
    min_videos: int = Field(3, ge=2, description="other videos of the person that must show it")
    min_agreement: float = Field(0.5, ge=0, lt=1, description="length of their mean asymmetry over their mean length")


def likeness(face: Float32, others: list[Float32], config: MirrorConfig) -> float | None:
    """Cosine of the asymmetry ``face`` [A] with the mean of ``others``; None where they are too few or disagree."""
    if len(others) < config.min_videos:
        return None
    mean = np.mean(others, axis=0)
    length, lengths = float(np.linalg.norm(mean)), np.linalg.norm(others, axis=1)
    if length < config.min_agreement * lengths.mean() or not (size := float(np.linalg.norm(face))):
        return None
    return float(face @ mean) / (length * size)
