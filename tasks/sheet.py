"""A clip on one page: frames with and without the head over them, and the lips' opening beside the voice."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from models.head.model import HeadModel
from models.overlay import HeadPainter, lip_gap
from schemas.arrays import Float32, UInt8
from schemas.units import frames_to_seconds
from tasks.show import Scene, ShowConfig, ShownClip, open_footage, read_span

PLOT_HEIGHT: Final = 160
_PAPER: Final = (252, 252, 250)
_INK: Final = (90, 90, 96)
_GAP_COLOUR: Final = (210, 60, 80)
_VOICE_COLOUR: Final = (60, 110, 190)
_PAD: Final = 14


class UnwritableImage(RuntimeError):
    """The picture could not be written where it was wanted."""


def write_sheet(target: Path, clip: ShownClip, head: HeadModel, config: ShowConfig) -> Path:
    """Write a PNG of ``config.still_frames`` columns: original, overlay, and a plot of lip gap and voice below.

    Raises ``UnwritableImage`` and what ``tasks.show.read_span`` raises.
    """
    scene = Scene.of(clip, head, config)
    painter = HeadPainter(head, config.opacity, config.supersample)
    camera = scene.window.camera(clip.motion)
    chosen = np.unique(np.linspace(0, clip.motion.n_frames - 1, config.still_frames).round().astype(int))
    columns = []
    with open_footage(clip) as footage:
        for index, frame in enumerate(read_span(footage, clip)):
            if index in chosen:
                panels = painter.paint(frame, scene.vertices[index], scene.window, camera)
                columns.append(np.concatenate([panels.original, panels.overlay]))
    frames = np.concatenate(columns, axis=1)
    plot = plot_curves(lip_gap(scene.landmarks), clip.envelope, chosen, frames.shape[1])
    sheet = cv2.cvtColor(np.concatenate([frames, plot]), cv2.COLOR_RGB2BGR)
    target.parent.mkdir(parents=True, exist_ok=True)
    written, png = cv2.imencode(".png", sheet)
    if not written:
        raise UnwritableImage(f"{target}: cannot encode a picture of {sheet.shape[1]}x{sheet.shape[0]} as PNG")
    target.write_bytes(png.tobytes())
    return target


def plot_curves(gap: Float32, envelope: Float32, marks: np.ndarray, width: int) -> UInt8:
    """Lip gap [T] (share of the inter-ocular distance) and voice amplitude [T] over time, each to its own maximum;
    a tick for every marked frame. [PLOT_HEIGHT, width, 3]."""
    page = np.full((PLOT_HEIGHT, width, 3), _PAPER, np.uint8)
    x = _PAD + np.arange(len(gap)) * (width - 2 * _PAD) / max(len(gap) - 1, 1)
    for mark in marks:
        column = round(float(x[mark]))
        cv2.line(page, (column, 28), (column, PLOT_HEIGHT - _PAD), (226, 226, 222), 1)
    for curve, colour in ((envelope, _VOICE_COLOUR), (gap, _GAP_COLOUR)):
        height = PLOT_HEIGHT - 28 - _PAD
        y = PLOT_HEIGHT - _PAD - curve / max(float(curve.max(initial=0)), 1e-9) * height
        line = np.stack([x, y], axis=1)
        cv2.polylines(page, [np.round(line * 16).astype(np.int32)], False, colour, 2, cv2.LINE_AA, 4)
    seconds = frames_to_seconds(len(gap))
    words = (
        (f"lip gap, up to {100 * float(gap.max()):.0f} % of the inter-ocular distance", _GAP_COLOUR),
        (f"voice amplitude, up to {float(envelope.max()):.2f}", _VOICE_COLOUR),
        (f"{seconds:.2f} s", _INK),
    )
    column = _PAD
    for text, colour in words:
        cv2.putText(page, text, (column, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)
        column += cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)[0][0] + 24
    return page
