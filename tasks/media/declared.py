"""How long a file says it is, read from its header alone: no decoder, so a thousand files take no second.

Nothing is believed here that matters: curation measures for itself. What cannot be read so, because it is damaged, of
another format or never said (live recordings), has no length.
"""

import math
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

HEAD_BYTES: Final = 1 << 16  # where headers of streams lie, and at the other end the last time stamps
MOST_BOXES: Final = 4096  # of an MP4 file, before its header
TIMESTAMP_HZ: Final = 90_000  # of MPEG program and transport streams
TIMESTAMP_WRAPS: Final = 1 << 33
TS_PACKET: Final = 188
_SEGMENT, _INFO, _TICK_NS, _DURATION = 0x18538067, 0x1549A966, 0x2AD7B1, 0x4489  # element ids of Matroska


def declared_duration_s(path: Path) -> float | None:
    """Seconds by the header of an MP4/MOV, Matroska/WebM, AVI or MPEG file; None if it does not tell.

    Raises ``OSError`` if the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        read = _reader_of(head)
        if read is None:
            return None
        try:
            duration_s = read(file, head)
        except (struct.error, IndexError, OverflowError):  # the header ends before it should
            return None
    return duration_s if duration_s is not None and math.isfinite(duration_s) and duration_s > 0 else None


def _reader_of(head: bytes) -> Callable[[BinaryIO, bytes], float | None] | None:
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"):
        return _mp4
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return _matroska
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return _avi
    if head.startswith(b"\x00\x00\x01\xba"):
        return _program_stream
    if head[:1] == b"\x47" and head[TS_PACKET : TS_PACKET + 1] == b"\x47":
        return _transport_stream
    return None


def _mp4(file: BinaryIO, _head: bytes) -> float | None:
    """``moov/mvhd``, or in a fragmented file ``moov/mvex/mehd`` (ISO/IEC 14496-12)."""
    file.seek(0, 2)
    moov = next((span for name, *span in _boxes(file, 0, file.tell()) if name == b"moov"), None)
    if moov is None:
        return None
    ticks_hz = duration = 0
    for name, start, stop in _boxes(file, *moov):
        if name == b"mvhd":
            ticks_hz, duration = struct.unpack(*_versioned(file, start, ">IQ", 20, ">II", 12))
        elif name == b"mvex" and not duration:
            for inner, begin, _ in _boxes(file, start, stop):
                if inner == b"mehd":
                    (duration,) = struct.unpack(*_versioned(file, begin, ">Q", 4, ">I", 4))
    return duration / ticks_hz if ticks_hz else None


def _boxes(file: BinaryIO, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of the content of each box between two offsets."""
    for _ in range(MOST_BOXES):
        if start + 8 > stop:
            return
        file.seek(start)
        size, name = struct.unpack(">I4s", file.read(8))
        header = 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            header = 16
        end = stop if size == 0 else start + size
        if end < start + header:
            return
        yield name, start + header, end
        start = end


def _versioned(file: BinaryIO, box: int, long: str, long_at: int, short: str, short_at: int) -> tuple[str, bytes]:
    """Layout and bytes of a field of a "full" box, whose first byte says whether its times are long."""
    file.seek(box)
    is_long = file.read(1) == b"\x01"
    layout, at = (long, long_at) if is_long else (short, short_at)
    file.seek(box + at)
    return layout, file.read(struct.calcsize(layout))


def _matroska(_file: BinaryIO, head: bytes) -> float | None:
    """``Segment/Info``: Duration, in ticks of TimestampScale nanoseconds (RFC 9559)."""
    tick_ns, duration = 1_000_000, 0.0
    at = 0
    while at < len(head) - 2:
        element, at = _vint(head, at, keep_marker=True)
        size, at = _vint(head, at, keep_marker=False)
        if element in (_SEGMENT, _INFO):
            continue  # what is in it comes next
        if element == _TICK_NS:
            tick_ns = int.from_bytes(head[at : at + size])
        elif element == _DURATION:
            (duration,) = struct.unpack(">f" if size == 4 else ">d", head[at : at + size])
            break
        at += size
    return float(duration) * tick_ns / 1e9


def _vint(data: bytes, at: int, keep_marker: bool) -> tuple[int, int]:
    """A number of variable length, and where it ends."""
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length])
    return value if keep_marker else value & ~(1 << 7 * length), at + length


def _avi(_file: BinaryIO, head: bytes) -> float | None:
    """The header of the first video stream, ``strh``: its length in ticks, and how long those are."""
    at = head.find(b"strh\x38\x00\x00\x00vids")
    if at < 0:
        return None
    scale, rate, length = struct.unpack_from("<II4xI", head, at + 28)
    return float(length * scale / rate) if rate else None


def _program_stream(file: BinaryIO, head: bytes) -> float | None:
    """From the first presentation time in the head to the last in the tail (ISO/IEC 11172-1, 13818-1)."""
    first = next(_presentation_times(head), None)
    last = max(_presentation_times(_tail(file)), default=None)
    return None if first is None or last is None else _span_s(first, last)


def _presentation_times(data: bytes) -> Iterator[int]:
    """Those of video and sound packets, in ticks of 90 kHz."""
    at = data.find(b"\x00\x00\x01")
    while 0 <= at < len(data) - 24:
        if 0xC0 <= data[at + 3] <= 0xEF:
            begin = at + 6
            if data[begin] >> 6 == 2:  # MPEG-2 says in flags whether there is one
                begin = begin + 3 if data[begin + 1] & 0x80 else len(data)
            else:  # MPEG-1 puts stuffing and a buffer size before it
                while data[begin] == 0xFF and begin < at + 22:
                    begin += 1
                begin += 2 if data[begin] >> 6 == 1 else 0
            if begin + 5 <= len(data) and data[begin] >> 4 in (2, 3):
                a, b, c = struct.unpack_from(">BHH", data, begin)
                yield (a >> 1 & 7) << 30 | b >> 1 << 15 | c >> 1
        at = data.find(b"\x00\x00\x01", at + 3)


def _transport_stream(file: BinaryIO, head: bytes) -> float | None:
    """From the first program clock in the head to the last of the same stream in the tail (ISO/IEC 13818-1)."""
    first = next(_program_clocks(head), None)
    if first is None:
        return None
    last = [ticks for stream, ticks in _program_clocks(_tail(file)) if stream == first[0]]
    return _span_s(first[1], last[-1]) if last else None


def _program_clocks(data: bytes) -> Iterator[tuple[int, int]]:
    """Stream id and ticks of 90 kHz of each packet that has a clock."""
    for at in range(0, len(data) - TS_PACKET + 1, TS_PACKET):
        has_adaptation, length = data[at + 3] & 0x20, data[at + 4]
        if data[at] == 0x47 and has_adaptation and length >= 7 and data[at + 5] & 0x10:
            ticks = int.from_bytes(data[at + 6 : at + 11]) >> 7
            yield int.from_bytes(data[at + 1 : at + 3]) & 0x1FFF, ticks


def _tail(file: BinaryIO) -> bytes:
    """The last whole packets' worth of the file."""
    size = file.seek(0, 2)
    file.seek(max(0, size - HEAD_BYTES) // TS_PACKET * TS_PACKET)
    return file.read()


def _span_s(first: int, last: int) -> float:
    return (last - first) % TIMESTAMP_WRAPS / TIMESTAMP_HZ
