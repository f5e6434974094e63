"""Crops of a face to DECA's code: identity, expression, pose, camera, light and detail, picture by picture."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import torch

from models.deca.network import CODE, CROP_PX, DecaNetworks
from models.deca.weights import read_weights
from schemas.arrays import Float32, UInt8, admit, admit_fields
from schemas.units import DETAIL_DIM, EXPRESSION_DIM, SHAPE_DIM

_BATCH: Final = 16


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


class DecaEncoder:
    """The published networks, on ``device``; the same crops give the same code there, whatever the batch."""

    def __init__(self, networks: DecaNetworks, device: str = "cpu") -> None:
        self._networks = networks.to(device).eval()
        self._device = torch.device(device)

    @classmethod
    def from_file(cls, path: Path, device: str = "cpu") -> Self:
        """From ``deca_model.tar``. Raises ``models.deca.weights.DecaUnavailable``."""
        return cls(read_weights(path).networks, device)

    def encode(self, crops: UInt8, batch: int = _BATCH) -> DecaCode:
        """The code of ``crops`` [T, 224, 224, 3] RGB, T at least 1, ``batch`` at a time."""
        admit("crops", crops, np.uint8, ("T", CROP_PX, CROP_PX, 3))
        coarse, detail = [], []
        with torch.inference_mode():
            for start in range(0, len(crops), batch):
                part = torch.from_numpy(np.ascontiguousarray(crops[start : start + batch])).to(self._device)
                pictures = part.permute(0, 3, 1, 2).float() / 255
                coarse.append(self._networks.E_flame(pictures).cpu())
                detail.append(self._networks.E_detail(pictures).cpu())
        shape, texture, expression, pose, camera, light = torch.split(torch.cat(coarse), list(CODE.values()), dim=1)
        return DecaCode(
            shape=shape.numpy(),
            texture=texture.numpy(),
            expression=expression.numpy(),
            rotation=pose[:, :3].numpy(),
            jaw=pose[:, 3:].numpy(),
            camera=camera.numpy(),
            light=light.reshape(-1, 9, 3).numpy(),
            detail=torch.cat(detail).numpy(),
        )

    def displacements(self, code: DecaCode) -> Float32:
        """The wrinkles of ``code``: [T, 256, 256] metres along the normal over FLAME's UV map."""
        with torch.inference_mode():
            parts = (torch.from_numpy(a.copy()).to(self._device) for a in (code.jaw, code.expression, code.detail))
            return np.asarray(self._networks.D_detail(*parts)[:, 0].cpu().numpy(), np.float32)
