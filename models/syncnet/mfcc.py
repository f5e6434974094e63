"""Cepstra as SyncNet was trained on: python_speech_features' ``mfcc`` with its defaults, on 16-bit samples at 16 kHz.

25 ms every 10 ms without a window function, pre-emphasis .97, a spectrum of 512 points, 26 triangular filters on the
mel scale to 8 kHz, 13 cepstra liftered by 22, the first replaced by the log of the energy.
"""

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.fft import dct, rfft

from schemas.arrays import Float32
from schemas.units import SAMPLE_RATE

N_CEPSTRA: Final = 13
_LENGTH, _STEP, _N_FFT = 400, 160, 512
_PRE_EMPHASIS: Final = 0.97
_N_FILTERS: Final = 26
_LIFTER: Final = 22
_LEAST: Final = np.finfo(float).eps
_FULL_SCALE: Final = 2**15

Float64 = npt.NDArray[np.float64]


def mfcc(audio: Float32) -> Float32:
    """[1 + ceil((S - 400) / 160), 13] of ``audio`` [S], -1..1, S at least 400; what is missing at the end is silent."""
    samples = np.clip(np.round(audio.astype(np.float64) * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1)
    emphasised = np.append(samples[:1], samples[1:] - _PRE_EMPHASIS * samples[:-1])
    n = 1 + -(-(len(samples) - _LENGTH) // _STEP)
    padded = np.pad(emphasised, (0, (n - 1) * _STEP + _LENGTH - len(samples)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _LENGTH)[::_STEP]
    power = np.square(np.abs(rfft(frames, _N_FFT, axis=1))) / _N_FFT
    heard = np.log(_above_zero(power @ _filters().T))
    cepstra = dct(heard, type=2, axis=1, norm="ortho")[:, :N_CEPSTRA]
    cepstra *= 1 + _LIFTER / 2 * np.sin(np.pi * np.arange(N_CEPSTRA) / _LIFTER)
    cepstra[:, 0] = np.log(_above_zero(power.sum(axis=1)))
    return np.asarray(cepstra, np.float32)


def _above_zero(x: Float64) -> Float64:
    return np.asarray(np.where(x == 0, _LEAST, x))


@cache
def _filters() -> Float64:
    """[26, 257] triangles from corner to corner, which lie at whole points of the spectrum."""
    mel = np.linspace(0, 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700), _N_FILTERS + 2)
    corner = np.floor((_N_FFT + 1) * 700 * (10 ** (mel / 2595) - 1) / SAMPLE_RATE)
    low, middle, high = (corner[k : k + _N_FILTERS, None] for k in range(3))
    at = np.arange(_N_FFT // 2 + 1)
    rising, falling = (at - low) / (middle - low), (high - at) / (high - middle)
    return np.where((at >= low) & (at < middle), rising, np.where((at >= middle) & (at < high), falling, 0.0))
