"""A mirrored face is told by the same person's face in other videos, and only so."""

from itertools import combinations

import numpy as np
import pytest

from models.evidence.asymmetry import ASYMMETRY_DIM, asymmetry, seen_asymmetry
from models.head.model import load_open_head
from schemas.arrays import Float32
from tasks.mirrors import MirrorConfig, likeness
from tests.builders import real_clip
from tests.models.talking_head import WIDTH, as_landmarks, speak
from tests.watched import landmarks_of

HEAD = load_open_head()
MEAN_FACE = HEAD.landmarks(HEAD.template)
CONFIG = MirrorConfig()


def crooked(seed: int, mirrored: bool = False) -> Float32:
    """Ten frames of a head that turns, whose mouth hangs to its left; or its mirror image."""
    points = HEAD.landmarks(speak(HEAD, 10, seed).vertices)
    hanging = points[:, 291].copy()
    points[:, 291, 1] -= 0.006
    assert (hanging != points[:, 291]).any()
    seen = as_landmarks(points)
    if mirrored:
        pairs = np.linalg.norm(MEAN_FACE[:, None] - MEAN_FACE[None] * [-1, 1, 1], axis=2).argmin(1)
        seen = seen[:, pairs]
        seen[..., 0] = WIDTH - 1 - seen[..., 0]
    return seen


def test_a_mirror_image_has_the_opposite_asymmetry_and_turn() -> None:
    (own, turn), (flipped, back) = (seen_asymmetry(crooked(0, mirrored), MEAN_FACE) for mirrored in (False, True))
    mouth = 3 * 9 + 1
    assert own.mean(0)[mouth] < -2
    assert flipped.mean(0)[mouth] == pytest.approx(-own.mean(0)[mouth], abs=0.3)
    assert np.abs(turn).max() > 0.02
    assert back == pytest.approx(-turn, abs=0.02)
    assert asymmetry(crooked(0), np.ones(10, np.bool_), MEAN_FACE).shape == (ASYMMETRY_DIM,)


def test_it_does_not_depend_on_where_the_head_is_or_turns() -> None:
    one, other = (seen_asymmetry(crooked(seed), MEAN_FACE)[0].mean(0) for seed in (1, 2))
    assert float(one @ other) / np.linalg.norm(one) / np.linalg.norm(other) > 0.7


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["hdtf_katiehill", "hdtf_bobmenendez"])
def test_what_mediapipe_shows_of_a_turned_face_is_not_the_persons(name: str) -> None:
    landmarks = landmarks_of(real_clip(f"talking/{name}.mp4"))
    yaw = seen_asymmetry(landmarks, MEAN_FACE)[1][:, 0]
    order = np.argsort(yaw)
    left, right = order[-50:], order[:50]
    assert yaw[left].mean() - yaw[right].mean() > np.radians(10)
    whole = np.ones(50, np.bool_)
    apart = np.linalg.norm(np.subtract(*(seen_asymmetry(landmarks[k], MEAN_FACE)[0].mean(0) for k in (left, right))))
    own = [asymmetry(landmarks[k], whole, MEAN_FACE) for k in (left, right)]
    assert np.linalg.norm(own[0] - own[1]) < 0.65 * apart


def test_likeness_is_asked_of_enough_faces_that_agree() -> None:
    rng = np.random.default_rng(0)
    person = rng.normal(size=ASYMMETRY_DIM).astype(np.float32)
    videos = [person + rng.normal(0, 0.3, ASYMMETRY_DIM).astype(np.float32) for _ in range(4)]
    assert likeness(person, videos, CONFIG) == pytest.approx(1, abs=0.1)
    assert likeness(-person, videos, CONFIG) == pytest.approx(-1, abs=0.1)
    assert likeness(person, videos[:2], CONFIG) is None
    assert likeness(np.zeros_like(person), videos, CONFIG) is None
    strangers = [rng.normal(size=ASYMMETRY_DIM).astype(np.float32) for _ in range(9)]
    assert likeness(person, strangers, CONFIG) is None


def test_faces_that_have_little_in_common_say_nothing_of_another() -> None:
    """Three of them point the same way more often than one thinks: a mean is never as short as nothing."""
    rng = np.random.default_rng(0)
    little = rng.normal(size=12)
    for _ in range(200):
        strangers = [(0.6 * little + rng.normal(size=12)).astype(np.float32) for _ in range(3)]
        shared = np.mean([np.corrcoef(a, b)[0, 1] for a, b in combinations(strangers, 2)])
        if shared < 0.4:
            assert likeness(-strangers[0], strangers, CONFIG) is None
