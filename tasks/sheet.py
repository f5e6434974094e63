"""A clip on one page: frames bare, with the head over them and from the side; lips, voice and gates below."""

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.head.model import HeadModel
from models.overlay import HeadPainter, lip_gap
from tasks.curves import plot_curves, quality_rows
from tasks.show import Scene, ShowConfig, ShownClip, look_again, open_footage, read_span

if TYPE_CHECKING:
    from models.landmarks import FaceFinder  # mediapipe


class UnwritableImage(RuntimeError):
    """The picture could not be written where it was wanted."""


def write_sheet(target: Path, clip: ShownClip, head: HeadModel, finder: "FaceFinder", config: ShowConfig) -> Path:
    """Write a PNG of ``config.still_frames`` columns: original, overlay, side view; a plot of lip gaps and voice, and
    what the gates say. ``finder`` looks at every frame again.

    Raises ``UnwritableImage`` and what ``tasks.show.read_span`` raises.
    """
    scene = Scene.of(clip, head, config)
    painter = HeadPainter(head, config.opacity, config.supersample)
    camera = scene.window.camera(clip.motion)
    chosen = np.unique(np.linspace(0, clip.motion.n_frames - 1, config.still_frames).round().astype(int))
    columns, measured = [], []
    finder.restart()
    with open_footage(clip) as footage:
        for index, frame in enumerate(read_span(footage, clip)):
            found = look_again(finder, frame, scene.pixels[index])
            measured.append(np.nan if found is None else lip_gap(found))
            if index in chosen:
                vertices = scene.vertices[index]
                panels = painter.paint(frame, vertices, scene.window, camera, found)
                columns.append(np.concatenate([panels.original, panels.overlay, painter.side(vertices, camera)]))
    frames = np.concatenate(columns, axis=1)
    width = frames.shape[1]
    plot = plot_curves(lip_gap(scene.pixels), np.array(measured, np.float32), clip.envelope, chosen.tolist(), width)
    page = np.concatenate([frames, plot, quality_rows(clip.verdicts, width)])
    sheet = cv2.cvtColor(page, cv2.COLOR_RGB2BGR)
    target.parent.mkdir(parents=True, exist_ok=True)
    written, png = cv2.imencode(".png", sheet)
    if not written:
        raise UnwritableImage(f"{target}: cannot encode a picture of {sheet.shape[1]}x{sheet.shape[0]} as PNG")
    target.write_bytes(png.tobytes())
    return target
