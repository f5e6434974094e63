"""What FFmpeg's time stamps leave open or get wrong, put right: splices, AVI, edits between two pictures."""

from collections import deque
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from tasks.media.clock import MAX_GAP_S
from tasks.media.container import open_media

_MAY_BEGIN_ANEW: Final = ("mpegts", "mpeg")  # streams of packets, which can be put one behind the other as they are
_BACK_S: Final = Fraction(1, 2)  # stamps of decoding never go back; by less they may, in a sloppy file


class Splices:
    """One clock for a file whose stamps begin anew somewhere: recordings put together, a broadcast's programme change.

    Where a stream's stamps go back, or forward by more than ``MAX_GAP_S``, what follows is moved, all streams alike, so
    that this stream goes on without a gap. Other containers than MPEG's are left as they are.
    """

    def __init__(self, container: Any) -> None:
        self._counts = container.format.name in _MAY_BEGIN_ANEW
        self._last_s: dict[int, Fraction] = {}  # by stream: the stamp of its last packet
        self._next_s: dict[int, Fraction] = {}  # and when its next is due
        self._moved_s = Fraction(0)
        self._before_s: dict[int, Fraction] = {}  # by stream that has not come to the splice yet: how far it is moved

    def mend(self, packet: Any) -> None:
        """Move the stamps of a packet, which are to come in the file's order."""
        if not self._counts or packet.dts is None:
            return
        stream, stamp_s = packet.stream.index, packet.dts * packet.time_base
        due_s = self._next_s.get(stream)
        moved_s = self._before_s.get(stream, self._moved_s)
        if due_s is not None and not -_BACK_S <= stamp_s + moved_s - due_s <= MAX_GAP_S:
            if stream in self._before_s:
                del self._before_s[stream]
            else:
                self._before_s = {other: moved_s for other in self._next_s if other != stream}
                self._moved_s = due_s - stamp_s
            moved_s = self._moved_s
        if moved_s:
            ticks = round(moved_s / packet.time_base)
            packet.dts += ticks
            if packet.pts is not None:
                packet.pts += ticks
        self._note(stream, packet.dts * packet.time_base, (packet.duration or 0) * packet.time_base)

    def _note(self, stream: int, stamp_s: Fraction, duration_s: Fraction) -> None:
        step_s = stamp_s - self._last_s[stream] if stream in self._last_s else duration_s
        self._next_s[stream] = stamp_s + (duration_s or step_s)
        self._last_s[stream] = stamp_s


class PictureTimes:
    """When pictures are presented, on the container's clock, however the container tells.

    AVI counts packets and knows no time of presentation, and what FFmpeg makes up for it is a frame late, or out of
    order. There the packets' times are the pictures', both in their order. A picture that the decoder loses is
    noticed as one more in the decoder than it ever kept back.
    """

    def __init__(self, container: Any, shift_s: Fraction = Fraction(0)) -> None:
        self._counted = container.format.name == "avi"
        self._shift_s = shift_s
        self._due_s: deque[Fraction] = deque()  # of pictures in the decoder
        self._kept_back: int | None = None

    def decoded(self, packet: Any, frames: list[Any]) -> list[Fraction | None]:
        """The times of the ``frames`` that came out of the decoder on ``packet``; None where the file does not say."""
        if not self._counted:
            return [None if f.pts is None else f.pts * f.time_base + self._shift_s for f in frames]
        if packet.dts is not None:
            self._due_s.append(packet.dts * packet.time_base)
        times = [self._due_s.popleft() if self._due_s else None for _ in frames]
        if frames and self._kept_back is None:
            self._kept_back = len(self._due_s)
        while self._kept_back is not None and len(self._due_s) > self._kept_back:
            self._due_s.popleft()
        return times


def shift_of_edit(path: Path, max_pixels: int, packet: Any) -> Fraction:
    """By how much the pictures of an MP4 or MOV file are presented later than their stamps say, in seconds.

    An edit list may begin between two pictures, as `ffmpeg -ss -c copy` leaves it; FFmpeg then moves all pictures so
    that the first whole one is presented at once, but not the sound (``min_corrected_pts`` in its mov.c). ``packet`` is
    the stream's first, left out of the presentation; its stamp is compared with the one that it has where FFmpeg takes
    the edit list for a mere offset.
    """
    with open_media(path, max_pixels, edit_lists_in_full=False) as container:
        stream = container.streams[packet.stream.index]
        for plain in container.demux(stream):
            if plain.pos == packet.pos and plain.pts is not None and packet.pts is not None:
                later: Fraction = (plain.pts - packet.pts) * stream.time_base
                return later
    return Fraction(0)
