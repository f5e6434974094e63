"""One run over a plan, whoever runs the batches: threads of this process, or Prefect's task runner."""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from flows.curation import Duplicate, Plan, RunnerPool, batches
from flows.progress import RunProgress
from flows.protocol import BatchRequest, Event, OfferedFile
from flows.recipe import Recipe
from flows.report import CurationReport
from warehouse.snapshots import Snapshot


class Pending(Protocol):
    """A batch under way."""

    def result(self) -> tuple[Path, ...]: ...


Submit = Callable[[BatchRequest, RunnerPool, Callable[[OfferedFile, Event], None]], Pending]
Commit = Callable[[Path, Sequence[Path], Sequence[Duplicate], Recipe], tuple[Snapshot | None, dict[str, pa.Table]]]


def run_plan(
    todo: Plan,
    warehouse: Path,
    recipe: Recipe,
    pool: RunnerPool,
    report: CurationReport,
    progress: RunProgress,
    submit: Submit,
    commit: Commit,
) -> None:
    """Curate and commit all that ``todo`` has, counting into ``report``; ends the pool's children.

    Batches are committed in order, so that which of two near duplicates is kept does not depend on who was faster.
    """
    begun = time.monotonic()

    def heard(file: OfferedFile, event: Event) -> None:
        progress.heard(file, event)
        report.heard(event)

    def publish(drafts: Sequence[Path], duplicates: Sequence[Duplicate]) -> None:
        snapshot, tables = commit(warehouse, drafts, duplicates, recipe)
        report.add_rows(tables)
        report.snapshot_id = snapshot.snapshot_id if snapshot is not None else report.snapshot_id

    with tempfile.TemporaryDirectory(prefix="xtalker-drafts-") as drafts, progress:
        try:
            requests = list(batches(todo.new, recipe, Path(drafts), pool.at_once))
            under_way = [submit(request, pool, heard) for request in requests]
            for request, batch in zip(requests, under_way, strict=True):
                publish(batch.result(), ())
                progress.committed(request.files)
            if todo.duplicates:
                publish((), todo.duplicates)
        finally:
            pool.close()
    report.wall_s = time.monotonic() - begun
