"""Curation as a Prefect flow: the same plan, batches and commits as ``xtalker curate``, one task run a micro-batch.

``python -m flows.curate VIDEOS...`` runs it against the server that ``PREFECT_API_URL`` names.
"""

import os
import sys
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.events import emit_event
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import BaseModel, Field

from flows import stages
from flows.curation import RunnerPool
from flows.offers import gather
from flows.progress import RunProgress
from flows.recipe import load_recipe
from flows.report import CurationReport
from flows.run import run_plan
from flows.settings import Settings
from flows.supervisor import Limits
from models.assets import AssetStore

SNAPSHOT_PUBLISHED = "warehouse.snapshot.published"


class CurateParams(BaseModel):
    """What to curate; the form that the Prefect UI shows."""

    videos: list[str] = Field(description="Files, folders, globs, or .csv/.parquet manifests on the worker's disk")
    warehouse: Path | None = Field(None, description="Its folder; empty for the worker's own default")
    recipe: Path | None = Field(None, description="A recipe YAML; empty for the default one")
    workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, description="Child processes at a time")
    retry_failed: bool = Field(False, description="Offer sources again whose worker crashed or ran out of time")
    limits: Limits = Field(default_factory=Limits, description="Time and memory of one child process")


@flow(
    name="curate",
    task_runner=ThreadPoolTaskRunner(max_workers=16),  # type: ignore[arg-type]  # Prefect's parameter is invariant
    log_prints=True,
)
def curate(params: CurateParams) -> dict[str, Any]:
    """Curate ``params.videos`` into the warehouse; returns what ``xtalker curate --json`` prints."""
    settings, recipe = Settings.load(params.warehouse), load_recipe(params.recipe)
    AssetStore(settings.assets).require()
    offers = gather(params.videos)
    todo = stages.plan(settings.warehouse, offers, recipe, params.retry_failed)
    report = CurationReport(offered=len(offers), already_there=todo.already_there)
    run_plan(
        todo,
        settings.warehouse,
        recipe,
        RunnerPool(settings.assets, params.limits, at_once=params.workers),
        report,
        RunProgress(len(todo.new)),
        stages.curate_batch.submit,
        stages.commit_batch,
    )
    _publish(settings, report)
    return report.as_dict()


def _publish(settings: Settings, report: CurationReport) -> None:
    """Leave the summary in the UI and, if there is a new snapshot, tell those who wait for one."""
    create_markdown_artifact("```\n" + "\n".join(report.lines()) + "\n```", key="curation-summary")
    if report.snapshot_id is not None:
        emit_event(
            event=SNAPSHOT_PUBLISHED,
            resource={
                "prefect.resource.id": f"warehouse.snapshot.{report.snapshot_id}",
                "prefect.resource.name": f"snapshot {report.snapshot_id} of {settings.warehouse.name}",
            },
            payload={"warehouse": str(settings.warehouse), **report.as_dict()},
        )


if __name__ == "__main__":
    curate(CurateParams(videos=sys.argv[1:]))
