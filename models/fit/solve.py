"""The fit itself: the shape from keyframes, then every frame's motion with that shape, smooth over time.

Gauss-Newton with analytic Jacobians. The shape is decided on a few frames only: a clip's landmarks share one bias, so
more frames would not make it truer, and without the shape the system of all frames is banded.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.fit.basis import LandmarkBasis
from models.fit.normal import Normal, Trust, cost_of, linearise, noise_of
from models.fit.prior import Prior
from models.fit.project import Lens
from models.fit.settings import FitSettings
from models.fit.smooth import precisions, second_difference, solve_smooth
from models.fit.start import first_guess
from models.fit.state import N_PARAMETERS, FitState
from schemas.arrays import Bool, Float32

Index = npt.NDArray[np.intp]

_DAMPING = 1e-5  # of the diagonal's mean; a rejected step raises it
_MORE_DAMPING = 100.0
_NOISE_ROUNDS = 4
_LESS_NOISE = 0.7  # of what was assumed: worth another round


class NothingToFit(ValueError):
    """No frame of the clip has landmarks that were really seen."""


@dataclass(frozen=True, slots=True)
class Fit:
    """T frames."""

    state: FitState
    lens: Lens


def lens_of(image_size: tuple[int, int], settings: FitSettings) -> Lens:
    """The camera that a picture of ``image_size`` (width, height) is taken to be seen by."""
    width, height = image_size
    return Lens(settings.focal_ratio * max(width, height), ((width - 1) / 2, (height - 1) / 2))


def fit_landmarks(
    basis: LandmarkBasis,
    landmarks: Float32,
    present: Bool,
    image_size: tuple[int, int],
    settings: FitSettings,
    guess: FitState | None = None,
) -> Fit:
    """Fit the head of ``basis`` to ``landmarks`` [T, 478, 2] (pixels) of a picture of ``image_size`` (width, height).

    Frames where ``present`` [T] is false carry no data; smoothness alone bridges them. Raises ``NothingToFit`` when
    none is present. The result is finite, whatever the landmarks: a step that does not lower the cost is not taken.
    A ``guess`` of T frames, another instrument's answer, is where the fit begins and what it believes beforehand; but
    for the head's place and turn, which the landmarks tell better.
    """
    seen = np.flatnonzero(present)
    if seen.size == 0:
        raise NothingToFit("every frame of the clip is a bridged gap: there is no landmark to fit; drop the clip")
    lens, prior = lens_of(image_size, settings), Prior.of(basis, settings)
    if guess is not None:
        prior = prior.about(guess, settings)
    keys = seen[np.linspace(0, seen.size - 1, min(settings.shape_keyframes, seen.size)).round().astype(int)]
    key_start = first_guess(basis, landmarks[keys], lens)
    if guess is not None:
        key_start = _like(key_start, guess.at(keys))
    at_keys, noise = _fit_keyframes(basis, key_start, landmarks[keys], lens, settings, prior.at(keys))
    nearest_seen = seen[np.abs(np.arange(len(landmarks))[:, None] - seen).argmin(1)]
    start = first_guess(basis, landmarks[nearest_seen], lens)
    start = _between(at_keys, keys, start) if guess is None else replace(_like(start, guess), shape=at_keys.shape)
    trust = Trust(settings.motion_weight, noise)
    return Fit(_fit_motion(basis, start, landmarks, seen, lens, settings, prior.at(seen), trust), lens)


def _like(posed: FitState, guess: FitState) -> FitState:
    """``posed`` with the shape, jaw and expression of ``guess``."""
    return replace(posed, shape=guess.shape, jaw=guess.jaw, expression=guess.expression)


def _fit_keyframes(
    basis: LandmarkBasis, start: FitState, observed: Float32, lens: Lens, settings: FitSettings, prior: Prior
) -> tuple[FitState, float]:
    """Shape and, as a by-product, the motion of the keyframes ``observed`` [K, L, 2], taken one by one; and the
    landmarks' noise in their usual sigmas.

    What a shape that follows the landmarks closely leaves of them is their noise: of MediaPipe's a fifth of their sigma
    or more. Where much less is left they are another's and better, and deserve to be believed accordingly.
    """

    def fitted(state: FitState, trust: Trust) -> FitState:
        return _fit_shape(basis, state, observed, lens, settings, prior, trust)

    state, noise = fitted(start, Trust(settings.close_weight)), 1.0
    for _ in range(_NOISE_ROUNDS):
        left = noise_of(basis, state, observed, lens, settings) / settings.usual_noise
        if left > _LESS_NOISE * noise or noise == settings.least_noise:
            break
        noise = max(left, settings.least_noise)
        state = fitted(state, Trust(settings.close_weight, noise))
    if noise == 1:
        state = fitted(state, Trust(settings.shape_weight / len(observed)))
    return state, noise


def _fit_shape(
    basis: LandmarkBasis,
    start: FitState,
    observed: Float32,
    lens: Lens,
    settings: FitSettings,
    prior: Prior,
    trust: Trust,
) -> FitState:
    """Shape and motion of the keyframes ``observed`` [K, L, 2], improved from ``start``."""
    state = best = start
    least, damping = np.inf, _DAMPING
    kept: Normal | None = None
    for _ in range(settings.shape_iterations):
        normal = linearise(basis, state, observed, lens, settings, prior, trust, with_shape=True)
        if normal.cost < least:
            best, least, kept = state, normal.cost, normal
        else:
            damping *= _MORE_DAMPING
        if kept is None:
            break
        step, shape_step = _eliminate(kept, damping)
        state = best.moved(step, shape_step)
    final = cost_of(basis, state, observed, lens, settings, prior, trust) + prior.on_shape(state.shape)[1]
    return state if final < least else best


def _eliminate(normal: Normal, damping: float) -> tuple[Float32, Float32]:
    """Solve for the shape by the Schur complement of the frames' blocks, then for each frame."""
    assert normal.cross is not None
    assert normal.shape is not None
    assert normal.shape_gradient is not None
    own = normal.own.astype(np.float64)
    diagonal = np.arange(N_PARAMETERS)
    own[:, diagonal, diagonal] *= 1 + damping
    right = np.concatenate([normal.cross, normal.gradient[..., None]], axis=2, dtype=np.float64)
    solved = np.linalg.solve(own, right)
    coupling = np.einsum("tpb,tpk->bk", normal.cross, solved, optimize=True)
    schur = normal.shape * (1 + damping * np.eye(len(normal.shape))) - coupling[:, :-1]
    shape_step = np.linalg.solve(schur, coupling[:, -1] - normal.shape_gradient)
    step = -solved[..., -1] - solved[..., :-1] @ shape_step
    return step.astype(np.float32), shape_step.astype(np.float32)


