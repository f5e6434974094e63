"""The landmark fit: what it recovers, its derivatives, and that nothing makes it fail."""

from dataclasses import replace

import numpy as np
import pytest

from models.fit.basis import LandmarkBasis
from models.fit.project import Lens, jacobians, pose
from models.fit.settings import FitSettings
from models.fit.smooth import solve_smooth
from models.fit.solve import NothingToFit, fit_landmarks
from models.fit.state import N_PARAMETERS, FitState
from models.head.model import load_open_head
from tests.models.talking_head import HEIGHT, WIDTH, Truth, speak

HEAD = load_open_head()
BASIS = LandmarkBasis.of(HEAD)
SIZE = (WIDTH, HEIGHT)
# Exact landmarks deserve to be believed; the defaults are for MediaPipe's, which are off by millimetres.
TRUSTING = FitSettings(shape_weight=480, close_weight=20, motion_weight=20, shape_iterations=6, motion_iterations=5)


@pytest.fixture(scope="module")
def truth() -> Truth:
    return speak(HEAD, 40)


def random_state(n: int, seed: int = 0) -> FitState:
    truth = speak(HEAD, n, seed)
    all_seen = np.ones(n, bool)
    return fit_landmarks(BASIS, truth.pixels, all_seen, SIZE, FitSettings()).state


def test_landmark_basis_agrees_with_the_full_mesh(truth: Truth) -> None:
    state = fit_landmarks(BASIS, truth.pixels, np.ones(40, bool), SIZE, TRUSTING).state
    lens = Lens(1000, (0, 0))
    shape = np.pad(state.shape, (0, 100 - BASIS.n_shapes))
    gaze = np.pad(state.gaze, ((0, 0), (0, 1)))
    still = np.zeros((40, 3), np.float32)
    mesh = HEAD.vertices(shape, state.expression, still, state.jaw, np.concatenate([gaze, gaze], axis=1), still)
    upright = replace(state, rotation=np.repeat(np.eye(3, dtype=np.float32)[None], 40, 0), position=still - [0, 0, 1])
    found = pose(BASIS, upright, lens).points + BASIS.pivot + [0, 0, 1]
    assert np.linalg.norm(found - HEAD.landmarks(mesh), axis=2).max() < 2e-6


@pytest.mark.parametrize("parameter", range(0, N_PARAMETERS, 3))
def test_derivatives_match_finite_differences(parameter: int) -> None:
    # Turns are perturbed from the left, which equals adding to the axis-angle only about zero.
    state = random_state(3)
    state = replace(state, jaw=np.zeros_like(state.jaw), gaze=np.zeros_like(state.gaze))
    lens = Lens(1280, (255.5, 239.5))
    own, _ = jacobians(BASIS, state, pose(BASIS, state, lens), lens, with_shape=False)
    nudge = np.zeros((3, N_PARAMETERS), np.float32)
    nudge[:, parameter] = 1e-3
    ahead, behind = (pose(BASIS, state.moved(sign * nudge), lens).pixels.astype(np.float64) for sign in (1, -1))
    slope = (ahead - behind) / 2e-3
    np.testing.assert_allclose(own[..., parameter], slope, atol=2e-3 * np.abs(slope).max() + 0.15)


def test_shape_derivative_matches_finite_differences() -> None:
    state = random_state(3)
    lens = Lens(1280, (255.5, 239.5))
    _, by_shape = jacobians(BASIS, state, pose(BASIS, state, lens), lens, with_shape=True)
    assert by_shape is not None
    for b in (0, 7, 40):
        nudge = np.zeros(BASIS.n_shapes, np.float32)
        nudge[b] = 0.05
        ahead, behind = (pose(BASIS, replace(state, shape=state.shape + s * nudge), lens).pixels for s in (1, -1))
        np.testing.assert_allclose(by_shape[..., b], (ahead - behind) / 0.1, atol=0.02)


def test_smooth_solution_equals_the_dense_one() -> None:
    rng = np.random.default_rng(0)
    n = 6
    half = rng.normal(size=(n, N_PARAMETERS, N_PARAMETERS))
    own = (half @ np.swapaxes(half, 1, 2) + 5 * np.eye(N_PARAMETERS)).astype(np.float32)
    gradient, values = (rng.normal(size=(n, N_PARAMETERS)).astype(np.float32) for _ in range(2))
    weight = rng.uniform(1, 50, N_PARAMETERS)
    difference = np.diff(np.eye(n), n=2, axis=0)
    bend = np.kron(difference.T @ difference, np.diag(weight))
    dense = bend + np.zeros_like(bend)
    for t in range(n):
        at = slice(t * N_PARAMETERS, (t + 1) * N_PARAMETERS)
        dense[at, at] += own[t]
    expected = np.linalg.solve(dense, -(gradient.ravel() + bend @ values.ravel()))
    found = solve_smooth(own, gradient, values, weight, damping=0)
    np.testing.assert_allclose(found.ravel(), expected, atol=1e-4)


