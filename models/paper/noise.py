"""The flow's source: slow noise, and a jaw that is noisy only where there is sound ("seg_interp_25")."""

from typing import Final

import torch
from torch import Tensor

from models.paper.config import PaperConfig
from models.paper.frame import JAW_OPENING

_SILENT_RANGE: Final = 1e-3  # of the envelope, full scale 1: what moves by less is silence, not speech far away


def source_noise(envelope: Tensor, valid: Tensor, config: PaperConfig, generator: torch.Generator) -> Tensor:
    """Noise [B, T, frame_dim] for ``envelope`` [B, T] of which ``valid`` [B, T] frames are real.

    Normal keys every ``key_frames`` frames, linear between. The jaw's opening is their absolute value times the
    normalised envelope times the lip coefficient: never negative, zero in silence.
    """
    batch, length = envelope.shape
    n_keys = (length - 1) // config.key_frames + 2
    keys = torch.randn(batch, n_keys, config.frame_dim, generator=generator, device=generator.device)
    noise = interpolate_keys(keys.to(envelope.device), length, config.key_frames)
    loudness = normalised_envelope(envelope, valid)
    noise[..., JAW_OPENING] = noise[..., JAW_OPENING].abs() * loudness * config.lip_coefficient
    return noise


def interpolate_keys(keys: Tensor, length: int, every: int) -> Tensor:
    """``keys`` [B, K, D], key k at frame ``k * every``, linear between; [B, length, D]."""
    frame = torch.arange(length, device=keys.device)
    before, along = frame // every, (frame % every / every)[:, None]
    return (1 - along) * keys[:, before] + along * keys[:, before + 1]


def normalised_envelope(envelope: Tensor, valid: Tensor) -> Tensor:
    """Each ``envelope`` [B, T] stretched to 0..1 over its ``valid`` frames; zero on the others, and in silence."""
    low = envelope.masked_fill(~valid, torch.inf).amin(dim=1, keepdim=True)
    high = envelope.masked_fill(~valid, -torch.inf).amax(dim=1, keepdim=True)
    stretched = (envelope - low) / (high - low).clamp_min(_SILENT_RANGE)
    return stretched.where(valid & (high - low > _SILENT_RANGE), 0.0)