def _between(keyed: FitState, keys: Index, guess: FitState) -> FitState:
    """``guess`` with the keyframes' shape, and jaw, gaze and expression interpolated between the keyframes."""
    frames = np.arange(len(guess.expression))

    def spread(values: Float32) -> Float32:
        return np.stack([np.interp(frames, keys, column) for column in values.T], axis=1).astype(np.float32)

    return replace(
        guess,
        shape=keyed.shape,
        jaw=spread(keyed.jaw),
        gaze=spread(keyed.gaze),
        expression=spread(keyed.expression),
    )


def _fit_motion(
    basis: LandmarkBasis,
    start: FitState,
    landmarks: Float32,
    seen: Index,
    lens: Lens,
    settings: FitSettings,
    prior: Prior,
    trust: Trust,
) -> FitState:
    """Every frame's motion, from ``start``, with its shape; ``prior`` is of the frames ``seen``."""
    observed = landmarks[seen]
    reference = start.at(seen).mean_rotation()
    smoothness = precisions(settings, basis.has_actions)

    def bend_cost(state: FitState) -> float:
        return 0.5 * float((smoothness * second_difference(state.coordinates(reference)) ** 2).sum())

    state = best = start
    least, damping = np.inf, _DAMPING
    kept: Normal | None = None
    for _ in range(settings.motion_iterations):
        normal = linearise(basis, state.at(seen), observed, lens, settings, prior, trust, with_shape=False)
        cost = normal.cost + bend_cost(state)
        if cost < least:
            best, least, kept = state, cost, normal
        else:
            damping *= _MORE_DAMPING
        if kept is None:
            break
        own, gradient = _scatter(kept, seen, len(landmarks))
        state = best.moved(solve_smooth(own, gradient, best.coordinates(reference), smoothness, damping))
    final = cost_of(basis, state.at(seen), observed, lens, settings, prior, trust) + bend_cost(state)
    return state if final < least else best


def _scatter(normal: Normal, seen: Index, n_frames: int) -> tuple[Float32, Float32]:
    """The blocks of the frames seen among all frames; the others have none."""
    if len(seen) == n_frames:
        return normal.own, normal.gradient
    own = np.zeros((n_frames, N_PARAMETERS, N_PARAMETERS), np.float32)
    gradient = np.zeros((n_frames, N_PARAMETERS), np.float32)
    own[seen], gradient[seen] = normal.own, normal.gradient
    return own, gradient
