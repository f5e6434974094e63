"""What else sounds in a recording of a voice: music, by tones that hold their frequency, and a second voice, by tones
that the first one's pitch does not explain. Two measures without any training, called what they are.
"""

from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.arrays import Float32
from schemas.units import SAMPLE_RATE, SAMPLES_PER_FRAME

_MUSIC_WINDOW: Final = 1536  # 96 ms: bins of 10 Hz, narrower than speech holds its pitch
_MUSIC_HOP: Final = 400
_MUSIC_HZ: Final = (150.0, 5500.0)
_MUSIC_BLOCK: Final = 100  # frames, 2.5 s
_NEIGHBOURS: Final = 21  # bins whose mean a tone must stand out from,
_STANDS_OUT_DB: Final = 3.0  # by so much
_TONES: Final = 5
_FLOOR: Final = 1e-10

_VOICE_WINDOW: Final = 1024  # 64 ms: three periods of the lowest voice
_VOICE_HZ: Final = (70.0, 3000.0)
_QUIET_DB: Final = 20.0  # below the loud frames: not looked at
_WEAK: Final = 1e-3  # of the strongest tone's power: not counted
_OFF_PITCH: Final = 0.2  # of the pitch, and
_OFF_HZ: Final = 20.0  # at least: farther from every harmonic than this
_MIN_FRAMES: Final = 6  # voiced and loud


def music_score(audio: Float32) -> float:
    """How much of ``audio`` [S], 16 kHz, are tones that hold their frequency: 0 to 5, speech alone below 2.

    Continuous frequency activation (Seyerlehner, Pohle, Schedl, Widmer, "Automatic Music Detection in Television
    Productions", DAFx 2007): in blocks of 2.5 s, for how large a share of the time each frequency stands out from its
    neighbours; the five sharpest peaks of that share are added. The median over blocks. Hum and whistles count too.
    """
    if audio.size < 2 * _MUSIC_WINDOW:
        return 0.0
    level_db = 10 * np.log10(_power(audio, _MUSIC_WINDOW, _MUSIC_HOP, _MUSIC_WINDOW) + _FLOOR)
    low, high = (int(hz * _MUSIC_WINDOW / SAMPLE_RATE) for hz in _MUSIC_HZ)
    level_db = level_db[:, low:high]
    stands_out = level_db - _neighbourhood(level_db) > _STANDS_OUT_DB
    length = min(_MUSIC_BLOCK, len(stands_out))
    starts = range(0, len(stands_out) - length + 1, max(length // 2, 1))
    return float(np.median([_sharpest(stands_out[start : start + length].mean(axis=0)) for start in starts]))


def _neighbourhood(level: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Mean of each bin and the bins beside it; [frames, bins], mirrored at the edges."""
    half = _NEIGHBOURS // 2
    padded = np.pad(level, ((0, 0), (half + 1, half)), mode="symmetric")
    total = np.cumsum(padded, axis=1)
    return (total[:, _NEIGHBOURS:] - total[:, :-_NEIGHBOURS]) / _NEIGHBOURS


def _sharpest(share: npt.NDArray[np.float64]) -> float:
    """Sum of the heights of the sharpest peaks of ``share`` [bins], each over the higher of the valleys beside it."""
    peaks = np.flatnonzero((share[1:-1] >= share[:-2]) & (share[1:-1] > share[2:])) + 1
    if not peaks.size:
        return 0.0
    edges = np.concatenate([[0], peaks, [share.size - 1]])
    valleys = np.array([share[a : b + 1].min() for a, b in pairwise(edges)])
    heights = share[peaks] - np.maximum(valleys[:-1], valleys[1:])
    return float(np.sort(heights)[-_TONES:].sum())


def second_voice_score(audio: Float32, f0_hz: Float32) -> float:
    """Share, 0 to 1, of the tones in ``audio`` [T * 640] that are no harmonics of its pitch ``f0_hz`` [T], 0 where
    unvoiced: amplitudes of spectral peaks of 70 to 3000 Hz, mean over loud voiced frames. 0.1 for one voice; 0 if
    there is next to no voiced frame."""
    if not (f0_hz > 0).any():
        return 0.0
    half = _VOICE_WINDOW // 2
    padded = np.pad(audio, half)[SAMPLES_PER_FRAME // 2 :]
    power = _power(padded, _VOICE_WINDOW, SAMPLES_PER_FRAME, 2 * _VOICE_WINDOW)[: len(f0_hz)]
    level_db = 10 * np.log10(power.sum(axis=1) + _FLOOR)
    frames = np.flatnonzero((f0_hz > 0) & (level_db > np.percentile(level_db, 95) - _QUIET_DB))
    if frames.size < _MIN_FRAMES:
        return 0.0
    bin_hz = SAMPLE_RATE / (2 * _VOICE_WINDOW)
    low, high = (int(hz / bin_hz) for hz in _VOICE_HZ)
    inner, before, after = (power[frames, low + k : high + k] for k in (0, -1, 1))
    tone = (inner > before) & (inner >= after)
    tone &= inner > _WEAK * np.where(tone, inner, 0).max(axis=1, keepdims=True)
    hz = bin_hz * np.arange(low, high)
    pitch_hz = f0_hz[frames, None]
    off = np.abs(hz - np.maximum(np.round(hz / pitch_hz), 1) * pitch_hz)
    amplitude = np.where(tone, np.sqrt(inner), 0)
    unexplained = np.where(off > np.maximum(_OFF_PITCH * pitch_hz, _OFF_HZ), amplitude, 0).sum(axis=1)
    return float(np.mean(unexplained / np.maximum(amplitude.sum(axis=1), _FLOOR)))


def _power(audio: Float32, window: int, hop: int, n_fft: int) -> npt.NDArray[np.float64]:
    """Spectra of Hann windows; [frames, n_fft // 2 + 1]."""
    frames = np.lib.stride_tricks.sliding_window_view(audio, window)[::hop] * np.hanning(window)
    spectrum = np.fft.rfft(frames, n_fft, axis=1)
    return np.asarray(np.square(spectrum.real) + np.square(spectrum.imag))
