"""The gates: a candidate's scores against a tier's thresholds. Nothing is measured here.

Enters: ``ClipScores``. Leaves: one ``Verdict`` per gate, in the order below; the first refusal is the clip's reason.
Because gates read only stored scores, ``xtalker regate`` decides again, with other thresholds, without the video.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.config import StageConfig
from schemas.record import ClipScores
from schemas.verdict import Reason, Verdict

VERSION = "2"
STAGE_VERSION = f"judge@{VERSION}"
NOT_MEASURED = "not measured"


class Thresholds(StageConfig):
    """What one tier asks of a clip. There are no defaults: the recipe states every number, with its source."""

    min_duration_s: float
    max_duration_s: float
    min_face_px: float
    min_face_ratio: float
    min_one_face_ratio: float
    max_damaged_ratio: float
    max_yaw_deg: float
    max_pitch_deg: float
    max_roll_deg: float
    min_blur: float
    max_mouth_occlusion: float
    min_audio_coverage: float
    min_speech_ratio: float
    min_snr_db: float
    max_clipped_ratio: float
    min_dnsmos_ovrl: float
    max_recon_nme_p95: float
    max_music: float
    min_sync_p_match: float
    max_sync_offset_ms: float
    max_sync_drift_ms: float
    min_sync_p_in_sync: float
    max_recon_heldout_nme: float
    max_recon_jitter_excess: float
    max_recon_drift_mm: float
    max_expression_sd: float
    max_gaze_deg: float
    max_eyelids_shut_ratio: float
    max_eyelid_asymmetry: float
    max_frozen_s: float
    max_closure_rank: float
    min_lip_voice_corr: float
    min_lip_voice_lag: float
    max_lip_voice_lag: float


@dataclass(frozen=True, slots=True)
class Gate:
    """A comparison of one score with one threshold; a ``min_`` threshold is the least that is kept, a ``max_`` one the
    most. The gate goes by its threshold's name. What could not be measured (nan) passes: no gate refuses for want of
    knowledge."""

    name: str
    score: str
    reason: Reason
    either_sign: bool = False  # only the size of the score is compared

    def keeps(self, measured: npt.ArrayLike, threshold: float) -> npt.NDArray[np.bool_]:
        """Whether each of ``measured`` (any shape) passes; what was not measured (nan) does."""
        size = np.abs(measured) if self.either_sign else measured
        ordered = np.greater_equal if self.name.startswith("min_") else np.less_equal
        return np.asarray(ordered(size, threshold) | np.isnan(measured))

    def judge(self, subject_id: str, scores: ClipScores, thresholds: Thresholds) -> Verdict:
        """The verdict on a clip. A score of None refuses nothing, and the verdict says that it was not measured."""
        score, threshold = getattr(scores, self.score), float(getattr(thresholds, self.name))
        if score is None:
            return Verdict(subject_id, self.name, True, None, None, threshold, STAGE_VERSION, NOT_MEASURED)
        measured = float(score)
        keep = bool(self.keeps(measured, threshold))
        reason = None if keep else self.reason
        return Verdict(subject_id, self.name, keep, reason, measured, threshold, STAGE_VERSION)


GATES = (
    Gate("min_duration_s", "duration_s", Reason.TOO_SHORT),
    Gate("max_duration_s", "duration_s", Reason.TOO_LONG),
    Gate("min_face_px", "face_px", Reason.SMALL_FACE),
    Gate("min_face_ratio", "face_ratio", Reason.FACE_LOST),
    Gate("min_one_face_ratio", "one_face_ratio", Reason.SEVERAL_FACES),
    Gate("max_damaged_ratio", "damaged_ratio", Reason.CORRUPT),
    Gate("max_yaw_deg", "yaw_deg", Reason.YAW),
    Gate("max_pitch_deg", "pitch_deg", Reason.PITCH),
    Gate("max_roll_deg", "roll_deg", Reason.ROLL),
    Gate("min_blur", "blur", Reason.BLURRED),
    Gate("max_mouth_occlusion", "mouth_occlusion", Reason.MOUTH_OCCLUDED),
    Gate("min_audio_coverage", "audio_coverage", Reason.AUDIO_MISSING),
    Gate("min_speech_ratio", "speech_ratio", Reason.LITTLE_SPEECH),
    Gate("min_snr_db", "snr_db", Reason.NOISY),
    Gate("max_clipped_ratio", "clipped_ratio", Reason.CLIPPED_AUDIO),
    Gate("min_dnsmos_ovrl", "dnsmos_ovrl", Reason.POOR_AUDIO),
    Gate("max_recon_nme_p95", "recon_nme_p95", Reason.POOR_FIT),
    Gate("max_music", "music", Reason.MUSIC),
    Gate("min_sync_p_match", "sync_p_match", Reason.FOREIGN_VOICE),
    Gate("max_sync_offset_ms", "sync_left_ms", Reason.OUT_OF_SYNC, either_sign=True),
    Gate("max_sync_drift_ms", "sync_drift_ms", Reason.SYNC_DRIFTS, either_sign=True),
    Gate("min_sync_p_in_sync", "sync_p_in_sync", Reason.OUT_OF_SYNC),
    Gate("max_frozen_s", "frozen_s", Reason.FROZEN_PICTURE),
    Gate("min_lip_voice_lag", "lip_voice_lag", Reason.PICTURE_EARLY),
    Gate("max_lip_voice_lag", "lip_voice_lag", Reason.PICTURE_LATE),
    Gate("min_lip_voice_corr", "lip_voice_corr", Reason.LIPS_OFF_VOICE),
    Gate("max_recon_drift_mm", "recon_drift_mm", Reason.IDENTITY_CHANGES),
    Gate("max_recon_heldout_nme", "recon_heldout_nme", Reason.UNSURE_FIT),
    Gate("max_recon_jitter_excess", "recon_jitter_excess", Reason.UNSTEADY_FIT),
    Gate("max_expression_sd", "expression_sd", Reason.EXTREME_EXPRESSION),
    Gate("max_gaze_deg", "gaze_deg", Reason.EYES_ASTRAY),
    Gate("max_eyelids_shut_ratio", "eyelids_shut_ratio", Reason.EYES_SHUT),
    Gate("max_eyelid_asymmetry", "eyelid_asymmetry", Reason.LIDS_DIFFER),
    Gate("max_closure_rank", "closure_rank", Reason.LIPS_STAY_OPEN),
)


def judge(subject_id: str, scores: ClipScores, thresholds: Thresholds) -> tuple[Verdict, ...]:
    """Every gate's verdict on ``scores``, in gate order."""
    return tuple(gate.judge(subject_id, scores, thresholds) for gate in GATES)
