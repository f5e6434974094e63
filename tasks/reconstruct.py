"""Find a clip's 3D head motion.

Enters: a ``Clip`` with its landmarks, and DECA's codes where they were asked for. Leaves: a ``HeadMotion``, the
parameters of a head model over the clip, and a ``FitQuality`` that says how well they explain the landmarks. A clip is
never refused here: a poor fit has poor numbers, and the gate that reads them refuses it.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from models.deca.code import WHERE_DECA_IS_HAD, DecaCode
from models.deca.crop import CropBoxes
from models.deca.motion import to_motion
from models.fit.basis import LandmarkBasis, basis_of
from models.fit.project import Lens, pose
from models.fit.quality import measure
from models.fit.settings import FitSettings
from models.fit.solve import Fit, NothingToFit, fit_landmarks, lens_of
from models.fit.state import FitState
from models.flame.read import WHERE_FLAME_IS_HAD, FlameEdition
from models.head.angles import to_angles
from models.head.model import HeadModel
from models.head.rotation import to_axis_angle, to_matrix
from models.render import Camera
from schemas.arrays import Float32
from schemas.clip import Clip
from schemas.config import OwnFileByPath, StageConfig, path_alone
from schemas.motion import FitQuality, HeadMotion
from schemas.units import EXPRESSION_DIM, SHAPE_DIM

VERSION = "2"
_PLACES = {"network": {"path"}, "depth": {"path"}}


class Backend(StrEnum):
    """What finds the motion."""

    LANDMARKS = "landmarks"
    DECA = "deca"  # each frame's code as it stands
    BOTH = "deca+landmarks"  # the code is where the fit begins and what it believes beforehand; landmarks refine


class FlameFile(StageConfig):
    """A FLAME model of the user's own, ``.pkl`` or ``.npz``, and how much of it is used."""

    path: Path
    edition: FlameEdition | None = Field(None, description="if the file's name does not tell")
    n_shapes: int = Field(SHAPE_DIM, ge=1, le=SHAPE_DIM)
    n_expressions: int = Field(EXPRESSION_DIM, ge=0, le=EXPRESSION_DIM)
    name: str = Field("", description="edition@content, found when the settings are read; if it is given, it must fit")


class FanFiles(StageConfig):
    """face-alignment's weights, with which a second finder looks at the faces; the clips say how far it disagrees."""

    network: OwnFileByPath = Field(description="of 2DFAN-4; of 3DFAN-4 if depth is given")
    depth: OwnFileByPath | None = Field(None, description="of the depth network: points in three dimensions")
    every_frames: int = Field(5, ge=1, description="a look takes as long as the rest of a frame's curation, or longer")


def _open_or_file(value: object) -> object:
    return value if value == "open" else path_alone(value)


class ReconstructConfig(FitSettings):
    """The fit's settings are the stage's, and with which head and by what it is done."""

    head: Annotated[Literal["open"] | FlameFile, BeforeValidator(_open_or_file)] = "open"
    backend: Backend = Backend.LANDMARKS
    deca: OwnFileByPath | None = Field(None, description="deca_model.tar, for the backends that use it")
    fan: FanFiles | None = Field(None, description="face-alignment's weights: a second landmark finder to compare with")

    @model_validator(mode="after")
    def _deca_has_what_it_needs(self) -> "ReconstructConfig":
        if self.backend is Backend.LANDMARKS:
            return self
        if self.deca is None:
            raise ValueError(f"backend {self.backend}: deca names no file. {WHERE_DECA_IS_HAD}.")
        if self.head == "open":
            raise ValueError(
                f"backend {self.backend}: DECA speaks FLAME 2020; name its file as head. {WHERE_FLAME_IS_HAD}."
            )
        return self

    @property
    def made_with(self) -> tuple[str, ...]:
        """What results depend on beside the fit's numbers, by content; nothing if all of it is the program's own."""
        head = () if self.head == "open" else (f"head {self.head.name}",)
        deca = () if self.backend is Backend.LANDMARKS or self.deca is None else (f"{self.backend} {self.deca.sha256}",)
        fan = () if self.fan is None else (f"fan {self.fan.model_dump_json(exclude=_PLACES)}",)
        return (*head, *deca, *fan)


