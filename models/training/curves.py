"""The curves of a run: a log that survives any stop, TensorBoard's event files, and a picture.

::

    <run>/curves.jsonl        one line a step or validation, in order
    <run>/tensorboard/        the same as event files
    <run>/curves.png
"""

import io
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from tensorboardX import SummaryWriter

from models.training.watch import StepReport

_TRAIN, _HELD_OUT = "train", "held out"
_REDRAW_S: Final = 60.0  # drawing takes half a second
_SMOOTH_SHARE: Final = 50  # a curve is smoothed over this part of it


class Curves:
    """Writes the curves of one run. A ``Watcher``."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._log = run / "curves.jsonl"
        self._stream: io.TextIOWrapper | None = None
        self._events: SummaryWriter | None = None
        self._drawn_at = time.monotonic()

    def began(self, step: int) -> None:
        self.close()
        self._run.mkdir(parents=True, exist_ok=True)
        kept = [entry for entry in read_curves(self._log) if entry["step"] <= step]
        self._log.write_text("".join(json.dumps(entry) + "\n" for entry in kept))
        self._stream = self._log.open("a", buffering=1)
        # TensorBoard drops what an earlier sitting wrote from this step on.
        self._events = SummaryWriter(str(self._run / "tensorboard"), purge_step=step + 1)

    def stepped(self, report: StepReport) -> None:
        numbers = {
            "gradient norm": report.gradient_norm,
            "learning rate": report.learning_rate,
            "seconds": report.seconds,
            "waited_s": report.waited_s,
        }
        self._put(
            {"of": _TRAIN, "step": report.step, "losses": dict(report.losses), "complaint": report.complaint, **numbers}
        )
        for name, value in (*report.losses.items(), *numbers.items()):
            self._event(f"{_TRAIN}/{name}", value, report.step)

    def validated(self, step: int, losses: Mapping[str, float]) -> None:
        self._put({"of": _HELD_OUT, "step": step, "losses": dict(losses)})
        for name, value in losses.items():
            self._event(f"{_HELD_OUT}/{name}", value, step)
        if time.monotonic() - self._drawn_at >= _REDRAW_S:
            self.draw()

    def warned(self, message: str) -> None:
        if self._events is not None:
            self._events.add_text("warnings", message)

    def draw(self) -> None:
        """Draw all losses of the log so far to ``curves.png``."""
        draw_curves(read_curves(self._log), self._run / "curves.png")
        self._drawn_at = time.monotonic()

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        if self._events is not None:
            self._events.close()
        self._stream = self._events = None

    def _put(self, entry: dict[str, Any]) -> None:
        if self._stream is not None:
            self._stream.write(json.dumps(entry) + "\n")

    def _event(self, name: str, value: float, step: int) -> None:
        if self._events is not None:
            self._events.add_scalar(name, value, step)


@contextmanager
def recording(run: Path) -> Iterator[Curves]:
    """The curves of ``run``, drawn and closed at the end, however it comes."""
    curves = Curves(run)
    try:
        yield curves
    finally:
        if (run / "curves.jsonl").exists():
            curves.draw()
        curves.close()


def read_curves(log: Path) -> list[dict[str, Any]]:
    """Entries of a log; a last line that a killed process left half written is passed over."""
    if not log.exists():
        return []
    lines = log.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def draw_curves(entries: list[dict[str, Any]], picture: Path) -> None:
    """One panel a loss over steps: in training (smoothed, single steps pale) and held out; then the learning rate."""
    names = list(dict.fromkeys(name for entry in entries for name in entry["losses"]))
    columns = 3
    rows = -(-(len(names) + 1) // columns)
    figure = Figure(figsize=(4.5 * columns, 3.0 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, name in zip(panels, names, strict=False):
        for part, colour in ((_TRAIN, "tab:blue"), (_HELD_OUT, "tab:orange")):
            points = [(e["step"], e["losses"][name]) for e in entries if e["of"] == part and name in e["losses"]]
            if not points:
                continue
            steps, values = np.array(points, np.float64).T
            if part == _TRAIN:
                panel.plot(steps, values, color=colour, alpha=0.25, linewidth=0.7)
                values = _smooth(values)
            panel.plot(steps, values, color=colour, label=part, marker="o" if part == _HELD_OUT else None, markersize=3)
        if (low := min((v for line in panel.lines for v in line.get_ydata() if v > 0), default=0)) > 0:
            panel.set_yscale("log")
            panel.set_ylim(bottom=low * 0.9)
        panel.set_title(name)
        panel.set_xlabel("step")
        panel.legend()
    trained = [e for e in entries if e["of"] == _TRAIN]
    rates = panels[len(names)]
    rates.plot([e["step"] for e in trained], [e["learning rate"] for e in trained], color="tab:green")
    bad = [e for e in trained if e["complaint"]]
    rates.plot([e["step"] for e in bad], [e["learning rate"] for e in bad], "x", color="tab:red", label="bad steps")
    rates.set_title("learning rate")
    rates.set_xlabel("step")
    rates.legend() if bad else None
    for panel in panels[len(names) + 1 :]:
        panel.axis("off")
    figure.savefig(picture, dpi=90)


def _smooth(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Running mean over a part of the curve; NaNs of bad steps left out."""
    width = max(1, len(values) // _SMOOTH_SHARE)
    there = np.isfinite(values)
    kernel = np.ones(width)
    total = np.convolve(np.where(there, values, 0.0), kernel, "same")
    count = np.convolve(there.astype(float), kernel, "same")
    smooth: npt.NDArray[np.float64] = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return smooth
