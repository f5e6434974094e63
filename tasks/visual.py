"""Score what can be seen of the face.

Enters: a ``Clip``. Leaves: ``VisualScores``: how large the face is, whether it is there and alone, how sharp it is,
and in how many frames something covers its mouth. Scores only; the gates decide later.

Mouth occlusion is told from the mouth patches by two questions put to every frame:
- Does it look unlike this clip? A robust regression of the patch on the mouth's shape and the head's pose tells
  what the lower face should look like in this frame; a covered one is far off over much of its area.
- Does it look like no mouth? Lips, teeth and the line between them lie across the face, so the rows of the mouth tell
  most of its brightness; a hand, a microphone or a mask over the mouth does not. This sees what is there all the time.

Measured: on 312 clean clips of 11 speakers 0.4 % of the frames are called covered, in the worst clip 7 %. Of 32 clips
with a moving hand, microphone, phone or cup pasted on, 97.5 % of the frames with a third of the lips covered are
found, and of 32 with a lasting occluder at least 95 % of every clip. An actress's hands over her mouth for a third of
a real clip: 99 % of those frames, 1 % of the others. Not seen: a thin object that leaves most of the lips free, one
that lies straight across like a mouth and stays, lips half out of the picture. A light that changes within the clip,
or subtitles over the chin, count as covered.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from models.head.landmarks import INNER_LIPS, OUTER_EYE_CORNERS
from schemas.arrays import Bool, Float32, UInt8
from schemas.clip import Clip
from schemas.config import StageConfig
from schemas.units import MOUTH_PATCH_SIZE, N_MESH_POINTS

VERSION = "1"

_RIGHT_EYE, _LEFT_EYE = OUTER_EYE_CORNERS
_UPPER_LIP, _LOWER_LIP = INNER_LIPS
_NOSE_TIP, _RIGHT_CORNER, _LEFT_CORNER = 4, 61, 291
_JAW_OPEN, _PUCKER, _SMILES = 25, 38, [44, 45]  # among MediaPipe's blendshapes

# Where things are in a mouth patch (rows, columns): the lips, and the lower face from nostrils to chin.
_LIPS: Final = (slice(4, 14), slice(7, 17))
_ROW, _COLUMN = np.mgrid[0:MOUTH_PATCH_SIZE, 0:MOUTH_PATCH_SIZE]
_LOWER_FACE: Final = ((_COLUMN - 11.5) / 8) ** 2 + ((_ROW - 10) / 8.5) ** 2 < 1

# Frames whose mean residual is so many times the median's have no say, round by round. It begins wide, so that a clip
# half of which is a smile is explained by the smile before its other half is taken for covered.
_TUKEY: Final = (6.0, 4.0, 3.0, 2.5, 2.5, 2.5, 2.5)
_RIDGE: Final = 4e-4  # per frame, in squared units of the features: keeps a still head's pose from explaining noise
_NOISE_VARIANCE: Final = 4.0  # grey levels squared: a flat patch has no rows to speak of


class VisualConfig(StageConfig):
    pixel_change: float = Field(20.0, gt=0, description="grey levels off the expected, for a pixel to count as covered")
    pixel_spread: float = Field(3.0, gt=0, description="and so many robust standard deviations of that pixel")
    covered_area: float = Field(0.15, gt=0, lt=1, description="share of the lower face covered, for a covered mouth")
    min_rowness: float = Field(0.25, ge=0, lt=1, description="share of brightness told by rows; below, it is no mouth")


@dataclass(frozen=True, slots=True)
class VisualScores:
    """The visual part of ``schemas.record.ClipScores``, by the same names."""

    face_px: float  # median height of the face's bounding box, pixels of the upright picture
    face_ratio: float
    blur: float
    mouth_occlusion: float


def visual_scores(clip: Clip, config: VisualConfig) -> VisualScores:
    """Medians and shares are over the frames in which the face was seen; the ratio over all frames."""
    seen = clip.present
    # The iris points leave the face's box as it is.
    heights = np.ptp(clip.landmarks[seen, :N_MESH_POINTS, 1], axis=1)
    return VisualScores(
        face_px=float(np.median(heights)),
        face_ratio=float(seen.mean()),
        blur=float(np.median(clip.sharpness[seen])),
        mouth_occlusion=float(
            covered(clip.mouth_patch[seen], clip.landmarks[seen], clip.blendshapes[seen], config).mean()
        ),
    )


def covered(patches: UInt8, landmarks: Float32, blendshapes: Float32, config: VisualConfig) -> Bool:
    """In which frames something lies over the mouth: [T, 24, 24, 3], [T, 478, 3] and [T, 52] give [T]."""
    changed = unexpected_area(patches, _pose(landmarks, blendshapes), config) > config.covered_area
    return np.asarray(changed | (rowness(patches) < config.min_rowness))


def rowness(patches: UInt8) -> npt.NDArray[np.float64]:
    """[T] share of the variance of the lips' brightness that the means of their rows account for, 0..1.

    A light from the side shades the face evenly across; that slope is taken out first, or a dark face lit from one
    side would seem to have no mouth.
    """
    lips = patches[:, *_LIPS].mean(axis=3)
    across = np.arange(lips.shape[2]) - (lips.shape[2] - 1) / 2
    slope = (lips * across).sum(axis=(1, 2)) / (lips.shape[1] * np.square(across).sum())
    lips = lips - slope[:, None, None] * across
    rows = lips.mean(axis=2).var(axis=1)
    return np.asarray(rows / (lips.var(axis=(1, 2)) + _NOISE_VARIANCE))


def unexpected_area(patches: UInt8, pose: npt.NDArray[np.float64], config: VisualConfig) -> npt.NDArray[np.float64]:
    """[T] share of the lower face that is not as ``pose`` [T, F] lets one expect in this clip.

    Patches are regressed on the pose by iteratively reweighted least squares with Tukey's biweight on the frames
    (Huber & Ronchetti 2009, ch. 7), begun at the distance from the median patch.
    """
    n_frames = len(patches)
    pixels = patches[:, _LOWER_FACE].reshape(n_frames, -1).astype(np.float64)
    design = np.hstack([np.ones((n_frames, 1)), pose - np.median(pose, axis=0)])
    ridge = _RIDGE * n_frames * np.eye(design.shape[1])
    ridge[0, 0] = 1e-6
    residual = pixels - np.median(pixels, axis=0)
    for tuning in _TUKEY:
        distance = np.abs(residual).mean(axis=1)
        cutoff = tuning * (np.median(distance) + 1.0)
        weighted = design * np.clip(1 - (distance / cutoff) ** 2, 0, 1)[:, None] ** 2
        residual = pixels - design @ np.linalg.solve(weighted.T @ design + ridge, weighted.T @ pixels)
    off = np.abs(residual).reshape(n_frames, -1, 3).max(axis=2)
    spread = 1.4826 * np.median(off, axis=0)
    return np.asarray((off > np.maximum(config.pixel_change, config.pixel_spread * spread)).mean(axis=1))


def _pose(landmarks: Float32, blendshapes: Float32) -> npt.NDArray[np.float64]:
    """[T, 7] lip gap, mouth width, nose across and nose down (all over the distance of the outer eye corners: the
    latter two follow yaw and pitch), jaw opening, smile and pucker."""
    points = landmarks[:, :, :2].astype(np.float64)
    between = points[:, _LEFT_EYE] - points[:, _RIGHT_EYE]
    eyes = np.maximum(np.linalg.norm(between, axis=1), 1e-3)
    across = between / eyes[:, None]
    down = np.stack([-across[:, 1], across[:, 0]], axis=1)
    nose = points[:, _NOSE_TIP] - (points[:, _LEFT_EYE] + points[:, _RIGHT_EYE]) / 2
    gap = np.linalg.norm(points[:, _UPPER_LIP] - points[:, _LOWER_LIP], axis=1)
    width = np.linalg.norm(points[:, _RIGHT_CORNER] - points[:, _LEFT_CORNER], axis=1)
    measures = [gap / eyes, width / eyes, (nose * across).sum(1) / eyes, (nose * down).sum(1) / eyes]
    shapes = blendshapes.astype(np.float64)
    return np.stack([*measures, shapes[:, _JAW_OPEN], shapes[:, _SMILES].mean(1), shapes[:, _PUCKER]], axis=1)
