"""Catalogues: the database in which DuckLake notes which shards make up which snapshot.

``SqliteCatalogue`` is a file in the warehouse's folder, for one machine. ``warehouse.postgres`` is for many. Each also
holds the lock of the one committer, which nobody has to clear up: it goes with the process that held it.
"""

import fcntl
import os
import shutil
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, Self

import duckdb

from warehouse.errors import CommitterBusy

BUSY_TIMEOUT_MS: Final = 10_000  # how long to wait for a lock that another process holds for an instant
LOCK_POLL_S: Final = 0.1
REBUILDING: Final = "catalog.rebuilding.sqlite"
KEPT: Final = "catalog.before-rebuild.sqlite"

StillHeld = Callable[[], None]  # raises ``CommitterLockLost`` once the committer's lock is no longer held


class Catalogue(Protocol):
    """What a warehouse asks of its catalogue; its text says what and where it is, for messages."""

    @property
    def extension(self) -> str:
        """DuckDB's extension that speaks to it."""

    @property
    def source(self) -> str:
        """What DuckLake attaches it by."""

    def options(self, con: duckdb.DuckDBPyConnection, write: bool) -> list[str]:
        """Its own options of DuckLake's ATTACH."""

    def exists(self, con: duckdb.DuckDBPyConnection) -> bool:
        """Whether there is one. Raises ``CatalogueUnreachable``."""

    def exclusive(self, wait_s: float) -> AbstractContextManager[StillHeld]:
        """Hold the committer's lock. Raises ``CommitterBusy`` if another still holds it after ``wait_s``."""

    def rebuilding(self) -> Self:
        """The place of a new one, made empty, that will take this one's place."""

    def replace_by(self, new: Self) -> None:
        """Put ``new`` in the place of this one, which is kept aside; readers see either, never half."""


def this_process() -> str:
    """How a committer names itself to those who wait for it."""
    return f"process {os.getpid()} on {socket.gethostname()}"


@dataclass(frozen=True, slots=True)
class SqliteCatalogue:
    """An SQLite file with a write-ahead log: several processes read it while one writes, unlike a DuckDB file."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def extension(self) -> str:
        return "sqlite_scanner"

    @property
    def source(self) -> str:
        return f"sqlite:{self.path}"

    def options(self, con: duckdb.DuckDBPyConnection, write: bool) -> list[str]:
        options = [f"META_BUSY_TIMEOUT {BUSY_TIMEOUT_MS}"]
        if self.exists(con):
            options.append("OVERRIDE_DATA_PATH true")  # the folder may have been moved since
        if write:
            options.append("META_JOURNAL_MODE 'WAL'")
        return options

    def exists(self, con: duckdb.DuckDBPyConnection) -> bool:  # noqa: ARG002 - a file is asked of the disk
        return self.path.exists()

    @contextmanager
    def exclusive(self, wait_s: float) -> Iterator[StillHeld]:
        deadline = time.monotonic() + wait_s
        with (self.path.parent / "commit.lock").open("a+") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        file.seek(0)
                        holder = file.read().strip() or "another process"
                        raise CommitterBusy(
                            f"{holder} is writing to {self.path.parent}; wait for it to finish, or stop it"
                        ) from None
                    time.sleep(LOCK_POLL_S)
            file.truncate(0)
            file.write(this_process())
            file.flush()
            yield lambda: None  # the kernel takes it from no living process

    def rebuilding(self) -> "SqliteCatalogue":
        new = SqliteCatalogue(self.path.with_name(REBUILDING))
        _remove(new.path)
        return new

    def replace_by(self, new: "SqliteCatalogue") -> None:
        """Written over it in one SQLite transaction."""
        _write_over(self.path, new.path)
        _remove(new.path)


def _write_over(catalogue: Path, new: Path) -> None:
    kept = catalogue.with_name(KEPT)
    with closing(sqlite3.connect(new)) as source:
        if not catalogue.exists():
            with closing(sqlite3.connect(catalogue)) as target:
                source.backup(target)
            return
        _remove(kept)
        try:
            with closing(sqlite3.connect(catalogue, timeout=BUSY_TIMEOUT_MS / 1000)) as target:
                with closing(sqlite3.connect(kept)) as copy:
                    target.backup(copy)
                source.backup(target)
            return
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
        # the old one is no database any more: nobody can be reading it
        shutil.copyfile(catalogue, kept)
        _remove(catalogue)
        with closing(sqlite3.connect(catalogue)) as target:
            source.backup(target)


def _remove(database: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
