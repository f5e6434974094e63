"""Curves of a voice beside its pitch: level, energy, spectral tilt, onsets; 16 kHz in, 25 frames a second out."""

from typing import Final

import numpy as np
import numpy.typing as npt

from models.mel import mel_filters
from schemas.arrays import Float32
from schemas.units import SAMPLE_RATE, SAMPLES_PER_FRAME

FLOOR_DB: Final = -60.0  # below the level of speech: silence
SPEECH_QUANTILE: Final = 0.95  # of the envelope: the level of speech, as the avatar hears it (models.avatar.prosody)
_QUIETEST: Final = 1e-4  # of full scale: no level of speech is taken to be lower

_TILT_WINDOW: Final = 1024
_TILT_HZ: Final = 200.0 * 2.0 ** (np.arange(16) / 3.0)  # edges of 15 bands, a third of an octave each
_TILT_RANGE: Final = (-40.0, 20.0)
_ONSET_HOP: Final = 160
_ONSET_WINDOW: Final = 400
_ONSET_BANDS: Final = 40
_ONSET_FLOOR_DB: Final = -60.0  # below the loudest band: rises there are noise


def speech_level(envelope: Float32) -> float:
    """Level of speech of an envelope [T], full scale 1: its 95th percentile."""
    return max(float(np.quantile(envelope, SPEECH_QUANTILE)), _QUIETEST) if envelope.size else _QUIETEST


def loudness_db(envelope: Float32, level: float) -> Float32:
    """``envelope`` [T] in dB of ``level``, at least ``FLOOR_DB``."""
    return np.asarray(20 * np.log10(np.maximum(envelope / level, 10 ** (FLOOR_DB / 20))), np.float32)


def energy_db(audio: Float32, level: float) -> Float32:
    """Power of every frame of ``audio`` [T * 640] in dB of ``level``, an amplitude, squared; [T]."""
    power = np.square(audio.reshape(-1, SAMPLES_PER_FRAME), dtype=np.float64).mean(axis=1)
    return np.asarray(10 * np.log10(np.maximum(power / level**2, 10 ** (FLOOR_DB / 10))), np.float32)


def tilt_db(audio: Float32) -> Float32:
    """Slope of the spectrum at every frame's centre in dB an octave: the line of least squares through the levels of
    third-octave bands from 200 to 6400 Hz, in windows of 64 ms; [T * 640] gives [T], 0 in silence."""
    power = _spectra(audio, _TILT_WINDOW, SAMPLES_PER_FRAME)
    hz = np.fft.rfftfreq(_TILT_WINDOW, 1 / SAMPLE_RATE)
    inside = (hz >= _TILT_HZ[:-1, None]) & (hz < _TILT_HZ[1:, None])
    bands = power @ (inside / inside.sum(axis=1, keepdims=True)).T  # mean power a bin
    level = 10 * np.log10(np.maximum(bands, 1e-12))
    octaves = np.log2(np.sqrt(_TILT_HZ[1:] * _TILT_HZ[:-1]))
    octaves -= octaves.mean()
    slope = level @ octaves / np.square(octaves).sum()
    return np.asarray(np.clip(slope, *_TILT_RANGE), np.float32)


def onset_db(audio: Float32) -> Float32:
    """Spectral flux: how much each of 40 mel bands rises from one window of 25 ms to the next, 10 ms on, summed over a
    frame and averaged over bands, in dB; falls count nothing (Bello et al. 2005). [T * 640] gives [T]."""
    power = _spectra(audio, _ONSET_WINDOW, _ONSET_HOP)
    bands = power @ mel_filters(_ONSET_BANDS, _ONSET_WINDOW, SAMPLE_RATE).T
    floor = max(float(bands.max(initial=0.0)) * 10 ** (_ONSET_FLOOR_DB / 10), 1e-12)
    level = 10 * np.log10(np.maximum(bands, floor))
    rise = np.maximum(np.diff(level, axis=0, prepend=level[:1]), 0.0).mean(axis=1)
    return np.asarray(rise.reshape(-1, SAMPLES_PER_FRAME // _ONSET_HOP).sum(axis=1), np.float32)


def _spectra(audio: Float32, window: int, hop: int) -> npt.NDArray[np.float64]:
    """Power of Hann windows about the centres of every ``hop`` samples; [S // hop, window // 2 + 1]."""
    before = window // 2 - hop // 2
    padded = np.pad(audio, (before, window))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop][: audio.size // hop]
    spectrum = np.fft.rfft(frames * np.hanning(window), axis=1)
    return np.asarray(np.square(spectrum.real) + np.square(spectrum.imag))
