"""Shot, face track, clip: the same footage, cut ever closer to one face, one shot, one voice."""

import hashlib
from dataclasses import dataclass

import numpy as np

from schemas.arrays import Bool, Float32, Int32, UInt8, admit_fields
from schemas.units import (
    DECA_DIM,
    LIPS_DIM,
    MOUTH_PATCH_SIZE,
    N_BLENDSHAPES,
    N_LANDMARKS,
    SAMPLES_PER_FRAME,
    frames_to_seconds,
)


@dataclass(frozen=True, slots=True)
class Shot:
    """A run of frames without a cut: ``[start_frame, start_frame + n_frames)`` of its observation."""

    start_frame: int
    n_frames: int
    opened_by: str  # "start", "cut", "dissolve" or "jump"

    @property
    def stop_frame(self) -> int:
        return self.start_frame + self.n_frames


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """One face followed through one shot, frame by frame of its observation (T frames)."""

    track_index: int  # unique within its observation, by order of appearance
    shot: Shot
    start_frame: int
    n_frames: int
    rows: Int32  # [T] row of ``Observation.faces``, or -1 where a short gap was bridged
    n_faces: Int32  # [T] faces in the picture in that frame, this one included

    def __post_init__(self) -> None:
        admit_fields(self, {"T": self.n_frames}, rows=(np.int32, ("T",)), n_faces=(np.int32, ("T",)))


@dataclass(frozen=True, slots=True)
class ClipSpan:
    """Which footage a clip is, without the footage. ``start_frame`` counts on the source's own 25 fps timeline."""

    clip_id: str
    source_id: str
    track_index: int
    start_frame: int
    n_frames: int
    image_width: int
    image_height: int


@dataclass(frozen=True, slots=True)
class Clip:
    """A candidate: one face, one shot, one voice, self-contained (T frames, T * 640 samples).

    ``start_frame`` counts on the source's own 25 fps timeline. Landmarks and codes of bridged frames are interpolated.
    """

    clip_id: str
    source_id: str
    track_index: int
    start_frame: int
    n_frames: int
    image_width: int
    image_height: int
    landmarks: Float32  # [T, 478, 3] pixels, y down
    blendshapes: Float32  # [T, 52]
    present: Bool  # [T] false where the face was not seen and the gap was bridged
    n_faces: Int32  # [T]
    sharpness: Float32  # [T]
    mouth_patch: UInt8  # [T, 24, 24, 3]
    audio: Float32  # [T * 640]
    audio_coverage: float  # share of the clip's samples that the file really holds
    damaged_ratio: float  # share of the source part's frames that the decoder flagged
    deca: Float32 | None = None  # [T, 364] DECA's code, where a recipe asks for it (models.deca.code)
    disagreement: Float32 | None = None  # [T] of two landmark finders (models.points68), -1 where one did not look
    lips: Float32 | None = None  # [T, 1024] SyncNet's embedding (models.syncnet.films), zero where there is none

    def __post_init__(self) -> None:
        patch = MOUTH_PATCH_SIZE
        admit_fields(
            self,
            {"T": self.n_frames, "S": self.n_frames * SAMPLES_PER_FRAME},
            landmarks=(np.float32, ("T", N_LANDMARKS, 3)),
            blendshapes=(np.float32, ("T", N_BLENDSHAPES)),
            present=(np.bool_, ("T",)),
            n_faces=(np.int32, ("T",)),
            sharpness=(np.float32, ("T",)),
            mouth_patch=(np.uint8, ("T", patch, patch, 3)),
            audio=(np.float32, ("S",)),
        )
        if self.deca is not None:
            admit_fields(self, {"T": self.n_frames}, deca=(np.float32, ("T", DECA_DIM)))
        if self.disagreement is not None:
            admit_fields(self, {"T": self.n_frames}, disagreement=(np.float32, ("T",)))
        if self.lips is not None:
            admit_fields(self, {"T": self.n_frames}, lips=(np.float32, ("T", LIPS_DIM)))

    @property
    def landmark_disagreement(self) -> float | None:
        """Mean over the frames at which both finders looked; None if there is none."""
        if self.disagreement is None:
            return None
        looked = self.disagreement[(self.disagreement >= 0) & self.present]
        return float(looked.mean()) if looked.size else None

    @property
    def duration_s(self) -> float:
        return frames_to_seconds(self.n_frames)

    @property
    def span(self) -> ClipSpan:
        return ClipSpan(
            self.clip_id,
            self.source_id,
            self.track_index,
            self.start_frame,
            self.n_frames,
            self.image_width,
            self.image_height,
        )


def clip_id_of(source_sha256: str, start_frame: int, n_frames: int, track_index: int, stage_versions: str) -> str:
    """A clip's identity is its content: the same footage through the same stages has the same id, anywhere."""
    text = f"{source_sha256}:{start_frame}+{n_frames}:{track_index}:{stage_versions}"
    return hashlib.sha256(text.encode()).hexdigest()[:20]
