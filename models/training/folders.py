"""Folders that appear whole or not at all, on a disk that may be full."""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from safetensors import SafetensorError

UNFINISHED: Final = ".unfinished-"
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class DiskFull(RuntimeError):
    """There was no room to write; what was there before is untouched."""


@contextmanager
def appearing(place: Path) -> Iterator[Path]:
    """A folder to fill, which becomes ``place`` by one rename after every byte of it was flushed to disk.

    If the body raises, nothing stays; if the process is killed, ``place``'s unfinished twin stays and the next call
    for the same ``place`` removes it. One writer at a time: the caller holds a lock. ``place`` must not exist.
    Raises ``DiskFull`` where the disk has no room.
    """
    unfinished = place.parent / f"{UNFINISHED}{place.name}"
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(parents=True)
        yield unfinished
        for path in unfinished.iterdir():
            path.chmod(0o644)  # safetensors writes for its own user only
            _flush(path)
        _flush(unfinished)
        unfinished.rename(place)
        _flush(place.parent)
    except (OSError, SafetensorError) as error:
        if not _is_full(error):
            raise
        raise DiskFull(
            f"no room for {place} ({error}). Free some space and run it again; training goes on with --resume."
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def locked(file: Path, wait: bool) -> Iterator[bool]:
    """Hold ``file`` as a lock; gives False at once if ``wait`` is false and another process holds it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_full(error: OSError | SafetensorError) -> bool:
    if isinstance(error, OSError):
        return error.errno in _FULL
    return any(f"(os error {code})" in str(error) for code in _FULL)  # safetensors keeps the number in words only
