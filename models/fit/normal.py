"""The normal equations of one Gauss-Newton step: landmarks, openings and priors, frame by frame."""

from dataclasses import dataclass

import numpy as np

from models.fit.basis import LandmarkBasis
from models.fit.prior import Prior
from models.fit.project import Lens, Posed, jacobians, pose
from models.fit.settings import FitSettings
from models.fit.state import N_PARAMETERS, FitState
from schemas.arrays import Float32

_RAYLEIGH_MEDIAN = 1.1774  # of a distance whose two axes have sigma 1
_CHUNK = 8  # frames whose Jacobians stay in the cache together


@dataclass(frozen=True, slots=True)
class Trust:
    """How much landmarks count: each ``weight`` times, and with ``noise`` times the sigma that is usual."""

    weight: float
    noise: float = 1.0


@dataclass(frozen=True, slots=True)
class Normal:
    """``H step = -gradient`` at a state, T frames, B shapes; the shape's parts are None where it is not sought."""

    own: Float32  # [T, 61, 61]
    gradient: Float32  # [T, 61]
    cross: Float32 | None  # [T, 61, B]
    shape: Float32 | None  # [B, B]
    shape_gradient: Float32 | None  # [B]
    cost: float


def linearise(
    basis: LandmarkBasis,
    state: FitState,
    observed: Float32,
    lens: Lens,
    settings: FitSettings,
    prior: Prior,
    trust: Trust,
    with_shape: bool,
) -> Normal:
    """Normal equations at ``state`` against landmarks ``observed`` [T, L, 2], which count as ``trust`` says, and the
    ``prior`` of these frames."""
    n = len(observed)
    own = np.empty((n, N_PARAMETERS, N_PARAMETERS), np.float32)
    gradient = np.empty((n, N_PARAMETERS), np.float32)
    cross, shape, shape_gradient = None, None, None
    if with_shape:
        cross = np.empty((n, N_PARAMETERS, basis.n_shapes), np.float32)
        shape = np.zeros((basis.n_shapes, basis.n_shapes), np.float32)
        shape_gradient = np.zeros(basis.n_shapes, np.float32)
    cost = 0.0
    for start in range(0, n, _CHUNK):
        at = slice(start, start + _CHUNK)
        part = state.at(np.arange(n)[at])
        posed = pose(basis, part, lens)
        residual, scale, part_cost = _weighted(basis, posed, observed[at], lens, settings, trust)
        cost += part_cost
        by_own, by_shape = jacobians(basis, part, posed, lens, with_shape)
        rows = _rows(basis, by_own, scale)
        columns = np.swapaxes(rows, 1, 2)
        own[at] = columns @ rows
        gradient[at] = (columns @ residual[..., None])[..., 0]
        if by_shape is not None and cross is not None and shape is not None and shape_gradient is not None:
            shape_rows = _rows(basis, by_shape, scale)
            cross[at] = columns @ shape_rows
            flat = shape_rows.reshape(-1, basis.n_shapes)
            shape += flat.T @ flat
            shape_gradient += flat.T @ residual.ravel()
    diagonal = np.arange(N_PARAMETERS)
    precisions, pull, prior_cost = prior.on_motion(state)
    own[:, diagonal, diagonal] += precisions
    gradient += pull
    cost += prior_cost
    if shape is not None and shape_gradient is not None:
        shape_pull, shape_cost = prior.on_shape(state.shape)
        shape += prior.shape_precision
        shape_gradient += shape_pull
        cost += shape_cost
    return Normal(own, gradient, cross, shape, shape_gradient, cost)


def cost_of(
    basis: LandmarkBasis,
    state: FitState,
    observed: Float32,
    lens: Lens,
    settings: FitSettings,
    prior: Prior,
    trust: Trust,
) -> float:
    """What ``linearise`` would report as cost, but for the shape's prior, without derivatives."""
    posed = pose(basis, state, lens)
    return _weighted(basis, posed, observed, lens, settings, trust)[2] + prior.on_motion(state)[2]


def noise_of(basis: LandmarkBasis, state: FitState, observed: Float32, lens: Lens, settings: FitSettings) -> float:
    """How far landmarks ``observed`` [T, L, 2] lie from ``state``'s in their usual sigmas: the sigma of either axis,
    by the median, which a few landmarks that went astray do not move."""
    posed = pose(basis, state, lens)
    distance = np.linalg.norm(posed.pixels - observed, axis=-1) / (_pixels_per_m(posed, lens) * _sigma(basis, settings))
    return float(np.median(distance)) / _RAYLEIGH_MEDIAN


def _pixels_per_m(posed: Posed, lens: Lens) -> Float32:
    return np.asarray(lens.focal_px / -posed.points[..., 2].mean(1, keepdims=True), np.float32)


def _sigma(basis: LandmarkBasis, settings: FitSettings, noise: float = 1.0) -> Float32:
    usual = np.maximum(basis.sigma, settings.sigma_floor_mm * 1e-3)
    return np.asarray(np.hypot(noise * usual, basis.unseen), np.float32)


def _weighted(
    basis: LandmarkBasis, posed: Posed, observed: Float32, lens: Lens, settings: FitSettings, trust: Trust
) -> tuple[Float32, tuple[Float32, Float32], float]:
    """Weighted residuals [T, rows] (landmarks, then openings), the square roots of the weights, and the cost."""
    difference = posed.pixels - observed
    gap = difference[:, basis.gaps[:, 0]] - difference[:, basis.gaps[:, 1]]
    pixels_per_m = _pixels_per_m(posed, lens)
    sigma, gap_sigma = _sigma(basis, settings, trust.noise), np.float32(trust.noise * settings.gap_sigma_mm * 1e-3)
    cost = 0.0
    scales, residuals = [], []
    for miss, metres in ((difference, sigma), (gap, gap_sigma)):
        inverse = 1 / (pixels_per_m * metres)
        distance = np.linalg.norm(miss, axis=-1) * inverse
        far = distance > settings.huber
        huber = np.where(far, settings.huber / np.maximum(distance, 1e-9), 1)
        cost += trust.weight * float(
            np.where(far, settings.huber * (distance - settings.huber / 2), distance**2 / 2).sum()
        )
        scale = (np.sqrt(trust.weight * huber) * inverse).astype(np.float32)
        scales.append(scale)
        residuals.append((miss * scale[..., None]).reshape(len(miss), -1))
    return np.concatenate(residuals, axis=1, dtype=np.float32), (scales[0], scales[1]), cost


def _rows(basis: LandmarkBasis, by: Float32, scale: tuple[Float32, Float32]) -> Float32:
    """[T, L, 2, K] derivatives to weighted rows [T, (L + gaps) * 2, K]."""
    n, landmarks, _, k = by.shape
    out = np.empty((n, landmarks + len(basis.gaps), 2, k), np.float32)
    np.multiply(by, scale[0][..., None, None], out=out[:, :landmarks])
    out[:, landmarks:] = (by[:, basis.gaps[:, 0]] - by[:, basis.gaps[:, 1]]) * scale[1][..., None, None]
    return out.reshape(n, -1, k)
