"""Checkpoints in the warehouse: a folder of files, put there whole or not at all, known by one hash."""

import hashlib
import os
import shutil
from pathlib import Path

from warehouse.errors import InvalidCheckpoint
from warehouse.shards import UNFINISHED, fsync_directory


def checkpoint_digest(folder: Path) -> str:
    """The sha256 over all files of a checkpoint, in 64 hex digits: that of the lines ``<sha256>  <name>``, sorted by
    name; in a shell, ``find * -type f | LC_ALL=C sort | xargs sha256sum | sha256sum``.

    Raises ``InvalidCheckpoint`` if there are none, or something that is not a plain file.
    """
    lines = []
    for path in _files_of(folder):
        with path.open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.relative_to(folder).as_posix()}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def install(checkpoint: Path, target: Path, digest: str) -> None:
    """Copy ``checkpoint``, whose hash is ``digest``, to ``target``, which appears by one rename after every byte was
    flushed to disk; what a killed call left is removed. One caller at a time: hold the committer's lock.

    Raises ``InvalidCheckpoint`` if the files changed meanwhile.
    """
    target.parent.mkdir(exist_ok=True)
    for left in target.parent.glob(f"{UNFINISHED}*"):
        shutil.rmtree(left)
    if target.exists():
        if checkpoint_digest(target) == digest:
            return
        shutil.rmtree(target)
    work = target.with_name(f"{UNFINISHED}{target.name}")
    try:
        for path in _files_of(checkpoint):
            copy = work / path.relative_to(checkpoint)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            with copy.open("rb+") as file:
                os.fsync(file.fileno())
        for parent in {copy.parent for copy in _files_of(work)} | {work}:
            fsync_directory(parent)
        if checkpoint_digest(work) != digest:
            raise InvalidCheckpoint(f"{checkpoint} was written to while it was registered; register it when it is done")
        work.rename(target)
        fsync_directory(target.parent)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _files_of(folder: Path) -> list[Path]:
    """Every file below ``folder``, by name."""
    inside = sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix())
    strange = [path for path in inside if path.is_symlink() or not (path.is_file() or path.is_dir())]
    if strange:
        raise InvalidCheckpoint(f"{strange[0]} is no plain file; a checkpoint holds nothing else")
    files = [path for path in inside if path.is_file()]
    if not files:
        raise InvalidCheckpoint(f"{folder} has no files; give the folder that the training wrote")
    return files
