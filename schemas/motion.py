"""Head motion: what the reconstruction of a clip found, and 3DXTalker's view of it."""

from dataclasses import dataclass

import numpy as np

from schemas.arrays import Float32, admit_fields
from schemas.units import DETAIL_DIM, EXPRESSION_DIM, SHAPE_DIM


@dataclass(frozen=True, slots=True)
class HeadMotion:
    """A head model's parameters over a clip (T frames); axes and camera as in ``schemas.units``."""

    clip_id: str
    head_model: str  # "open-head@1", "flame2020@1f2e3d4c": edition and content
    n_frames: int
    shape: Float32  # [100] one identity per clip
    expression: Float32  # [T, 50]
    global_rotation: Float32  # [T, 3] axis-angle, radians
    jaw: Float32  # [T, 3] axis-angle, radians
    eyes: Float32  # [T, 6] axis-angle of the left then the right eyeball, radians
    eyelids: Float32  # [T, 2] closure of the left then the right lid, 0 open .. 1 shut
    translation: Float32  # [T, 3] metres, camera frame
    focal_px: float
    principal_point_px: tuple[float, float]
    detail: Float32 | None = None  # [T, 128] DECA's displacement code, where a DECA backend filled it

    def __post_init__(self) -> None:
        admit_fields(
            self,
            {"T": self.n_frames},
            shape=(np.float32, (SHAPE_DIM,)),
            expression=(np.float32, ("T", EXPRESSION_DIM)),
            global_rotation=(np.float32, ("T", 3)),
            jaw=(np.float32, ("T", 3)),
            eyes=(np.float32, ("T", 6)),
            eyelids=(np.float32, ("T", 2)),
            translation=(np.float32, ("T", 3)),
        )
        if self.detail is not None:
            admit_fields(self, {"T": self.n_frames}, detail=(np.float32, ("T", DETAIL_DIM)))


@dataclass(frozen=True, slots=True)
class FitQuality:
    """How well a fit explains its landmarks. Errors in per cent of the outer-corner inter-ocular distance,
    on the geometric projection, with no correction term."""

    nme: float  # mean over frames and landmarks
    nme_p95: float  # 95th percentile over frames of the frame's mean
    lip_nme: float  # mean over the lip landmarks
    lip_gap_correlation: float  # Pearson's r of fitted against measured inner-lip distance; 0 when the mouth is still
    jitter: float  # mean length of the second difference of the fitted landmarks over time


def to_3dxtalker(motion: HeadMotion) -> Float32:
    """3DXTalker's frame: shape 100 | expression 50 | global rotation 3, jaw 3 | detail 128; [T, 284], or [T, 156]
    where the record has no detail (arXiv 2602.10516)."""
    shape = np.broadcast_to(motion.shape, (motion.n_frames, SHAPE_DIM))
    parts = [shape, motion.expression, motion.global_rotation, motion.jaw]
    if motion.detail is not None:
        parts.append(motion.detail)
    return np.concatenate(parts, axis=1, dtype=np.float32)
