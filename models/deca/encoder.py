"""Crops of a face to DECA's code: identity, expression, pose, camera, light and detail, picture by picture."""

from pathlib import Path
from typing import Final, Self

import numpy as np
import torch

from models.deca.code import CROP_PX, DecaCode
from models.deca.network import DecaNetworks
from models.deca.weights import read_weights
from schemas.arrays import Float32, UInt8, admit

_BATCH: Final = 16


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
        rows = torch.cat([torch.cat(coarse), torch.cat(detail)], dim=1)
        return DecaCode.of_rows(rows.numpy())

    def displacements(self, code: DecaCode) -> Float32:
        """The wrinkles of ``code``: [T, 256, 256] metres along the normal over FLAME's UV map."""
        with torch.inference_mode():
            parts = (torch.from_numpy(a.copy()).to(self._device) for a in (code.jaw, code.expression, code.detail))
            return np.asarray(self._networks.D_detail(*parts)[:, 0].cpu().numpy(), np.float32)
