"""Two small temporal convolutional networks with one space to meet in.

After Chung and Zisserman, "Out of time: automated lip sync in the wild" (2016), which compares an embedding of the lips
with one of the sound; here of landmarks instead of pixels, of every frame with its neighbours, and as dot products
whose size says how much the instant tells: a shut mouth in silence goes with any other.
"""

import math
from typing import Final

import torch
from pydantic import Field
from torch import Tensor, nn

from models.sync.features import MELS_PER_FRAME, MOUTH_DIM, N_MELS
from schemas.config import StageConfig

_MOST_EVIDENCE: Final = 4.0  # log odds


class SyncNetworkConfig(StageConfig):
    width: int = Field(96, gt=0, description="channels of either tower")
    blocks: int = Field(4, gt=0, description="each sees two frames further to both sides")
    embedding: int = Field(64, gt=0, description="numbers a frame is compared by")
    dropout: float = Field(0.1, ge=0, lt=1)


class SyncNetwork(nn.Module):
    def __init__(self, config: SyncNetworkConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.lips = nn.Sequential(nn.Conv1d(MOUTH_DIM, width, 5, padding=2), *_trunk(config))
        self.sound = nn.Sequential(
            nn.Conv1d(N_MELS, width, 5, padding=2),
            nn.GELU(),
            # A group of four begins at its frame's instant; two bands more on each side.
            nn.Conv1d(width, width, MELS_PER_FRAME * 2, stride=MELS_PER_FRAME, padding=2),
            *_trunk(config),
        )

    def see(self, mouth: Tensor) -> Tensor:
        """Embeddings [B, T, E] of ``mouth`` [B, T, 126]."""
        return _bounded(self.lips(mouth.transpose(1, 2)).transpose(1, 2))

    def hear(self, sound: Tensor) -> Tensor:
        """Embeddings [B, T, E] of ``sound`` [B, 4 * T, 40]."""
        return _bounded(self.sound(sound.transpose(1, 2)).transpose(1, 2))


class _Block(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, width)
        self.mix = nn.Conv1d(width, width, 5, padding=2)
        self.out = nn.Conv1d(width, width, 1)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.drop(self.out(nn.functional.gelu(self.mix(self.norm(x)))))
        return y


def _trunk(config: SyncNetworkConfig) -> list[nn.Module]:
    blocks: list[nn.Module] = [_Block(config.width, config.dropout) for _ in range(config.blocks)]
    return [*blocks, nn.GroupNorm(1, config.width), nn.Conv1d(config.width, config.embedding, 1)]


def _bounded(x: Tensor) -> Tensor:
    """Vectors [..., E] in a ball: no frame says more than ``_MOST_EVIDENCE`` for or against an offset."""
    x = x.float()
    length = torch.sqrt(1 + x.square().sum(dim=-1, keepdim=True))
    return x * (math.sqrt(_MOST_EVIDENCE) / length)


def agreement(lips: Tensor, sound: Tensor, furthest: int) -> Tensor:
    """How well every lips [B, T, E] goes with every sound [C, T, E], by offset: [B, C, 2 * furthest + 1].

    Entry ``furthest + k`` is the mean over the frames both share of lips at ``t`` times sound at ``t + k``: it peaks at
    k > 0 where the sound comes after the lips.
    """
    n = lips.shape[1]
    rows = []
    for k in range(-furthest, furthest + 1):
        shown, heard = lips[:, max(-k, 0) : n - max(k, 0)], sound[:, max(k, 0) : n + min(k, 0)]
        rows.append(torch.einsum("bte,cte->bc", shown, heard) / (n - abs(k)))
    return torch.stack(rows, dim=-1)
