"""Pictures inside a text: encoded small enough for Prefect's database, no file or server needed to see them."""

import base64
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from schemas.arrays import UInt8

MOST_BYTES: Final = 400_000  # of a data URI
_QUALITIES: Final = (88, 80, 70, 55, 40)


def data_uri(data: bytes, kind: str) -> str:
    """``data`` of the MIME type ``image/<kind>`` as a URI."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def jpeg_uri(rgb: UInt8) -> str:
    """``rgb`` [H, W, 3] as the best JPEG that fits into ``MOST_BYTES``; made smaller until it does."""
    picture = np.ascontiguousarray(rgb[:, :, ::-1])
    while True:
        for quality in _QUALITIES:
            _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
            uri = data_uri(jpeg.tobytes(), "jpeg")
            if len(uri) <= MOST_BYTES:
                return uri
        picture = np.asarray(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


def png_uri(path: Path) -> str | None:
    """A PNG file of our own as it is, or as a JPEG if it is too large; None if there is none that can be read."""
    if not path.is_file():
        return None
    data = path.read_bytes()
    uri = data_uri(data, "png")
    if len(uri) <= MOST_BYTES:
        return uri
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    return None if picture is None else jpeg_uri(np.asarray(picture, np.uint8))


def svg_uri(svg: str) -> str | None:
    """A drawing of our own; None if it is too large."""
    uri = data_uri(svg.encode(), "svg+xml")
    return uri if len(uri) <= MOST_BYTES else None
