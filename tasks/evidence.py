"""Let a clip witness for or against its own reconstruction.

Enters: a ``Clip``, the ``HeadMotion`` fitted to it and its ``SpeechTrack``. Leaves: an ``Evidence``. Nothing here
trusts the fit's own error: landmarks are held out, halves of the clip are asked whether they show one person, the lips
whether they shut at p, b and m and open with the voice. The gates decide later.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from pydantic import Field

from models.evidence.agreement import agreement
from models.evidence.asymmetry import asymmetry
from models.evidence.labials import closure_rank, labial_frames
from models.evidence.readout import LipReadout, lips_of
from models.evidence.stillness import longest_standstill, trembling
from models.evidence.turning import drift
from models.fit.basis import LandmarkBasis, basis_of
from models.fit.blind import held_out_error
from models.fit.quality import eye_distance
from models.fit.replay import replay
from models.fit.settings import FitSettings
from models.head.model import HeadModel
from schemas.arrays import Bool, Float32
from schemas.clip import Clip
from schemas.config import StageConfig
from schemas.evidence import Evidence
from schemas.motion import HeadMotion
from schemas.speech import SpeechTrack
from schemas.units import frames_to_seconds

VERSION = "2"

_QUIET: Final = 0.1  # of the loudest frame: below, nobody speaks


class EvidenceConfig(StageConfig):
    keyframes: int = Field(6, ge=1, description="of either half of the clip, fitted without a third of the landmarks")
    least_half: int = Field(6, ge=1, description="frames of a half of the clip before its face is compared")
    still_jitter: float = Field(
        0.025, ge=0, description="of a motionless head, %, under 1-4 grey levels of noise and H.264"
    )
    standstill: float = Field(6e-4, gt=0, description="mean movement, in eyes' distances, below which a picture stands")
    least_closures: int = Field(3, ge=1, description="p, b and m that must be heard before their lips are judged")
    lag_frames: int = Field(15, ge=1, description="how far lips and voice are moved against each other")
    shut: float = Field(0.6, gt=0, le=1, description="closure from which a lid counts as shut")


def evidence(
    clip: Clip,
    motion: HeadMotion,
    spoken: SpeechTrack,
    head: HeadModel,
    readout: LipReadout,
    fit: FitSettings,
    config: EvidenceConfig,
) -> Evidence:
    """The evidence of ``clip``, in which a face is seen in at least one frame; ``head`` is ``motion``'s, and ``fit``
    are the settings with which landmarks are fitted. Where ``spoken``'s embedding is not ``readout``'s, nothing is said
    about lips and voice."""
    basis = basis_of(head)
    seen, landmarks = clip.present, clip.landmarks
    size, unit = (clip.image_width, clip.image_height), eye_distance(landmarks)
    fitted = replay(basis, motion)
    lips = lips_of(fitted.points)
    speaking = seen & (spoken.envelope >= _QUIET * spoken.envelope.max())
    moments = [t for t in labial_frames(spoken.words, spoken.language, clip.n_frames) if seen[t]]
    trembles = trembling(fitted.pixels[:, _rigid(basis)], unit, seen)
    said = None
    if spoken.embedding_model == readout.embedding_model:
        said = agreement(lips, readout.expected(spoken.embedding), seen, config.lag_frames)
    lids = motion.eyelids[seen]
    gaze = np.degrees(np.linalg.norm(motion.eyes[seen].reshape(-1, 2, 3).mean(1), axis=1))
    strongest = np.abs(motion.expression[seen]).max(1) / (fit.expression_sd if head.has_actions else fit.component_sd)
    return Evidence(
        recon_heldout_nme=held_out_error(basis, landmarks, seen, size, fit, config.keyframes),
        recon_drift_mm=drift(landmarks, seen, basis.template, config.least_half),
        recon_jitter_excess=None if trembles is None else max(0.0, 100 * trembles - config.still_jitter),
        frozen_s=frames_to_seconds(longest_standstill(landmarks, unit, seen, config.standstill)),
        closure_rank=closure_rank(lips[:, 0], moments, speaking, config.least_closures),
        closures=len(moments),
        lip_voice_corr=None if said is None else said.correlation,
        lip_voice_lag=None if said is None else said.lag_frames,
        gaze_deg=float(np.percentile(gaze, 95)),
        eyelids_shut_ratio=float((lids > config.shut).all(1).mean()),
        eyelid_asymmetry=float(np.abs(lids[:, 0] - lids[:, 1]).mean()),
        expression_sd=float(np.percentile(strongest, 99)),
    )


def face_asymmetry(clip: Clip, head: HeadModel) -> Float32:
    """[90] by which other clips of the same person tell that this one is mirrored: ``models.evidence.asymmetry``."""
    return asymmetry(clip.landmarks, clip.present, basis_of(head).template)


@lru_cache(maxsize=2)
def _rigid(basis: LandmarkBasis) -> Bool:
    """[478] the fifth of the landmarks that expressions move least, and the jaw and the eyes not at all."""
    moved = np.linalg.norm(basis.expression, axis=(1, 2))
    moved[(basis.weight > 0)] = np.inf
    return np.asarray(moved <= np.quantile(moved, 0.2))
