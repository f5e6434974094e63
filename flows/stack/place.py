"""The one folder where a stack keeps everything: Prefect's database, logs, process ids and what is to run."""

import contextlib
import fcntl
import json
import os
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from flows.errors import StackError
from flows.stack.process import Process, started


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """A worker of this machine."""

    pool: str
    runs: int  # flow runs at a time

    @property
    def service(self) -> str:
        return f"worker-{self.pool}"

    @property
    def name(self) -> str:
        """By which the server knows it; the same when it is started again."""
        return f"{platform.node()}-{self.pool}"


@dataclass(frozen=True, slots=True)
class StackPlan:
    """What is to run on this machine."""

    api_url: str
    host: str | None  # that the server binds to; None: the server is somebody else's
    port: int | None
    workers: tuple[WorkerPlan, ...]

    @property
    def ui_url(self) -> str:
        return self.api_url.removesuffix("/").removesuffix("/api")


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of a stack."""

    root: Path

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def log(self, service: str) -> Path:
        return self.logs / f"{service}.log"

    def make(self) -> Self:
        """Make the folders; only this user may look into them: the database holds what flows were given.

        Raises ``StackError``.
        """
        try:
            for folder in (self.root, self.logs, self._processes):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StackError(f"{self.root} cannot be made: {error.strerror}; choose another with --state") from error
        return self

    def plan(self) -> StackPlan | None:
        """What was last to run here; None if nothing was, or the file was cut off when the machine went down."""
        try:
            written = json.loads((self.root / "stack.json").read_text())
            workers = tuple(WorkerPlan(**worker) for worker in written.pop("workers"))
            return StackPlan(**written, workers=workers)
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None

    def write_plan(self, plan: StackPlan) -> None:
        self._write(self.root / "stack.json", json.dumps(asdict(plan), indent=2))

    def process(self, service: str) -> Process | None:
        """The process of a service if it is alive."""
        try:
            written = json.loads((self._processes / f"{service}.json").read_text())
            process = Process(int(written["pid"]), str(written["started"]))
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None
        return process if process.alive else None

    def write_process(self, service: str, pid: int) -> None:
        began = started(pid)
        if began is not None:
            self._write(self._processes / f"{service}.json", json.dumps({"pid": pid, "started": began}))

    def services(self) -> dict[str, Process]:
        """Every service that has a live process, by name."""
        names = [path.stem for path in sorted(self._processes.glob("*.json"))]
        found = {name: self.process(name) for name in names}
        return {name: process for name, process in found.items() if process is not None}

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else starts or stops this stack meanwhile. Raises ``StackError`` if somebody does already."""
        with (self.root / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StackError(f"another xtalker starts or stops the stack in {self.root}; wait for it") from None
            yield

    @property
    def _processes(self) -> Path:
        return self.root / "processes"

    @staticmethod
    def _write(path: Path, text: str) -> None:
        draft = path.with_suffix(".new")
        with draft.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
