"""Reads batches ahead while the network computes."""

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, Generic, Protocol, TypeVar

from models.training.batch import BatchT, Shown
from models.training.team import Team

_AHEAD: Final = 2  # batches a thread
BatchOut = TypeVar("BatchOut", bound=Shown, covariant=True)


class Batches(Protocol[BatchOut]):
    """Batches by number, the same for the same number; ``models.training.windows.Windows`` is one."""

    @property
    def digest(self) -> str:
        """Equal digests give equal batches."""
        ...

    def batch(self, number: int, rank: int = 0, ranks: int = 1) -> BatchOut: ...


class Feed(Generic[BatchT]):
    """Batches in order from any number on, on the worker's device."""

    def __init__(self, batches: Batches[BatchT], team: Team, pool: ThreadPoolExecutor, threads: int) -> None:
        self._batches = batches
        self._team = team
        self._pool = pool
        self._depth = _AHEAD * threads
        self._coming: deque[tuple[int, Future[BatchT]]] = deque()
        self.waited_s = 0.0  # in all, for batches that were not there yet

    def take(self, number: int) -> BatchT:
        """Batch ``number``; the ones after it are read meanwhile."""
        if self._coming and self._coming[0][0] != number:  # gone back to a checkpoint
            for _, future in self._coming:
                future.cancel()
            self._coming.clear()
        upcoming = self._coming[-1][0] + 1 if self._coming else number
        for ahead in range(upcoming, number + self._depth + 1):
            self._coming.append((ahead, self._pool.submit(self._read, ahead)))
        began = time.perf_counter()
        batch = self._coming.popleft()[1].result()
        self.waited_s += time.perf_counter() - began
        return batch.to(self._team.device)

    def _read(self, number: int) -> BatchT:
        batch = self._batches.batch(number, self._team.rank, self._team.size)
        return batch.pinned() if self._team.device.type == "cuda" else batch


@contextmanager
def feeding(batches: Batches[BatchT], team: Team, threads: int) -> Iterator[Feed[BatchT]]:
    """A feed whose threads end with the block."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="batches")
    try:
        yield Feed(batches, team, pool, threads)
    finally:
        pool.shutdown(cancel_futures=True)
