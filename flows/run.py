"""One run over a plan, whoever runs the batches: threads of this process, or Prefect's task runner."""

import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol, TypeVar

from flows.batches import Batch, BatchDone, Workplace, batches
from flows.curation import COMMIT_WAIT_S, Duplicate, Plan, commit_batch
from flows.drafts import drafts_of
from flows.history import PastRun, remember
from flows.progress import RunProgress
from flows.recipe import Recipe
from flows.report import CurationReport
from warehouse.commit import open_committer
from warehouse.errors import CatalogueUnreachable, CommitterLockLost, StoreUnreachable

COMMIT_BYTES: Final = 256 * 2**20  # of drafts in one commit, which is made in memory
PAUSES_S: Final = (5.0, 30.0, 120.0)
# Drafts that nobody takes up: their videos are not offered any more, or their run was killed between a commit and the
# removal of what it had committed.
DRAFTS_KEPT: Final = timedelta(days=14)


class Pending(Protocol):
    """A batch under way."""

    def result(self) -> BatchDone: ...


Submit = Callable[[Batch], Pending]
T = TypeVar("T")


def run_plan(
    todo: Plan,
    place: Workplace,
    recipe: Recipe,
    retry_failed: bool,
    report: CurationReport,
    progress: RunProgress,
    submit: Submit,
) -> None:
    """Curate and commit all that ``todo`` has, counting into ``report``.

    Batches are committed here and in order, so that which of two near duplicates is kept does not depend on who was
    faster. A batch's drafts that are not committed, because this process ends before, wait for the next run.
    """
    began, begun = datetime.now(UTC), time.monotonic()
    _patiently(lambda: _make(place.warehouse))
    drafts = drafts_of(place.warehouse)
    drafts.sweep(DRAFTS_KEPT)

    def publish(paths: Sequence[Path], duplicates: Sequence[Duplicate]) -> None:
        snapshot, tables = _patiently(lambda: commit_batch(place.warehouse, paths, duplicates, recipe))
        report.add_rows(tables)
        report.snapshot_id = snapshot.snapshot_id if snapshot is not None else report.snapshot_id

    with progress:
        todays = batches(todo.new, recipe, place.at_once, retry_failed)
        under_way = [submit(batch) for batch in todays]
        for batch in todays:
            done = under_way.pop(0).result()  # popped: a cluster keeps what a future stands for
            report.add_batch(done)
            for names in drafts.portions(done.drafts, COMMIT_BYTES):
                with drafts.at_hand(names) as paths:
                    publish(paths, ())
                drafts.remove(names)
            progress.committed(batch.files)
        if todo.duplicates:
            publish((), todo.duplicates)
    report.wall_s = time.monotonic() - begun
    at_work = min(place.at_once, len(todays))
    remember(place.warehouse, PastRun(began=began, wall_s=report.wall_s, workers=at_work, curated_s=report.curated_s))


def _make(warehouse: Path) -> None:
    """The first of all runs makes the warehouse, before its batches look into it."""
    with open_committer(warehouse, COMMIT_WAIT_S):
        pass


def _patiently(commit: Callable[[], T]) -> T:
    """``commit``, again if the warehouse is out of reach for a while: a night's run does not end with a database's
    restart."""
    for pause_s in PAUSES_S:
        try:
            return commit()
        except (CatalogueUnreachable, StoreUnreachable, CommitterLockLost) as error:
            print(f"not committed yet, tried again in {pause_s:.0f} s: {error}", file=sys.stderr)
            time.sleep(pause_s)
    return commit()
