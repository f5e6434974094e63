"""What speaks for and against a clip's reconstruction."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """The clip's own witnesses, by the names under which ``schemas.record.ClipScores`` stores them; None where this
    clip cannot tell. "nme" and jitter are per cent of the distance of the outer eye corners."""

    recon_heldout_nme: float  # error at landmarks that a second fit was not shown
    recon_drift_mm: float | None  # between the faces of the clip's halves: models.evidence.turning.drift
    recon_jitter_excess: float | None  # jitter in the stillest half second, above that of a motionless head
    frozen_s: float  # longest time over which the picture stands still
    closure_rank: float | None  # how open the lips are at p, b and m: 0 as shut as ever, 0.5 chance
    closures: int  # at how many of them
    lip_voice_corr: float | None  # Pearson's r of the lips with what the voice lets expect, at the best lag
    lip_voice_lag: float | None  # that lag, frames; positive where the picture comes late
    gaze_deg: float  # 95th percentile of the eyes' turn from straight ahead in the head
    eyelids_shut_ratio: float  # share of frames with both lids shut
    eyelid_asymmetry: float  # mean difference of the two lids' closure
    expression_sd: float  # 99th percentile over frames of the strongest action, in the fit's standard deviations
