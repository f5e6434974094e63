"""The rest of the face against the truth: points [T, P, 3] in mm from ``models.metrics.surface``."""

from typing import Final

import numpy as np

from schemas.arrays import Float32
from schemas.units import FRAME_RATE

_MM_PER_M: Final = 1000.0


def vertex_error(truth: Float32, predicted: Float32) -> float:
    """Mean distance in mm over frames and points: MVE of the whole face, UFVE of its upper part."""
    return float(lengths(truth - predicted).mean())


def deviation(points: Float32) -> Float32:
    """[P] temporal standard deviation of each point, in mm: root mean square distance from its own mean."""
    away = points - mean_points(points)
    return np.asarray(np.sqrt(np.einsum("tpi,tpi->p", away, away) / len(points)), np.float32)


def spread(points: Float32) -> float:
    """How far points move about their own mean: ``deviation`` in mm, mean over points."""
    return float(deviation(points).mean())


def fdd(truth_deviation: Float32, predicted_deviation: Float32) -> float:
    """Face dynamics deviation in mm: the absolute difference of the points' ``deviation`` [P], mean over points.

    CodeTalker (Xing et al. 2023) sums signed differences, in which a lively brow pays for a dead lid.
    """
    return float(np.abs(truth_deviation - predicted_deviation).mean())


def jitter(points: Float32) -> float:
    """Mean length of the third derivative of the points' paths, in m/s^3; nan for fewer than four frames."""
    if len(points) < 4:
        return float("nan")
    third = lengths(np.diff(points, n=3, axis=0))
    return float(third.mean()) * float(FRAME_RATE) ** 3 / _MM_PER_M


def speed(points: Float32) -> Float32:
    """[T - 1] mean speed of the points in mm/s, from each frame to the next."""
    steps = lengths(np.diff(points, axis=0))
    return np.asarray(steps.mean(axis=1) * float(FRAME_RATE), np.float32)


def lengths(vectors: Float32) -> Float32:
    """[..., 3] to [...]. A sum over an axis of three is numpy's slowest; einsum has none."""
    return np.asarray(np.sqrt(np.einsum("...i,...i->...", vectors, vectors)), np.float32)


def mean_points(points: Float32) -> Float32:
    """[P, 3] the mean over time of [T, P, 3]; flat, because numpy adds short rows slowly."""
    return np.asarray(points.reshape(len(points), -1).mean(axis=0).reshape(points.shape[1:]), np.float32)
