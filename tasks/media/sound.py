"""Sound where it belongs: decoded audio frames laid on a 16 kHz timeline by their presentation times."""

from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np

from schemas.arrays import Float32
from schemas.units import SAMPLE_RATE

RESYNC_S = Fraction(5, 1000)  # sample count and timestamps may part by this much (drift, rounded stamps)
_ROUNDED_S: Final = Fraction(2, 1000)  # stamps of milliseconds that are otherwise right
_WITNESSES: Final = 9  # blocks that must agree in the median before a run is broken off: single stamps are often wrong


@dataclass(slots=True)
class _Run:
    """Frames that follow on one another: one resampler, one start."""

    resampler: Any
    frame_format: tuple[int, str, str]
    start_s: Fraction  # of the first sample that went in
    first_s: Fraction  # length of the first block
    seconds_in: Fraction
    next_sample: int  # where the next resampled block goes

    @property
    def expected_s(self) -> Fraction:
        """When the next block is due."""
        return self.start_s + self.seconds_in


class SoundTimeline:
    """16 kHz mono; sample 0 is heard at ``origin_s``. Gaps are zero; where stretches overlap the later one counts.

    Within a run, samples are counted, so that rounded or jittering timestamps do not tear the sound. Where timestamps
    part from the count by more than ``RESYNC_S``, and most of the next ones too, they win and a new run begins. Blocks
    of changing length (Vorbis) may turn out to be stamped with their end, as in old WebM files: then that is what the
    stamps mean from there on.
    """

    def __init__(self, origin_s: Fraction) -> None:
        self._origin_s = origin_s
        self._run: _Run | None = None
        self._stamped_by_end = False
        self._doubtful: deque[tuple[Any, Fraction]] = deque()  # blocks, and when each should be heard by its stamp
        self._blocks: deque[tuple[int, Float32]] = deque()
        self.reached = 0  # sound before this sample has arrived

    def push(self, frame: Any) -> None:
        """Add one decoded PyAV audio frame."""
        frame_format = _format_of(frame)
        stamp_s = frame.pts * frame.time_base - self._origin_s if frame.pts is not None else None
        if stamp_s is not None and self._stamped_by_end:
            stamp_s -= _seconds(frame)
        if self._run is not None and frame_format != self._run.frame_format:
            due_s = self._due_s()
            self.finish()
            stamp_s = due_s if stamp_s is None else stamp_s
        if self._run is None:
            self._begin(frame, stamp_s or Fraction(0))
        due_s = self._due_s()
        stamp_s = due_s if stamp_s is None else stamp_s
        if self._doubtful or abs(stamp_s - due_s) > RESYNC_S:
            self._doubtful.append((frame, stamp_s))
            if len(self._doubtful) >= _WITNESSES:
                self._settle()
        else:
            self._resample(frame)

    def finish(self) -> None:
        """No more sound follows what was pushed: let out what is held back."""
        while self._doubtful:
            self._settle()
        self._end()

    def _due_s(self) -> Fraction:
        """When the block after all that were pushed is due by the count of samples."""
        assert self._run is not None
        return self._run.expected_s + sum((_seconds(frame) for frame, _ in self._doubtful), Fraction(0))

    def _settle(self) -> None:
        """Decide about the first block in doubt, and let go of those behind it that are in none."""
        assert self._run is not None
        due_s, lengths, parted = self._run.expected_s, [], []
        for frame, stamp_s in self._doubtful:
            lengths.append(_seconds(frame))
            parted.append(stamp_s - due_s)
            due_s += lengths[-1]
        by_end = [p + self._run.first_s - length for p, length in zip(parted, lengths, strict=True)]
        typical = sorted(parted)[len(parted) // 2]
        if not self._stamped_by_end and len(set(lengths)) > 1 and max(map(abs, by_end)) <= _ROUNDED_S:
            self._stamped_by_end = True
            self._doubtful = deque((frame, stamp_s - _seconds(frame)) for frame, stamp_s in self._doubtful)
            self._begin_anew(self._doubtful[0][1])
        elif abs(typical) > RESYNC_S:
            agrees = abs(parted[0] - typical) <= RESYNC_S
            self._begin_anew(self._run.expected_s + (parted[0] if agrees else typical))
        self._resample(self._doubtful.popleft()[0])
        while self._doubtful and abs(self._doubtful[0][1] - self._run.expected_s) <= RESYNC_S:
            self._resample(self._doubtful.popleft()[0])

    def _begin_anew(self, start_s: Fraction) -> None:
        """A run that begins with the first block in doubt."""
        self._end()
        self._begin(self._doubtful[0][0], start_s)

    def _begin(self, frame: Any, start_s: Fraction) -> None:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
        first_sample = round(start_s * SAMPLE_RATE)
        self._run = _Run(resampler, _format_of(frame), start_s, _seconds(frame), Fraction(0), first_sample)

    def _end(self) -> None:
        if self._run is not None:
            self._store(self._run, self._run.resampler.resample(None))
            self._run = None

    def _resample(self, frame: Any) -> None:
        assert self._run is not None
        self._run.seconds_in += _seconds(frame)
        frame.pts = None  # the resampler would pad or cut by it
        self._store(self._run, self._run.resampler.resample(frame))

    def _store(self, run: _Run, resampled: list[Any]) -> None:
        for frame in resampled:
            block = np.nan_to_num(frame.to_ndarray().reshape(-1), nan=0.0, posinf=1.0, neginf=-1.0)
            self._blocks.append((run.next_sample, np.clip(block, -1, 1).astype(np.float32)))
            run.next_sample += len(block)
        self.reached = max(self.reached, run.next_sample)

    def take(self, start: int, stop: int) -> tuple[Float32, tuple[int, int]]:
        """Samples ``[start, stop)`` and the span of them, counted from ``start``, that really hold sound.

        What lies before ``start`` is forgotten.
        """
        sound = np.zeros(stop - start, np.float32)
        first, last = stop, start
        for position, block in self._blocks:
            low, high = max(position, start), min(position + len(block), stop)
            if low < high:
                sound[low - start : high - start] = block[low - position : high - position]
                first, last = min(first, low), max(last, high)
        self._blocks = deque(b for b in self._blocks if b[0] + len(b[1]) > start)
        return sound, (first - start, last - start) if first < last else (0, 0)


def _format_of(frame: Any) -> tuple[int, str, str]:
    return frame.sample_rate, frame.format.name, frame.layout.name


def _seconds(frame: Any) -> Fraction:
    return Fraction(frame.samples, frame.sample_rate)
