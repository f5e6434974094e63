"""What a person watching a run sees: a bar for each stage on a terminal, a line now and then elsewhere."""

import sys
import threading
import time
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from flows.protocol import Event, Finished, OfferedFile, StageDone

SHOWN: Final = ("observe", "reconstruct", "voice", "speech", "commit")
LINE_EVERY_S: Final = 10.0


class RendersSeen:
    """Says how far the search for MediaPipe's landmarks on a head model is, on standard error."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._said = 0.0

    def __call__(self, done: int, of: int) -> None:
        now = time.monotonic()
        if not self._quiet and (done == of or now - self._said >= LINE_EVERY_S):
            self._said = now
            print(f"finding landmarks on your head model, once: {done} of {of} renders", file=sys.stderr)


class RunProgress:
    """Counts files through the stages; safe to call from several threads. Writes to standard error only."""

    def __init__(self, n_files: int, quiet: bool = False) -> None:
        self._n_files = n_files
        self._lock = threading.Lock()
        self._passed: dict[str, set[str]] = {stage: set() for stage in SHOWN}
        self._video_s = 0.0
        self._begun = self._said = time.monotonic()
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._quiet = quiet
        if not quiet and sys.stderr.isatty():
            columns = (TextColumn("{task.description:>12}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bars = Progress(*columns, console=Console(stderr=True))
            self._tasks = {stage: self._bars.add_task(stage, total=n_files) for stage in SHOWN}

    def __enter__(self) -> Self:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def heard(self, file: OfferedFile, event: Event) -> None:
        """Take note of an event of the batch runner."""
        with self._lock:
            if isinstance(event, StageDone) and event.stage in self._passed:
                self._pass(event.stage, file.sha256)
            elif isinstance(event, Finished):
                self._video_s += event.video_s
                for stage in SHOWN[:-1]:  # a refused file passes the stages it never needed
                    self._pass(stage, file.sha256)
                self._say()

    def committed(self, files: tuple[OfferedFile, ...]) -> None:
        """Take note that a batch is in the warehouse; of one that a cluster curated nothing was heard before."""
        with self._lock:
            for file in files:
                for stage in SHOWN:
                    self._pass(stage, file.sha256)
            self._say()

    def _pass(self, stage: str, sha256: str) -> None:
        passed = self._passed[stage]
        if sha256 not in passed:
            passed.add(sha256)
            if self._bars is not None:
                self._bars.update(self._tasks[stage], completed=len(passed))

    def _say(self) -> None:
        now = time.monotonic()
        if self._quiet or self._bars is not None or now - self._said < LINE_EVERY_S:
            return
        self._said = now
        done, speed = len(self._passed[SHOWN[-2]]), self._video_s / (now - self._begun)
        heard = f", {self._video_s:.0f} s of video, {speed:.1f} x real time" if self._video_s else ""
        print(f"{done}/{self._n_files} files{heard}", file=sys.stderr)
