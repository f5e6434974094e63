"""Whisper's log-mel spectrogram (OpenAI, ``whisper/audio.py``): 100 frames a second, any length up to 30 s."""

from functools import cache
from typing import Final

import numpy as np

from models.mel import mel_filters
from schemas.arrays import Float32
from schemas.units import SAMPLE_RATE

N_MELS: Final = 80
HOP_SAMPLES: Final = 160
PEAK: Final = 1.5  # where speech at a usual level peaks (1.2 to 1.5 on our clips)
SILENCE: Final = PEAK - 2.0  # the range that Whisper's clamp leaves
_N_FFT: Final = 400
QUIETEST_PEAK: Final = 0.5


@cache
def _analysis(n_mels: int) -> tuple[Float32, Float32]:
    window = np.hanning(_N_FFT + 1)[:-1].astype(np.float32)
    return window, mel_filters(n_mels, _N_FFT, SAMPLE_RATE)


def levelled_log_mel(audio: Float32, n_frames: int, n_mels: int = N_MELS, peak: float = QUIETEST_PEAK) -> Float32:
    """``log_mel`` shifted so that its loudest value is ``PEAK`` and silence ``SILENCE``, however loud the recording:
    silence after it is then the same for every clip. A recording below -30 dB or so is not raised to the peak, and
    neither is a part of one whose loudest value elsewhere is ``peak``."""
    mel = log_mel(audio, n_frames, n_mels)
    return np.asarray(np.maximum(mel - max(float(mel.max()), peak) + PEAK, SILENCE), np.float32)


def log_mel_peak(audio: Float32, n_mels: int = N_MELS) -> float:
    """The loudest value of the log-mel of ``audio`` [S]; a tenth of it is 4 dB. At least ``QUIETEST_PEAK``."""
    return max(float(log_mel(audio, -(-audio.size // HOP_SAMPLES), n_mels).max()), QUIETEST_PEAK)


def log_mel(audio: Float32, n_frames: int, n_mels: int = N_MELS) -> Float32:
    """``audio`` [S] at 16 kHz, padded with zeros or cut to ``n_frames`` hops of 10 ms; [n_mels, n_frames].

    The spectrogram is normalised by its own peak, so zeros appended to the audio do not change its values.
    """
    window, filters = _analysis(n_mels)
    fitted = np.zeros(n_frames * HOP_SAMPLES, np.float32)
    n = min(audio.size, fitted.size)
    fitted[:n] = audio[:n]
    padded = np.pad(fitted, _N_FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _N_FFT)[::HOP_SAMPLES][:n_frames]
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    log_power = np.log10(np.maximum(filters @ power.T.astype(np.float32), 1e-10))
    log_power = np.maximum(log_power, log_power.max() - 8.0)
    return np.asarray((log_power + 4.0) / 4.0, np.float32)
