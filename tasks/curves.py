"""What is drawn below the pictures of a clip: its lips and its voice over time, and what every gate says of it."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from schemas.arrays import Float32, UInt8
from schemas.units import frames_to_seconds
from schemas.verdict import Verdict

PLOT_HEIGHT: Final = 160
CELL_WIDTH: Final = 256
CELL_HEIGHT: Final = 22
_PAPER: Final = (252, 252, 250)
_INK: Final = (90, 90, 96)
_FITTED: Final = (210, 60, 80)
_MEASURED: Final = (40, 40, 44)
_VOICE: Final = (60, 110, 190)
_FAILED: Final = (200, 30, 40)
_PASSED: Final = (40, 120, 60)
_PAD: Final = 14
_TITLE: Final = 28
_SUBPIXEL_BITS: Final = 4


def plot_curves(
    fitted: Float32, measured: Float32, envelope: Float32, marks: Sequence[int], width: int, at: int | None = None
) -> UInt8:
    """[PLOT_HEIGHT, width, 3]: the lip gap of the fit and of the landmarks, both [T] as shares of the inter-ocular
    distance on one scale, ``measured`` nan where it is not known; the voice's amplitude [T] to its own maximum; a
    tick for every frame of ``marks`` and a line at frame ``at``."""
    page = np.full((PLOT_HEIGHT, width, 3), _PAPER, np.uint8)
    x = _PAD + np.arange(len(fitted)) * (width - 2 * _PAD) / max(len(fitted) - 1, 1)
    for mark in marks:
        _upright(page, float(x[mark]), (226, 226, 222))
    if at is not None:
        _upright(page, float(x[at]), (120, 120, 120))
    widest = max(float(np.nanmax(measured, initial=0)), float(fitted.max(initial=0)), 1e-9)
    loudest = max(float(envelope.max(initial=0)), 1e-9)
    for curve, colour, thickness in (
        (envelope / loudest, _VOICE, 1),
        (fitted / widest, _FITTED, 3),
        (measured / widest, _MEASURED, 1),
    ):
        y = PLOT_HEIGHT - _PAD - curve * (PLOT_HEIGHT - _TITLE - _PAD)
        for run in _known(curve):
            line = np.stack([x[run], y[run]], axis=1) * (1 << _SUBPIXEL_BITS)
            cv2.polylines(
                page, [np.round(line).astype(np.int32)], False, colour, thickness, cv2.LINE_AA, _SUBPIXEL_BITS
            )
    words = (
        (f"lip gap of the fit, up to {100 * widest:.0f} % of the inter-ocular distance", _FITTED),
        ("of the landmarks", _MEASURED),
        (f"voice amplitude, up to {loudest:.2f}", _VOICE),
        (f"{frames_to_seconds(len(fitted)):.2f} s", _INK),
    )
    column = _PAD
    for text, colour in words:
        column += _write(page, text, column, 18, colour) + 24
    return page


def quality_rows(verdicts: Sequence[Verdict], width: int) -> UInt8:
    """[H, width, 3]: a cell for every comparing gate, refusals first: measured and threshold, red where it refuses and
    grey where nothing was measured."""
    gates = sorted((v for v in verdicts if v.threshold is not None), key=lambda v: v.keep)
    across = max(width // CELL_WIDTH, 1)
    page = np.full((CELL_HEIGHT * -(-len(gates) // across) + (_PAD if gates else 0), width, 3), _PAPER, np.uint8)
    for k, verdict in enumerate(gates):
        below, beside = divmod(k, across)
        known = verdict.measured is not None
        colour = _FAILED if not verdict.keep else _PASSED if known else _INK
        value = f"{verdict.measured:.3g}" if known else "-"
        text = f"{verdict.gate} {verdict.threshold:.3g}: {value}"
        _write(page, text, _PAD + beside * CELL_WIDTH, 16 + below * CELL_HEIGHT, colour)
    return page


def _upright(page: UInt8, x: float, colour: tuple[int, int, int]) -> None:
    cv2.line(page, (round(x), _TITLE), (round(x), PLOT_HEIGHT - _PAD), colour, 1)


def _known(curve: Float32) -> list[slice]:
    """The runs of ``curve`` that are not nan."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], np.isfinite(curve), [False]])))
    return [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _write(page: UInt8, text: str, column: int, row: int, colour: tuple[int, int, int]) -> int:
    """Write ``text`` with its baseline at ``row``; its width."""
    cv2.putText(page, text, (column, row), cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)
    return int(cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)[0][0])
