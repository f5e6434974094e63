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
    recon_lip_nme=0.7, recon_lip_gap_corr=0.99, recon_jitter=0.5, music=1.3, second_voice=0.1,
    recon_heldout_nme=0.9, recon_drift_mm=0.4, recon_jitter_excess=0.1, frozen_s=0.0, closure_rank=0.3, closures=4,
    lip_voice_corr=0.8, lip_voice_lag=0.2, gaze_deg=8, eyelids_shut_ratio=0.02,
    eyelid_asymmetry=0.03, expression_sd=1.4,
    sync_offset_ms=0.0, sync_shift_ms=0.0, sync_left_ms=0.0, sync_drift_ms=0.0, sync_confidence=1.0,
    sync_p_in_sync=1.0, sync_p_match=1.0, landmark_disagreement=None,
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
    Reason.UNSURE_FIT: {"recon_heldout_nme": 9.0},
    Reason.UNSTEADY_FIT: {"recon_jitter_excess": 9.0},
    Reason.IDENTITY_CHANGES: {"recon_drift_mm": 9.0},
    Reason.EXTREME_EXPRESSION: {"expression_sd": 9.0},
    Reason.EYES_ASTRAY: {"gaze_deg": 80.0},
    Reason.EYES_SHUT: {"eyelids_shut_ratio": 0.9},
    Reason.LIDS_DIFFER: {"eyelid_asymmetry": 0.9},
    Reason.FROZEN_PICTURE: {"frozen_s": 1.0},
    Reason.LIPS_STAY_OPEN: {"closure_rank": 0.95},
    Reason.LIPS_OFF_VOICE: {"lip_voice_corr": 0.1},
    Reason.PICTURE_EARLY: {"lip_voice_lag": -8.0},
    Reason.PICTURE_LATE: {"lip_voice_lag": 8.0},
    Reason.OUT_OF_SYNC: {"sync_left_ms": -500.0},
    Reason.SYNC_DRIFTS: {"sync_drift_ms": -500.0},
    Reason.FOREIGN_VOICE: {"sync_p_match": 0.0},
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


def test_what_was_not_measured_is_kept_and_said_to_be_unmeasured() -> None:
    cannot_tell = replace(GOOD, closure_rank=None, lip_voice_corr=None, lip_voice_lag=None)
    verdicts = {v.gate: v for v in judge("clip", cannot_tell, load_recipe().gates.strict)}
    assert all(v.keep for v in verdicts.values())
    for gate in ("max_closure_rank", "min_lip_voice_corr", "min_lip_voice_lag", "max_lip_voice_lag"):
        assert (verdicts[gate].measured, verdicts[gate].detail) == (None, "not measured")
        assert verdicts[gate].threshold is not None


def test_strict_asks_more_than_pretrain() -> None:
    assert {v.reason for v in refusals(replace(GOOD, face_px=150, yaw_deg=50), "strict")} == {
        Reason.SMALL_FACE,
        Reason.YAW,
    }


def test_a_verdict_cannot_keep_with_a_reason() -> None:
    with pytest.raises(ValueError, match="does not go with"):
        Verdict("x", "yaw", True, Reason.YAW, 1.0, 2.0, "judge@1")


def test_what_could_not_be_measured_is_no_reason_to_refuse() -> None:
    unknown = replace(GOOD, sync_offset_ms=None, sync_left_ms=None, sync_drift_ms=None)
    assert refusals(unknown) == []
    verdicts = {v.gate: v for v in judge("clip", unknown, load_recipe().thresholds)}
    assert verdicts["max_sync_offset_ms"].measured is None
    late, early = (replace(GOOD, sync_left_ms=ms) for ms in (400.0, -400.0))
    assert [v.measured for v in (*refusals(late), *refusals(early))] == [400.0, -400.0]


def test_what_an_old_clip_was_not_measured_for_does_not_refuse_it() -> None:
    old = replace(GOOD, music=None)
    [verdict] = [v for v in judge("clip", old, load_recipe().gates.strict) if v.gate == "max_music"]
    assert verdict.keep
    assert (verdict.measured, verdict.detail) == (None, "not measured")
