"""Who is to speak: the identity in one picture of a face, or in a curated clip.

Enters: a picture file, or a clip's ``HeadMotion``. Leaves: an ``Identity``, the head's shape and a frame of how the
face rests. A picture knows less than a clip: shape and expression are told apart by their priors only.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from pydantic import Field

from models.avatar.motion import EXPRESSION, GAZE, JAW, MOTION_DIM, ROTATION, to_frames
from models.fit.basis import LandmarkBasis
from models.fit.project import Lens, pose
from models.fit.quality import measure
from models.fit.settings import FitSettings
from models.fit.solve import fit_landmarks
from models.fit.state import FitState
from models.head.angles import to_angles
from models.head.model import HeadModel
from models.head.rotation import to_axis_angle
from models.overlay import HeadPainter, Window
from models.render import Camera
from schemas.arrays import Float32, UInt8, admit_fields
from schemas.config import StageConfig
from schemas.motion import HeadMotion
from schemas.units import SHAPE_DIM
from tasks.media.picture import read_picture

if TYPE_CHECKING:
    from models.landmarks import FaceFinder  # mediapipe: a clip's identity does without

VERSION = "1"

_CLOSED_SHARE = 0.25  # of a clip's frames, those with the jaw most shut, among which the resting face is sought


class NoFaceInImage(ValueError):
    """A picture shows no face that a head can be fitted to; the message says what was measured and what to do."""


class SeveralFaces(ValueError):
    """A picture shows more than one person; the message says how many."""


class PortraitConfig(StageConfig):
    """What is asked of a picture, and how a head is fitted to a single one."""

    max_pixels: int = Field(64_000_000, gt=0, description="width * height of a file that is decoded")
    max_bytes: int = Field(64 * 2**20, gt=0)
    max_side_px: int = Field(1280, gt=0, description="to which a picture is shrunk before faces are sought")
    background_ratio: float = Field(0.35, ge=0, lt=1, description="a face so much smaller is a passer-by, and ignored")
    min_face_px: float = Field(40.0, gt=0, description="height of the face; a smaller one is refused")
    good_face_px: float = Field(120.0, gt=0, description="a smaller one is worth a warning")
    max_yaw_deg: float = Field(55.0, gt=0, description="a face turned further aside is refused")
    good_yaw_deg: float = Field(30.0, gt=0, description="turned further than this, it is worth a warning")
    good_nme: float = Field(
        3.0, gt=0, description="error of the fit, per cent of the eyes' distance, without a warning"
    )
    # On frames of 11 people the weight of clips, made for 24 frames at once, leaves a single one too close to the mean.
    fit: FitSettings = Field(default_factory=lambda: FitSettings(shape_weight=2.0))


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as a motion model takes one."""

    head_model: str
    shape: Float32  # [100]
    reference: Float32  # [58] ``models.avatar.motion``: how the face rests, the head straight

    def __post_init__(self) -> None:
        admit_fields(self, {}, shape=(np.float32, (SHAPE_DIM,)), reference=(np.float32, (MOTION_DIM,)))


@dataclass(frozen=True, slots=True)
class Portrait:
    """What was found in a picture."""

    identity: Identity
    picture: UInt8  # [H, W, 3] upright, as faces were sought in it
    fit: FitState  # of one frame, how the head stands in the picture
    lens: Lens
    face_px: float  # height of the face in the file's own pixels
    yaw_deg: float  # positive to the subject's left
    nme: float  # mean error of the fit, per cent of the distance of the outer eye corners
    concerns: tuple[str, ...]  # what a person should know, a sentence each


def portrait(path: Path, finder: "FaceFinder", head: HeadModel, config: PortraitConfig) -> Portrait:
    """The face in the picture at ``path``. The same picture gives the same numbers.

    Raises ``tasks.media.picture.UnreadablePicture``, ``NoFaceInImage``, ``SeveralFaces``.
    """
    rgb = read_picture(path, config.max_pixels, config.max_bytes)
    shrink = min(1.0, config.max_side_px / max(rgb.shape[:2]))
    small = rgb if shrink == 1 else _shrunk(rgb, shrink)
    finder.restart()
    landmarks = _the_face(finder.find(small).landmarks, path, config)
    face_px = float(np.ptp(landmarks[:, 1])) / shrink
    if face_px < config.min_face_px:
        raise NoFaceInImage(
            f"{path}: the face is {face_px:.0f} pixels high, {config.min_face_px:.0f} are needed; give a larger picture"
        )
    basis, seen = _basis(head), np.ones(1, np.bool_)
    size = (small.shape[1], small.shape[0])
    fit = fit_landmarks(basis, np.ascontiguousarray(landmarks[None, :, :2]), seen, size, config.fit)
    nme = measure(pose(basis, fit.state, fit.lens).pixels, landmarks[None], seen).nme
    yaw_deg = float(np.degrees(to_angles(to_axis_angle(fit.state.rotation))[0, 1]))
    if abs(yaw_deg) > config.max_yaw_deg:
        raise NoFaceInImage(
            f"{path}: the face is turned {abs(yaw_deg):.0f} degrees aside, more than {config.max_yaw_deg:.0f}; give a "
            "picture in which it looks at the camera"
        )
    concerns = _concerns(face_px, yaw_deg, nme, config)
    return Portrait(_identity(head, fit.state), small, fit.state, fit.lens, face_px, yaw_deg, nme, concerns)


