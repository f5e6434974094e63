"""How the mouth moves, against the truth. Lips are [T, L, 3] in mm from ``models.metrics.surface.lips_mm``, lip gaps
[T] in mm from ``lip_gap_mm``; the caller cuts both sides to the frames that shall count (the speech span, mostly).

Definitions follow the repairs that the field asks for: head rotation removed, one shape on both sides, millimetres.
"""

import numpy as np

from models.metrics.face import jitter, lengths, mean_points, spread
from models.metrics.surface import lip_gap_mm, lips_mm
from schemas.arrays import Float32

__all__ = ["gap_correlation", "jitter", "lip_gap_mm", "lips_mm", "lve", "lve_d", "lve_sq", "lvs", "mod", "spread"]


def lve(truth: Float32, predicted: Float32) -> float:
    """Lip vertex error in mm: mean over frames of the largest distance of a lip vertex from its true place."""
    return float(_worst(truth, predicted).mean())


def lve_sq(truth: Float32, predicted: Float32) -> float:
    """Lip vertex error in mm^2, as MeshTalk and its successors square it: mean over frames of the largest squared
    distance."""
    return float((_worst(truth, predicted) ** 2).mean())


def lve_d(truth: Float32, predicted: Float32) -> float:
    """LVE in mm after each side's own mean mouth over these frames is taken off: the movement, without the style or
    the identity that sits in how a mouth rests."""
    return lve(truth - mean_points(truth), predicted - mean_points(predicted))


def lvs(truth: Float32, predicted: Float32, neutral: Float32) -> float:
    """Cosine similarity, mean over frames, of the lips' displacements from ``neutral`` [L, 3]; 0 for a frame in which
    one side does not leave it."""
    ours, theirs = ((lips - neutral).reshape(len(lips), -1) for lips in (predicted, truth))
    product = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    return float(((ours * theirs).sum(axis=1) / np.where(product > 0, product, np.inf)).mean())


def mod(truth_gap: Float32, predicted_gap: Float32) -> float:
    """Mouth opening difference in mm: mean absolute difference of the lip gaps."""
    return float(np.abs(truth_gap - predicted_gap).mean())


def gap_correlation(truth_gap: Float32, predicted_gap: Float32) -> float:
    """Pearson's r of the lip gaps over time; 0 where one side does not move."""
    ours, theirs = (gap.astype(np.float64) - gap.mean() for gap in (predicted_gap, truth_gap))
    scale = np.sqrt((ours**2).sum() * (theirs**2).sum())
    return float((ours * theirs).sum() / scale) if scale > 1e-9 else 0.0


def _worst(truth: Float32, predicted: Float32) -> Float32:
    """[T] the largest distance in each frame."""
    worst: Float32 = lengths(truth - predicted).max(axis=1)
    return worst
