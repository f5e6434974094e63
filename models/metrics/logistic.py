"""Logistic regression for a handful of numbers, and log odds."""

from typing import Final

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]

_RIDGE: Final = 1e-2  # people differ more than the clips it is calibrated on: the slopes are held down
_NEWTON_STEPS: Final = 30


def logistic(signs: Float64, answer: npt.NDArray[np.bool_]) -> tuple[float, ...]:
    """Weights [D] of ``signs`` [N, D], the first of which is a one, by Newton's method; both answers [N] weigh alike,
    a little ridge on all but the constant."""
    y = answer.astype(np.float64)
    balance = np.where(answer, 0.5 / max(y.mean(), 1e-9), 0.5 / max(1 - y.mean(), 1e-9)) / len(y)
    ridge = _RIDGE * np.diag([0.0, *np.ones(signs.shape[1] - 1)])
    weights = np.zeros(signs.shape[1])
    for _ in range(_NEWTON_STEPS):
        p = 1 / (1 + np.exp(-signs @ weights))
        gradient = signs.T @ (balance * (p - y)) + ridge @ weights
        hessian = (signs.T * (balance * p * (1 - p))) @ signs + ridge + 1e-9 * np.eye(len(weights))
        weights -= np.linalg.solve(hessian, gradient)
    return tuple(float(w) for w in weights)


def probability(log_odds: float) -> float:
    return float(1 / (1 + np.exp(-log_odds)))


def log_odds_of(p: float, least: float = 1e-6) -> float:
    """Of a probability that is held ``least`` away from 0 and 1."""
    held = min(max(p, least), 1 - least)
    return float(np.log(held / (1 - held)))
