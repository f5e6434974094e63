"""The sound of any file, block by block: an audio file, or a video's sound track."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.stream import Discard

from schemas.arrays import Float32
from schemas.units import SAMPLE_RATE
from tasks.media.clock import MAX_GAP_S
from tasks.media.container import UndecodableMedia, first_audio, open_media
from tasks.media.sound import SoundTimeline
from tasks.media.stamps import Splices

_BLOCK_SAMPLES: Final = SAMPLE_RATE  # a second
_MAX_PIXELS: Final = 4096 * 2304  # of pictures beside the sound, which finding out what a file is may decode


class CannotListen(ValueError):
    """There is no sound to be had from what was given; the message says why and what to do."""


@dataclass(slots=True)
class SoundFile:
    """A local file's first sound stream, decoded as it is read. Other protocols, playlists and scripts are not opened.

    ``damaged_packets`` counts, so far, what could not be decoded, and ``broken_off`` says that the file ends before its
    end or that its clock breaks; lost sound is silent.
    """

    path: Path
    max_duration_s: float = 6 * 3600.0
    damaged_packets: int = 0
    broken_off: bool = False

    def blocks(self) -> Iterator[Float32]:
        """Mono sound at 16 kHz from the first sample on, a second a block. Raises ``CannotListen``."""
        try:
            with open_media(self.path, _MAX_PIXELS) as container:
                yield from self._blocks(container)
        except OSError as error:
            raise CannotListen(
                f"{self.path}: {error.strerror or error}; give the path of a sound or video file"
            ) from error
        except UndecodableMedia as error:
            raise CannotListen(
                f"{self.path}: {error}; give a WAV, MP3, FLAC, M4A or Ogg file, or a video with sound"
            ) from error

    def _blocks(self, container: Any) -> Iterator[Float32]:
        stream = first_audio(container)
        if stream is None:
            raise CannotListen(f"{self.path}: holds no sound that can be decoded; give a file with a sound track")
        for other in container.streams:
            if other is not stream:
                other.discard = Discard.all
        stream.codec_context.thread_count = 1
        timeline: SoundTimeline | None = None
        at = 0
        for frame in self._frames(container, stream):
            if timeline is None:
                timeline = SoundTimeline(Fraction(0) if frame.pts is None else frame.pts * frame.time_base)
            timeline.push(frame)
            if timeline.reached - at > MAX_GAP_S * SAMPLE_RATE:
                self.broken_off = True
                break
            while timeline.reached - at >= _BLOCK_SAMPLES:
                yield timeline.take(at, at + _BLOCK_SAMPLES)[0]
                at += _BLOCK_SAMPLES
            if at > self.max_duration_s * SAMPLE_RATE:
                raise CannotListen(f"{self.path}: longer than {self.max_duration_s / 3600:g} h; cut it into parts")
        if timeline is None:
            raise CannotListen(f"{self.path}: its sound cannot be decoded; the file may be empty or damaged")
        timeline.finish()
        if not self.broken_off and timeline.reached > at:
            yield timeline.take(at, timeline.reached)[0]

    def _frames(self, container: Any, stream: Any) -> Iterator[Any]:
        packets, splices = container.demux(stream), Splices(container)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:  # the container breaks off here: what came before still counts
                self.broken_off = True
                return
            if packet is None:
                return
            splices.mend(packet)
            try:
                yield from packet.decode()
            except av.FFmpegError:
                self.damaged_packets += 1