def identity_of_clip(motion: HeadMotion) -> Identity:
    """The person of a clip. The face at rest is the frame nearest to the median of those with the jaw most shut."""
    frames = to_frames(motion)
    opening = frames[:, JAW.start]
    shut = frames[opening <= np.quantile(opening, _CLOSED_SHARE)]
    off = (shut - np.median(shut, axis=0))[:, : ROTATION.start]
    reference = shut[np.argmin((off**2).sum(axis=1))].copy()
    reference[ROTATION] = 0
    return Identity(motion.head_model, motion.shape, reference)


def overlay(portrait: Portrait, head: HeadModel, panel_px: int = 512) -> UInt8:
    """The picture, the fitted head over it and the head alone, side by side; [panel, 3 * panel, 3]."""
    state, basis = portrait.fit, _basis(head)
    gaze = np.pad(state.gaze, ((0, 0), (0, 1)))
    eyes = np.concatenate([gaze, gaze], axis=1)
    still = np.zeros((1, 3), np.float32)
    upright = head.vertices(portrait.identity.shape, state.expression, still, state.jaw, eyes, still)[0]
    vertices = ((upright - basis.pivot) @ state.rotation[0].T + state.position[0]).astype(np.float32)
    height, width = portrait.picture.shape[:2]
    whole = Camera(width, height, portrait.lens.focal_px, portrait.lens.centre_px)
    window = Window.around(whole.project(vertices).astype(np.float32), 1.1, panel_px)
    scale = panel_px / window.side
    cx, cy = portrait.lens.centre_px
    centre = ((cx - window.left + 0.5) * scale - 0.5, (cy - window.top + 0.5) * scale - 0.5)
    camera = Camera(panel_px, panel_px, portrait.lens.focal_px * scale, centre)
    panels = HeadPainter(head, opacity=0.55, supersample=2).paint(portrait.picture, vertices, window, camera)
    return np.concatenate([panels.original, panels.overlay, panels.alone], axis=1)


def _the_face(landmarks: Float32, path: Path, config: PortraitConfig) -> Float32:
    """[478, 3] of the one face among ``landmarks`` [F, 478, 3]."""
    heights = np.ptp(landmarks[:, :, 1], axis=1)
    if not heights.size:
        raise NoFaceInImage(
            f"{path}: no face was found; give a picture in which one face is large, in focus and looks at the camera"
        )
    near = np.flatnonzero(heights >= config.background_ratio * heights.max())
    if near.size > 1:
        sizes = ", ".join(f"{h:.0f}" for h in sorted(heights[near], reverse=True))
        raise SeveralFaces(
            f"{path}: shows {near.size} faces ({sizes} pixels high); cut the picture to the one that is to speak"
        )
    return np.asarray(landmarks[near[0]])


def _shrunk(rgb: UInt8, by: float) -> UInt8:
    return np.asarray(cv2.resize(rgb, None, fx=by, fy=by, interpolation=cv2.INTER_AREA), np.uint8)


def _identity(head: HeadModel, state: FitState) -> Identity:
    shape = np.zeros(SHAPE_DIM, np.float32)
    shape[: state.shape.size] = state.shape
    reference = np.zeros(MOTION_DIM, np.float32)
    reference[EXPRESSION], reference[JAW], reference[GAZE] = state.expression[0], state.jaw[0], state.gaze[0]
    return Identity(head.name, shape, reference)


def _concerns(face_px: float, yaw_deg: float, nme: float, config: PortraitConfig) -> tuple[str, ...]:
    said = []
    if face_px < config.good_face_px:
        said.append(
            f"the face is only {face_px:.0f} pixels high: its shape is a guess; better {config.good_face_px:.0f}"
        )
    if abs(yaw_deg) > config.good_yaw_deg:
        said.append(f"the face is turned {abs(yaw_deg):.0f} degrees aside: the far half of its shape is a guess")
    if nme > config.good_nme:
        said.append(f"the head fits the face poorly (error {nme:.1f} % of the eyes' distance): something may cover it")
    return tuple(said)


@lru_cache(maxsize=2)
def _basis(head: HeadModel) -> LandmarkBasis:
    return LandmarkBasis.of(head)
