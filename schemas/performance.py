"""A performance: head motion made for a speech, and the camera that watches it."""

from dataclasses import dataclass

import numpy as np

from schemas.arrays import Float32, admit_fields
from schemas.units import EXPRESSION_DIM, SHAPE_DIM


@dataclass(frozen=True, slots=True)
class Performance:
    """A head model's parameters over T frames, 25 a second, as made by a motion model; axes as in ``schemas.units``.

    The head stands at the origin of its own rest frame and looks along +z; ``translation`` moves it from there.
    """

    head_model: str
    n_frames: int
    shape: Float32  # [100] one identity for the whole performance
    expression: Float32  # [T, 50]
    global_rotation: Float32  # [T, 3] axis-angle about the root joint, radians
    jaw: Float32  # [T, 3] axis-angle, radians
    eyes: Float32  # [T, 6] axis-angle of the left then the right eyeball, radians
    translation: Float32  # [T, 3] metres

    def __post_init__(self) -> None:
        admit_fields(
            self,
            {"T": self.n_frames},
            shape=(np.float32, (SHAPE_DIM,)),
            expression=(np.float32, ("T", EXPRESSION_DIM)),
            global_rotation=(np.float32, ("T", 3)),
            jaw=(np.float32, ("T", 3)),
            eyes=(np.float32, ("T", 6)),
            translation=(np.float32, ("T", 3)),
        )


@dataclass(frozen=True, slots=True)
class CameraPath:
    """A pinhole camera over T frames, in the head's rest frame: metres, x to the subject's left, y up, z out of the
    face. It stands at ``position``, looks at ``target``, the picture's upright turned by ``roll`` about the view."""

    n_frames: int
    position: Float32  # [T, 3] metres
    target: Float32  # [T, 3] metres
    roll: Float32  # [T] radians, positive turns the camera clockwise as its operator sees it
    vertical_fov: Float32  # [T] radians

    def __post_init__(self) -> None:
        admit_fields(
            self,
            {"T": self.n_frames},
            position=(np.float32, ("T", 3)),
            target=(np.float32, ("T", 3)),
            roll=(np.float32, ("T",)),
            vertical_fov=(np.float32, ("T",)),
        )
