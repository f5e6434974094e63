"""Batch runners kept warm between batches, so that models are loaded once a child and not once a batch."""

import atexit
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from flows.errors import RunnerClosed
from flows.supervisor import BatchRunner, Limits, worker_command


class RunnerPool:
    """One runner for each of the ``at_once`` batches that may run together in this process; made when it is needed."""

    def __init__(self, assets: Path, limits: Limits, at_once: int) -> None:
        self._command, self._limits = worker_command(assets), limits
        self._free = threading.Semaphore(at_once)
        self._idle: list[BatchRunner] = []
        self._all: list[BatchRunner] = []
        self._closed = False
        self._lock = threading.Lock()

    @contextmanager
    def runner(self) -> Iterator[BatchRunner]:
        """A runner of one's own; waits while ``at_once`` others are at work. Raises ``RunnerClosed``."""
        with self._free:
            with self._lock:
                if self._closed:
                    raise RunnerClosed("curation was stopped; run again to go on")
                if not self._idle:
                    self._all.append(BatchRunner(self._command, self._limits))
                    self._idle.append(self._all[-1])
                runner = self._idle.pop()
            try:
                yield runner
            finally:
                with self._lock:
                    self._idle.append(runner)

    def close(self) -> None:
        """End every child, at work or idle; batches that wait for one raise ``RunnerClosed``."""
        with self._lock:
            self._closed = True
            runners = tuple(self._all)
        for runner in runners:
            runner.close()


@cache
def pool_of_this_process(assets: Path, limits: Limits, at_once: int) -> RunnerPool:
    """The pool that all batches share which a cluster brings to this process, whichever run they belong to. Its
    children end with the process: a killed one closes their pipes, and they end at the next event or request."""
    pool = RunnerPool(assets, limits, at_once)
    atexit.register(pool.close)
    return pool
