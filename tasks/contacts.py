"""Many clips on one page: a frame of each, beside it the same frame with the fitted head over the face.

Enters: a clip's span of its file and its ``HeadMotion``. Leaves: a tile, and a page of tiles.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from pydantic import Field

from models.head.model import HeadModel
from models.overlay import HeadPainter, Window, head_vertices
from schemas.arrays import Float32, UInt8
from schemas.config import StageConfig
from schemas.motion import HeadMotion
from tasks.media.glimpse import glimpse

_PAPER: Final = 250
_GAP: Final = 8
_CAPTION: Final = 24
_FARTHEST: Final = 4  # sides of the picture; a window that large is no longer worth its memory
_GOOD, _BAD = (28, 120, 60), (190, 40, 50)


class ContactConfig(StageConfig):
    panel_px: int = Field(190, ge=64, description="side of one square panel; a tile has two")
    columns: int = Field(2, ge=1)
    margin: float = Field(1.15, ge=1, description="side of the shown square over that of the head's box")
    opacity: float = Field(0.55, ge=0, le=1, description="of the head over the face")


class Undrawable(RuntimeError):
    """The file's pictures are not those that the clip was cut from, or the head is nowhere near them."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A clip's pair of panels and what is written below."""

    picture: UInt8  # [panel, 2 * panel, 3]
    caption: str
    good: bool


def draw_pair(
    path: Path, start_frame: int, size: tuple[int, int], motion: HeadMotion, head: HeadModel, config: ContactConfig
) -> UInt8:
    """A frame of the clip, left as it is and right with the head: [panel, 2 * panel, 3]. ``size`` is the clip's width
    and height, in whose pixels the motion's camera counts.

    Raises ``Undrawable``, ``UndecodableMedia`` and the file system's own errors.
    """
    seen = glimpse(path, start_frame, motion.n_frames, max(size))
    height, width, _ = seen.rgb.shape
    if (width, height) != size:
        raise Undrawable(f"the file is {width}x{height}, the clip was cut from {size[0]}x{size[1]}")
    frame = _at(motion, seen.index - start_frame)
    (vertices,) = head_vertices(head, frame)
    window = _window(vertices, frame, max(size), config)
    panels = HeadPainter(head, config.opacity, 1).paint(seen.rgb, vertices, window, window.camera(frame))
    return np.concatenate([panels.original, panels.overlay], axis=1)


def page(tiles: Sequence[Tile], config: ContactConfig) -> UInt8:
    """The tiles in rows, numbered from 1, captions below them: [H, W, 3]."""
    columns = min(config.columns, len(tiles))
    rows = -(-len(tiles) // columns)
    width, height = 2 * config.panel_px + _GAP, config.panel_px + _CAPTION
    sheet = np.full((rows * height + _GAP, columns * width + _GAP, 3), _PAPER, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = _GAP + number // columns * height, _GAP + number % columns * width
        sheet[top : top + config.panel_px, left : left + 2 * config.panel_px] = tile.picture
        at, colour = (left + 2, top + config.panel_px + 15), _GOOD if tile.good else _BAD
        cv2.putText(sheet, f"{number + 1}  {tile.caption}", at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1, cv2.LINE_AA)
    return sheet


def _at(motion: HeadMotion, t: int) -> HeadMotion:
    """The motion's frame ``t`` alone."""
    frame = slice(t, t + 1)
    return replace(
        motion,
        n_frames=1,
        expression=motion.expression[frame],
        global_rotation=motion.global_rotation[frame],
        jaw=motion.jaw[frame],
        eyes=motion.eyes[frame],
        eyelids=motion.eyelids[frame],
        translation=motion.translation[frame],
        detail=None,
    )


def _window(vertices: Float32, motion: HeadMotion, side_px: int, config: ContactConfig) -> Window:
    whole = Window(0, 0, side_px, side_px)
    points = whole.camera(motion).project(vertices).astype(np.float32)
    if not np.isfinite(points).all() or (np.abs(points) > _FARTHEST * side_px).any():
        raise Undrawable("the fitted head lies far outside the picture")
    return Window.around(points, config.margin, config.panel_px)
