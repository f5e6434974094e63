"""The avatar's network: a listener that runs once a clip, and a mover that runs at every step of the sampler.

The listener turns speech features into one vector a frame. The mover predicts the finished motion from a noisy one,
the time of the flow, what the listener heard in that very frame, a frame of the person at hand and the style of their
head. Speech is added frame by frame, never searched for: attention that has to find the right frame does not (lip error
+0.4 mm, ``notes/gen.md``). Attention is banded and rotary (Su et al. 2021), so nothing depends on where a window lies.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.avatar.config import AvatarConfig
from models.avatar.motion import MOTION_DIM
from models.avatar.protocol import STYLE_DIM

PROSODY_DIM = 4
_TIME_FREQUENCIES = 64


class Block(nn.Module):
    """Banded self-attention and a feed-forward layer, pre-normalised; modulated by a condition where one is given
    (adaptive layer norm, Peebles and Xie 2023)."""

    def __init__(self, config: AvatarConfig, conditioned: bool) -> None:
        super().__init__()
        width, hidden = config.width, config.width * config.feed_forward
        self.heads = config.heads
        self.attention_norm = nn.LayerNorm(width, elementwise_affine=not conditioned)
        self.qkv = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        self.feed_norm = nn.LayerNorm(width, elementwise_affine=not conditioned)
        self.feed = nn.Sequential(nn.Linear(width, hidden), nn.GELU(approximate="tanh"), nn.Linear(hidden, width))
        self.dropout = nn.Dropout(config.dropout)
        self.modulation = nn.Linear(width, 6 * width) if conditioned else None
        if self.modulation is not None:
            nn.init.zeros_(self.modulation.weight)
            nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Tensor, band: Tensor, rotary: tuple[Tensor, Tensor], modulation: Tensor | None) -> Tensor:
        """``x`` [B, T, C]; ``band`` [B or 1, 1, T, T] whom each frame may look at; ``modulation`` [B, 6 C], where the
        block is conditioned."""
        if modulation is None:
            x = x + self.dropout(self._attend(self.attention_norm(x), band, rotary))
            fed: Tensor = x + self.dropout(self.feed(self.feed_norm(x)))
            return fed
        scale_a, shift_a, gate_a, scale_f, shift_f, gate_f = modulation[:, None].chunk(6, dim=-1)
        attended = self._attend(self.attention_norm(x) * (1 + scale_a) + shift_a, band, rotary)
        x = x + self.dropout(attended) * gate_a
        modulated: Tensor = x + self.dropout(self.feed(self.feed_norm(x) * (1 + scale_f) + shift_f)) * gate_f
        return modulated

    def _attend(self, x: Tensor, band: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
        qkv = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        q, k = rotate(qkv[:2], rotary)
        out = F.scaled_dot_product_attention(q, k, qkv[2], attn_mask=band)
        merged: Tensor = self.merge(out.transpose(1, 2).flatten(2))
        return merged


class Listener(nn.Module):
    """Speech features to one vector a frame."""

    def __init__(self, config: AvatarConfig) -> None:
        super().__init__()
        self.blurred = nn.Dropout(config.speech_dropout)
        self.speech = nn.Linear(config.speech_dim, config.width)
        self.prosody = nn.Linear(PROSODY_DIM, config.width)
        self.around = nn.Conv1d(config.width, config.width, kernel_size=5, padding=2)
        self.silent = nn.Parameter(torch.zeros(config.width))  # what it hears where speech is withheld
        self.blocks = nn.ModuleList(Block(config, conditioned=False) for _ in range(config.listener_blocks))
        self.norm = nn.LayerNorm(config.width)

    def forward(
        self, speech: Tensor, prosody: Tensor, withheld: Tensor, band: Tensor, rotary: tuple[Tensor, Tensor]
    ) -> Tensor:
        """``speech`` [B, T, D] and ``prosody`` [B, T, 4], normalised; ``withheld`` [B] of whom; [B, T, C]."""
        heard = self.speech(self.blurred(speech)) + self.prosody(prosody)
        heard = torch.where(withheld[:, None, None], self.silent.to(heard.dtype), heard)
        x = heard + F.gelu(self.around(heard.transpose(1, 2)).transpose(1, 2), approximate="tanh")
        for block in self.blocks:
            x = block(x, band, rotary, None)
        normed: Tensor = self.norm(x)
        return normed


class Mover(nn.Module):
    """A noisy motion, and what was heard, to the finished motion."""

    def __init__(self, config: AvatarConfig) -> None:
        super().__init__()
        width = config.width
        self.motion = nn.Linear(MOTION_DIM, width)
        self.reference = nn.Linear(MOTION_DIM, width)
        self.style = nn.Linear(STYLE_DIM, width)
        self.no_reference = nn.Parameter(torch.zeros(width))
        self.no_style = nn.Parameter(torch.zeros(width))
        self.given = nn.Parameter(torch.zeros(width))  # marks the frames that are finished already
        self.time = nn.Sequential(nn.Linear(2 * _TIME_FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(Block(config, conditioned=True) for _ in range(config.mover_blocks))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, MOTION_DIM)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def person(self, reference: Tensor | None, style: Tensor | None, withheld: Tensor) -> Tensor:
        """Who moves: ``reference`` [B, 58], ``style`` [B, 6]; ``withheld`` [B, 2] which of them is not told; [B, C]."""
        looks = self.no_reference if reference is None else self.reference(reference)
        moves = self.no_style if style is None else self.style(style)
        looks = torch.where(withheld[:, :1], self.no_reference.to(looks.dtype), looks)
        return looks + torch.where(withheld[:, 1:], self.no_style.to(moves.dtype), moves)

    def modulations(self, time: Tensor, person: Tensor) -> list[Tensor]:
        """What ``time`` [B] of the flow, 0 noise .. 1 finished, and ``person`` [B, C] make of each block: [B, 6 C]."""
        condition = F.silu(self.time(time_features(time)) + person)
        return [block.modulation(condition) for block in self.blocks]  # type: ignore[operator]

    def forward(
        self,
        noisy: Tensor,
        modulations: Sequence[Tensor],
        given: Tensor,
        heard: Tensor,
        person: Tensor,
        band: Tensor,
        rotary: tuple[Tensor, Tensor],
    ) -> Tensor:
        """``noisy`` [B, T, 58] and the ``modulations`` of its time; ``given`` [B, T] which frames are finished already;
        ``heard`` [B, T, C]; [B, T, 58]."""
        x = self.motion(noisy) + heard + person[:, None] + given[..., None] * self.given
        for block, modulation in zip(self.blocks, modulations, strict=True):
            x = block(x, band, rotary, modulation)
        finished: Tensor = self.out(self.norm(x))
        return finished


def time_features(time: Tensor) -> Tensor:
    """``time`` [...], 0..1, as sines and cosines [..., 128]."""
    octaves = torch.arange(_TIME_FREQUENCIES, device=time.device) / _TIME_FREQUENCIES
    angle = time[..., None] * (1000.0**octaves)
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


def rotary_of(n_frames: int, head_dim: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines [T, head_dim / 2] that turn queries and keys by their frame."""
    frequency = 1000.0 ** (-torch.arange(0, head_dim, 2, device=device) / head_dim)
    angle = torch.arange(n_frames, device=device)[:, None] * frequency
    return angle.cos(), angle.sin()


def rotate(x: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
    """Turn each half-pair of ``x`` [..., T, D] by its frame's angle."""
    cosine, sine = (part.to(x.dtype) for part in rotary)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cosine - b * sine, a * sine + b * cosine], dim=-1)


def band_of(n_frames: int, reach: int, device: torch.device) -> Tensor:
    """[1, 1, T, T] whether frame i may look at frame j: within ``reach`` frames."""
    frame = torch.arange(n_frames, device=device)
    return ((frame[:, None] - frame).abs() <= reach)[None, None]
