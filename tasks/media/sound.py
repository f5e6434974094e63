"""Sound where it belongs: decoded audio frames laid on a 16 kHz timeline by their presentation times."""

from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np

from schemas.arrays import Float32
from schemas.units import SAMPLE_RATE

RESYNC_S = Fraction(5, 1000)  # sample count and timestamps may part by this much (drift, rounded stamps)


@dataclass(slots=True)
class _Run:
    """Frames that follow on one another: one resampler, one start."""

    resampler: Any
    frame_format: tuple[int, str, str]
    start_s: Fraction  # of the first sample that went in
    seconds_in: Fraction
    next_sample: int  # where the next resampled block goes


class SoundTimeline:
    """16 kHz mono; sample 0 is heard at ``origin_s``. Gaps are zero; where stretches overlap the later one counts.

    Within a run, samples are counted, so that rounded timestamps do not tear the sound; where count and timestamps
    part by more than ``RESYNC_S``, timestamps win and a new run begins.
    """

    def __init__(self, origin_s: Fraction) -> None:
        self._origin_s = origin_s
        self._run: _Run | None = None
        self._blocks: deque[tuple[int, Float32]] = deque()
        self.reached = 0  # sound before this sample has arrived

    def push(self, frame: Any) -> None:
        """Add one decoded PyAV audio frame."""
        frame_format = (frame.sample_rate, frame.format.name, frame.layout.name)
        run = self._run
        start_s = frame.pts * frame.time_base - self._origin_s if frame.pts is not None else None
        if run is not None:
            expected_s = run.start_s + run.seconds_in
            parted = start_s is not None and abs(start_s - expected_s) > RESYNC_S
            if parted or frame_format != run.frame_format:
                start_s = expected_s if start_s is None else start_s
                self.finish()
                run = None
        if run is None:
            start_s = start_s or Fraction(0)
            resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
            run = self._run = _Run(resampler, frame_format, start_s, Fraction(0), round(start_s * SAMPLE_RATE))
        run.seconds_in += Fraction(frame.samples, frame.sample_rate)
        frame.pts = None  # the resampler would pad or cut by it
        self._store(run, run.resampler.resample(frame))

    def finish(self) -> None:
        """No more sound follows what was pushed: let out what the resampler still holds."""
        if self._run is not None:
            self._store(self._run, self._run.resampler.resample(None))
            self._run = None

    def _store(self, run: _Run, resampled: list[Any]) -> None:
        for frame in resampled:
            block = np.nan_to_num(frame.to_ndarray().reshape(-1), nan=0.0, posinf=1.0, neginf=-1.0)
            self._blocks.append((run.next_sample, np.clip(block, -1, 1).astype(np.float32)))
            run.next_sample += len(block)
        self.reached = max(self.reached, run.next_sample)

    def take(self, start: int, stop: int) -> tuple[Float32, tuple[int, int]]:
        """Samples ``[start, stop)`` and the span of them, counted from ``start``, that really hold sound.

        What lies before ``stop`` is forgotten.
        """
        sound = np.zeros(stop - start, np.float32)
        first, last = stop, start
        for position, block in self._blocks:
            low, high = max(position, start), min(position + len(block), stop)
            if low < high:
                sound[low - start : high - start] = block[low - position : high - position]
                first, last = min(first, low), max(last, high)
        self._blocks = deque(b for b in self._blocks if b[0] + len(b[1]) > stop)
        return sound, (first - start, last - start) if first < last else (0, 0)
