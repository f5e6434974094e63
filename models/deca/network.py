"""DECA's three networks, their parameters named as in the published ``deca_model.tar``.

Layout read in the authors' repository (YadiraF/DECA, decalib/models: encoders.py, decoders.py, resnet.py).
"""

from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn

from models.deca.code import CODE_DIM
from models.deca.resnet import FEATURES, ResNet50
from schemas.units import DETAIL_DIM, EXPRESSION_DIM

UV_PX: Final = 256

_HIDDEN: Final = 1024
_DEPTH_M: Final = 0.01  # the largest displacement
_SEED_PX: Final = 8  # the map's side before it is doubled five times
_CHANNELS: Final = (128, 128, 64, 64, 32, 16)
_BN_EPS: Final = 0.8  # an odd value, but the one the weights were trained with


class Encoder(nn.Module):
    """Crops [N, 3, 224, 224], RGB 0..1 and not otherwise normalised, to a code [N, ``n_out``]."""

    def __init__(self, n_out: int) -> None:
        super().__init__()
        self.encoder = ResNet50()
        self.layers = nn.Sequential(nn.Linear(FEATURES, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, n_out))

    def forward(self, crops: Tensor) -> Tensor:
        code: Tensor = self.layers(self.encoder(crops))
        return code


class DisplacementDecoder(nn.Module):
    """Jaw, expression and detail [N, 3 + 50 + 128] to displacements [N, 1, 256, 256] along the normal over FLAME's
    UV map, metres, at most 1 cm. The authors add a fixed map of their own to it (fixed_displacement_256.npy)."""

    def __init__(self) -> None:
        super().__init__()
        self.l1 = nn.Sequential(nn.Linear(3 + EXPRESSION_DIM + DETAIL_DIM, _CHANNELS[0] * _SEED_PX**2))
        blocks: list[nn.Module] = [nn.BatchNorm2d(_CHANNELS[0])]
        for before, after in pairwise(_CHANNELS):
            blocks += [
                nn.Upsample(scale_factor=2, mode="bilinear"),
                nn.Conv2d(before, after, 3, padding=1),
                nn.BatchNorm2d(after, eps=_BN_EPS),
                nn.LeakyReLU(0.2),
            ]
        self.conv_blocks = nn.Sequential(*blocks, nn.Conv2d(_CHANNELS[-1], 1, 3, padding=1), nn.Tanh())

    def forward(self, jaw: Tensor, expression: Tensor, detail: Tensor) -> Tensor:
        seed = self.l1(torch.cat([jaw, expression, detail], dim=1))
        displacement: Tensor = self.conv_blocks(seed.reshape(-1, _CHANNELS[0], _SEED_PX, _SEED_PX))
        return displacement * _DEPTH_M


class DecaNetworks(nn.Module):
    """All three under the names that the published file gives them."""

    def __init__(self) -> None:
        super().__init__()
        self.E_flame = Encoder(CODE_DIM)
        self.E_detail = Encoder(DETAIL_DIM)
        self.D_detail = DisplacementDecoder()
