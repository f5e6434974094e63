"""What the network hears: three streams of one vector a frame, out of features at 25 frames a second."""

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.paper.config import PaperConfig
from schemas.units import SAMPLES_PER_FRAME

PROSODY_DIM: Final = 6
_QUIETEST: Final = 1e-3  # of the envelope: -60 dB of full scale
_MIDDLE_DB: Final = -30.0
_DB_PER_UNIT: Final = 15.0
_MIDDLE_HZ: Final = 160.0
_OCTAVES_PER_UNIT: Final = 0.5
_DILATIONS: Final = (1, 2, 4)


class AmplitudeEncoder(nn.Module):
    """The envelope's course within and around each frame: dilated convolutions with batch norm, average, layer norm.

    Frames that are not valid, at the end, count as what lies beyond the sequence: zero, and outside the batch norms.
    """

    def __init__(self, config: PaperConfig) -> None:
        super().__init__()
        widths = (SAMPLES_PER_FRAME, config.amplitude_width, config.width, config.width)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(wide, width, kernel_size=3, dilation=dilation, padding=dilation)
            for wide, width, dilation in zip(widths[:-1], widths[1:], _DILATIONS, strict=True)
        )
        self.batch_norms = nn.ModuleList(nn.BatchNorm1d(width) for width in widths[1:])
        self.norm = nn.LayerNorm(config.width)

    def forward(self, envelope: Tensor, valid: Tensor) -> Tensor:
        """``envelope`` [B, T] with ``valid`` [B, T]; [B, T, C]."""
        samples = at_sample_rate(_held(envelope, valid)) * valid[:, None]
        for convolution, batch_norm in zip(self.convolutions, self.batch_norms, strict=True):
            convolved = convolution(samples).transpose(1, 2)
            normed = batch_norm(convolved[valid])  # [frames, C]
            samples = torch.zeros_like(convolved, dtype=normed.dtype)
            samples[valid] = F.relu(normed)
            samples = samples.transpose(1, 2)
        smooth = F.avg_pool1d(samples, kernel_size=3, stride=1, padding=1)
        heard: Tensor = self.norm(smooth.transpose(1, 2))
        return heard


def _held(envelope: Tensor, valid: Tensor) -> Tensor:
    """``envelope`` [B, T] with its last valid value behind it: what interpolation does at a sequence's end."""
    frame = torch.arange(envelope.shape[1], device=envelope.device)
    last = valid.sum(dim=1, keepdim=True) - 1
    return envelope.gather(1, torch.minimum(frame.expand_as(envelope), last.clamp_min(0)))


def at_sample_rate(envelope: Tensor) -> Tensor:
    """``envelope`` [B, T] at frame centres, linear between them, as 640 samples a frame; [B, 640, T]."""
    dense = F.interpolate(envelope[:, None], scale_factor=SAMPLES_PER_FRAME, mode="linear", align_corners=False)
    return dense.view(*envelope.shape, SAMPLES_PER_FRAME).transpose(1, 2)


def prosody(envelope: Tensor, f0_hz: Tensor) -> Tensor:
    """[B, T, 6] of about unit size: log F0, voicing, log energy, and the change of each since the frame before.

    ``envelope`` [B, T] linear, full scale 1; ``f0_hz`` [B, T], 0 where unvoiced, where log F0 and its change are 0.
    """
    voiced = f0_hz > 0
    octaves = torch.log2(f0_hz.clamp_min(1.0) / _MIDDLE_HZ) / _OCTAVES_PER_UNIT
    log_f0 = octaves.where(voiced, 0.0)
    log_energy = (20 * torch.log10(envelope.clamp_min(_QUIETEST)) - _MIDDLE_DB) / _DB_PER_UNIT
    now = torch.stack([log_f0, voiced.to(envelope.dtype), log_energy], dim=-1)
    change = torch.diff(now, dim=1, prepend=now[:, :1])
    both_voiced = voiced & torch.cat([voiced[:, :1], voiced[:, :-1]], dim=1)
    change[..., 0] = change[..., 0].where(both_voiced, 0.0)
    return torch.cat([now, change], dim=-1)
