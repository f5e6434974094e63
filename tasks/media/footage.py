"""One pass over a file: pictures come out at 25 fps, sound gathers beside them, nothing is decoded twice."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Any, Self

import av
import cv2
import numpy as np
from av.stream import Discard
from av.video.frame import PictureType

from schemas.arrays import Float32, UInt8
from schemas.source import SourceVideo
from schemas.units import SAMPLES_PER_FRAME
from tasks.media.clock import Presented, at_frame_rate
from tasks.media.container import UndecodableMedia, open_media
from tasks.media.sound import SoundTimeline
from tasks.media.stamps import PictureTimes, Splices

# A file whose sound lies far behind its pictures makes compressed pictures wait; past this, its sound counts as absent.
MAX_WAITING_BYTES = 256 * 2**20

_TURNS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}

_GROWTH = 4  # pictures may grow along the way by this much in area; the decoder refuses larger ones
_BEFORE_EVERYTHING = -(2**63)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the 25 fps timeline. ``repeats`` says that it is the very picture of the index before."""

    index: int
    rgb: UInt8  # [H, W, 3] upright, square pixels
    repeats: bool


class Footage:
    """A context manager over one demuxing pass. Frame 0 and sample 0 are presented at ``source.video_start_s``.

    ``width`` and ``height`` are those of the pictures it yields: the upright picture, shrunk so that its longer side
    is at most ``max_side_px``; without one only the sound is wanted, and no picture waits for its turn.
    ``damaged_frames`` counts, so far, the pictures that the decoder could not decode, marked corrupt or complained
    about, and those built on them up to the next key frame. ``pictures`` raises ``UndecodableMedia`` if there is not
    one.
    """

    def __init__(self, source: SourceVideo, max_side_px: int | None) -> None:
        self.source = source
        self._seen = max_side_px is not None
        shrink = min(1.0, (max_side_px or 1) / max(source.width, source.height))
        self.width = max(1, round(source.width * shrink))
        self.height = max(1, round(source.height * shrink))
        self.damaged_frames = 0
        self._media = open_media(source.offer.path, _GROWTH * source.width * source.height)
        self._sound = SoundTimeline(source.video_start_s)
        self._waiting: deque[Any] = deque()
        self._waiting_bytes = 0

    def __enter__(self) -> Self:
        container = self._media.__enter__()
        self._video = container.streams[self.source.video_stream]
        self._audio = container.streams[self.source.audio_stream]
        for stream in container.streams:
            if stream not in (self._video, self._audio):
                stream.discard = Discard.all
        self._video.codec_context.thread_count = 1  # the pipeline's workers are processes
        self._packets = container.demux(self._video, self._audio)
        self._splices = Splices(container)
        self._times = PictureTimes(container, self.source.video_shift_s)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._packets.close()
        self._media.__exit__(kind, error, trace)

    def pictures(self) -> Iterator[Picture]:
        """Every picture of the file, once, in order."""
        before: Any = None
        rgb: UInt8 | None = None
        for index, frame in at_frame_rate(self._presented(), self.source.video_start_s):
            if rgb is None or frame is not before:
                rgb = self._upright_rgb(frame)
            yield Picture(index, rgb, repeats=frame is before)
            before = frame
        if rgb is None:
            raise UndecodableMedia(f"{self.source.offer.path}: not one picture can be decoded")

    def sound(self, start_frame: int, n_frames: int, shift_samples: int = 0) -> tuple[Float32, tuple[int, int]]:
        """The sound of ``n_frames`` from ``start_frame`` on, ``n_frames * 640`` samples, and which of them are real;
        with a shift, from so many samples later.

        To be called in order of their beginnings, after the pictures of the same frames.
        """
        start = start_frame * SAMPLES_PER_FRAME + shift_samples
        stop = start + n_frames * SAMPLES_PER_FRAME
        while self._sound.reached < stop and self._waiting_bytes < MAX_WAITING_BYTES and self._advance():
            pass
        return self._sound.take(start, stop)

    def _advance(self) -> bool:
        """Read one packet: sound is decoded at once, pictures wait. False at the end of the file."""
        try:
            packet = next(self._packets, None)
        except av.FFmpegError:  # the container breaks off here
            self.damaged_frames += 1
            packet = None
        if packet is None:
            return False
        self._splices.mend(packet)
        if packet.stream.index == self.source.video_stream:  # a flushing packet's own index is 0
            if self._seen:
                self._waiting.append(packet)
                self._waiting_bytes += packet.size
        else:
            self._hear(packet)
        return True

    def _hear(self, packet: Any) -> None:
        try:
            frames = packet.decode()
        except av.FFmpegError:  # lost sound stays a gap on the timeline, outside what counts as held
            return
        for frame in frames:
            self._sound.push(frame)
        if packet.size == 0:
            self._sound.finish()

    def _presented(self) -> Iterator[Presented[Any]]:
        usual_s = 1 / self.source.fps
        last_s: Fraction | None = None
        for frame, time_s in self._decoded():
            if time_s is None:
                time_s = self.source.video_start_s if last_s is None else last_s + usual_s
            duration_s = frame.duration * frame.time_base if frame.duration else usual_s
            yield Presented(time_s, duration_s, frame)
            last_s = time_s

    def _decoded(self) -> Iterator[tuple[Any, Fraction | None]]:
        """Every frame the decoder gives and its time; those it had trouble with, and all built on them, count as
        damaged."""
        hurt_pts: int | None = None
        while self._waiting or self._advance():
            if not self._waiting:
                continue
            packet = self._waiting.popleft()
            self._waiting_bytes -= packet.size
            frames, trouble = self._decode(packet)
            if trouble and hurt_pts is None:
                hurt_pts = packet.pts if packet.pts is not None else _BEFORE_EVERYTHING
            for frame, time_s in zip(frames, self._times.decoded(packet, frames), strict=True):
                after = hurt_pts is not None and (frame.pts is None or frame.pts >= hurt_pts)
                if after and frame.key_frame and not frame.is_corrupt and frame.pts != hurt_pts:
                    hurt_pts, after = None, False
                elif after and frame.pict_type == PictureType.B and frame.pts == hurt_pts:
                    hurt_pts = None  # nothing, or little, is built on it
                self.damaged_frames += bool(after or frame.is_corrupt)
                yield frame, time_s

    def _decode(self, packet: Any) -> tuple[list[Any], bool]:
        """The packet's frames, and whether the decoder complained: some decoders conceal damage and only log it."""
        errors_before, _ = av.logging.get_last_error()
        try:
            frames = packet.decode()
        except av.FFmpegError:
            self.damaged_frames += 1
            return [], True
        errors, _ = av.logging.get_last_error()
        return frames, errors > errors_before

    def _upright_rgb(self, frame: Any) -> UInt8:
        turn = self.source.rotation_deg
        width, height = (self.height, self.width) if turn in (90, 270) else (self.width, self.height)
        shrinks = frame.width > width or frame.height > height
        rgb = frame.reformat(width, height, "rgb24", interpolation="AREA" if shrinks else "BILINEAR").to_ndarray()
        # PyAV's array may have padded rows, which MediaPipe would misread: always a packed copy.
        return np.ascontiguousarray(rgb) if turn == 0 else cv2.rotate(rgb, _TURNS[turn])
