"""Landing places, where new video is put: a folder, or a prefix of a bucket whose objects are brought to disk first.

An object of ``s3://bucket/a/b.mp4`` is known to the warehouse by the path of its copy, ``<mirror>/bucket/a/b.mp4``:
curation, overlays and training read it there again. The copy has the object's time, so that it is compared like a file.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

import pyarrow as pa
from pyarrow import fs

from flows.errors import NoLanding
from flows.offers import FOLDER_MANIFEST, MEDIA_SUFFIXES

BUCKET_SCHEMES: Final = ("s3://", "gs://")


@dataclass(frozen=True, slots=True)
class FileState:
    """What changes while a file is written."""

    size_bytes: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class Look:
    """What lay there at one moment, by the path it has, or will have, on this disk."""

    videos: dict[Path, FileState] = field(default_factory=dict)
    manifests: dict[Path, FileState] = field(default_factory=dict)

    def add(self, path: Path, state: FileState) -> None:
        """Take note of a file, if it is one that counts. Hidden ones are unfinished, or not meant."""
        if path.name.startswith("."):
            return
        if path.name == FOLDER_MANIFEST:
            self.manifests[path] = state
        elif path.suffix.lower() in MEDIA_SUFFIXES:
            self.videos[path] = state


class Landing(Protocol):
    """A place to look at. ``folder`` is where its files are on this disk, once they are brought."""

    @property
    def folder(self) -> Path: ...

    def look(self) -> Look: ...

    def bring(self, paths: Collection[Path]) -> None:
        """Have these on this disk, whole."""


@dataclass(frozen=True)
class FolderLanding:
    """A folder of this machine or a mounted share."""

    folder: Path

    def look(self) -> Look:
        """Raises ``NoLanding``."""
        if not self.folder.is_dir():
            raise NoLanding(f"there is no folder {self.folder} to watch; make it, or name the one that video is put in")
        look = Look()
        for path in self.folder.rglob("*"):
            try:
                stat = path.stat()
            except FileNotFoundError:  # moved away while we looked
                continue
            if path.is_file():
                look.add(path.resolve(), FileState(stat.st_size, stat.st_mtime_ns))
        return look

    def bring(self, paths: Collection[Path]) -> None:
        """They are here."""


@dataclass(frozen=True)
class BucketLanding:
    """A prefix of an object store. Keys that would lead out of ``mirror`` are not taken."""

    store: fs.FileSystem
    prefix: str  # bucket/a/b
    mirror: Path

    @property
    def folder(self) -> Path:
        return self.mirror / self.prefix

    def look(self) -> Look:
        """Raises ``NoLanding``."""
        bucket = self.prefix.split("/", 1)[0]
        if self.store.get_file_info(bucket).type is fs.FileType.NotFound:
            raise NoLanding(f"there is no bucket {bucket!r} to watch, or these credentials may not see it")
        look = Look()
        for info in self.store.get_file_info(fs.FileSelector(self.prefix, allow_not_found=True, recursive=True)):
            if info.is_file and ".." not in PurePosixPath(info.path).parts:
                look.add(self.mirror / info.path, FileState(info.size, info.mtime_ns))
        return look

    def bring(self, paths: Collection[Path]) -> None:
        """Fetch those that are not here as they are there; each appears by one rename."""
        for path in paths:
            key = path.relative_to(self.mirror).as_posix()
            info = self.store.get_file_info(key)
            if path.is_file() and (path.stat().st_size, path.stat().st_mtime_ns) == (info.size, info.mtime_ns):
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}")
            fs.copy_files(key, str(partial), self.store, fs.LocalFileSystem())
            os.utime(partial, ns=(info.mtime_ns, info.mtime_ns))
            partial.replace(path)


def open_landing(place: str, mirror: Path) -> Landing:
    """The landing place of that name; ``mirror`` takes what a bucket's watch brings. Credentials are those that the
    store's own client finds (``AWS_*``). Raises ``NoLanding``."""
    if not place.startswith(BUCKET_SCHEMES):
        return FolderLanding(Path(place).expanduser())
    try:
        store, prefix = fs.FileSystem.from_uri(place)
    except (pa.ArrowException, OSError) as error:
        raise NoLanding(f"{place}: {error}; wanted a folder, or s3://bucket/prefix") from error
    if not prefix.strip("/"):
        raise NoLanding(f"{place}: names no bucket; wanted s3://bucket/prefix")
    return BucketLanding(store, prefix.strip("/"), mirror.resolve())
