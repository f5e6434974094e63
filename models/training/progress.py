"""A run as one live line: how far, how well, how fast, and what share of the time it computes rather than waits for
data."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import numpy as np
from rich.console import Console
from rich.progress import Progress, TaskID, TextColumn

from models.training.watch import StepReport

_MEMORY: Final = 0.95  # of the running figures, a step
_REDRAW_S: Final = 0.2


class LiveProgress:
    """Shows a run on a console. A ``Watcher``."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self._sums = np.zeros(4)  # of loss, seconds, seconds waited and 1, each step's weight fading
        self._held_out = ""
        self._drawn_at = 0.0

    def began(self, step: int) -> None:
        self._sums[:] = 0
        if step:
            self._say(f"going on from step {step}")

    def stepped(self, report: StepReport) -> None:
        if report.complaint is not None:
            self._say(f"step {report.step} changed nothing: {report.complaint}")
            return
        self._sums = _MEMORY * self._sums + np.array([report.losses["total"], report.seconds, report.waited_s, 1.0])
        if time.monotonic() - self._drawn_at >= _REDRAW_S or report.progress >= 1:
            self._drawn_at = time.monotonic()
            self._progress.update(self._task, completed=report.progress, description=self._line(report))

    def validated(self, step: int, losses: Mapping[str, float]) -> None:
        self._held_out = f" (held out {losses['total']:.3f})"
        self._say(f"step {step}: held out " + ", ".join(f"{n} {v:.4f}" for n, v in losses.items()))

    def warned(self, message: str) -> None:
        self._say(message)

    def _say(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False)

    def _line(self, report: StepReport) -> str:
        left_s = report.elapsed_s * (1 - report.progress) / report.progress if report.progress > 0 else 0.0
        loss, seconds, waited, weight = self._sums
        return (
            f"{report.progress:4.0%} · step {report.step} · loss {loss / weight:.3f}{self._held_out} · "
            f"{weight / seconds:.1f}/s · {1 - waited / seconds:.0%} busy · "
            f"{int(left_s) // 60}:{int(left_s) % 60:02d} left"
        )


@contextmanager
def showing(console: Console) -> Iterator[LiveProgress]:
    """A live line on ``console`` while the block runs."""
    with Progress(TextColumn("{task.description}", markup=False), console=console) as progress:
        yield LiveProgress(progress, progress.add_task("starting", total=1.0))
