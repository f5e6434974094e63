"""Fundamental frequency of speech."""

import warnings

import numpy as np

from schemas.arrays import Bool, Float32
from schemas.units import FRAME_RATE, SAMPLE_RATE, SAMPLES_PER_FRAME

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # pyworld asks pkg_resources for its own version number
    import pyworld


def pitch(audio: Float32, min_hz: float, max_hz: float) -> tuple[Float32, Bool]:
    """F0 in Hz, 0 where unvoiced, and voicing, at the frame centres of ``audio`` [T * 640]; [T] each.

    WORLD's DIO with StoneMask (Morise et al. 2009, 2010), conservative in what it calls voiced.
    """
    n_frames = audio.size // SAMPLES_PER_FRAME
    wave = audio.astype(np.float64)
    half_frame_ms = 500.0 / float(FRAME_RATE)  # twice as dense as frames, so that every second falls on a centre
    f0, times_s = pyworld.dio(wave, SAMPLE_RATE, f0_floor=min_hz, f0_ceil=max_hz, frame_period=half_frame_ms)
    f0, times_s = (np.ascontiguousarray(track[1::2][:n_frames]) for track in (f0, times_s))
    f0 = pyworld.stonemask(wave, f0, times_s, SAMPLE_RATE).astype(np.float32)
    return f0, f0 > 0
