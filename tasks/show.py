"""Show a clip: its frames again, the fitted head over them, alone and from the side, with the sound; below, what the
lips do according to the fit and to the landmarks, and what the gates say.

Enters: a clip's source, span, ``HeadMotion`` and verdicts. Leaves: an MP4, or (``tasks.sheet``) a contact sheet.
Curation keeps no pictures, so the span is decoded anew, on the very timeline on which it was curated, and the
landmarks are found again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from models.encode import encode_video
from models.head.model import HeadModel
from models.overlay import HeadPainter, Window, head_vertices, lip_gap
from schemas.arrays import Float32, UInt8
from schemas.config import StageConfig
from schemas.motion import HeadMotion
from schemas.source import SourceVideo
from schemas.units import SAMPLE_RATE
from schemas.verdict import Verdict
from tasks.curves import plot_curves, quality_rows
from tasks.media.footage import Footage

if TYPE_CHECKING:
    from models.landmarks import FaceFinder  # mediapipe

VERSION = "2"


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
    verdicts: tuple[Verdict, ...]
    shift_samples: int = 0  # by which its sound was taken from later in the source


@dataclass(frozen=True, slots=True)
class Scene:
    """A clip's head in every frame, and the window that holds it throughout."""

    vertices: Float32  # [T, V, 3] metres, camera frame
    pixels: Float32  # [T, 478, 2] the head's landmarks on the picture
    window: Window

    @classmethod
    def of(cls, clip: ShownClip, head: HeadModel, config: ShowConfig) -> "Scene":
        motion = clip.motion
        vertices = head_vertices(head, motion)
        picture = Window(0, 0, max(clip.image_width, clip.image_height), max(clip.image_width, clip.image_height))
        camera = picture.camera(motion)
        seen = camera.project(vertices).astype(np.float32)
        pixels = camera.project(head.landmarks(vertices)).astype(np.float32)
        return cls(vertices, pixels, Window.around(seen, config.margin, config.panel_px))


def write_overlay(target: Path, clip: ShownClip, head: HeadModel, finder: "FaceFinder", config: ShowConfig) -> Path:
    """Write the video: original, overlay, head alone and from the side, the curves and the gates below, with the
    clip's sound. ``finder`` looks at every frame again.

    Raises ``SpanNotFound``, ``models.encode.EncodingFailed``, ``tasks.media.container.UndecodableMedia``.
    """
    with open_footage(clip) as footage:
        frames = _frames(read_span(footage, clip), clip, head, finder, config)
        encode_video(target, frames, lambda: _sound(footage, clip), SAMPLE_RATE)
    return target


def _frames(
    pictures: Iterator[UInt8], clip: ShownClip, head: HeadModel, finder: "FaceFinder", config: ShowConfig
) -> Iterator[UInt8]:
    scene = Scene.of(clip, head, config)
    camera = scene.window.camera(clip.motion)
    painter = HeadPainter(head, config.opacity, config.supersample)
    fitted, measured = lip_gap(scene.pixels), np.full(clip.motion.n_frames, np.nan, np.float32)
    gates = quality_rows(clip.verdicts, 4 * config.panel_px)
    finder.restart()
    for k, (frame, vertices) in enumerate(zip(pictures, scene.vertices, strict=True)):
        found = look_again(finder, frame, scene.pixels[k])
        if found is not None:
            measured[k] = lip_gap(found)
        panels = painter.paint(frame, vertices, scene.window, camera, found)
        row = (panels.original, panels.overlay, panels.alone, painter.side(vertices, camera))
        curves = plot_curves(fitted, measured, clip.envelope, (), 4 * config.panel_px, at=k)
        yield np.concatenate([np.concatenate(row, axis=1), curves, gates])


def look_again(finder: "FaceFinder", frame: UInt8, fitted: Float32) -> Float32 | None:
    """The landmarks [478, 2] that ``finder`` sees in ``frame`` of the face at which the head's, ``fitted`` [478, 2],
    lie; None if there is none so near."""
    faces = finder.find(frame).landmarks[:, :, :2]
    if not len(faces):
        return None
    distance = np.linalg.norm(faces.mean(1) - fitted.mean(0), axis=1)
    nearest = int(distance.argmin())
    return faces[nearest] if distance[nearest] < np.ptp(fitted, axis=0).max() / 2 else None


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


def _sound(footage: Footage, clip: ShownClip) -> Float32:
    sound, _ = footage.sound(clip.start_frame, clip.motion.n_frames, clip.shift_samples)
    return sound
