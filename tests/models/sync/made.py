"""A mouth whose opening is the loudness of a sound, and a network that compares just these two."""

import numpy as np
import torch

from models.sync.clips import SyncClip
from models.sync.features import MELS_PER_FRAME, MOUTH_DIM, N_MELS
from models.sync.network import SyncNetwork, SyncNetworkConfig

TINY = SyncNetworkConfig(width=16, blocks=1, embedding=8, dropout=0.0)


def babble(n_frames: int, seed: int = 0) -> SyncClip:
    """Random syllables: every coordinate of the mouth and every band of the sound follow one curve, exactly in step."""
    rng = np.random.default_rng(seed)
    rough = rng.normal(size=MELS_PER_FRAME * n_frames + 40)
    curve = 0.3 * np.convolve(rough, np.hanning(21), "valid")[: MELS_PER_FRAME * n_frames]  # deviates by about one
    mouth = 3.0 * curve[::MELS_PER_FRAME, None] * np.linspace(0.5, 1.5, MOUTH_DIM)
    sound = curve[:, None] * np.linspace(1.5, 0.5, N_MELS)
    return SyncClip(mouth.astype(np.float32), sound.astype(np.float32), seed, seed)


class Loudness(SyncNetwork):
    """Sees how far the mouth is open and hears how loud it is, each against its neighbours in time."""

    def __init__(self) -> None:
        super().__init__(TINY)

    def see(self, mouth: torch.Tensor) -> torch.Tensor:
        return _changes(mouth.mean(dim=-1))

    def hear(self, sound: torch.Tensor) -> torch.Tensor:
        return _changes(sound.mean(dim=-1)[:, ::MELS_PER_FRAME])


def _changes(level: torch.Tensor) -> torch.Tensor:
    slope = torch.diff(level, prepend=level[:, :1])
    return torch.stack([torch.sign(slope), torch.tanh(level)], dim=-1)