def reconstruct(clip: Clip, head: HeadModel, config: ReconstructConfig) -> tuple[HeadMotion, FitQuality]:
    """The motion of ``head`` that ``config.backend`` finds in the clip, measured against its landmarks. The same clip
    gives the same bits on one machine.

    Raises ``models.fit.solve.NothingToFit`` for a clip in which no face was seen in any frame, ``ValueError`` for one
    without the codes that the backend reads.
    """
    basis, size = basis_of(head), (clip.image_width, clip.image_height)
    pixels = np.ascontiguousarray(clip.landmarks[:, :, :2])
    found = None if config.backend is Backend.LANDMARKS else _by_deca(clip, head, lens_of(size, config))
    guess = None if found is None else _state(found, basis)
    if found is not None and guess is not None and config.backend is Backend.DECA:
        motion, fit = found, Fit(guess, lens_of(size, config))
    else:
        fit = fit_landmarks(basis, pixels, clip.present, size, config, guess)
        motion = motion_of(clip.clip_id, head, basis, fit, None if found is None else found.detail)
    fitted = pose(basis, fit.state, fit.lens).pixels
    return motion, measure(fitted, clip.landmarks, clip.present)


def pose_degrees(motion: HeadMotion) -> Float32:
    """Pitch, yaw and roll [T, 3] of the head in degrees, as ``models.head.angles``; zero faces the camera."""
    return np.degrees(to_angles(motion.global_rotation))


def _by_deca(clip: Clip, head: HeadModel, lens: Lens) -> HeadMotion:
    if clip.deca is None:
        raise ValueError(f"clip {clip.clip_id} has no DECA codes: observe it with the encoder")
    if not clip.present.any():
        raise NothingToFit("every frame of the clip is a bridged gap: DECA saw no face in it; drop the clip")
    camera = Camera(clip.image_width, clip.image_height, lens.focal_px, lens.centre_px)
    return to_motion(clip.clip_id, DecaCode.of_rows(clip.deca), CropBoxes.around(clip.landmarks), camera, head)


def _state(motion: HeadMotion, basis: LandmarkBasis) -> FitState:
    """The unknowns of a fit at which it gives ``motion``, for eyes that turn alike."""
    shape = motion.shape[: basis.n_shapes].copy()
    rotation = to_matrix(motion.global_rotation)
    root = basis.root + basis.root_shape @ shape
    return FitState(
        shape=shape,
        rotation=rotation,
        position=(root + motion.translation - rotation @ (root - basis.pivot)).astype(np.float32),
        jaw=motion.jaw.copy(),
        gaze=motion.eyes[:, :2].copy(),
        expression=motion.expression.copy(),
    )


def motion_of(
    clip_id: str, head: HeadModel, basis: LandmarkBasis, fit: Fit, detail: Float32 | None = None
) -> HeadMotion:
    """The record of a ``fit`` to the landmarks of ``basis``."""
    state = fit.state
    shape = np.zeros(SHAPE_DIM, np.float32)
    shape[: basis.n_shapes] = state.shape
    root = basis.root + basis.root_shape @ state.shape
    # The fit turns about the pivot, the record about the root: R (p - pivot) + position = R (p - root) + root + t.
    translation = state.position + state.rotation @ (root - basis.pivot) - root
    gaze = np.pad(state.gaze, ((0, 0), (0, 1)))
    return HeadMotion(
        clip_id=clip_id,
        head_model=head.name,
        n_frames=len(state.expression),
        shape=shape,
        expression=state.expression,
        global_rotation=to_axis_angle(state.rotation),
        jaw=state.jaw,
        eyes=np.concatenate([gaze, gaze], axis=1),
        eyelids=head.eyelids(state.expression),
        translation=translation.astype(np.float32),
        focal_px=fit.lens.focal_px,
        principal_point_px=fit.lens.centre_px,
        detail=detail,
    )
