"""Other voices out of one: WORLD takes a sentence apart once and puts it together for many throats.

Morise, Yokomori, Ozawa, "WORLD: a vocoder-based high-quality speech synthesis system", 2016.
"""

import warnings
from dataclasses import dataclass
from math import gcd
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.signal import resample_poly

from models.sample.voice import PEAK, Speech
from schemas.speech import Phone
from schemas.units import SAMPLE_RATE

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # pyworld asks pkg_resources for its own version number
    import pyworld

_FRAME_MS: Final = 8.0
_LOWEST_F0_HZ: Final = 60.0
_HIGHEST_F0_HZ: Final = 420.0

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Timbre:
    """How a voice is changed, as ratios to what was recorded; all ones leave it as it is."""

    f0: float = 1.0
    formants: float = 1.0  # of their frequencies: 1.15 is a shorter throat
    melody: float = 1.0  # swing of the fundamental about its mean, on a logarithmic scale
    tempo: float = 1.0


@dataclass(frozen=True, slots=True)
class Parts:
    """A sentence taken apart, at 16 kHz: N frames, F bins."""

    f0_hz: Float64  # [N] 0 where unvoiced
    envelope: Float64  # [N, F] power spectrum of the throat
    aperiodicity: Float64  # [N, F]
    phones: tuple[Phone, ...]


def take_apart(speech: Speech) -> Parts:
    """Analyse ``speech``, of whatever sample rate."""
    common = gcd(SAMPLE_RATE, speech.sample_rate)
    wave = resample_poly(speech.audio, SAMPLE_RATE // common, speech.sample_rate // common).astype(np.float64)
    f0, times = pyworld.dio(wave, SAMPLE_RATE, _LOWEST_F0_HZ, _HIGHEST_F0_HZ, frame_period=_FRAME_MS)
    f0 = pyworld.stonemask(wave, f0, times, SAMPLE_RATE)
    envelope = pyworld.cheaptrick(wave, f0, times, SAMPLE_RATE)
    return Parts(f0, envelope, pyworld.d4c(wave, f0, times, SAMPLE_RATE), speech.phones)


def put_together(parts: Parts, timbre: Timbre) -> Speech:
    """The sentence in another voice, its phones' times with it."""
    voiced = parts.f0_hz > 0
    f0 = np.zeros_like(parts.f0_hz)
    if voiced.any():
        pitch = np.log(parts.f0_hz[voiced])
        f0[voiced] = timbre.f0 * np.exp(pitch.mean() + timbre.melody * (pitch - pitch.mean()))
    envelope = _stretched(parts.envelope, timbre.formants)
    wave = pyworld.synthesize(f0, envelope, parts.aperiodicity, SAMPLE_RATE, _FRAME_MS / timbre.tempo)
    loud = (wave / max(float(np.abs(wave).max()), 1e-6) * PEAK).astype(np.float32)
    phones = tuple(Phone(p.symbol, p.start_s / timbre.tempo, p.stop_s / timbre.tempo, p.stressed) for p in parts.phones)
    return Speech(loud, SAMPLE_RATE, phones)


def _stretched(spectrum: Float64, ratio: float) -> Float64:
    """The spectrum [N, F] with its features at ``ratio`` times their frequency."""
    bins = spectrum.shape[1]
    at = np.minimum(np.arange(bins) / ratio, bins - 1)
    below = np.minimum(at.astype(np.intp), bins - 2)
    share = at - below
    stretched: Float64 = spectrum[:, below] * (1 - share) + spectrum[:, below + 1] * share
    return np.ascontiguousarray(stretched)
