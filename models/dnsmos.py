"""DNSMOS: how good people would find the sound. P.835 (speech, background, overall) and P.808, each 1 to 5.

Reddy et al., "DNSMOS P.835", arXiv 2110.01763; weights and polynomials from Microsoft's DNS-Challenge, as the
``speechmos`` package ships them. The published graphs take exactly 9.01 s and the published code repeats a shorter
clip until it fills them, and reads a longer one in hops of a second. Both networks are convolutions under one global
maximum, so repetition adds no information and neighbouring hops share their convolutions: here the same weights run
once over the clip's own frames, and the maximum is taken over each window of 9 s.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.mel import mel_filters
from models.onnx_weights import InvalidOnnxFile, read_float_constants
from schemas.arrays import Float32
from schemas.units import SAMPLE_RATE

_HOP: Final = 160
_P835_FRAME: Final = 320
_P808_FFT: Final = 321
_P808_MELS: Final = 120
_WINDOW_FRAMES: Final = 900  # what the published models read
_WINDOW_HOP_FRAMES: Final = 100  # one second, as the published code steps
_MIN_FRAMES: Final = 16  # two outputs of the three poolings
_POOLING: Final = 8
_TILE_FRAMES: Final = 128  # of the first, widest convolutions: keeps their outputs in the cache

# Published fits of raw outputs to the 1..5 scale, highest power first.
_POLYNOMIALS: Final = {
    "sig": (-0.08397278, 1.22083953, 0.0052439),
    "bak": (-0.13166888, 1.60915514, -0.39604546),
    "ovrl": (-0.06766283, 1.11546468, 0.04602535),
}


@dataclass(frozen=True, slots=True)
class SpeechScores:
    """Mean opinion scores, 1 (bad) to 5 (excellent)."""

    ovrl: float
    sig: float
    bak: float
    p808: float


class _Scorer(nn.Module):
    """3x3 convolutions with halvings between, a global maximum, dense layers.

    ``stages`` lists the channels of the convolutions between two halvings, the input's one channel left out.
    """

    def __init__(self, stages: Sequence[Sequence[int]], dense: Sequence[int]) -> None:
        super().__init__()
        channels = 1
        self.stages = nn.ModuleList()
        for widths in stages:
            convolutions = nn.ModuleList()
            for width in widths:
                convolutions.append(nn.Conv2d(channels, width, 3, padding=1))
                channels = width
            self.stages.append(convolutions)
        sizes = [channels, *dense]
        self.dense = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))

    def forward(self, features: Tensor) -> Tensor:
        """[T, bins] to raw scores of each window, [W, outputs]."""
        x = self._first_stage(features[None, None])
        for index, stage in enumerate(self.stages):
            if index:
                x = _convolve(stage, F.max_pool2d(x, 2))
        return self._judge(x[0].amax(dim=2))

    def _first_stage(self, x: Tensor) -> Tensor:
        stage = self.stages[0]
        halo = len(stage)  # type: ignore[arg-type]
        n_frames = x.shape[2]
        pieces = []
        for start in range(0, n_frames, _TILE_FRAMES):
            stop = min(start + _TILE_FRAMES, n_frames)
            low, high = max(start - halo, 0), min(stop + halo, n_frames)
            pieces.append(_convolve(stage, x[:, :, low:high])[:, :, start - low : stop - low])
        return torch.cat(pieces, dim=2)

    def _judge(self, x: Tensor) -> Tensor:
        """[C, T / 8] to [W, outputs]."""
        starts = range(0, max(x.shape[1] * _POOLING - _WINDOW_FRAMES, 0) + 1, _WINDOW_HOP_FRAMES)
        length = _WINDOW_FRAMES // _POOLING
        y = torch.stack([x[:, s // _POOLING : s // _POOLING + length].amax(dim=1) for s in starts])
        *hidden, last = self.dense
        for layer in hidden:
            y = F.relu(layer(y))
        return last(y)  # type: ignore[no-any-return]


def _convolve(stage: nn.Module, x: Tensor) -> Tensor:
    for convolution in stage.children():
        x = F.relu(convolution(x), inplace=True)
    return x


class Dnsmos:
    """Both networks, from the folder that holds ``sig_bak_ovr.onnx`` and ``model_v8.onnx``.

    Raises ``models.onnx_weights.InvalidOnnxFile`` if they are not the published ones.
    """

    def __init__(self, folder: Path) -> None:
        p835 = folder / "sig_bak_ovr.onnx"
        constants = read_float_constants(p835)
        self._p835 = _load(_Scorer(((128, 64, 64, 32), (32,), (32,), (64,)), (128, 64, 3)), constants, p835)
        # The graph's spectral transform: a windowed DFT stored as two 1x1 convolutions.
        self._dft = [
            torch.from_numpy(_named(constants, f"stft-{part}/kernel:0", p835)[:, :, 0].T.copy())
            for part in ("real", "imag")
        ]
        self._floor = float(_named(constants, "Maximum/x:0", p835))
        self._log_scale = float(_named(constants, "truediv/y:0", p835))
        p808 = folder / "model_v8.onnx"
        self._p808 = _load(_Scorer(((32,), (32,), (32, 32), (64,)), (64, 64, 1)), read_float_constants(p808), p808)
        self._mels = torch.from_numpy(mel_filters(_P808_MELS, _P808_FFT, SAMPLE_RATE).T.copy())
        self._hann = torch.hann_window(_P808_FFT, periodic=True)

    @torch.inference_mode()
    def score(self, audio: Float32) -> SpeechScores:
        """Scores of ``audio`` [S], 16 kHz mono; clips beyond 9 s are the mean over windows of 9 s, a second apart."""
        sound = torch.from_numpy(_fitted(audio))
        raw = self._p835(self._log_power(sound)).double().numpy()
        sig, bak, ovrl = (
            float(np.polyval(_POLYNOMIALS[name], raw[:, column]).mean())
            for column, name in enumerate(("sig", "bak", "ovrl"))
        )
        return SpeechScores(ovrl=ovrl, sig=sig, bak=bak, p808=float(self._p808(self._log_mel(sound)).mean()))

    def _log_power(self, sound: Tensor) -> Tensor:
        frames = sound.unfold(0, _P835_FRAME, _HOP)
        real, imaginary = (frames @ matrix for matrix in self._dft)
        power = real.square() + imaginary.square()
        return power.clamp_min(self._floor).log() / self._log_scale

    def _log_mel(self, sound: Tensor) -> Tensor:
        centred = F.pad(sound[:-_HOP], (_P808_FFT // 2, _P808_FFT // 2))
        spectrum = torch.fft.rfft(centred.unfold(0, _P808_FFT, _HOP) * self._hann, dim=1)
        power = (spectrum.abs().square() @ self._mels).clamp_min(1e-10)
        level_db = 10.0 * (power / power.max()).log10()
        mel: Tensor = (level_db.clamp_min(-80.0) + 40.0) / 40.0
        return mel


def _fitted(audio: Float32) -> Float32:
    """Within -1..1, and repeated if too short for one output of the networks."""
    shortest = (_MIN_FRAMES + 1) * _HOP
    if audio.size < shortest:
        audio = np.resize(audio, shortest) if audio.size else np.zeros(shortest, np.float32)
    return np.clip(audio, -1.0, 1.0)


def _named(constants: dict[str, Float32], suffix: str, path: Path) -> Float32:
    found = [value for name, value in constants.items() if name.endswith(suffix)]
    if len(found) != 1:
        raise InvalidOnnxFile(f"{path}: {len(found)} constants end in {suffix!r}, wanted 1; install speechmos==0.0.1.1")
    return found[0]


def _load(network: _Scorer, constants: dict[str, Float32], path: Path) -> _Scorer:
    """Fill ``network`` in the order of the numbers in the constants' names, which is the graph's order."""
    kernels = _numbered(constants, r"conv2d(?:_(\d+))?/kernel:0")
    conv_biases = _numbered(constants, r"conv2d(?:_(\d+))?/bias:0")
    matrices = [m.T for m in _numbered(constants, r".*/dense(?:_(\d+))?/MatMul/.*")]
    dense_biases = _numbered(constants, r".*/dense(?:_(\d+))?/BiasAdd/.*")
    weights = [w for pair in (*zip(kernels, conv_biases), *zip(matrices, dense_biases)) for w in pair]
    names = list(network.state_dict())
    try:
        network.load_state_dict(
            {name: torch.from_numpy(weight.copy()) for name, weight in zip(names, weights, strict=True)}
        )
    except (ValueError, RuntimeError) as error:
        raise InvalidOnnxFile(f"{path}: not DNSMOS's network ({error}); install speechmos==0.0.1.1") from error
    return network.eval().requires_grad_(False)


def _numbered(constants: dict[str, Float32], pattern: str) -> list[Float32]:
    found = {int(m[1] or 0): value for name, value in constants.items() if (m := re.fullmatch(pattern, name))}
    return [found[number] for number in sorted(found)]
