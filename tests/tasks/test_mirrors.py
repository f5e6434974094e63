"""A mirrored face is told by the same person's face in other videos, and only so."""

import numpy as np
import pytest

from models.evidence.asymmetry import ASYMMETRY_DIM, asymmetry, seen_asymmetry
from models.head.model import load_open_head
from schemas.arrays import Float32
from tasks.mirrors import MirrorConfig, likeness
from tests.models.talking_head import WIDTH, project, speak

HEAD = load_open_head()
MEAN_FACE = HEAD.landmarks(HEAD.template)
SEEN = np.ones(10, np.bool_)
CONFIG = MirrorConfig()


def pixels(points: Float32) -> Float32:
    """[T, 478, 3] as MediaPipe gives them, z in pixels too."""
    flat = project(points)
    scale = np.ptp(flat[..., 0]) / np.ptp(points[..., 0])
    return np.concatenate([flat, -scale * points[..., 2:]], axis=-1).astype(np.float32)


def crooked(seed: int, mirrored: bool = False) -> Float32:
    """Ten frames of a head that turns, whose mouth hangs to its left; or its mirror image."""
    points = HEAD.landmarks(speak(HEAD, 10, seed).vertices)
    hanging = points[:, 291].copy()
    points[:, 291, 1] -= 0.006
    assert (hanging != points[:, 291]).any()
    seen = pixels(points)
    if mirrored:
        pairs = np.linalg.norm(MEAN_FACE[:, None] - MEAN_FACE[None] * [-1, 1, 1], axis=2).argmin(1)
        seen = seen[:, pairs]
        seen[..., 0] = WIDTH - 1 - seen[..., 0]
    return seen


def test_a_mirror_image_has_the_opposite_asymmetry() -> None:
    own, flipped = (seen_asymmetry(crooked(0, mirrored), SEEN, MEAN_FACE) for mirrored in (False, True))
    mouth = 3 * 9 + 1
    assert own[mouth] < -2
    assert flipped[mouth] == pytest.approx(-own[mouth], abs=0.3)
    assert asymmetry(crooked(0), SEEN, MEAN_FACE).shape == (ASYMMETRY_DIM,)


def test_it_does_not_depend_on_where_the_head_is_or_turns() -> None:
    one, other = (seen_asymmetry(crooked(seed), SEEN, MEAN_FACE) for seed in (1, 2))
    assert float(one @ other) / np.linalg.norm(one) / np.linalg.norm(other) > 0.7


def test_likeness_is_asked_of_enough_faces_that_agree() -> None:
    rng = np.random.default_rng(0)
    person = rng.normal(size=90).astype(np.float32)
    videos = [person + rng.normal(0, 0.3, 90).astype(np.float32) for _ in range(4)]
    assert likeness(person, videos, CONFIG) == pytest.approx(1, abs=0.1)
    assert likeness(-person, videos, CONFIG) == pytest.approx(-1, abs=0.1)
    assert likeness(person, videos[:2], CONFIG) is None
    strangers = [rng.normal(size=90).astype(np.float32) for _ in range(9)]
    assert likeness(person, strangers, CONFIG) is None
