"""3DXTalker's network: a trunk that attends to speech, and a branch each for pose, expression and identity.

Blocks are PixArt's (Chen et al. 2024): self-attention, cross-attention and a GEGLU layer, the first and last modulated
by the time of the flow through one projection that all blocks share ("adaLN-single") and a table of each block's own.
Sinusoidal positions are added to what self-attention reads; cross-attention knows none.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.paper.config import PaperConfig
from models.paper.frame import PLAIN_DIM
from models.paper.streams import PROSODY_DIM, AmplitudeEncoder, prosody
from schemas.units import EXPRESSION_DIM, SHAPE_DIM

KeysValues = tuple[Tensor, Tensor]  # [B, heads, T, C / heads] each

_POSE_DIM = 6  # rotation 3, jaw 3
_LONGEST_PERIOD = 10_000.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What the blocks attend to: the same at every step of the sampler, so made once."""

    trunk: list[KeysValues]
    pose: list[KeysValues]
    expression: list[KeysValues]
    mask: Tensor  # [B, 1, 1, T] which frames are real


class Attention(nn.Module):
    def __init__(self, config: PaperConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.query = nn.Linear(config.width, config.width, bias=False)
        self.key = nn.Linear(config.width, config.width, bias=False)
        self.value = nn.Linear(config.width, config.width, bias=False)
        self.merge = nn.Sequential(nn.Linear(config.width, config.width), nn.Dropout(config.dropout))

    def offer(self, source: Tensor) -> KeysValues:
        """Keys and values of ``source`` [B, T, C]."""
        return self._split(self.key(source)), self._split(self.value(source))

    def forward(self, x: Tensor, offered: KeysValues, mask: Tensor) -> Tensor:
        out = F.scaled_dot_product_attention(self._split(self.query(x)), *offered, attn_mask=mask)
        merged: Tensor = self.merge(out.transpose(1, 2).flatten(2))
        return merged

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)


class GatedFeedForward(nn.Module):
    """GEGLU (Shazeer 2020)."""

    def __init__(self, config: PaperConfig) -> None:
        super().__init__()
        hidden = config.width * config.feed_forward
        self.widen = nn.Linear(config.width, 2 * hidden)
        self.dropout = nn.Dropout(config.dropout)
        self.narrow = nn.Linear(hidden, config.width)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.widen(x).chunk(2, dim=-1)
        out: Tensor = self.narrow(self.dropout(value * F.gelu(gate)))
        return out


class Block(nn.Module):
    def __init__(self, config: PaperConfig) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(6, config.width) / config.width**0.5)
        self.attention_norm = nn.LayerNorm(config.width)
        self.itself = Attention(config)
        self.other = Attention(config)
        self.feed_norm = nn.LayerNorm(config.width)
        self.feed = GatedFeedForward(config)

    def forward(self, x: Tensor, time: Tensor, positions: Tensor, heard: KeysValues | None, mask: Tensor) -> Tensor:
        """``x`` [B, T, C] at ``time`` [B, 6, C]. Where nothing is ``heard`` it attends to itself a second time."""
        shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = (self.table + time)[:, None].unbind(2)
        read = self.attention_norm(x) * (1 + scale_a) + shift_a + positions
        x = x + gate_a * self.itself(read, self.itself.offer(read), mask)
        x = x + self.other(x, self.other.offer(x) if heard is None else heard, mask)
        out: Tensor = x + gate_f * self.feed(self.feed_norm(x) * (1 + scale_f) + shift_f)
        return out


