"""Whisper's audio encoder in torch, over exactly as many positions as the clip has.

Whisper was trained on windows of 30 s, the clip and then silence, and its reference code always pays for all of them.
Cutting the window off breaks the text (no end is found, sentences repeat). But what a clip's positions see of the
silence behind them hardly depends on the clip: the keys and values of silent positions are computed once, at load, and
every clip attends to them. Architecture: Radford et al. 2022, arXiv 2212.04356; pre-norm transformer over two
convolutions, 50 positions a second.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.whisper.checkpoint import InvalidWhisperModel

MAX_POSITIONS: Final = 1500


@dataclass(frozen=True, slots=True)
class Silence:
    """What the encoder makes of a window of silence, for clips to see behind their end."""

    keys: tuple[Tensor, ...]  # per layer [1, heads, 1500, dim / heads]
    values: tuple[Tensor, ...]
    states: Tensor  # [1, 1500, dim] final


class _Layer(nn.Module):
    def __init__(self, dim: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.attention_norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        self.ffn_norm = nn.LayerNorm(dim)
        self.ffn_in = nn.Linear(dim, 4 * dim)
        self.ffn_out = nn.Linear(4 * dim, dim)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of [B, P, dim]; each [B, heads, P, dim / heads]."""
        batch, length, dim = x.shape
        qkv = self.qkv(self.attention_norm(x)).view(batch, length, 3, self.n_heads, dim // self.n_heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        return q, k, v

    def update(self, x: Tensor, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        x = x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape))
        out: Tensor = x + self.ffn_out(F.gelu(self.ffn_in(self.ffn_norm(x))))
        return out


class WhisperEncoder(nn.Module):
    """Log-mel [B, n_mels, 2 * P] to hidden states [B, P, dim], P <= 1500."""

    positions: Tensor

    def __init__(self, n_mels: int, dim: int, n_heads: int, n_layers: int) -> None:
        super().__init__()
        self.n_mels = n_mels
        self.dim = dim
        self.conv1 = nn.Conv1d(n_mels, dim, 3, padding=1)
        self.conv2 = nn.Conv1d(dim, dim, 3, stride=2, padding=1)
        self.register_buffer("positions", torch.zeros(MAX_POSITIONS, dim))
        self.layers = nn.ModuleList(_Layer(dim, n_heads) for _ in range(n_layers))
        self.norm = nn.LayerNorm(dim)

    def forward(self, mel: Tensor, silence: Silence | None = None, depth: int | None = None) -> list[Tensor]:
        """The states after the convolutions and after each of the first ``depth`` layers (all of them if None), each
        [B, P, dim], not normalised. With ``silence`` the positions from P to 1500 are taken to be silent."""
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel)))).transpose(1, 2)
        length = x.shape[1]
        states = [x + self.positions[:length]]
        for index, layer in enumerate(self.layers[:depth]):
            assert isinstance(layer, _Layer)
            q, k, v = layer.project(states[-1])
            if silence is not None:
                k = torch.cat([k, silence.keys[index][:, :, length:]], dim=2)
                v = torch.cat([v, silence.values[index][:, :, length:]], dim=2)
            states.append(layer.update(states[-1], q, k, v))
        return states

    @torch.inference_mode()
    def hear_silence(self, level: float) -> Silence:
        """A whole window of constant log-mel ``level``."""
        states = self.forward(torch.full((1, self.n_mels, 2 * MAX_POSITIONS), level))
        projected = [layer.project(x) for layer, x in zip(self.layers, states[:-1], strict=True)]  # type: ignore[operator]
        keys, values = zip(*((k, v) for _, k, v in projected), strict=True)
        return Silence(keys, values, self.norm(states[-1]))


_NAMES: Final = (  # CTranslate2's, this module's
    ("encoder/", ""),
    ("layer_norm", "norm"),
    ("self_attention/norm", "attention_norm"),
    ("ffn/norm", "ffn_norm"),
    ("self_attention/linear_0", "qkv"),
    ("self_attention/linear_1", "out"),
    ("ffn/linear_0", "ffn_in"),
    ("ffn/linear_1", "ffn_out"),
    ("position_encodings/encodings", "positions"),
    ("layer_", "layers/"),
    ("gamma", "weight"),
    ("beta", "bias"),
    ("/", "."),
)


_LAYER: Final = re.compile(r"encoder/layer_(\d+)/")


def _beyond(name: str, n_layers: int) -> bool:
    layer = _LAYER.match(name)
    return layer is not None and int(layer[1]) >= n_layers


def encoder_from_checkpoint(variables: Mapping[str, npt.NDArray[Any]], depth: int | None = None) -> WhisperEncoder:
    """The encoder with the weights of a CTranslate2 checkpoint, float32, in evaluation mode; only its first ``depth``
    layers, if it has more.

    Raises ``InvalidWhisperModel`` if variables are absent or do not fit together.
    """
    try:
        dim, n_mels, _ = variables["encoder/conv1/weight"].shape
        layers = {int(found[1]) for name in variables if (found := _LAYER.match(name))}
        kept = len(layers) if depth is None else min(depth, len(layers))
        with torch.device("meta"):  # nothing is drawn by lot that the checkpoint replaces
            encoder = WhisperEncoder(n_mels, dim, int(variables["encoder/num_heads"]), kept)
        encoder.load_state_dict(
            {
                reduce(lambda text, pair: text.replace(*pair), _NAMES, name): torch.from_numpy(value.astype(np.float32))
                for name, value in variables.items()
                if name.startswith("encoder/") and value.ndim and not _beyond(name, kept)
            },
            assign=True,
        )
    except (KeyError, ValueError, RuntimeError) as error:
        raise InvalidWhisperModel(f"the weights are not those of a Whisper encoder: {error}") from error
    return encoder.eval().requires_grad_(False)
