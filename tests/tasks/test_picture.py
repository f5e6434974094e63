"""Pictures of all kinds come out as upright 8-bit RGB, or are refused in words."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from schemas.arrays import UInt8
from tasks.media.picture import UnreadablePicture, read_picture

MEGAPIXEL, MEBIBYTE = 10**6, 2**20


def corner_picture() -> UInt8:
    """40 x 60: red at the top left, blue at the bottom right, grey elsewhere."""
    rgb = np.full((40, 60, 3), 90, np.uint8)
    rgb[:16, :24] = (220, 30, 30)
    rgb[-16:, -24:] = (30, 30, 220)
    return rgb


def encoded(suffix: str, rgb: np.ndarray) -> bytes:
    order = slice(None) if rgb.ndim == 2 else [2, 1, 0, 3][: rgb.shape[2]]
    return bytes(cv2.imencode(suffix, np.ascontiguousarray(rgb[..., order]))[1])


def read(tmp_path: Path, data: bytes, max_pixels: int = MEGAPIXEL) -> UInt8:
    path = tmp_path / "picture"
    path.write_bytes(data)
    return read_picture(path, max_pixels, MEBIBYTE)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_colours_stay_in_their_places(tmp_path: Path, suffix: str) -> None:
    rgb = read(tmp_path, encoded(suffix, corner_picture()))
    assert rgb.dtype == np.uint8
    np.testing.assert_allclose(rgb[4, 4], (220, 30, 30), atol=25)
    np.testing.assert_allclose(rgb[-4, -4], (30, 30, 220), atol=25)


def test_a_jpeg_is_turned_as_its_exif_says(tmp_path: Path) -> None:
    jpeg = encoded(".jpg", corner_picture())
    orientation_6 = b"II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, 6, 0, 0)
    segment = b"Exif\0\0" + orientation_6
    turned = read(tmp_path, jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:])
    assert turned.shape == (60, 40, 3)
    np.testing.assert_allclose(turned[4, -4], (220, 30, 30), atol=25)


def test_sixteen_bits_and_grey_become_eight_bit_rgb(tmp_path: Path) -> None:
    deep = read(tmp_path, encoded(".png", corner_picture().astype(np.uint16) * 257))
    np.testing.assert_allclose(deep, corner_picture(), atol=1)
    grey = read(tmp_path, encoded(".png", np.full((20, 30), 77, np.uint8)))
    assert grey.shape == (20, 30, 3)
    assert (grey == 77).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_is_transparent_lies_on_grey(tmp_path: Path, dtype: type) -> None:
    full = np.iinfo(dtype).max
    rgba = np.zeros((10, 20, 4), dtype)
    rgba[:, :10] = (full, 0, 0, full)
    rgb = read(tmp_path, encoded(".png", rgba))
    assert rgb[5, 5].tolist() == [255, 0, 0]
    assert rgb[5, 15].tolist() == [128, 128, 128]


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    with pytest.raises(UnreadablePicture, match="50000 x 50000 pixels"):
        read(tmp_path, b"\x89PNG\r\n\x1a\n" + chunk)
    for suffix in (".jpg", ".webp", ".png"):
        with pytest.raises(UnreadablePicture, match="60 x 40 pixels"):
            read(tmp_path, encoded(suffix, corner_picture()), max_pixels=2000)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"GIF89a" + bytes(50), "not a PNG"),
        (b"\0\0\0\x18ftypheic" + bytes(50), "HEIC"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "cut short"),
        (b"\x89PNG\r\n\x1a\n\0\0", "cut short"),
        (encoded(".png", corner_picture())[:60], "damaged"),
        (bytes(2 * MEBIBYTE), "larger than 1 MiB"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(UnreadablePicture, match=says):
        read(tmp_path, data)


def test_an_absent_file_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePicture, match="No such file"):
        read_picture(tmp_path / "absent.png", MEGAPIXEL, MEBIBYTE)
