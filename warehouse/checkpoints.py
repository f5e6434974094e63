"""Checkpoints in the warehouse: a folder of files, put there whole or not at all, known by one hash."""

import hashlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from warehouse.errors import InvalidCheckpoint
from warehouse.store import Store


def checkpoint_digest(folder: Path) -> str:
    """The sha256 over all files of a checkpoint, in 64 hex digits: that of the lines ``<sha256>  <name>``, sorted by
    name; in a shell, ``find * -type f | LC_ALL=C sort | xargs sha256sum | sha256sum``.

    Raises ``InvalidCheckpoint`` if there are none, or something that is not a plain file.
    """
    names = [path.relative_to(folder).as_posix() for path in _files_of(folder)]
    return _digest(names, lambda name: (folder / name).open("rb"))


def stored_digest(checkpoint: Store) -> str:
    """``checkpoint_digest`` of one in the warehouse's store; of no files, the hash of nothing."""
    return _digest(checkpoint.names(), checkpoint.open)


def install(checkpoint: Path, models: Store, name: str, digest: str) -> None:
    """Copy ``checkpoint``, whose hash is ``digest``, into ``models``, where it appears whole or not at all; what a
    killed call left is removed, and a damaged copy replaced. One caller at a time: hold the committer's lock.

    Raises ``InvalidCheckpoint`` if the files changed meanwhile.
    """
    models.discard_unfinished(0)
    if name in models.folders():
        if stored_digest(models.sub(name)) == digest:
            return
        models.remove_folder(name)
    with models.workspace() as work:
        for path in _files_of(checkpoint):
            copy = work / path.relative_to(checkpoint)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        if checkpoint_digest(work) != digest:
            raise InvalidCheckpoint(f"{checkpoint} was written to while it was registered; register it when it is done")
        models.publish(work, name)


def fetch(store: Store, name: str, digest: str) -> Path:
    """The checkpoint ``name`` of ``store`` as a folder of this machine: of an object store, a copy that is kept, whose
    hash was seen to be ``digest`` when it was fetched. Raises ``InvalidCheckpoint`` if it was not."""

    def check(folder: Path) -> None:
        if not any(folder.iterdir()) or checkpoint_digest(folder) != digest:
            raise InvalidCheckpoint(f"{store.url(name)} is not what was registered; `xtalker verify` says more")

    return store.local_folder(name, check)


def _digest(names: Iterable[str], open_file: Callable[[str], IO[bytes]]) -> str:
    lines = []
    for name in sorted(names):
        with open_file(name) as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n")  # type: ignore[arg-type]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


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
