"""Raw sound as it comes through a pipe: interleaved samples, signed 16-bit little-endian, without a header."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import av
import numpy as np

from schemas.arrays import Float32
from schemas.units import SAMPLE_RATE
from tasks.media.hearing import CannotListen

_SAMPLE: Final = np.dtype("<i2")
_FULL_SCALE: Final = 32768.0
_READ_S: Final = 0.1  # at most, at a time


@dataclass(slots=True)
class PcmStream:
    """A pipe's sound, read as it is asked for. ``read`` gives up to so many bytes as soon as there are any, and none at
    the end (``io.BufferedIOBase.read1``).

    ``left_over`` counts bytes at the end that were no whole sample of every channel: they are not heard.
    """

    read: Callable[[int], bytes]
    rate_hz: int = SAMPLE_RATE
    channels: int = 1
    left_over: int = 0

    def blocks(self) -> Iterator[Float32]:
        """Mono sound at 16 kHz, block by block as it comes. Raises ``CannotListen`` if there is not one sample."""
        convert = _Resampling(self.rate_hz) if self.rate_hz != SAMPLE_RATE else _unchanged
        step = _SAMPLE.itemsize * self.channels
        wanted = round(_READ_S * self.rate_hz) * step
        rest, heard = b"", False
        while data := self.read(wanted):
            data = rest + data
            whole = len(data) - len(data) % step
            rest = data[whole:]
            if whole:
                heard = True
                samples = np.frombuffer(data[:whole], _SAMPLE).reshape(-1, self.channels)
                yield convert(np.asarray(samples.mean(axis=1) / _FULL_SCALE, np.float32))
        self.left_over = len(rest)
        if not heard:
            raise CannotListen("no sound came: not one sample before the end")
        yield convert(None)


def _unchanged(samples: Float32 | None) -> Float32:
    return np.zeros(0, np.float32) if samples is None else samples


class _Resampling:
    """Mono sound of another rate to 16 kHz, without a seam between blocks."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)

    def __call__(self, samples: Float32 | None) -> Float32:
        """What of ``samples`` [S] is ready; with None, what was held back of them all."""
        frame: Any = None
        if samples is not None:
            frame = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
            frame.sample_rate = self._rate_hz
        ready = [out.to_ndarray()[0] for out in self._resampler.resample(frame)]
        return np.concatenate([np.zeros(0, np.float32), *ready])
