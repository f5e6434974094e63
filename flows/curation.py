"""The two ends of curation, whoever drives it: plan what is new, and commit what was made of it as a snapshot.

Between the two lie the micro-batches (``flows.batches``). What is done is known to the warehouse, so a killed run is
resumed by planning again.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

import pyarrow as pa

from flows.duplicates import refuse_near_duplicates
from flows.mirrors import refuse_mirrored
from flows.protocol import OfferedFile, read_draft
from flows.recipe import Recipe
from schemas.record import SourceRecord
from schemas.source import Offer
from schemas.tables import TABLES
from schemas.verdict import Reason, Verdict
from tasks.assemble import assemble
from tasks.ingest import hash_file
from warehouse.commit import commit as publish
from warehouse.commit import open_committer
from warehouse.compact import compact
from warehouse.errors import NoWarehouse
from warehouse.lake import reading
from warehouse.read import KnownSource, known_sources
from warehouse.shards import CommitInfo, CommitKind, stage
from warehouse.snapshots import Snapshot

VERSION = "1"

COMMIT_WAIT_S: Final = 600.0  # for another curator's commit to end
# Reasons that lie with a run, not with the video: `--retry-failed` offers these again.
PASSING_REASONS: Final = frozenset({Reason.WORKER_CRASHED, Reason.TIMED_OUT, Reason.OUT_OF_MEMORY})


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A file with the same bytes as another that is curated, or will be in this run."""

    file: OfferedFile
    original: Path


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run has to do. ``already_there`` counts the offers it need not look at, ``left_over`` those that it may
    not: the next run takes them."""

    new: tuple[OfferedFile, ...]
    duplicates: tuple[Duplicate, ...]
    already_there: int
    left_over: int = 0


def plan(
    warehouse: Path,
    offers: Sequence[Offer],
    recipe: Recipe,
    retry_failed: bool = False,
    max_files: int | None = None,
) -> Plan:
    """Sort ``offers`` into new, duplicate and already there; hashes only files that changed since they were read, and
    none any more when ``max_files`` new ones are found."""
    known = _known(warehouse)
    by_path = {source.path: source for source in known}
    done = {source.sha256: source.path for source in known if is_done(source, recipe, retry_failed)}
    new: dict[str, OfferedFile] = {}
    duplicates: list[Duplicate] = []
    already_there = left_over = 0
    for offer in offers:
        before, stat = by_path.get(str(offer.path)), offer.path.stat()
        if len(new) == max_files and not _unchanged(stat, before):
            left_over += 1
            continue
        file = _hashed(offer, stat, before)
        original = done.get(file.sha256)
        if original == str(offer.path):
            already_there += 1
        elif original is not None:
            if before is not None and before.sha256 == file.sha256 and before.reason == Reason.DUPLICATE:
                already_there += 1
            else:
                duplicates.append(Duplicate(file, Path(original)))
        elif file.sha256 in new:
            duplicates.append(Duplicate(file, new[file.sha256].offer.path))
        elif len(new) == max_files:
            left_over += 1
        else:
            new[file.sha256] = file
    return Plan(tuple(new.values()), tuple(duplicates), already_there, left_over)


def is_done(source: KnownSource, recipe: Recipe, retry_failed: bool) -> bool:
    """Whether the warehouse has what ``recipe`` would measure of these bytes."""
    return (
        source.curation_key == recipe.curation_key
        and source.reason != Reason.DUPLICATE
        and not (retry_failed and source.reason in PASSING_REASONS)
    )


def commit_batch(
    warehouse: Path, drafts: Sequence[Path], duplicates: Sequence[Duplicate], recipe: Recipe
) -> tuple[Snapshot | None, dict[str, pa.Table]]:
    """Commit the drafts' rows and the exact duplicates' verdicts as one snapshot; near duplicates and mirror images of
    what is kept are refused here, where all of it is known. Returns the snapshot, None if there was nothing to commit,
    and the rows."""
    parts = [read_draft(draft) for draft in drafts] + [_duplicate_rows(d, recipe) for d in duplicates]
    tables = {
        name: pa.concat_tables([part[name] for part in parts]) if parts else schema.empty_table()
        for name, schema in TABLES.items()
    }
    with open_committer(warehouse, wait_s=COMMIT_WAIT_S) as lake:
        tables = refuse_near_duplicates(tables, lake, recipe.duplicates)
        tables = refuse_mirrored(tables, lake, recipe)
        code_version = metadata.version("xtalker")
        info = CommitInfo(CommitKind.CURATE, lake.latest(), code_version, recipe.model_dump(mode="json"))
        snapshot = publish(lake, stage(tables, lake.layout.staging, info))
        snapshot = compact(lake, code_version) or snapshot
    return snapshot, tables


def _known(warehouse: Path) -> tuple[KnownSource, ...]:
    try:
        with reading(warehouse) as lake:
            return tuple(known_sources(lake))
    except NoWarehouse:
        return ()


def _unchanged(stat: os.stat_result, before: KnownSource | None) -> bool:
    return before is not None and (before.size_bytes, before.modified_ns) == (stat.st_size, stat.st_mtime_ns)


def _hashed(offer: Offer, stat: os.stat_result, before: KnownSource | None) -> OfferedFile:
    """The file's state now; its hash is the stored one where size and modification time have not changed."""
    sha256 = before.sha256 if before is not None and _unchanged(stat, before) else hash_file(offer.path)
    return OfferedFile(offer=offer, sha256=sha256, size_bytes=stat.st_size, modified_ns=stat.st_mtime_ns)


def _duplicate_rows(duplicate: Duplicate, recipe: Recipe) -> dict[str, pa.Table]:
    file = duplicate.file
    # The content's own id belongs to the original; a copy is told apart by its path.
    source_id = hashlib.sha256(f"{file.sha256}:{file.offer.path}".encode()).hexdigest()[:16]
    verdict = Verdict(
        source_id,
        "duplicate",
        False,
        Reason.DUPLICATE,
        None,
        None,
        f"curation@{VERSION}",
        f"the same bytes as {duplicate.original}",
    )
    record = SourceRecord(source_id, file.sha256, file.size_bytes, file.offer, None, (verdict,), ())
    return assemble(record, recipe.curation_key, file.modified_ns)
