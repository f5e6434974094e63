"""Show a clip: its frames again, the fitted head over them, the head alone, with the sound.

Enters: a clip's source, span and ``HeadMotion``. Leaves: an MP4, or (``tasks.sheet``) a contact sheet. Curation keeps
no pictures, so the span is decoded anew, on the very timeline on which it was curated.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import Field

from models.encode import encode_video
from models.head.model import HeadModel
from models.overlay import HeadPainter, Panels, Window, head_vertices
from schemas.arrays import Float32, UInt8
from schemas.config import StageConfig
from schemas.motion import HeadMotion
from schemas.source import SourceVideo
from schemas.units import SAMPLE_RATE
from tasks.media.footage import Footage

VERSION = "1"


class ShowConfig(StageConfig):
    panel_px: int = Field(384, ge=64, multiple_of=2, description="side of one square panel")
    margin: float = Field(1.15, ge=1, description="side of the shown square over that of the head's box")
    opacity: float = Field(0.55, ge=0, le=1, description="of the head over the face")
    supersample: int = Field(1, ge=1, le=4)
    still_frames: int = Field(8, ge=2, description="columns of the contact sheet")


class SpanNotFound(RuntimeError):
    """The source no longer holds the frames that the clip was cut from."""


@dataclass(frozen=True, slots=True)
class ShownClip:
    """What is needed to show a clip. ``image_width`` and ``image_height`` are the clip's, in whose pixels the motion's
    camera counts."""

    source: SourceVideo
    start_frame: int
    image_width: int
    image_height: int
    motion: HeadMotion
    envelope: Float32  # [T] amplitude, as in ``schemas.speech.SpeechTrack``
    shift_samples: int = 0  # by which its sound was taken from later in the source


@dataclass(frozen=True, slots=True)
class Scene:
    """A clip's head in every frame, and the window that holds it throughout."""

    vertices: Float32  # [T, V, 3] metres, camera frame
    landmarks: Float32  # [T, 478, 3]
    window: Window

    @classmethod
    def of(cls, clip: ShownClip, head: HeadModel, config: ShowConfig) -> "Scene":
        motion = clip.motion
        vertices = head_vertices(head, motion)
        picture = Window(0, 0, max(clip.image_width, clip.image_height), max(clip.image_width, clip.image_height))
        seen = picture.camera(motion).project(vertices).astype(np.float32)
        return cls(vertices, head.landmarks(vertices), Window.around(seen, config.margin, config.panel_px))


def write_overlay(target: Path, clip: ShownClip, head: HeadModel, config: ShowConfig) -> Path:
    """Write the video: original, overlay and head alone side by side, with the clip's sound.

    Raises ``SpanNotFound``, ``models.encode.EncodingFailed``, ``tasks.media.container.UndecodableMedia``.
    """
    scene = Scene.of(clip, head, config)
    painter = HeadPainter(head, config.opacity, config.supersample)
    with open_footage(clip) as footage:
        frames = (
            side_by_side(painter.paint(frame, vertices, scene.window, scene.window.camera(clip.motion)))
            for frame, vertices in zip(read_span(footage, clip), scene.vertices, strict=True)
        )
        encode_video(target, frames, lambda: _sound(footage, clip), SAMPLE_RATE)
    return target


def open_footage(clip: ShownClip) -> Footage:
    """The source at the size at which the clip was curated."""
    return Footage(clip.source, max(clip.image_width, clip.image_height))


def read_span(footage: Footage, clip: ShownClip) -> Iterator[UInt8]:
    """Yield exactly the clip's frames, [H, W, 3] RGB. Raises ``SpanNotFound``."""
    if (footage.width, footage.height) != (clip.image_width, clip.image_height):
        raise SpanNotFound(
            f"{clip.source.offer.path} is {footage.width}x{footage.height}, the clip was cut from "
            f"{clip.image_width}x{clip.image_height}: the file has changed, curate it again"
        )
    stop = clip.start_frame + clip.motion.n_frames
    reached = 0
    for picture in footage.pictures():
        reached = picture.index + 1
        if picture.index < clip.start_frame:
            footage.sound(picture.index, 1, clip.shift_samples)  # forget the sound before the clip, it may be an hour
            continue
        yield picture.rgb
        if reached == stop:
            return
    raise SpanNotFound(
        f"{clip.source.offer.path} has {reached} frames, the clip ends at {stop}: the file has changed, curate it again"
    )


def side_by_side(panels: Panels) -> UInt8:
    """[panel, 3 * panel, 3]."""
    return np.concatenate([panels.original, panels.overlay, panels.alone], axis=1)


def _sound(footage: Footage, clip: ShownClip) -> Float32:
    sound, _ = footage.sound(clip.start_frame, clip.motion.n_frames, clip.shift_samples)
    return sound
