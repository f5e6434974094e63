"""What the warehouse is given: a source with everything that became of it."""

from dataclasses import dataclass, fields
from enum import StrEnum

from schemas.arrays import Float32
from schemas.clip import ClipSpan
from schemas.cues import FaceCues, VoiceCues, VoiceCurves, VoiceEmotion
from schemas.motion import HeadMotion
from schemas.source import Offer, SourceVideo
from schemas.speech import SpeechTrack
from schemas.verdict import Reason, Verdict


class SourceStatus(StrEnum):
    """The one state in which every file offered ends."""

    CURATED = "curated"  # at least one clip kept
    REFUSED = "refused"  # none kept; ``reason`` says why


@dataclass(frozen=True, slots=True)
class ClipScores:
    """Every number a gate may compare, for one candidate. Gates read these and nothing else, so that ``regate``
    can decide again without the video. Angles in degrees, 95th percentile of the absolute value over frames. None
    where the clip cannot tell, or was measured before there was such a score."""

    duration_s: float
    face_px: float  # median height of the face's bounding box
    face_ratio: float  # share of frames in which this face was seen
    one_face_ratio: float  # share of frames with this face and no other that may be the one that speaks
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    blur: float  # median sharpness; lower is blurrier
    mouth_occlusion: float  # share of frames in which something covers the mouth
    damaged_ratio: float
    audio_coverage: float
    speech_ratio: float
    snr_db: float
    clipped_ratio: float
    dnsmos_ovrl: float
    dnsmos_sig: float
    dnsmos_bak: float
    dnsmos_p808: float
    recon_nme: float
    recon_nme_p95: float
    recon_lip_nme: float
    recon_lip_gap_corr: float
    recon_jitter: float
    landmark_disagreement: float | None  # of two landmark finders, per cent of the inter-ocular distance
    # schemas.sync.SyncScores
    sync_offset_ms: float | None
    sync_shift_ms: float | None
    sync_left_ms: float | None
    sync_drift_ms: float | None
    sync_confidence: float | None
    sync_p_in_sync: float | None
    sync_p_match: float | None
    # schemas.cues.Background
    music: float | None
    second_voice: float | None
    # schemas.evidence.Evidence
    recon_heldout_nme: float | None
    recon_drift_mm: float | None
    recon_jitter_excess: float | None
    frozen_s: float | None
    closure_rank: float | None
    closures: int | None
    lip_voice_corr: float | None
    lip_voice_lag: float | None
    gaze_deg: float | None
    eyelids_shut_ratio: float | None
    eyelid_asymmetry: float | None
    expression_sd: float | None

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return tuple(f.name for f in fields(cls))


@dataclass(frozen=True, slots=True)
class ClipRecord:
    """A candidate with all that was found out about it, kept or not."""

    span: ClipSpan
    scores: ClipScores
    motion: HeadMotion
    speech: SpeechTrack
    curves: VoiceCurves
    voice_cues: VoiceCues
    face_cues: FaceCues
    speaker_id: str
    split: str  # "train", "val" or "test", by speaker
    tier: str
    verdicts: tuple[Verdict, ...]
    asymmetry: Float32  # [90] mm: models.evidence.asymmetry
    voice_emotion: VoiceEmotion | None  # where a recipe names a model for it
    sync_model: str  # who read how lips and sound lie to each other: its name @ the beginning of its weights' sha256

    @property
    def refusal(self) -> Verdict | None:
        """The verdict that decides against the clip: the first refusal in gate order, or None."""
        return next((v for v in self.verdicts if not v.keep), None)


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """Where one file offered ended: its clips, or the verdict that refused it. ``source`` is None if it could not
    be read at all."""

    source_id: str
    sha256: str
    size_bytes: int
    offer: Offer
    source: SourceVideo | None
    verdicts: tuple[Verdict, ...]  # of the source and of fragments too short to be candidates
    clips: tuple[ClipRecord, ...]

    @property
    def status(self) -> SourceStatus:
        return SourceStatus.CURATED if any(c.refusal is None for c in self.clips) else SourceStatus.REFUSED

    @property
    def reason(self) -> Reason | None:
        """Why nothing was kept: the source's own refusal, else the commonest among its clips."""
        if self.status is SourceStatus.CURATED:
            return None
        own = next((v.reason for v in self.verdicts if not v.keep and v.subject_id == self.source_id), None)
        if own is not None:
            return own
        reasons = [r.refusal.reason for r in self.clips if r.refusal is not None]
        reasons = reasons or [v.reason for v in self.verdicts if not v.keep]
        return max(reasons, key=reasons.count) if reasons else Reason.NO_FACE
