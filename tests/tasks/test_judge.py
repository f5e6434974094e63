"""Gates compare one score with one threshold, each in its own direction."""

from dataclasses import replace

import pytest

from flows.recipe import load_recipe
from schemas.record import ClipScores
from schemas.verdict import Reason, Verdict
from tasks.judge import GATES, judge

# A clip that both tiers keep.
GOOD = ClipScores(
    duration_s=5.0, face_px=300, face_ratio=1.0, one_face_ratio=1.0, yaw_deg=5, pitch_deg=5, roll_deg=2, blur=1e4,
    mouth_occlusion=0.0, damaged_ratio=0.0, audio_coverage=1.0, speech_ratio=0.9, snr_db=40, clipped_ratio=0.0,
    dnsmos_ovrl=3.5, dnsmos_sig=3.5, dnsmos_bak=4.0, dnsmos_p808=3.5, recon_nme=0.8, recon_nme_p95=1.0,
    recon_lip_nme=0.7, recon_lip_gap_corr=0.99, recon_jitter=0.5, music=1.3,
    second_voice=0.1,
)  # fmt: skip
# What each reason looks like: one score moved past pretrain's threshold.
BAD = {
    Reason.TOO_SHORT: {"duration_s": 1.96},
    Reason.TOO_LONG: {"duration_s": 30.04},
    Reason.SMALL_FACE: {"face_px": 95},
    Reason.FACE_LOST: {"face_ratio": 0.94},
    Reason.SEVERAL_FACES: {"one_face_ratio": 0.94},
    Reason.CORRUPT: {"damaged_ratio": 0.5},
    Reason.YAW: {"yaw_deg": 61},
    Reason.PITCH: {"pitch_deg": 41},
    Reason.ROLL: {"roll_deg": 90},
    Reason.BLURRED: {"blur": 59.0},
    Reason.MOUTH_OCCLUDED: {"mouth_occlusion": 0.9},
    Reason.AUDIO_MISSING: {"audio_coverage": 0.5},
    Reason.LITTLE_SPEECH: {"speech_ratio": 0.34},
    Reason.NOISY: {"snr_db": 9.9},
    Reason.CLIPPED_AUDIO: {"clipped_ratio": 0.5},
    Reason.POOR_AUDIO: {"dnsmos_ovrl": 1.99},
    Reason.POOR_FIT: {"recon_nme_p95": 5.1},
    Reason.MUSIC: {"music": 4.0},
}


def refusals(scores: ClipScores, tier: str = "pretrain") -> list[Verdict]:
    return [v for v in judge("clip", scores, getattr(load_recipe().gates, tier)) if not v.keep]


@pytest.mark.parametrize("tier", ["pretrain", "strict"])
def test_a_good_clip_passes_every_gate(tier: str) -> None:
    assert refusals(GOOD, tier) == []


@pytest.mark.parametrize("reason", BAD, ids=str)
def test_each_fault_is_refused_by_its_own_gate_alone(reason: Reason) -> None:
    (verdict,) = refusals(replace(GOOD, **BAD[reason]))
    assert verdict.reason is reason
    assert verdict.measured == pytest.approx(next(iter(BAD[reason].values())))
    assert verdict.threshold is not None


def test_every_gate_has_a_fault_here() -> None:
    assert {gate.reason for gate in GATES} == set(BAD)


def test_every_gate_speaks_about_every_clip() -> None:
    assert len(judge("clip", GOOD, load_recipe().thresholds)) == len(GATES)


def test_a_score_at_the_threshold_is_kept() -> None:
    assert refusals(replace(GOOD, duration_s=2.0, face_px=96, yaw_deg=60, dnsmos_ovrl=2.0)) == []


def test_strict_asks_more_than_pretrain() -> None:
    assert {v.reason for v in refusals(replace(GOOD, face_px=150, yaw_deg=50), "strict")} == {
        Reason.SMALL_FACE,
        Reason.YAW,
    }


def test_a_verdict_cannot_keep_with_a_reason() -> None:
    with pytest.raises(ValueError, match="does not go with"):
        Verdict("x", "yaw", True, Reason.YAW, 1.0, 2.0, "judge@1")


def test_what_an_old_clip_was_not_measured_for_does_not_refuse_it() -> None:
    old = replace(GOOD, music=None)
    [verdict] = [v for v in judge("clip", old, load_recipe().gates.strict) if v.gate == "max_music"]
    assert verdict.keep
    assert (verdict.measured, verdict.detail) == (None, "not measured")
