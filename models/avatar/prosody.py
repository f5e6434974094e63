"""Loudness and melody of a voice as the avatar hears them: loudness relative to the voice's own level, so that a
microphone's gain changes nothing."""

from typing import Final

import numpy as np
import torch
from torch import Tensor

SPEECH_QUANTILE: Final = 0.95  # of the envelope: the level of speech
FLOOR_DB: Final = -40.0
_DB_PER_UNIT: Final = 10.0
_TYPICAL_HZ: Final = 160.0
_SEMITONES_PER_UNIT: Final = 6.0


def speech_level(envelope: Tensor, valid: Tensor) -> Tensor:
    """The level of speech in each envelope [B, T]: its 95th percentile over ``valid`` [B, T] frames, [B]."""
    counted = torch.where(valid, envelope, torch.nan)
    return torch.nanquantile(counted, SPEECH_QUANTILE, dim=1).clamp_min(1e-4)


def prosody(envelope: Tensor, f0_hz: Tensor, level: Tensor) -> Tensor:
    """[B, T, 4] of about unit size: loudness below the level of speech, its change, pitch about 160 Hz, voicing.

    ``envelope`` [B, T] linear, ``f0_hz`` [B, T] 0 where unvoiced, ``level`` [B] of ``envelope`` in speech.
    """
    db = 20 * torch.log10((envelope / level[:, None]).clamp_min(10 ** (FLOOR_DB / 20)))
    loudness = db / _DB_PER_UNIT + 1
    change = torch.diff(loudness, dim=1, prepend=loudness[:, :1])
    voiced = (f0_hz > 0).to(envelope.dtype)
    semitones = 12 * torch.log2(f0_hz.clamp_min(1.0) / _TYPICAL_HZ)
    return torch.stack([loudness, change, voiced * semitones / _SEMITONES_PER_UNIT, voiced], dim=-1)


def level_of(envelope: np.ndarray) -> float:
    """``speech_level`` of one whole envelope [T]."""
    return max(float(np.quantile(envelope, SPEECH_QUANTILE)), 1e-4)
