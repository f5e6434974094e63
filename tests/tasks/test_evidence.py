"""Every number of the evidence moves when its fault is planted, and says that it cannot tell where it cannot."""

from dataclasses import replace

import numpy as np
import pytest

from models.evidence.readout import LipReadout, lips_of
from models.evidence.turning import drift, laid_on
from models.fit.basis import LandmarkBasis
from models.fit.blind import HELD_OUT
from models.fit.replay import replay
from models.head.model import load_open_head
from schemas.arrays import Float32
from schemas.clip import Clip
from schemas.evidence import Evidence
from schemas.motion import HeadMotion
from schemas.speech import SpeechTrack, Word
from tasks.evidence import EvidenceConfig, evidence
from tasks.reconstruct import ReconstructConfig, reconstruct
from tests import builders, faults
from tests.models.talking_head import HEIGHT, WIDTH, Truth, as_landmarks, speak
from tests.watched import landmarks_of

HEAD = load_open_head()
FIT = ReconstructConfig()
N = 75
MODEL = "test:0"
# The embedding's first number says how far the mouth is open, its second how wide it is.
READOUT = LipReadout(MODEL, np.eye(2, dtype=np.float32))


def clip_of(truth: Truth) -> Clip:
    landmarks = as_landmarks(HEAD.landmarks(truth.vertices))
    return builders.clip(len(landmarks), landmarks=landmarks, image_width=WIDTH, image_height=HEIGHT)


def said_by(lips: Float32, words: tuple[Word, ...] = (), model: str = MODEL) -> SpeechTrack:
    return builders.heard(lips, model, words)


def witness(clip: Clip, spoken: SpeechTrack, motion: HeadMotion | None = None) -> Evidence:
    fitted = motion or reconstruct(clip, HEAD, FIT)[0]
    return evidence(clip, fitted, spoken, HEAD, READOUT, FIT, EvidenceConfig())


def part(motion: HeadMotion, frames: slice) -> HeadMotion:
    per_frame = ("expression", "global_rotation", "jaw", "eyes", "eyelids", "translation")
    cut = {name: getattr(motion, name)[frames] for name in per_frame}
    return replace(motion, n_frames=len(cut["jaw"]), **cut)


@pytest.fixture(scope="module")
def clip() -> Clip:
    return clip_of(speak(HEAD, N))


@pytest.fixture(scope="module")
def motion(clip: Clip) -> HeadMotion:
    return reconstruct(clip, HEAD, FIT)[0]


@pytest.fixture(scope="module")
def lips(motion: HeadMotion) -> Float32:
    return lips_of(replay(LandmarkBasis.of(HEAD), motion).points)


@pytest.fixture(scope="module")
def clean(clip: Clip, motion: HeadMotion, lips: Float32) -> Evidence:
    return witness(clip, said_by(lips), motion)


def test_a_good_clip_has_nothing_against_it(clean: Evidence) -> None:
    assert clean.recon_heldout_nme < 0.6
    assert clean.recon_drift_mm is not None
    assert clean.recon_drift_mm < 0.4  # these landmarks have nothing of what MediaPipe makes of a turn
    assert clean.recon_jitter_excess is not None
    assert clean.recon_jitter_excess < 0.15
    assert clean.frozen_s == 0
    assert clean.lip_voice_corr == pytest.approx(1, abs=0.01)
    assert clean.lip_voice_lag == pytest.approx(0, abs=0.2)
    assert clean.gaze_deg < 20
    assert clean.eyelids_shut_ratio < 0.3
    assert clean.expression_sd < 2


def test_a_replayed_motion_lies_where_its_head_lies(motion: HeadMotion) -> None:
    m = motion
    vertices = HEAD.vertices(m.shape, m.expression, m.global_rotation, m.jaw, m.eyes, m.translation)
    points = replay(LandmarkBasis.of(HEAD), motion).points
    np.testing.assert_allclose(points, HEAD.landmarks(vertices), atol=2e-4)


def test_landmarks_held_out_tell_what_the_fit_hides(
    clip: Clip, motion: HeadMotion, lips: Float32, clean: Evidence
) -> None:
    """Moving the very landmarks that are not shown leaves the blind fit where it was."""
    landmarks = clip.landmarks.copy()
    landmarks[:, HELD_OUT, 1] += 3
    moved = witness(replace(clip, landmarks=landmarks), said_by(lips), motion)
    eyes_px = np.linalg.norm(clip.landmarks[:, 33] - clip.landmarks[:, 263], axis=1).mean()
    assert moved.recon_heldout_nme == pytest.approx(100 * 3 / eyes_px, rel=0.2)
    assert moved.recon_heldout_nme > 4 * clean.recon_heldout_nme


def test_another_face_from_the_middle_on_is_drift(
    clip: Clip, motion: HeadMotion, lips: Float32, clean: Evidence
) -> None:
    other = clip_of(speak(HEAD, N, seed=5))
    apart = witness(faults.swapped(clip, other), said_by(lips), motion).recon_drift_mm
    assert apart is not None
    assert apart > 1.5 > 4 * (clean.recon_drift_mm or 0)


