"""Stores: the files of a warehouse, on a disk (``LocalStore``) or in an S3-compatible object store (``warehouse.s3``).

A store is a folder; a name in it has ``/`` between its parts. A file never changes once it is there. Files that belong
together appear as one folder, whole or not at all: write them into a ``workspace``, then ``publish`` it.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final, Protocol, Self

import duckdb

from warehouse.config import WarehouseConfig, load_config

UNFINISHED: Final = ".tmp-"  # how a name begins under which is still written


class Store(Protocol):
    """What a warehouse asks of the place of its files. A file that is not there raises ``FileNotFoundError``; a place
    out of reach raises ``warehouse.errors.StoreUnreachable``."""

    @property
    def extensions(self) -> tuple[str, ...]:
        """DuckDB's extensions that read it."""

    def prepare(self, con: duckdb.DuckDBPyConnection) -> None:
        """Tell a connection that has them how to reach it."""

    def read_by_duckdb(self) -> AbstractContextManager[None]:
        """Where DuckDB reads it: what it says of a place out of reach comes out as ``StoreUnreachable``."""

    def sub(self, name: str) -> Self:
        """The store that the folder ``name`` is."""

    def url(self, name: str = "") -> str:
        """What DuckDB opens the file or folder by."""

    def names(self) -> list[str]:
        """Every file here and below, sorted; unfinished ones included."""

    def folders(self) -> list[str]:
        """Every whole folder directly in this one, sorted."""

    def open(self, name: str) -> IO[bytes]:
        """A file to read, at any place in it; of an object store, a copy that is gone when it is closed."""

    def read(self, name: str) -> bytes:
        """All of a small file."""

    def write(self, name: str, data: bytes) -> None:
        """Put a small file, whole or not at all, over what may be there."""

    def size_bytes(self, name: str) -> int: ...

    def modified(self, name: str) -> datetime: ...

    def link(self, url: str, name: str) -> None:
        """Give a file of the same disk or bucket a second name here, unless the name is there already."""

    def remove(self, names: Iterable[str]) -> None:
        """Remove files; those that are not there are no error."""

    def remove_folder(self, name: str) -> None: ...

    def workspace(self) -> AbstractContextManager[Path]:
        """An empty folder on this machine to write into; what was not published is gone afterwards."""

    def publish(self, work: Path, name: str) -> None:
        """Make the files of a workspace the folder ``name``, durably, unless it is there already."""

    def discard_unfinished(self, older_than_s: float) -> None:
        """Remove what killed writers left unpublished in this folder so long ago."""

    def local_folder(self, name: str, check: Callable[[Path], None]) -> Path:
        """The folder ``name`` on this machine, fetched if need be; a fetched copy is kept once ``check`` let it pass,
        which raises if it does not."""


def open_store(root: Path) -> Store:
    """The store of the warehouse at ``root``: that folder, or the one its ``warehouse.toml`` names.

    Raises ``InvalidConfig``.
    """
    root = root.resolve()
    return store_of(root, load_config(root))


def store_of(root: Path, config: WarehouseConfig) -> Store:
    """The store that ``config``, found in ``root``, names."""
    if config.store is None:
        return LocalStore(root)
    from warehouse.s3 import open_s3  # half a second of start-up that only a store of this kind needs

    return open_s3(config, LocalStore(root))


@dataclass(frozen=True, slots=True)
class LocalStore:
    """A folder on a disk."""

    folder: Path

    @property
    def extensions(self) -> tuple[str, ...]:
        return ()

    def prepare(self, con: duckdb.DuckDBPyConnection) -> None:
        pass

    def read_by_duckdb(self) -> AbstractContextManager[None]:
        return nullcontext()

    def sub(self, name: str) -> "LocalStore":
        return LocalStore(self.folder / name)

    def url(self, name: str = "") -> str:
        return str(self.folder / name)

    def names(self) -> list[str]:
        before = len(str(self.folder)) + 1
        return sorted(f"{parent}/{name}"[before:] for parent, _, names in os.walk(self.folder) for name in names)

    def folders(self) -> list[str]:
        with suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith(UNFINISHED))
        return []

    def open(self, name: str) -> IO[bytes]:
        return (self.folder / name).open("rb")

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, work = tempfile.mkstemp(prefix=UNFINISHED, dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(work).rename(target)
        except BaseException:
            Path(work).unlink(missing_ok=True)
            raise
        fsync_directory(target.parent)

    def size_bytes(self, name: str) -> int:
        return (self.folder / name).stat().st_size

    def modified(self, name: str) -> datetime:
        return datetime.fromtimestamp((self.folder / name).stat().st_mtime, UTC)

    def link(self, url: str, name: str) -> None:
        """Copies where the file system has no links, or the two lie on different ones."""
        target = self.folder / name
        if target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(url, target)
        except OSError:
            partial = target.with_name(f".{target.name}")
            shutil.copyfile(url, partial)
            fsync_file(partial)
            partial.rename(target)
        fsync_directory(target.parent)

    def remove(self, names: Iterable[str]) -> None:
        for name in names:
            (self.folder / name).unlink(missing_ok=True)

    def remove_folder(self, name: str) -> None:
        shutil.rmtree(self.folder / name, ignore_errors=True)

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        self.folder.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=self.folder))
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def publish(self, work: Path, name: str) -> None:
        target = self.folder / name
        for parent, _, files in os.walk(work, topdown=False):
            for file in files:
                fsync_file(Path(parent, file))
            fsync_directory(Path(parent))
        if not target.exists():
            work.rename(target)
            fsync_directory(self.folder)

    def discard_unfinished(self, older_than_s: float) -> None:
        for left in self.folder.glob(f"{UNFINISHED}*/"):
            if time.time() - left.stat().st_mtime >= older_than_s:
                shutil.rmtree(left)

    def local_folder(self, name: str, check: Callable[[Path], None]) -> Path:  # noqa: ARG002 - it is no copy
        return self.folder / name


def fsync_file(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def fsync_directory(path: Path) -> None:
    """Make the names in a folder as durable as the bytes they name."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
