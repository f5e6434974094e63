"""The sound of a real file as a clip would hold it."""

from pathlib import Path

import av
import numpy as np

from schemas.arrays import Float32
from schemas.units import SAMPLE_RATE, SAMPLES_PER_FRAME


def sound_of(path: Path) -> Float32:
    """Mono at 16 kHz, whole 25 fps frames; [T * 640]."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE)
        frames = [piece for frame in container.decode(audio=0) for piece in resampler.resample(frame)]
        samples = np.concatenate([f.to_ndarray()[0] for f in (*frames, *resampler.resample(None))])
    return samples[: samples.size // SAMPLES_PER_FRAME * SAMPLES_PER_FRAME].astype(np.float32)
