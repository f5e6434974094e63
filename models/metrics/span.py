"""Where somebody speaks. Whole-clip scores flatter: silent ends are easy, and alike in every clip."""

from typing import Final

import numpy as np
from scipy.ndimage import uniform_filter1d

from schemas.arrays import Float32

BELOW_PEAK_NATS: Final = 1.5
SMOOTHING_FRAMES: Final = 5
_FLOOR: Final = 1e-6  # full scale = 1; below 16 bits


def speech_span(envelope: Float32) -> slice:
    """From the first to past the last frame in which the smoothed ``envelope`` [T] (linear) is within 1.5 nats
    (13 dB) of its 95th percentile; the whole of it where there is nothing to hear."""
    loud = np.log(uniform_filter1d(envelope.astype(np.float64), SMOOTHING_FRAMES, mode="nearest") + _FLOOR)
    if loud.size == 0 or loud.max() <= np.log(2 * _FLOOR):
        return slice(0, len(envelope))
    speaking = np.flatnonzero(loud > np.percentile(loud, 95) - BELOW_PEAK_NATS)
    return slice(int(speaking[0]), int(speaking[-1]) + 1)
