"""Do the lips say the sound, and are they in step?

Enters: a ``Clip`` and its ``HeadMotion``. Leaves: a ``SyncReading``; and, where the sound is early or late by a little
throughout, the clip cut anew with its sound moved, exact to the sample, before anything of the sound is computed.
Larger offsets, drifts and foreign sound are left as they are, for the gates to refuse. Whether lips and sound belong
together is weighed again once the sound has been heard by a speech encoder.
"""

from dataclasses import replace
from typing import Annotated, Literal, Protocol

import numpy as np
from pydantic import BeforeValidator, Field

from models.avatar.motion import to_frames
from models.evidence.readout import LipReadout
from models.head.model import HeadModel
from models.syncnet.settings import SyncNetSettings
from schemas.arrays import Float32
from schemas.clip import Clip, clip_id_of
from schemas.config import OwnFile, OwnFileByPath, StageConfig, path_alone
from schemas.motion import HeadMotion
from schemas.observation import Observation
from schemas.sync import SyncReading, SyncScores
from schemas.units import SAMPLES_PER_FRAME, samples_of

VERSION = "3"


class SyncReader(Protocol):
    """``models.sync.model.SyncModel``."""

    @property
    def name(self) -> str:
        """Which model, by its weights."""
        ...

    def read(self, frames: Float32, audio: Float32, head: HeadModel) -> SyncReading: ...


class FilmReader(Protocol):
    """``models.syncnet.reader.SyncNet``, which has seen the pictures while they passed."""

    @property
    def name(self) -> str: ...

    def read(self, lips: Float32, audio: Float32) -> SyncReading: ...


class SyncNetFile(SyncNetSettings):
    """SyncNet v2, which reads a confidence and no probability."""

    weights: OwnFileByPath = Field(description="syncnet_v2.model")


def _default_or_folder(value: object) -> object:
    return value if value == "default" else path_alone(value)


class SyncConfig(StageConfig):
    model: Annotated[Literal["default"] | OwnFile, BeforeValidator(_default_or_folder)] = Field(
        "default", description="'default', or the folder that `xtalker train-sync` wrote"
    )
    syncnet: SyncNetFile | None = Field(None, description="the sync stage reads with SyncNet v2 in place of the model")
    correct: bool = Field(True, description="move the sound of clips that are constantly early or late by a little")
    least_ms: float = Field(
        80.0, ge=0, description="a smaller offset is left alone: nobody sees it, and it may be none"
    )
    furthest_ms: float = Field(260.0, ge=0, description="a larger offset is not mended but refused")
    most_drift_ms: float = Field(80.0, ge=0, description="of an offset that counts as constant")
    least_confidence: float = Field(0.4, ge=0, le=1, description="of an offset that is mended")


def sync(
    clip: Clip, motion: HeadMotion, reader: SyncReader, head: HeadModel, syncnet: FilmReader | None = None
) -> tuple[SyncReading, str]:
    """How the clip's sound lies to its lips, and the name of the model that says so: ``syncnet`` of the lips' pictures,
    or without it ``reader`` of the lips of ``motion``.

    Raises ``ValueError`` with ``syncnet`` for a clip that was observed without it.
    """
    if syncnet is None:
        return reader.read(to_frames(motion), clip.audio, head), reader.name
    if clip.lips is None:
        raise ValueError(f"clip {clip.clip_id} has no embeddings of its lips: observe it with SyncNet")
    return syncnet.read(clip.lips, clip.audio), syncnet.name


def shift_of(reading: SyncReading, config: SyncConfig) -> int:
    """By how many samples the sound should be taken from later in the source (from earlier, below 0) to be in step; 0
    where it is, or where that is not certain."""
    if not config.correct or reading.confidence < config.least_confidence or np.isnan(reading.offset_ms):
        return 0
    constant = abs(reading.drift_ms) <= config.most_drift_ms
    if not constant or not config.least_ms <= abs(reading.offset_ms) <= config.furthest_ms:
        return 0
    return samples_of(reading.offset_ms)


def shifted(clip: Clip, observation: Observation, shift_samples: int, stage_versions: str) -> Clip | None:
    """``clip``, which was cut from ``observation``, with its sound from ``shift_samples`` later, and without the frames
    at an end from which sound was moved away and none came; None where no frame is left. It is another clip, with an
    id of its own, which the shift decides as well.
    """
    first = clip.start_frame - observation.start_frame
    begin, end = ((first + t) * SAMPLES_PER_FRAME + shift_samples for t in (0, clip.n_frames))
    low, high = observation.audio_span
    most = -(-abs(shift_samples) // SAMPLES_PER_FRAME)
    lost = min(max(-((begin - low) // SAMPLES_PER_FRAME), 0), most)
    kept = clip.n_frames - lost - min(max(-((high - end) // SAMPLES_PER_FRAME), 0), most)
    if kept <= 0:
        return None
    own, start_frame = slice(lost, lost + kept), clip.start_frame + lost
    begin += lost * SAMPLES_PER_FRAME
    end = begin + kept * SAMPLES_PER_FRAME
    versions = f"{stage_versions}:{shift_samples}"
    return replace(
        clip,
        clip_id=clip_id_of(observation.source.sha256, start_frame, kept, clip.track_index, versions),
        start_frame=start_frame,
        n_frames=kept,
        landmarks=clip.landmarks[own],
        blendshapes=clip.blendshapes[own],
        present=clip.present[own],
        n_faces=clip.n_faces[own],
        sharpness=clip.sharpness[own],
        mouth_patch=clip.mouth_patch[own],
        audio=_sound(observation, begin, end),
        audio_coverage=max(min(end, high) - max(begin, low), 0) / (end - begin),
        deca=None if clip.deca is None else clip.deca[own],
        disagreement=None if clip.disagreement is None else clip.disagreement[own],
        lips=None if clip.lips is None else clip.lips[own],
    )


def matched(scores: SyncScores, lip_voice_corr: float | None, readout: LipReadout) -> SyncScores:
    """``scores`` once a speech encoder has heard the clip as well, which makes more of an unknown voice than the sync
    model does; ``lip_voice_corr`` is ``schemas.evidence.Evidence``'s. The same where that cannot tell."""
    if lip_voice_corr is None:
        return scores
    return replace(scores, sync_p_match=readout.p_match(lip_voice_corr, scores.sync_p_match))


def _sound(observation: Observation, begin: int, end: int) -> Float32:
    """Samples of the observation; nothing is heard before and after it."""
    sound = np.zeros(end - begin, np.float32)
    inside = slice(max(begin, 0), min(end, len(observation.audio)))
    sound[inside.start - begin : inside.stop - begin] = observation.audio[inside]
    return sound
