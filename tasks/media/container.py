"""Opening a file nobody vouches for: which formats are let in, which streams count, which way is up."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.stream import Disposition

# Formats that hold their own data. Left out on purpose: playlists and scripts (hls, dash, concat, image2, ...), which
# make FFmpeg open other files, and everything that no camera, phone or archive produces.
DEMUXERS = (
    "mov,matroska,mpeg,mpegts,mpegvideo,avi,flv,asf,ogg,mxf,dv,ivf,nut,rm,gif,m4v,h264,hevc,obu,"
    "wav,mp3,aac,flac,w64,aiff,caf"  # sound alone: opened so that the verdict can say "no video"
)
_PROBE_SLACK = 8
_NO_MOVING_PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image


class UndecodableMedia(ValueError):
    """The file cannot be opened as media, or not one picture of it can be decoded."""


@contextmanager
def open_media(path: Path, max_pixels: int, edit_lists_in_full: bool = True) -> Iterator[Any]:
    """The file as a PyAV input container: this file alone, no network, no other protocol, no larger picture.

    ``max_pixels`` (width * height) is enforced by the decoders themselves, whatever the container declares. Finding
    out what the streams are may decode a picture too: there the limit is some times looser, so that a picture that is
    merely too large is still measured, and a bomb is not. ``edit_lists_in_full`` counts for MP4 and MOV: without, the
    first edit moves the stamps and nothing else is done. The file system's own errors pass through. Raises
    ``UndecodableMedia`` if no known format is found in the file.
    """
    # Some decoders tell of damage in the log only (see Footage), which PyAV counts only if a level is set; the captured
    # lines themselves are of no use to anyone.
    av.logging.set_level(av.logging.ERROR)
    with av.logging.Capture(), _open(path, max_pixels, edit_lists_in_full) as container:
        for stream in container.streams.video:
            if stream.codec_context is not None:
                stream.codec_context.options = {"max_pixels": str(_with_padding(max_pixels))}
        yield container


def _with_padding(pixels: int) -> int:
    """Decoders count their padding too: up to 128 pixels on each side's length."""
    return pixels * 5 // 4 + 2**18


def _open(path: Path, max_pixels: int, edit_lists_in_full: bool) -> Any:
    with path.open("rb"):  # absent or unreadable: the environment's fault, not the video's
        pass
    try:
        return av.open(
            f"file:{path.absolute()}",
            options={"max_pixels": str(_PROBE_SLACK * max_pixels)},
            container_options={
                "protocol_whitelist": "file",
                "format_whitelist": DEMUXERS,
                "advanced_editlist": str(int(edit_lists_in_full)),
            },
            metadata_errors="replace",
        )
    except (av.FFmpegError, ValueError) as error:
        raise UndecodableMedia(f"not a media file of a known format ({error})") from error


def first_video(container: Any) -> Any | None:
    """The first stream of moving pictures that a decoder exists for; cover art and thumbnails are none."""
    for stream in container.streams.video:
        if stream.codec_context is not None and not stream.disposition & _NO_MOVING_PICTURES:
            return stream
    return None


def first_audio(container: Any) -> Any | None:
    """The first sound stream that a decoder exists for."""
    return next((s for s in container.streams.audio if s.codec_context is not None), None)


def rotation_of(frame: Any) -> int:
    """Counter-clockwise turn that brings a decoded frame upright: 0, 90, 180 or 270 degrees."""
    return int(round(frame.rotation / 90) * 90 % 360)


def upright_size(width: int, height: int, pixel_aspect: Fraction | None, rotation_deg: int) -> tuple[int, int]:
    """Width and height shown: square pixels (the narrower side of a pixel is stretched), after the rotation."""
    if pixel_aspect and pixel_aspect != 1:
        if pixel_aspect > 1:
            width = round(width * pixel_aspect)
        else:
            height = round(height / pixel_aspect)
    return (height, width) if rotation_deg in (90, 270) else (width, height)
