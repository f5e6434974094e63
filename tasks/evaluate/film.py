"""Truth, model and model on another's speech, side by side, with the clip's sound."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from models.avatar.motion import EXPRESSION, JAW, ROTATION, eyes_of
from models.encode import encode_video
from models.head.model import HeadModel
from models.head.regions import base_colours
from models.render import Camera, render
from schemas.arrays import Float32, UInt8
from tasks.evaluate.records import Played

PANEL_PX: Final = 320
_DISTANCE_M: Final = 0.75
_FOCAL_PX: Final = 2.4 * PANEL_PX
_PAPER: Final = (238, 236, 230)
_INK: Final = (50, 50, 56)


@dataclass(frozen=True, slots=True)
class Soundtrack:
    """The sound of a clip that shall be filmed."""

    clip_id: str
    samples: Float32  # [S] mono, -1..1
    sample_rate: int


def film(path: Path, clip: Played, sound: Soundtrack, head: HeadModel) -> None:
    """Write an MP4 of three heads in a row, head rotation and gaze kept. Raises ``EncodingFailed``."""
    titles = [str(row) for row in clip.frames]
    views = [_views(frames, clip.shape, head) for frames in clip.frames.values()]
    pictures = (
        np.concatenate([_titled(view, title) for view, title in zip(row, titles, strict=True)], axis=1)
        for row in zip(*views, strict=True)
    )
    encode_video(path, pictures, lambda: sound.samples, sound.sample_rate)


def _views(frames: Float32, shape: Float32, head: HeadModel) -> Iterator[UInt8]:
    """Every frame's picture [PANEL_PX, PANEL_PX, 3]."""
    colours = np.asarray(base_colours(head.region) / 255, np.float32)
    camera = Camera(PANEL_PX, PANEL_PX, _FOCAL_PX, (PANEL_PX / 2 - 0.5, PANEL_PX / 2 - 0.5))
    paper = np.full((PANEL_PX, PANEL_PX, 3), _PAPER, np.uint8)
    place = np.array([0, 0, -_DISTANCE_M], np.float32) - head.template.mean(axis=0)
    # Frame by frame: the vertices of a minute would fill a tenth of a gigabyte.
    for frame in (frames[i : i + 1] for i in range(len(frames))):
        vertices = head.vertices(
            shape, frame[:, EXPRESSION], frame[:, ROTATION], frame[:, JAW], eyes_of(frame), place[None]
        )
        yield render(vertices[0], head.faces, colours, camera).over(paper)


def _titled(picture: UInt8, title: str) -> UInt8:
    cv2.putText(picture, title, (12, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _INK, 1, cv2.LINE_AA)
    return picture