@pytest.mark.real_data
@pytest.mark.slow
def test_a_head_that_turns_is_the_same_persons() -> None:
    """MediaPipe sees two people, if one half of a clip looks to the left of the other."""
    landmarks = landmarks_of(builders.real_clip("talking/hdtf_radio34.mp4"))
    mean_face, seen = HEAD.landmarks(HEAD.template), np.ones(len(landmarks), np.bool_)
    by_yaw = np.argsort(laid_on(mean_face, landmarks)[1][:, 1])
    apart = drift(landmarks[by_yaw], seen, mean_face, 6)
    assert apart is not None
    assert apart < 0.6


def test_a_trembling_head_has_jitter_and_a_calm_one_has_none(clip: Clip, lips: Float32) -> None:
    landmarks = clip.landmarks + np.random.default_rng(0).normal(0, 1.2, (N, 1, 3)).astype(np.float32)
    jitter = witness(replace(clip, landmarks=landmarks), said_by(lips)).recon_jitter_excess
    assert jitter is not None
    assert jitter > 0.3


def test_a_picture_that_stands_is_frozen_for_as_long(clip: Clip, motion: HeadMotion, lips: Float32) -> None:
    stands = witness(faults.frozen(clip, 20, 30), said_by(lips), motion)
    assert stands.frozen_s == pytest.approx(29 / 25, abs=0.17)
    stutters = clip.landmarks[np.arange(N) // 2 * 2]  # 12.5 frames a second
    assert witness(replace(clip, landmarks=stutters), said_by(lips), motion).frozen_s == 0


@pytest.mark.parametrize("late", [8, -8])
def test_a_picture_that_comes_late_or_early_says_by_how_much(
    clip: Clip, motion: HeadMotion, lips: Float32, late: int
) -> None:
    seen, heard = (slice(0, N - late), slice(late, N)) if late > 0 else (slice(-late, N), slice(0, N + late))
    found = witness(faults.late_picture(clip, late), said_by(lips[heard]), part(motion, seen))
    assert found.lip_voice_lag == pytest.approx(late, abs=0.3)


def test_lips_that_do_not_follow_the_voice_have_a_low_correlation(clip: Clip, motion: HeadMotion) -> None:
    noise = np.random.default_rng(1).normal(size=(N, 2)).astype(np.float32)
    corr = witness(clip, said_by(noise), motion).lip_voice_corr
    assert corr is not None
    assert corr < 0.5


def test_lips_open_at_p_b_and_m_are_told(clip: Clip, motion: HeadMotion, lips: Float32) -> None:
    gap = lips[:, 0]

    def words(times: np.ndarray) -> tuple[Word, ...]:
        return tuple(Word(" b", t / 25, (t + 1) / 25, 1.0) for t in times)

    order = np.argsort(gap[5:-5], kind="stable") + 5
    shut = witness(clip, said_by(lips, words(order[:4])), motion)
    open_ = witness(clip, said_by(lips, words(order[-4:])), motion)
    assert shut.closures == open_.closures == 4
    assert shut.closure_rank is not None
    assert open_.closure_rank is not None
    assert shut.closure_rank < 0.25 < 0.75 < open_.closure_rank


def test_eyes_lids_and_expression_are_read_from_the_motion(clip: Clip, motion: HeadMotion, lips: Float32) -> None:
    eyes = np.zeros_like(motion.eyes)
    eyes[:, [1, 4]] = np.radians(50)
    lids = np.zeros_like(motion.eyelids)
    lids[: N // 2] = 1
    lids[N // 2 :, 0] = 1
    expression = motion.expression.copy()
    expression[10:20, 7] = 3
    found = witness(clip, said_by(lips), replace(motion, eyes=eyes, eyelids=lids, expression=expression))
    assert found.gaze_deg == pytest.approx(50, abs=0.1)
    assert found.eyelids_shut_ratio == pytest.approx((N // 2) / N)
    assert found.eyelid_asymmetry == pytest.approx(1 - (N // 2) / N)
    assert found.expression_sd == pytest.approx(3 / FIT.expression_sd)


def test_what_a_clip_cannot_tell_is_none(clip: Clip, motion: HeadMotion, lips: Float32) -> None:
    other_encoder = witness(clip, said_by(lips, model="another"), motion)
    assert (other_encoder.lip_voice_corr, other_encoder.lip_voice_lag) == (None, None)
    assert (other_encoder.closures, other_encoder.closure_rank) == (0, None)
    present = np.zeros(N, np.bool_)
    present[[30, 31, 40]] = True
    hardly_seen = witness(replace(clip, present=present), said_by(lips), motion)
    assert hardly_seen.recon_drift_mm is None
    assert hardly_seen.recon_jitter_excess is None
    assert hardly_seen.lip_voice_lag is None
    assert np.isfinite(hardly_seen.recon_heldout_nme)
