"""Smoothness over time and the banded system it makes of the frames' normal equations."""

import numpy as np
import numpy.typing as npt
from scipy.linalg import solveh_banded

from models.fit.settings import FitSettings
from models.fit.state import EXPRESSION, GAZE, JAW, N_PARAMETERS, ROTATION, TRANSLATION
from schemas.arrays import Float32

Float64 = npt.NDArray[np.float64]


def precisions(settings: FitSettings, has_actions: bool) -> Float64:
    """[61] weight of each parameter's squared second difference."""
    sd = np.empty(N_PARAMETERS)
    sd[ROTATION] = np.radians(settings.smooth_rotation_deg)
    sd[TRANSLATION] = settings.smooth_translation_mm * 1e-3
    sd[JAW] = np.radians(settings.smooth_jaw_deg)
    sd[GAZE] = np.radians(settings.smooth_gaze_deg)
    sd[EXPRESSION] = settings.smooth_expression if has_actions else settings.smooth_component
    return np.asarray(1 / sd**2)


def second_difference(values: Float32) -> Float64:
    """[T - 2, ...] ``v[t] - 2 v[t+1] + v[t+2]``."""
    return np.diff(values.astype(np.float64), n=2, axis=0)


def solve_smooth(own: Float32, gradient: Float32, values: Float32, weight: Float64, damping: float) -> Float32:
    """[T, 61] the step that solves the frames' systems ``own`` [T, 61, 61], ``gradient`` [T, 61] together with the
    second differences of ``values`` [T, 61], each weighing ``weight`` [61].

    Neighbours up to two frames apart are coupled, so the matrix is banded (122 below the diagonal).
    """
    n, p = values.shape
    pull = gradient.astype(np.float64)
    main, next_1, next_2 = _difference_bands(n)
    if n > 2:
        bend = weight * second_difference(values)
        pull[:-2] += bend
        pull[1:-1] -= 2 * bend
        pull[2:] += bend
    bands = np.zeros((2 * p + 1, n, p))
    column = np.arange(p)
    for below in range(p):  # lower form: bands[i - j, j] = a[i, j]
        bands[below, :, : p - below] = own[:, column[below:], column[: p - below]]
    bands[0] += weight * main[:, None] + damping * bands[0].mean(0)
    bands[p] = weight * next_1[:, None]
    bands[2 * p] = weight * next_2[:, None]
    step = solveh_banded(
        bands.reshape(2 * p + 1, -1),
        -pull.ravel(),
        lower=True,
        overwrite_ab=True,
        overwrite_b=True,
        check_finite=False,
    )
    return np.asarray(step.reshape(n, p), np.float32)


def _difference_bands(n: int) -> tuple[Float64, Float64, Float64]:
    """Diagonals of ``D.T @ D`` for the second difference ``D`` of n values: the main, one and two frames apart."""
    main, next_1, next_2 = np.zeros(n), np.zeros(n), np.zeros(n)
    if n > 2:
        main[:-2] += 1
        main[1:-1] += 4
        main[2:] += 1
        next_1[: n - 2] -= 2
        next_1[1 : n - 1] -= 2
        next_2[: n - 2] += 1
    return main, next_1, next_2
