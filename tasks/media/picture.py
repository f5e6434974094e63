"""A picture out of a file nobody vouches for: PNG, JPEG or WebP, upright, as 8-bit RGB."""

import struct
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from schemas.arrays import UInt8

_ACCEPTED: Final = "a PNG, JPEG or WebP picture"
_BACKGROUND: Final = 128  # grey, behind what is transparent
# Starts of frame, which hold the size; the numbers left out are tables.
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class UnreadablePicture(ValueError):
    """A file is no picture that can be read; the message says why and what to do."""


def read_picture(path: Path, max_pixels: int, max_bytes: int) -> UInt8:
    """The picture [H, W, 3], turned as its EXIF orientation says; what is transparent lies on grey.

    The size is read from the header and nothing larger than ``max_pixels`` is decoded. Raises ``UnreadablePicture``.
    """
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise UnreadablePicture(f"{path}: {error.strerror}; give the path of {_ACCEPTED}") from error
    if len(data) > max_bytes:
        raise UnreadablePicture(f"{path}: larger than {max_bytes / 2**20:.0f} MiB; save it smaller")
    try:
        width, height = _size(data)
    except UnreadablePicture as fault:
        raise UnreadablePicture(f"{path}: {fault}") from None
    except (struct.error, IndexError) as error:
        raise UnreadablePicture(f"{path}: the file is cut short; save it again as {_ACCEPTED}") from error
    if width * height > max_pixels:
        raise UnreadablePicture(
            f"{path}: {width} x {height} pixels, of which {max_pixels / 1e6:.0f} million are allowed; save it smaller"
        )
    if (rgb := _decoded(data)) is None:
        raise UnreadablePicture(f"{path}: the picture is damaged; save it again as {_ACCEPTED}")
    return rgb


def _size(data: bytes) -> tuple[int, int]:
    """Width and height as the header declares them. Raises ``UnreadablePicture`` for any other format."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        width, height = struct.unpack_from(">II", data, 16)
        return int(width), int(height)
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg_size(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp_size(data)
    if data[4:8] == b"ftyp":
        brand = data[8:12].decode("ascii", "replace")
        raise UnreadablePicture(f"a HEIC, AVIF or video file ({brand!r}) cannot be read; export it as {_ACCEPTED}")
    if not data:
        raise UnreadablePicture(f"the file is empty; give {_ACCEPTED}")
    raise UnreadablePicture(f"not {_ACCEPTED}; save it as one")


def _jpeg_size(data: bytes) -> tuple[int, int]:
    at = 2
    while True:
        if data[at] != 0xFF:
            raise struct.error("a marker is missing")
        kind = data[at + 1]
        if kind == 0xFF:  # fill byte
            at += 1
        elif kind in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return int(width), int(height)
        else:
            (length,) = struct.unpack_from(">H", data, at + 2)
            at += 2 + length


def _webp_size(data: bytes) -> tuple[int, int]:
    chunk = data[12:16]
    if chunk == b"VP8X":  # 24-bit sizes, less one
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if chunk == b"VP8L":  # 14 bits each, less one, behind a signature byte
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)  # the upper two bits are a scale for display
    return width & 0x3FFF, height & 0x3FFF


def _decoded(data: bytes) -> UInt8 | None:
    """None if the decoder finds fault."""
    buffer = np.frombuffer(data, np.uint8)
    try:
        raw = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED)
        if raw is not None and raw.ndim == 3 and raw.shape[2] == 4:
            return _on_grey(np.asarray(raw))
        rgb = cv2.imdecode(buffer, cv2.IMREAD_COLOR_RGB)  # 8 bits, three channels, EXIF orientation applied
    except cv2.error:
        return None
    return None if rgb is None else np.asarray(rgb, np.uint8)


def _on_grey(bgra: UInt8) -> UInt8:
    full = np.iinfo(bgra.dtype).max
    opacity = bgra[:, :, 3:].astype(np.float32) / full
    colour = bgra[:, :, 2::-1].astype(np.float32) * (255 / full)
    return np.asarray(np.round(colour * opacity + _BACKGROUND * (1 - opacity)), np.uint8)
