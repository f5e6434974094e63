"""The fit of a head that is not the open one: pose correctives, components either way, identities with a size."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from models.fit.basis import LandmarkBasis
from models.fit.correctives import PoseCorrectives
from models.fit.prior import Prior
from models.fit.project import pose
from models.fit.settings import FitSettings
from models.fit.solve import Fit, fit_landmarks
from models.fit.state import FitState
from models.head.model import load_open_head, pose_features
from models.head.regions import FACE
from tests.models.flame.dressed import dressed_head
from tests.models.talking_head import HEIGHT, WIDTH, project, similarity_error_mm

HEAD = dressed_head()
BASIS = LandmarkBasis.of(HEAD)
FRAMES = 10
TRUSTING = FitSettings(shape_weight=20, motion_weight=20, shape_iterations=5, motion_iterations=4)


def spoken(n: int = FRAMES) -> dict[str, np.ndarray]:
    """The arguments of ``HeadModel.vertices``: a jaw that opens by up to 15 degrees, components of both signs."""
    rng = np.random.default_rng(1)
    t = np.arange(n)[:, None] / 25

    def wave(width: float, size: int, hz: float) -> np.ndarray:
        return (width * np.sin(2 * np.pi * hz * t + rng.uniform(0, 6, size))).astype(np.float32)

    gaze = np.pad(wave(0.1, 2, 0.5), ((0, 0), (0, 1)))
    jaw = np.pad(0.13 + wave(0.13, 1, 2.0), ((0, 0), (0, 2)))
    shape = np.zeros(100, np.float32)
    shape[1 : HEAD.n_seen_shapes] = rng.normal(0, 0.6, HEAD.n_seen_shapes - 1)
    expression = np.zeros((n, 50), np.float32)
    expression[:, 5:15] = wave(0.8, 10, 1.0)
    return {
        "shape": shape,
        "expression": expression,
        "rotation": wave(0.15, 3, 0.4),
        "jaw": jaw,
        "eyes": np.concatenate([gaze, gaze], axis=1),
        "translation": wave(0.01, 3, 0.3) + np.float32([0, 0, -1.1]),
    }


def found_of(fit: Fit) -> np.ndarray:
    """Vertices [T, V, 3] in a frame of their own."""
    state = fit.state
    gaze, still = np.pad(state.gaze, ((0, 0), (0, 1))), np.zeros((len(state.gaze), 3), np.float32)
    shape = np.pad(state.shape, (0, 100 - len(state.shape)))
    return HEAD.vertices(shape, state.expression, still, state.jaw, np.concatenate([gaze, gaze], axis=1), still)


def fitted(basis: LandmarkBasis, pixels: np.ndarray, guess: FitState | None = None, **settings: float) -> Fit:
    return fit_landmarks(
        basis, pixels, np.ones(len(pixels), bool), (WIDTH, HEIGHT), TRUSTING.model_copy(update=settings), guess
    )


def test_correctives_and_their_derivatives_are_those_of_the_mesh() -> None:
    correctives = PoseCorrectives.of(HEAD)
    assert correctives is not None
    assert PoseCorrectives.of(load_open_head()) is None
    jaw, gaze = np.float32([[0.25, 0.1, -0.05]]), np.float32([[0.2, -0.3]])
    eye = np.pad(gaze, ((0, 0), (0, 1)))
    on_mesh = np.einsum("vck,tk->tvc", HEAD.pose_basis, pose_features(jaw, np.concatenate([eye, eye], axis=1)))
    np.testing.assert_allclose(correctives.moved(jaw, gaze), HEAD.landmarks(on_mesh.astype(np.float32)), atol=1e-6)
    assert 2e-3 < np.linalg.norm(correctives.moved(jaw, 0 * gaze), axis=2).mean() < 2e-2
    for axis in range(3):
        nudge = Rotation.from_rotvec(1e-3 * np.eye(3)[axis])
        ahead, behind = (
            correctives.moved((n * Rotation.from_rotvec(jaw)).as_rotvec().astype(np.float32), gaze)
            for n in (nudge, nudge.inv())
        )
        np.testing.assert_allclose(correctives.by_jaw(jaw)[..., axis], (ahead - behind) / 2e-3, atol=2e-4)
    for axis in range(2):
        step = np.float32(1e-3 * np.eye(3)[axis])
        ahead, behind = (correctives.moved(0 * jaw, sign * step[None, :2]) for sign in (1, -1))
        np.testing.assert_allclose(correctives.by_gaze(0 * gaze)[..., axis], (ahead - behind) / 2e-3, atol=2e-4)


def test_exact_landmarks_give_a_head_with_correctives_back() -> None:
    truth = spoken()
    vertices = HEAD.vertices(**truth)
    pixels, face = project(HEAD.landmarks(vertices)), HEAD.mask(*FACE)
    fit, without = fitted(BASIS, pixels), fitted(replace(BASIS, correctives=None), pixels)
    assert similarity_error_mm(found_of(fit)[:, face], vertices[:, face]) < 0.3
    off, off_without = (np.degrees(np.abs(f.state.jaw[:, 0] - truth["jaw"][:, 0])).mean() for f in (fit, without))
    assert off < 0.3
    assert off_without > 3 * off


def test_components_go_either_way_and_actions_do_not() -> None:
    settings = FitSettings()
    components, actions = Prior.of(BASIS, settings), Prior.of(LandmarkBasis.of(load_open_head()), settings)
    state = replace(fitted(BASIS, project(HEAD.landmarks(HEAD.vertices(**spoken(2))))).state)
    mirrored = replace(state, expression=-state.expression)
    assert components.on_motion(state)[2] == pytest.approx(components.on_motion(mirrored)[2], rel=1e-5)
    up, down = (replace(state, expression=np.full_like(state.expression, x)) for x in (0.3, -0.3))
    assert actions.on_motion(down)[2] > 3 * actions.on_motion(up)[2]


def test_the_size_of_a_head_does_not_run_away() -> None:
    assert BASIS.size_of_shapes[0] == pytest.approx(0.04, rel=1e-3)
    truth = spoken()
    pixels = project(HEAD.landmarks(HEAD.vertices(**truth)))
    free, held = (fitted(BASIS, pixels, size_sd=sd).state.shape[0] for sd in (10.0, 0.01))
    assert abs(held) < 0.5
    assert abs(free) > 2 * abs(held)


def test_a_guess_is_believed_where_landmarks_say_nothing() -> None:
    truth = spoken(12)
    pixels = project(HEAD.landmarks(HEAD.vertices(**truth)))
    exact = fitted(BASIS, pixels).state
    guess = replace(exact, expression=exact.expression + np.float32(0.5), jaw=exact.jaw + np.float32([0.05, 0, 0]))
    sure = {"guess_shape_sd": 1e-3, "guess_expression_sd": 1e-3, "guess_jaw_sd_deg": 1e-2}
    kept = fitted(BASIS, pixels, guess, **sure).state
    np.testing.assert_allclose(kept.expression, guess.expression, atol=0.02)
    np.testing.assert_allclose(kept.jaw, guess.jaw, atol=5e-3)
    refined = fitted(BASIS, pixels, guess)
    error, before = (
        np.linalg.norm(pose(BASIS, state, refined.lens).pixels - pixels, axis=2).mean()
        for state in (refined.state, guess)
    )
    assert error < 0.2 * before
