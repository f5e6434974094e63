"""One picture out of a span of a file, without decoding all that comes before it.

A key frame within the span serves best: it is decoded alone. Which frame of the 25 fps timeline a picture is follows
from its presentation time, so seeking costs no accuracy; only which picture of the span it is depends on the file.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from schemas.arrays import UInt8
from schemas.units import FRAME_RATE
from tasks.media.container import UndecodableMedia, first_video, open_media, rotation_of, upright_size

_MAX_PIXELS: Final = 4096 * 2304
_MAX_DECODED: Final = 600  # pictures, from a key frame on
_BACK_S: Final = (0, 2, 10)  # some containers seek past what is asked for


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A picture and its frame's index on the file's 25 fps timeline."""

    index: int
    rgb: UInt8  # [H, W, 3] upright, square pixels


def glimpse(path: Path, start_frame: int, n_frames: int, max_side_px: int) -> Glimpse:
    """A picture between ``start_frame`` and ``start_frame + n_frames``, its longer side at most ``max_side_px``.

    Raises ``UndecodableMedia``; the file system's own errors pass through.
    """
    with open_media(path, _MAX_PIXELS) as container:
        video = first_video(container)
        first = None if video is None else next(_decoded(container, video), None)
        if video is None or first is None:
            raise UndecodableMedia("not one picture can be decoded")
        origin_s = _time_of(first)
        for back_s in _BACK_S:
            found = _look(container, video, origin_s, start_frame, n_frames, back_s)
            if found is not None:
                index, frame = found
                return Glimpse(index, _upright(frame, video, rotation_of(first), max_side_px))
    seconds = (float(frame / FRAME_RATE) for frame in (start_frame, start_frame + n_frames))
    raise UndecodableMedia("no picture is found between {:.2f} and {:.2f} s".format(*seconds))


def _look(
    container: Any, video: Any, origin_s: Fraction, start_frame: int, n_frames: int, back_s: int
) -> tuple[int, Any] | None:
    middle_s = origin_s + (start_frame + Fraction(n_frames, 2)) / FRAME_RATE
    try:
        container.seek(int(max(middle_s - back_s, origin_s) / video.time_base), stream=video)
    except av.FFmpegError:
        return None
    for _, frame in zip(range(_MAX_DECODED), _decoded(container, video), strict=False):
        index = round((_time_of(frame) - origin_s) * FRAME_RATE)
        if index >= start_frame:
            return (index, frame) if index < start_frame + n_frames else None
    return None


def _decoded(container: Any, video: Any) -> Any:
    """Pictures with a time of their own, until the end or the first that cannot be decoded."""
    try:
        yield from (frame for frame in container.decode(video) if frame.pts is not None)
    except av.FFmpegError:
        return


def _upright(frame: Any, video: Any, turn: int, max_side_px: int) -> UInt8:
    width, height = upright_size(frame.width, frame.height, video.sample_aspect_ratio, 0)
    shrink = min(1.0, max_side_px / max(width, height))
    width, height = (max(1, round(side * shrink)) for side in (width, height))
    rgb = frame.reformat(width, height, "rgb24", interpolation="AREA" if shrink < 1 else "BILINEAR").to_ndarray()
    return np.ascontiguousarray(np.rot90(rgb, turn // 90))


def _time_of(frame: Any) -> Fraction:
    return Fraction(frame.pts * frame.time_base)
