"""Everything one pass over the pixels saw. Past this record no stage touches an image."""

from dataclasses import dataclass

import numpy as np

from schemas.arrays import Float32, Int32, UInt8, admit_fields
from schemas.source import SourceVideo
from schemas.units import (
    DECA_DIM,
    LIPS_DIM,
    MOUTH_PATCH_SIZE,
    N_BLENDSHAPES,
    N_LANDMARKS,
    SAMPLES_PER_FRAME,
    THUMBNAIL_SIZE,
)


@dataclass(frozen=True, slots=True)
class Faces:
    """The faces found, one row per face per frame, ordered by frame (M rows)."""

    frame: Int32  # [M] index into the observation's frames
    landmarks: Float32  # [M, 478, 3] pixels of the upright picture, y down; z in pixels, towards the viewer negative
    blendshapes: Float32  # [M, 52] MediaPipe's scores, 0..1
    sharpness: Float32  # [M] variance of the Laplacian on the face, warped to a fixed size
    mouth_patch: UInt8  # [M, 24, 24, 3] RGB, mouth and chin warped upright to a fixed size
    deca: Float32 | None = None  # [M, 364] DECA's code of each face, where a recipe asks for it (models.deca.code)

    disagreement: Float32 | None = None  # [M] of two landmark finders (models.points68), -1 where one did not look
    lips: Float32 | None = None  # [M, 1024] SyncNet's embedding (models.syncnet.films), zero where there is none

    def __post_init__(self) -> None:
        patch = MOUTH_PATCH_SIZE
        admit_fields(
            self,
            {"M": len(self.frame)},
            frame=(np.int32, ("M",)),
            landmarks=(np.float32, ("M", N_LANDMARKS, 3)),
            blendshapes=(np.float32, ("M", N_BLENDSHAPES)),
            sharpness=(np.float32, ("M",)),
            mouth_patch=(np.uint8, ("M", patch, patch, 3)),
        )
        if self.deca is not None:
            admit_fields(self, {"M": len(self.frame)}, deca=(np.float32, ("M", DECA_DIM)))
        if self.disagreement is not None:
            admit_fields(self, {"M": len(self.frame)}, disagreement=(np.float32, ("M",)))
        if self.lips is not None:
            admit_fields(self, {"M": len(self.frame)}, lips=(np.float32, ("M", LIPS_DIM)))
        if np.any(np.diff(self.frame) < 0):
            raise ValueError("Faces.frame: rows must be ordered by frame")


@dataclass(frozen=True, slots=True)
class Observation:
    """A part of a source (all of it, unless it is long), at 25 frames a second.

    ``start_frame`` is where the part begins on the source's own 25 fps timeline; every frame index inside the record
    counts from there. ``audio`` is exactly ``n_frames * 640`` samples, sample 0 heard when frame 0 is presented;
    where the file has no audio for an instant, it is zero and lies outside ``audio_span``.
    """

    source: SourceVideo
    start_frame: int
    n_frames: int
    width: int
    height: int
    cut_score: Float32  # [N] PySceneDetect's content value against the frame before; 0 for the first
    thumbnails: UInt8  # [N, 27, 48, 3] RGB
    faces: Faces
    audio: Float32  # [N * 640] -1..1
    audio_span: tuple[int, int]  # samples [start, stop) that the file really holds
    damaged_frames: int  # frames the decoder flagged corrupt, concealed or could not decode

    def __post_init__(self) -> None:
        admit_fields(
            self,
            {"N": self.n_frames, "S": self.n_frames * SAMPLES_PER_FRAME},
            cut_score=(np.float32, ("N",)),
            thumbnails=(np.uint8, ("N", *THUMBNAIL_SIZE, 3)),
            audio=(np.float32, ("S",)),
        )
        if self.faces.frame.size and not 0 <= self.faces.frame[0] <= self.faces.frame[-1] < self.n_frames:
            raise ValueError("Observation.faces: a face lies outside the frames")