def test_landmarks_left_out_are_foretold_by_the_others(truth: Truth) -> None:
    held_out = np.arange(0, 478, 3)
    used = np.setdiff1d(np.arange(478), held_out)
    fit = fit_landmarks(BASIS.part(used), truth.pixels[:, used], np.ones(40, bool), SIZE, FitSettings())
    foretold = pose(BASIS, fit.state, fit.lens).pixels[:, held_out]
    assert np.linalg.norm(foretold - truth.pixels[:, held_out], axis=2).mean() < 0.3


def test_landmarks_without_noise_are_believed_and_noisy_ones_are_not(truth: Truth) -> None:
    all_seen = np.ones(40, bool)
    noisy = truth.pixels + np.random.default_rng(0).normal(0, 1.5, truth.pixels.shape).astype(np.float32)
    left = [
        np.linalg.norm(pose(BASIS, fit.state, fit.lens).pixels - pixels, axis=2).mean()
        for pixels in (truth.pixels, noisy)
        for fit in [fit_landmarks(BASIS, pixels, all_seen, SIZE, FitSettings())]
    ]
    assert left[0] < 0.1
    assert left[1] > 1.2


def test_the_same_landmarks_give_the_same_bits(truth: Truth) -> None:
    first, second = (fit_landmarks(BASIS, truth.pixels, np.ones(40, bool), SIZE, FitSettings()) for _ in range(2))
    for name in ("shape", "rotation", "position", "jaw", "gaze", "expression"):
        np.testing.assert_array_equal(getattr(first.state, name), getattr(second.state, name))


def test_bridged_frames_carry_no_data_and_are_bridged_smoothly(truth: Truth) -> None:
    present = np.ones(40, bool)
    present[[0, 1, 18, 19, 20, 39]] = False
    spoilt = truth.pixels.copy()
    spoilt[~present] = 1e4
    whole = fit_landmarks(BASIS, truth.pixels, np.ones(40, bool), SIZE, FitSettings())
    bridged = fit_landmarks(BASIS, spoilt, present, SIZE, FitSettings())
    pixels, expected = (pose(BASIS, f.state, f.lens).pixels for f in (bridged, whole))
    assert np.linalg.norm(pixels - expected, axis=2)[18:21].max() < 12
    assert np.linalg.norm(pixels - expected, axis=2)[present].mean() < 0.5


def nonsense(kind: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    frames = {
        "noise": rng.uniform(0, 500, (30, 478, 2)),
        "one point": np.full((30, 478, 2), 100.0),
        "a line": np.stack([np.linspace(0, 500, 478)] * 2, -1)[None].repeat(30, 0),
        "far away": rng.normal(1e6, 1e5, (30, 478, 2)),
        "mirrored": speak(HEAD, 30).pixels * [-1, 1] + [WIDTH, 0],
        "upside down": [WIDTH, HEIGHT] - speak(HEAD, 30).pixels,
    }
    return frames[kind].astype(np.float32)


@pytest.mark.parametrize("kind", ["noise", "one point", "a line", "far away", "mirrored", "upside down"])
def test_nonsense_gives_finite_numbers(kind: str) -> None:
    fit = fit_landmarks(BASIS, nonsense(kind), np.ones(30, bool), SIZE, FitSettings())
    for name in ("shape", "rotation", "position", "jaw", "gaze", "expression"):
        assert np.isfinite(getattr(fit.state, name)).all(), name
    assert np.isfinite(pose(BASIS, fit.state, fit.lens).pixels).all()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_very_short_clips_fit(n: int, truth: Truth) -> None:
    fit = fit_landmarks(BASIS, truth.pixels[:n], np.ones(n, bool), SIZE, FitSettings())
    assert np.linalg.norm(pose(BASIS, fit.state, fit.lens).pixels - truth.pixels[:n], axis=2).mean() < 1


def test_without_a_face_there_is_nothing_to_fit(truth: Truth) -> None:
    with pytest.raises(NothingToFit, match="drop the clip"):
        fit_landmarks(BASIS, truth.pixels, np.zeros(40, bool), SIZE, FitSettings())
