"""The reconstruct stage: known motion is found again, and its quality says how well."""

from dataclasses import replace

import numpy as np
import pytest

from models.fit.solve import NothingToFit
from models.head.landmarks import LIPS
from models.head.model import load_open_head
from models.head.regions import FACE
from models.head.rotation import to_axis_angle, to_matrix
from schemas.clip import Clip
from schemas.motion import HeadMotion
from tasks.reconstruct import ReconstructConfig, pose_degrees, reconstruct
from tests import builders
from tests.models.talking_head import HEIGHT, WIDTH, Truth, similarity_error_mm, speak

HEAD = load_open_head()
TRUSTING = ReconstructConfig(
    shape_weight=480, close_weight=20, motion_weight=20, shape_iterations=6, motion_iterations=5
)


def clip_of(truth: Truth, **changes: object) -> Clip:
    n = len(truth.pixels)
    landmarks = np.pad(truth.pixels, ((0, 0), (0, 0), (0, 1)))
    return builders.clip(n, landmarks=landmarks, image_width=WIDTH, image_height=HEIGHT, **changes)


def vertices_of(motion: HeadMotion) -> np.ndarray:
    m = motion
    return HEAD.vertices(m.shape, m.expression, m.global_rotation, m.jaw, m.eyes, m.translation)


@pytest.fixture(scope="module")
def truth() -> Truth:
    return speak(HEAD, 50)


def test_exact_landmarks_give_the_head_back(truth: Truth) -> None:
    motion, quality = reconstruct(clip_of(truth), HEAD, TRUSTING)
    face = HEAD.mask(*FACE)
    assert similarity_error_mm(vertices_of(motion)[:, face], truth.vertices[:, face]) < 0.25
    assert np.degrees(np.abs(motion.jaw[:, 0] - truth.jaw[:, 0])).mean() < 0.3
    off = to_axis_angle(np.swapaxes(to_matrix(truth.rotation), 1, 2) @ to_matrix(motion.global_rotation))
    assert np.degrees(np.linalg.norm(off - off.mean(0), axis=1)).mean() < 0.1
    assert np.degrees(np.abs(motion.eyes - truth.eyes)).mean() < 0.3
    assert quality.nme < 0.1
    assert quality.lip_gap_correlation > 0.999


def test_defaults_keep_the_motion_of_exact_landmarks(truth: Truth) -> None:
    motion, quality = reconstruct(clip_of(truth), HEAD, ReconstructConfig())
    face = HEAD.mask(*FACE)
    assert similarity_error_mm(vertices_of(motion)[:, face], truth.vertices[:, face]) < 0.5
    assert np.degrees(np.abs(motion.jaw[:, 0] - truth.jaw[:, 0])).mean() < 0.2
    assert quality.nme < 0.1


def test_the_record_projects_where_the_quality_says(truth: Truth) -> None:
    clip = clip_of(truth)
    motion, quality = reconstruct(clip, HEAD, ReconstructConfig())
    points = HEAD.landmarks(vertices_of(motion))
    scaled = motion.focal_px * points[..., :2] / points[..., 2:]
    pixels = np.array(motion.principal_point_px) + scaled * [-1, 1]
    error = np.linalg.norm(pixels - clip.landmarks[..., :2], axis=2)
    unit = np.linalg.norm(clip.landmarks[:, 33] - clip.landmarks[:, 263], axis=1)[:, None]
    assert 100 * (error / unit).mean() == pytest.approx(quality.nme, abs=0.06)
    assert 100 * (error / unit)[:, LIPS].mean() == pytest.approx(quality.lip_nme, abs=0.06)


def test_a_blink_is_seen_in_the_eyelids(truth: Truth) -> None:
    motion, _ = reconstruct(clip_of(truth), HEAD, ReconstructConfig())
    shut = truth.expression[:, [HEAD.expression_names.index(f"eyeBlink{side}") for side in ("Left", "Right")]]
    assert np.abs(motion.eyelids - shut).mean() < 0.1
    assert np.corrcoef(motion.eyelids[:, 0], shut[:, 0])[0, 1] > 0.97


def test_no_face_model_explains_noise_and_the_numbers_say_so(truth: Truth) -> None:
    clip = clip_of(truth)
    noise = np.random.default_rng(0).uniform(0, 500, clip.landmarks.shape).astype(np.float32)
    _, quality = reconstruct(replace(clip, landmarks=noise), HEAD, ReconstructConfig())
    assert quality.nme_p95 > 20


def test_landmarks_off_in_some_frames_raise_the_95th_percentile(truth: Truth) -> None:
    clip = clip_of(truth)
    spoilt = clip.landmarks.copy()
    spoilt[10:16] += np.random.default_rng(0).normal(0, 20, spoilt[10:16].shape)
    _, clean = reconstruct(clip, HEAD, ReconstructConfig())
    _, quality = reconstruct(replace(clip, landmarks=spoilt), HEAD, ReconstructConfig())
    assert quality.nme_p95 > 5 > clean.nme_p95


def test_a_still_mouth_has_no_correlation(truth: Truth) -> None:
    frozen = np.repeat(clip_of(truth).landmarks[:1], 50, axis=0)
    _, quality = reconstruct(replace(clip_of(truth), landmarks=frozen), HEAD, ReconstructConfig())
    assert quality.lip_gap_correlation == 0
    assert quality.jitter < 0.01


def test_a_clip_without_a_face_names_its_fault(truth: Truth) -> None:
    with pytest.raises(NothingToFit):
        reconstruct(clip_of(truth, present=np.zeros(50, np.bool_)), HEAD, ReconstructConfig())


@pytest.mark.parametrize(("axis", "column"), [(0, 0), (1, 1), (2, 2)])
def test_pose_degrees_names_pitch_yaw_and_roll(truth: Truth, axis: int, column: int) -> None:
    motion, _ = reconstruct(clip_of(truth), HEAD, ReconstructConfig())
    turn = np.zeros((50, 3), np.float32)
    turn[:, axis] = np.radians(25)
    angles = pose_degrees(replace(motion, global_rotation=turn))
    expected = np.zeros(3)
    expected[column] = 25
    np.testing.assert_allclose(angles, np.broadcast_to(expected, (50, 3)), atol=1e-3)


def test_yaw_is_positive_to_the_subjects_left(truth: Truth) -> None:
    motion, _ = reconstruct(clip_of(truth), HEAD, ReconstructConfig())
    turned = replace(motion, global_rotation=np.tile(np.float32([0, np.radians(30), 0]), (50, 1)))
    nose = HEAD.landmarks(vertices_of(turned))[:, 1] - vertices_of(turned).mean(1)
    assert (nose[:, 0] > 0).all()
    assert (pose_degrees(turned)[:, 1] > 0).all()
