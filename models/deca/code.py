"""DECA's answer, number by number. No torch: who only reads it need not load the networks."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from schemas.arrays import Float32, admit, admit_fields
from schemas.units import DECA_DIM, DETAIL_DIM, EXPRESSION_DIM, SHAPE_DIM

# The coarse code, in the order in which the network puts it out.
CODE: Final = {"shape": 100, "texture": 50, "expression": 50, "pose": 6, "camera": 3, "light": 27}
CODE_DIM: Final = sum(CODE.values())
CROP_PX: Final = 224

WHERE_DECA_IS_HAD: Final = (
    "DECA's weights are not part of this program: register at https://deca.is.tue.mpg.de, accept the licence (for "
    "non-commercial research only) and take deca_model.tar, which the project's README on "
    "https://github.com/YadiraF/DECA links to. Its authors publish neither size nor checksum, so neither is checked "
    "beyond the names and shapes within; FLAME 2020 (https://flame.is.tue.mpg.de) is needed beside it"
)


@dataclass(frozen=True, slots=True)
class DecaCode:
    """DECA's answer for T pictures, each on its own; axes and signs as FLAME's, which are ours."""

    shape: Float32  # [T, 100] FLAME 2020
    texture: Float32  # [T, 50]
    expression: Float32  # [T, 50]
    rotation: Float32  # [T, 3] of the head about FLAME's root joint, axis-angle, radians
    jaw: Float32  # [T, 3] axis-angle, radians
    camera: Float32  # [T, 3] s, tx, ty of the orthographic camera, see models.deca.motion
    light: Float32  # [T, 9, 3] spherical harmonics, RGB
    detail: Float32  # [T, 128]

    def __post_init__(self) -> None:
        admit_fields(
            self,
            {"T": len(self.shape)},
            shape=(np.float32, ("T", SHAPE_DIM)),
            texture=(np.float32, ("T", CODE["texture"])),
            expression=(np.float32, ("T", EXPRESSION_DIM)),
            rotation=(np.float32, ("T", 3)),
            jaw=(np.float32, ("T", 3)),
            camera=(np.float32, ("T", 3)),
            light=(np.float32, ("T", 9, 3)),
            detail=(np.float32, ("T", DETAIL_DIM)),
        )

    @property
    def identity(self) -> Float32:
        """[100] the clip's one identity: the mean of its frames' shapes, whose errors are not all alike."""
        return np.asarray(self.shape.mean(0), np.float32)

    @property
    def rows(self) -> Float32:
        """[T, 364] the coarse code in the network's order, then the detail."""
        parts = (self.shape, self.texture, self.expression, self.rotation, self.jaw, self.camera)
        return np.concatenate([*parts, self.light.reshape(-1, CODE["light"]), self.detail], axis=1)

    @classmethod
    def of_rows(cls, rows: Float32) -> Self:
        """Back from ``rows`` [T, 364]."""
        admit("rows", rows, np.float32, ("T", DECA_DIM))
        ends = np.cumsum([*CODE.values()])
        shape, texture, expression, pose, camera, light, detail = np.split(rows, ends, axis=1)
        return cls(
            shape=shape,
            texture=texture,
            expression=expression,
            rotation=pose[:, :3],
            jaw=pose[:, 3:],
            camera=camera,
            light=light.reshape(-1, 9, 3),
            detail=detail,
        )
