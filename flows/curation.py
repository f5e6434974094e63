"""Curation, whoever drives it: plan what is new, curate it in micro-batches, commit each batch as one snapshot.

``xtalker curate`` calls these three functions directly; the Prefect flow calls them as tasks (``flows.stages``).
What is done is known to the warehouse, so a killed run is resumed by planning again.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

import pyarrow as pa

from flows.duplicates import refuse_near_duplicates
from flows.protocol import BatchRequest, Event, OfferedFile, read_draft
from flows.recipe import Recipe
from flows.supervisor import BatchRunner, Limits, worker_command
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

BATCH_FILES: Final = 16
BATCHES_PER_WORKER: Final = 4  # at least, so that no worker idles long at the end of a short run
BATCH_BYTES: Final = 256 * 2**20
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
    """What a run has to do. ``already_there`` counts the offers it need not look at."""

    new: tuple[OfferedFile, ...]
    duplicates: tuple[Duplicate, ...]
    already_there: int


def plan(
    warehouse: Path,
    offers: Sequence[Offer],
    recipe: Recipe,
    retry_failed: bool = False,
) -> Plan:
    """Sort ``offers`` into new, duplicate and already there; hashes only files that changed since they were read."""
    known = _known(warehouse)
    by_path = {source.path: source for source in known}
    done = {
        source.sha256: source.path
        for source in known
        if source.curation_key == recipe.curation_key
        and source.reason != Reason.DUPLICATE
        and not (retry_failed and source.reason in PASSING_REASONS)
    }
    new: dict[str, OfferedFile] = {}
    duplicates: list[Duplicate] = []
    already_there = 0
    for offer in offers:
        before = by_path.get(str(offer.path))
        file = _hashed(offer, before)
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
        else:
            new[file.sha256] = file
    return Plan(tuple(new.values()), tuple(duplicates), already_there)


def batches(files: Sequence[OfferedFile], recipe: Recipe, drafts: Path, workers: int) -> Iterator[BatchRequest]:
    """Micro-batches of ``files``: small enough that a killed run loses little, large enough that commits are few."""
    most = min(BATCH_FILES, max(1, len(files) // (BATCHES_PER_WORKER * workers)))
    batch: list[OfferedFile] = []
    for file in files:
        full = len(batch) == most or sum(f.size_bytes for f in batch) + file.size_bytes > BATCH_BYTES
        if batch and full:
            yield BatchRequest(files=tuple(batch), recipe=recipe, drafts=drafts)
            batch = []
        batch.append(file)
    if batch:
        yield BatchRequest(files=tuple(batch), recipe=recipe, drafts=drafts)


class RunnerPool:
    """Batch runners kept warm between batches: one for each of the ``at_once`` batches that may run together."""

    def __init__(self, assets: Path, limits: Limits, at_once: int) -> None:
        self.at_once = at_once
        self._command, self._limits = worker_command(assets), limits
        self._free = threading.Semaphore(at_once)
        self._idle: list[BatchRunner] = []
        self._all: list[BatchRunner] = []
        self._lock = threading.Lock()

    @contextmanager
    def runner(self) -> Iterator[BatchRunner]:
        """A runner of one's own; waits while ``at_once`` others are at work."""
        with self._free:
            with self._lock:
                if not self._idle:
                    self._all.append(BatchRunner(self._command, self._limits))
                    self._idle.append(self._all[-1])
                runner = self._idle.pop()
            try:
                yield runner
            finally:
                with self._lock:
                    self._idle.append(runner)

    def close(self) -> None:
        """End every child, at work or idle."""
        with self._lock:
            runners = self._all
        for runner in runners:
            runner.close()


def curate_batch(
    request: BatchRequest, pool: RunnerPool, on_event: Callable[[OfferedFile, Event], None] = lambda *_: None
) -> tuple[Path, ...]:
    """Take a micro-batch through the stages in a child process; the drafts of its rows."""
    with pool.runner() as runner:
        return runner.run(request, on_event)


def commit_batch(
    warehouse: Path, drafts: Sequence[Path], duplicates: Sequence[Duplicate], recipe: Recipe
) -> tuple[Snapshot | None, dict[str, pa.Table]]:
    """Commit the drafts' rows and the exact duplicates' verdicts as one snapshot; near duplicates of kept clips are
    refused here, where everything kept so far is known. Returns the snapshot, None if there was nothing to commit,
    and the rows."""
    parts = [read_draft(draft) for draft in drafts] + [_duplicate_rows(d, recipe) for d in duplicates]
    tables = {
        name: pa.concat_tables([part[name] for part in parts]) if parts else schema.empty_table()
        for name, schema in TABLES.items()
    }
    with open_committer(warehouse, wait_s=COMMIT_WAIT_S) as lake:
        tables = refuse_near_duplicates(tables, lake, recipe.duplicates)
        code_version = metadata.version("xtalker")
        info = CommitInfo(CommitKind.CURATE, lake.latest(), code_version, recipe.model_dump(mode="json"))
        snapshot = publish(lake, stage(tables, lake.layout.staging, info))
        snapshot = compact(lake, code_version) or snapshot
    for draft in drafts:
        draft.unlink()
    return snapshot, tables


def _known(warehouse: Path) -> tuple[KnownSource, ...]:
    try:
        with reading(warehouse) as lake:
            return tuple(known_sources(lake))
    except NoWarehouse:
        return ()


def _hashed(offer: Offer, before: KnownSource | None) -> OfferedFile:
    """The file's state now; its hash is the stored one where size and modification time have not changed."""
    stat = offer.path.stat()
    unchanged = before is not None and (before.size_bytes, before.modified_ns) == (stat.st_size, stat.st_mtime_ns)
    sha256 = before.sha256 if before is not None and unchanged else hash_file(offer.path)
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