class PaperNetwork(nn.Module):
    """Velocity of a noisy code, given the reference frame, the time of the flow and what is heard."""

    def __init__(self, config: PaperConfig) -> None:
        super().__init__()
        width = config.width
        self.config = config
        self.latent = nn.Linear(config.frame_dim, width)
        self.reference = nn.Linear(config.frame_dim, width)
        self.token_norm = nn.LayerNorm(width)
        narrow, wide = nn.Linear(config.time_frequencies, 6 * width), nn.Linear(6 * width, 6 * width)
        for layer in (narrow, wide):
            nn.init.normal_(layer.weight, std=0.02)
        self.time = nn.Sequential(narrow, nn.SiLU(), wide)

        self.speech = nn.Identity() if config.speech_dim == width else nn.Linear(config.speech_dim, width)
        self.amplitude = AmplitudeEncoder(config)
        self.emotion = nn.Sequential(nn.Linear(PROSODY_DIM, width), nn.LayerNorm(width))

        self.trunk = _blocks(config, config.trunk_blocks)
        self.pose = _blocks(config, config.pose_blocks)
        self.expression = _blocks(config, config.expression_blocks)
        self.identity = _blocks(config, config.identity_blocks)
        self.pose_head = _head(width, _POSE_DIM)
        self.expression_head = _head(width, EXPRESSION_DIM)
        self.identity_head = _head(width, config.frame_dim - EXPRESSION_DIM - _POSE_DIM)

    def listen(self, speech: Tensor, envelope: Tensor, f0_hz: Tensor, valid: Tensor) -> Heard:
        """``speech`` [B, T, D], ``envelope`` and ``f0_hz`` [B, T], of which ``valid`` [B, T] frames are real."""
        projected = self.speech(speech)
        amplitude = self.amplitude(envelope, valid)
        emotion = self.emotion(prosody(envelope, f0_hz))
        return Heard(
            _offers(self.trunk, projected),
            _offers(self.pose, amplitude),
            _offers(self.expression, emotion),
            valid[:, None, None],
        )

    def modulation(self, step: Tensor) -> Tensor:
        """Integer time steps [B] to what modulates the blocks, [B, 6, C]."""
        projected: Tensor = self.time(sinusoids(step, self.config.time_frequencies))
        return projected.view(len(step), 6, -1)

    def forward(self, noisy: Tensor, reference: Tensor, time: Tensor, heard: Heard) -> Tensor:
        """``noisy`` [B, T, D] and ``reference`` [B, 1, D] at ``time`` [B, 6, C]; the velocity [B, T, D]."""
        positions = frame_positions(noisy.shape[1], self.config.width, noisy.device)
        x = self.token_norm(self.latent(noisy) + self.reference(reference))
        x = _run(self.trunk, x, time, positions, heard.trunk, heard.mask)
        pose = _run(self.pose, x, time, positions, heard.pose, heard.mask)
        expression = _run(self.expression, x, time, positions, heard.expression, heard.mask)
        identity = _run(self.identity, x, time, positions, [None] * len(self.identity), heard.mask)
        shape, detail = self.identity_head(identity).split([SHAPE_DIM, self.config.frame_dim - PLAIN_DIM], dim=-1)
        return torch.cat([shape, self.expression_head(expression), self.pose_head(pose), detail], dim=-1)


def sinusoids(step: Tensor, width: int) -> Tensor:
    """Cosines, then sines of ``step`` [B]; [B, width] (Vaswani et al. 2017)."""
    half = width // 2
    frequency = torch.exp(-math.log(_LONGEST_PERIOD) * torch.arange(half, device=step.device) / half)
    angle = step[:, None] * frequency
    return torch.cat([angle.cos(), angle.sin()], dim=-1)


def frame_positions(length: int, width: int, device: torch.device) -> Tensor:
    """Sines and cosines by turns, of each frame's index; [length, width]."""
    frequency = torch.exp(-math.log(_LONGEST_PERIOD) * torch.arange(0, width, 2, device=device) / width)
    angle = torch.arange(length, device=device)[:, None] * frequency
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)


def _blocks(config: PaperConfig, count: int) -> nn.ModuleList:
    return nn.ModuleList(Block(config) for _ in range(count))


def _head(width: int, out_dim: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, out_dim))


def _offers(blocks: nn.ModuleList, source: Tensor) -> list[KeysValues]:
    return [block.other.offer(source) for block in blocks]  # type: ignore[operator, union-attr]


def _run(
    blocks: nn.ModuleList,
    x: Tensor,
    time: Tensor,
    positions: Tensor,
    heard: list[KeysValues] | list[None],
    mask: Tensor,
) -> Tensor:
    for block, offered in zip(blocks, heard, strict=True):
        x = block(x, time, positions, offered, mask)
    return x
