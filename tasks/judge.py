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

VERSION = "1"
STAGE_VERSION = f"judge@{VERSION}"


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
    min_sync_p_match: float
    max_sync_offset_ms: float
    max_sync_drift_ms: float
    min_sync_p_in_sync: float


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
        """Whether each of ``measured`` (any shape) passes."""
        size = np.abs(measured) if self.either_sign else measured
        return ~(np.less(size, threshold) if self.name.startswith("min_") else np.greater(size, threshold))

    def judge(self, subject_id: str, scores: ClipScores, thresholds: Thresholds) -> Verdict:
        measured, threshold = float(getattr(scores, self.score)), float(getattr(thresholds, self.name))
        keep = bool(self.keeps(measured, threshold))
        reason = None if keep else self.reason
        known = None if np.isnan(measured) else measured
        return Verdict(subject_id, self.name, keep, reason, known, threshold, STAGE_VERSION)


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
    Gate("min_sync_p_match", "sync_p_match", Reason.FOREIGN_VOICE),
    Gate("max_sync_offset_ms", "sync_left_ms", Reason.OUT_OF_SYNC, either_sign=True),
    Gate("max_sync_drift_ms", "sync_drift_ms", Reason.SYNC_DRIFTS, either_sign=True),
    Gate("min_sync_p_in_sync", "sync_p_in_sync", Reason.OUT_OF_SYNC),
)


def judge(subject_id: str, scores: ClipScores, thresholds: Thresholds) -> tuple[Verdict, ...]:
    """Every gate's verdict on ``scores``, in gate order."""
    return tuple(gate.judge(subject_id, scores, thresholds) for gate in GATES)
