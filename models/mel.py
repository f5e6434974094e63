"""Mel filter banks in Slaney's convention (linear below 1 kHz, area-normalised): the one Whisper and DNSMOS were
trained with. Formula: M. Slaney, "Auditory Toolbox", 1998, as implemented in librosa's ``filters.mel``."""

import numpy as np
import numpy.typing as npt

from schemas.arrays import Float32

Float64 = npt.NDArray[np.float64]

_BREAK_HZ = 1000.0
_MELS_PER_HZ = 3.0 / 200.0
_LOG_STEP = np.log(6.4) / 27.0


def _hz_of(mels: Float64) -> Float64:
    break_mel = _BREAK_HZ * _MELS_PER_HZ
    return np.where(mels < break_mel, mels / _MELS_PER_HZ, _BREAK_HZ * np.exp(_LOG_STEP * (mels - break_mel)))


def mel_filters(n_mels: int, n_fft: int, sample_rate: int) -> Float32:
    """Triangular filters from 0 Hz to half the sample rate; [n_mels, n_fft // 2 + 1]."""
    top_hz = sample_rate / 2
    top_mel = _BREAK_HZ * _MELS_PER_HZ + np.log(top_hz / _BREAK_HZ) / _LOG_STEP
    edges = _hz_of(np.linspace(0.0, top_mel, n_mels + 2))
    bins = np.fft.rfftfreq(n_fft, 1.0 / sample_rate)
    ramps = edges[:, None] - bins[None, :]
    width = np.diff(edges)
    rising = -ramps[:-2] / width[:-1, None]
    falling = ramps[2:] / width[1:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    area = 2.0 / (edges[2:] - edges[:-2])
    return np.asarray(triangles * area[:, None], np.float32)
