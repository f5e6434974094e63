"""Micro-batches: what one task run is given, how many there are, and how one is curated, wherever it runs.

With Prefect a batch is a task run, so their number must not grow with the files: some 40 for a few hundred, two
thousand for a million. A batch's size costs neither lost work (a killed one goes on from its drafts) nor memory (its
rows are committed in portions); what it costs is patience, for nothing of it is in the warehouse before all of it is
curated.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from flows.curation import is_done
from flows.drafts import Drafts, drafts_of
from flows.heads import make_head_ready
from flows.pool import RunnerPool, pool_of_this_process
from flows.protocol import BatchRequest, Event, Finished, OfferedFile, StageDone, draft_name
from flows.recipe import Recipe
from flows.supervisor import Limits
from schemas.source import source_id_of
from warehouse.errors import NoWarehouse
from warehouse.lake import reading
from warehouse.read import KnownSource, table_of

BATCHES_PER_WORKER: Final = 4  # if the files are so many: no worker then idles long at the end of a short run
FEW_BATCHES: Final = 40  # which a person can look through in the Prefect UI
BATCHES_PER_ROOT: Final = 2  # past that, for each unit of the root of the number of files

OnEvent = Callable[[OfferedFile, Event], None]


class Workplace(BaseModel, frozen=True):
    """Where a batch is curated, and with what. Paths mean the same on every machine that takes part."""

    warehouse: Path
    assets: Path
    limits: Limits
    at_once: int  # children of one process


class Batch(BaseModel, frozen=True):
    """A micro-batch of sources: all that a process on another machine needs to be told."""

    number: int  # from 1
    files: tuple[OfferedFile, ...]
    recipe: Recipe
    retry_failed: bool

    @property
    def title(self) -> str:
        """Its files in few words."""
        return self.files[0].offer.path.name + (f" and {n} more" if (n := len(self.files) - 1) else "")


@dataclass(frozen=True, slots=True)
class BatchDone:
    """What became of a batch. ``drafts`` are those to commit, in the order of the files."""

    drafts: tuple[str, ...]
    already_there: int  # files that another run has committed meanwhile
    video_s: float  # curated now; files with a draft from before are not in it
    stage_cpu_s: dict[str, float]
    peak_worker_mb: float


def batches(files: Sequence[OfferedFile], recipe: Recipe, workers: int, retry_failed: bool = False) -> list[Batch]:
    """``files`` in order, in batches of like amounts: each has its share of their number and of their bytes."""
    wanted = how_many(len(files), workers)
    total_bytes = sum(file.size_bytes for file in files) or 1
    groups: list[list[OfferedFile]] = [[] for _ in range(wanted)]
    shared_out = 0.0
    for file in files:
        share = (1 / len(files) + file.size_bytes / total_bytes) / 2
        groups[min(int((shared_out + share / 2) * wanted), wanted - 1)].append(file)
        shared_out += share
    return [
        Batch(number=number, files=tuple(group), recipe=recipe, retry_failed=retry_failed)
        for number, group in enumerate(filter(None, groups), 1)
    ]


def how_many(files: int, workers: int) -> int:
    """Batches: at least one a worker, four if there are files enough, and then as the root of the number of files."""
    root = math.ceil(BATCHES_PER_ROOT * math.sqrt(files))
    return min(files, max(workers, min(max(BATCHES_PER_WORKER * workers, root), max(FEW_BATCHES, root))))


def curate_batch(
    batch: Batch, place: Workplace, pool: RunnerPool | None = None, on_event: OnEvent = lambda *_: None
) -> BatchDone:
    """Take the files of a batch through the stages in a child process, but for those that are done.

    Without a ``pool`` it is that of this process: so on a cluster, where neither it nor ``on_event`` can be sent.
    """
    drafts, tally = drafts_of(place.warehouse), _Tally(on_event)
    names = {file.sha256: draft_name(file, batch.recipe) for file in batch.files}
    committed = _committed(batch, place.warehouse)
    files = [file for file in batch.files if file.sha256 not in committed]
    made = {file.sha256: names[file.sha256] for file in files}
    there = drafts.have(list(made.values()))
    missing = tuple(file for file in files if made[file.sha256] not in there)
    if missing:
        make_head_ready(batch.recipe, place.assets)  # here: the machine of a cluster may be a fresh one
        pool = pool or pool_of_this_process(place.assets, place.limits, place.at_once)
        made |= _curate(missing, batch.recipe, pool, drafts, tally)
    return BatchDone(
        drafts=tuple(made[file.sha256] for file in files),
        already_there=len(committed),
        video_s=tally.video_s,
        stage_cpu_s=dict(tally.stage_cpu_s),
        peak_worker_mb=tally.peak_mb,
    )


def _curate(
    files: tuple[OfferedFile, ...], recipe: Recipe, pool: RunnerPool, drafts: Drafts, tally: "_Tally"
) -> dict[str, str]:
    """The draft of each file, by its hash; each is kept as soon as it is written."""
    kept: dict[str, str] = {}

    def heard(file: OfferedFile, event: Event) -> None:
        tally.heard(file, event)
        if isinstance(event, Finished):
            kept[file.sha256] = drafts.keep(event.draft)

    with pool.runner() as runner, drafts.workshop() as folder:
        runner.run(BatchRequest(files=files, recipe=recipe, drafts=folder), heard)
    return kept


def _committed(batch: Batch, warehouse: Path) -> frozenset[str]:
    """The hashes of those files that are in the warehouse by now: another run had them too, or a cluster runs again
    what it lost the answer of."""
    try:
        with reading(warehouse, threads=1) as lake:
            rows = table_of(lake, "sources", [source_id_of(file.sha256) for file in batch.files]).to_pylist()
    except NoWarehouse:
        return frozenset()
    known = (KnownSource(**{field.name: row[field.name] for field in fields(KnownSource)}) for row in rows)
    return frozenset(source.sha256 for source in known if is_done(source, batch.recipe, batch.retry_failed))


class _Tally:
    """Counts a batch's events on their way to whoever listens."""

    def __init__(self, on_event: OnEvent) -> None:
        self._on_event = on_event
        self.video_s = self.peak_mb = 0.0
        self.stage_cpu_s: Counter[str] = Counter()

    def heard(self, file: OfferedFile, event: Event) -> None:
        if isinstance(event, StageDone):
            self.stage_cpu_s[event.stage] += event.cpu_s  # type: ignore[assignment]  # Counter is typed for ints
        elif isinstance(event, Finished):
            self.video_s += event.video_s
            self.peak_mb = max(self.peak_mb, event.peak_mb)
        self._on_event(file, event)
