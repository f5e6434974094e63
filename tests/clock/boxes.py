"""Edit lists of MP4 and MOV files, rewritten (ISO/IEC 14496-12, 8.6.6)."""

import struct
from collections.abc import Sequence
from pathlib import Path

Edit = tuple[float | None, float]  # from when, for how long; None: nothing is presented for so long


def set_edits(path: Path, handler: bytes, edits: Sequence[Edit] | None) -> None:
    """Give the first track whose handler is ``handler`` (b"vide", b"soun") these edits, in seconds of the clock the
    file has now; with None, take its edit list away: then it begins with its first sample, priming and all."""
    data = path.read_bytes()
    moov = _find(data, 0, len(data), b"moov")
    assert moov is not None
    assert moov[1] == len(data), "the header must come last: nothing may move"
    ticks_hz = struct.unpack_from(">I", data, _inside(data, moov, b"mvhd") + 12)[0]
    for start, stop in _children(data, moov[0] + 8, moov[1], b"trak"):
        mdia = _find(data, start + 8, stop, b"mdia")
        assert mdia is not None
        if data[_inside(data, mdia, b"hdlr") + 8 :][:4] != handler:
            continue
        media_hz = struct.unpack_from(">I", data, _inside(data, mdia, b"mdhd") + 12)[0]
        old = _find(data, start + 8, stop, b"edts")
        zero = _media_zero(data, old, ticks_hz, media_hz)
        body = data[start + 8 : stop]
        if old is not None:
            body = data[start + 8 : old[0]] + data[old[1] : stop]
        if edits is not None:
            body = _edts(edits, zero, ticks_hz, media_hz) + body
        trak = struct.pack(">I4s", 8 + len(body), b"trak") + body
        content = data[moov[0] + 8 : start] + trak + data[stop:]
        path.write_bytes(data[: moov[0]] + struct.pack(">I4s", 8 + len(content), b"moov") + content)
        return
    raise ValueError(f"{path}: no track of {handler!r}")


def _edts(edits: Sequence[Edit], zero: int, ticks_hz: int, media_hz: int) -> bytes:
    entries = b""
    for begin_s, length_s in edits:
        media_time = -1 if begin_s is None else zero + round(begin_s * media_hz)
        entries += struct.pack(">IiI", round(length_s * ticks_hz), media_time, 1 << 16)
    elst = struct.pack(">I4sII", 16 + len(entries), b"elst", 0, len(edits)) + entries
    return struct.pack(">I4s", 8 + len(elst), b"edts") + elst


def _media_zero(data: bytes, edts: tuple[int, int] | None, ticks_hz: int, media_hz: int) -> int:
    """The media time that is presented at zero, by the edit list there is: what was held back before it counts."""
    if edts is None:
        return 0
    at = _inside(data, edts, b"elst")
    held = 0
    for index in range(struct.unpack_from(">I", data, at + 4)[0]):
        length, media_time, _ = struct.unpack_from(">IiI", data, at + 8 + 12 * index)
        if media_time >= 0:
            return media_time - round(held * media_hz / ticks_hz)
        held += length
    raise ValueError("the edit list presents nothing")


def _inside(data: bytes, box: tuple[int, int], name: bytes) -> int:
    """Where the content of the child ``name`` begins."""
    found = _find(data, box[0] + 8, box[1], name)
    assert found is not None, name
    return found[0] + 8


def _find(data: bytes, start: int, stop: int, name: bytes) -> tuple[int, int] | None:
    return next(iter(_children(data, start, stop, name)), None)


def _children(data: bytes, start: int, stop: int, name: bytes) -> list[tuple[int, int]]:
    """Start and end of every box ``name`` between two offsets."""
    found = []
    while start + 8 <= stop:
        size, kind = struct.unpack_from(">I4s", data, start)
        if size == 1:
            size = struct.unpack_from(">Q", data, start + 8)[0]
        if kind == name:
            found.append((start, start + size))
        start += size or stop
    return found
