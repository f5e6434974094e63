"""The report's plots, each as an SVG text that stands alone."""

import io
from collections.abc import Sequence
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.signal import welch

from models.avatar.motion import ROTATION
from models.metrics.surface import lip_gap_mm
from schemas.arrays import Float32
from schemas.units import FRAME_RATE
from tasks.evaluate.measure import COLUMN
from tasks.evaluate.records import Evaluation, Played, Row, Span, Split

COLOUR: Final = {Row.TRUTH: "#2b2b30", Row.MODEL: "#c7364f", Row.SHUFFLED: "#3b74b9"}
_LINE: Final = {Row.TRUTH: "-", Row.MODEL: "-", Row.SHUFFLED: "--"}
_OTHER: Final = "#8d8d92"
_AXES: Final = ("pitch", "yaw", "roll")
_STYLE: Final[dict[Any, Any]] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "xtalker",  # the same evaluation gives the same file
}


def lip_gaps(played: Sequence[Played]) -> str:
    """Lip gap over time of each clip: truth, model, shuffled; the speech span is shaded."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9, 1.9 * len(played)), layout="constrained")
        for axes, clip in zip(_column(figure, len(played)), played, strict=True):
            seconds = np.arange(len(clip.envelope)) / float(FRAME_RATE)
            axes.axvspan(seconds[clip.speech.start], seconds[clip.speech.stop - 1], color="#f3efe4", zorder=0)
            for row, frames in clip.frames.items():
                axes.plot(seconds, lip_gap_mm(frames), color=COLOUR[row], label=row, lw=1.4)
            axes.set_title(clip.clip_id, parse_math=False)
            axes.set(ylabel="lip gap, mm", xlim=(0, seconds[-1]), ylim=(0, None))
        figure.axes[-1].set_xlabel("seconds")
        figure.axes[0].legend(ncols=3, frameon=False, loc="upper right")
        return _svg(figure)


def errors_per_clip(evaluation: Evaluation, metric: str) -> str:
    """A point per clip for each row but the truth, their quartiles behind it, by split; speech span."""
    split_of = {audit.clip_id: audit.split for audit in evaluation.audits}
    splits = [split for split in Split if split in split_of.values()]
    rows = [row for row in Row if row is not Row.TRUTH]
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9, 2.8 * len(splits)), layout="constrained")
        for axes, split in zip(_column(figure, len(splits)), splits, strict=True):
            values = [
                np.array(
                    [
                        clip.values[COLUMN[metric]]
                        for clip in evaluation.per_clip
                        if clip.row is row and clip.span is Span.SPEECH and split_of[clip.clip_id] is split
                    ]
                )
                for row in rows
            ]
            for place, (row, found) in enumerate(zip(rows, values, strict=True)):
                # Points are spread by rank within the clip list, not at random: the plot is reproducible.
                aside = np.linspace(-0.28, 0.28, len(found))
                axes.plot(place + aside, found, ".", ms=4, color=COLOUR.get(row, _OTHER), alpha=0.7)
                low, middle, high = np.nanpercentile(found, (25, 50, 75))
                axes.fill_between([place - 0.38, place + 0.38], low, high, color=COLOUR.get(row, _OTHER), alpha=0.15)
                axes.hlines(middle, place - 0.38, place + 0.38, color=COLOUR.get(row, _OTHER))
            axes.set_xticks(range(len(rows)), [row.replace(" ", "\n", 1) for row in rows])
            axes.set(title=f"{split}, {len(values[0])} clips", ylabel=f"{metric}, mm", ylim=(0, None))
        return _svg(figure)


def head_spectra(played: Sequence[Played]) -> str:
    """Power of the head's pitch, yaw and roll over frequency, mean over clips: truth, model, shuffled."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9, 2.8), layout="constrained")
        panels = [figure.add_subplot(1, 3, i + 1) for i in range(3)]
        for row in COLOUR:
            hz, power = _spectrum([clip.frames[row][:, ROTATION] for clip in played])
            for axis, axes in enumerate(panels):
                axes.semilogy(hz[1:], power[1:, axis], color=COLOUR[row], label=row, lw=1.4, ls=_LINE[row])
        for axes, name in zip(panels, _AXES, strict=True):
            axes.set(title=name, xlabel="Hz")
        panels[0].set_ylabel("deg² / Hz")
        panels[-1].legend(frameon=False)
        return _svg(figure)


def _spectrum(rotations: Sequence[Float32]) -> tuple[Float32, Float32]:
    """Frequencies [K] and mean power [K, 3] in deg^2/Hz; clips shorter than the window are padded with zeros."""
    window = 64
    found = []
    for rotation in rotations:
        degrees = np.degrees(rotation - rotation.mean(axis=0))
        padded = np.pad(degrees, ((0, max(window - len(degrees), 0)), (0, 0)))
        hz, power = welch(padded, fs=float(FRAME_RATE), nperseg=window, axis=0)
        found.append(power)
    # A head that is held still has no power; a logarithm needs some.
    return np.asarray(hz, np.float32), np.asarray(np.maximum(np.mean(found, axis=0), 1e-8), np.float32)


def _column(figure: Figure, count: int) -> list[Axes]:
    return [figure.add_subplot(count, 1, i + 1) for i in range(count)]


def _svg(figure: Figure) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()
