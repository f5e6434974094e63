"""What the user offers: files, folders, globs and manifests become one ordered list of ``Offer``.

A manifest is a CSV or Parquet file with a path column (``path`` or ``file``) and, if it has them, ``dataset``,
``subject_id`` (or ``speaker``), ``licence`` (or ``license``) and ``consent``; paths are relative to the manifest. A
folder that holds a ``MANIFEST.csv`` is offered with those columns.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from flows.errors import NothingOffered, UnreadableManifest
from schemas.source import Offer

MEDIA_SUFFIXES: Final = frozenset(
    {".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts"}
    | {".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv"}
)
FOLDER_MANIFEST: Final = "MANIFEST.csv"
_COLUMNS: Final = {
    "path": ("path", "file"),
    "dataset": ("dataset",),
    "subject_id": ("subject_id", "speaker"),
    "licence": ("licence", "license"),
    "consent": ("consent",),
}


def gather(videos: Sequence[str]) -> tuple[Offer, ...]:
    """The offers that ``videos`` name, in a stable order, each file once (the first mention wins).

    Raises ``NothingOffered`` if an argument matches nothing, ``UnreadableManifest`` for a broken manifest.
    """
    offers: dict[Path, Offer] = {}
    for argument in videos:
        found = tuple(_expand(argument))
        if not found:
            raise NothingOffered(
                f"{argument}: no video there. Give a file, a folder, a quoted glob, or a .csv/.parquet manifest."
            )
        for offer in found:
            offers.setdefault(offer.path, offer)
    return tuple(offers.values())


def described(folder: Path) -> dict[Path, Offer]:
    """What the manifests in ``folder`` say, of files that are there; others may still be on their way.

    Raises ``UnreadableManifest``.
    """
    manifests = sorted(folder.rglob(FOLDER_MANIFEST))
    return {offer.path: offer for manifest in manifests for offer in _rows(manifest) if offer.path.is_file()}


def _expand(argument: str) -> Iterator[Offer]:
    path = Path(argument).expanduser()
    if path.is_dir():
        yield from _from_folder(path)
    elif path.is_file():
        if path.suffix.lower() in (".csv", ".parquet"):
            yield from _from_manifest(path)
        else:
            yield Offer(path.resolve())
    elif any(c in argument for c in "*?["):
        anchor = Path(path.anchor) if path.is_absolute() else Path()
        pattern = str(path.relative_to(path.anchor)) if path.is_absolute() else str(path)
        yield from (Offer(p.resolve()) for p in sorted(anchor.glob(pattern)) if _is_media(p))


def _is_media(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in MEDIA_SUFFIXES


def _from_folder(folder: Path) -> Iterator[Offer]:
    offers: dict[Path, Offer] = {}
    for manifest in sorted(folder.rglob(FOLDER_MANIFEST)):
        offers |= {o.path: o for o in _from_manifest(manifest)}
    for path in sorted(p for p in folder.rglob("*") if _is_media(p)):
        yield offers.get(path.resolve(), Offer(path.resolve()))


def _from_manifest(manifest: Path) -> tuple[Offer, ...]:
    offers = tuple(_rows(manifest))
    gone = [str(offer.path) for offer in offers if not offer.path.is_file()]
    if gone:
        raise UnreadableManifest(f"{manifest}: {len(gone)} of its files are not there: {', '.join(gone[:5])}")
    return offers


def _rows(manifest: Path) -> Iterator[Offer]:
    table = _read(manifest)
    names = {field: next((c for c in choices if c in table.column_names), None) for field, choices in _COLUMNS.items()}
    if names["path"] is None:
        raise UnreadableManifest(f"{manifest}: needs a column 'path' (or 'file'); it has {table.column_names}")
    columns = {field: _texts(table, name) for field, name in names.items()}
    for path, dataset, subject, licence, consent in zip(*columns.values(), strict=True):
        if path is not None:
            yield Offer((manifest.parent / path).resolve(), dataset, subject, licence, consent)


def _read(manifest: Path) -> pa.Table:
    try:
        return pq.read_table(manifest) if manifest.suffix.lower() == ".parquet" else pa_csv.read_csv(manifest)
    except (pa.ArrowInvalid, OSError) as error:
        raise UnreadableManifest(f"{manifest}: {error}") from error


def _texts(table: pa.Table, name: str | None) -> list[str | None]:
    if name is None:
        return [None] * table.num_rows
    return [None if v is None or str(v).strip() == "" else str(v) for v in table.column(name).to_pylist()]
