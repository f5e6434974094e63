"""Curation as a Prefect flow: the same plan, batches and commits as ``xtalker curate``, one task run a micro-batch.

``python -m flows.curate VIDEOS...`` runs it against the server that ``PREFECT_API_URL`` names.
"""

import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

from prefect import State, flow
from prefect.states import Completed, Failed
from prefect.task_runners import TaskRunner
from prefect.utilities.annotations import quote
from pydantic import BaseModel, ConfigDict, Field

from flows import stages
from flows.announcing import announce_snapshot
from flows.artifacts.curation import leave_curation, newest_snapshot
from flows.batches import Batch, Workplace
from flows.curation import Plan
from flows.errors import WrongCall
from flows.heads import make_head_ready
from flows.offers import gather
from flows.pool import RunnerPool
from flows.progress import RendersSeen, RunProgress
from flows.recipe import Recipe, load_recipe
from flows.report import CurationReport
from flows.run import Pending, run_plan
from flows.runners import RunnerKind, task_runner
from flows.settings import Settings
from flows.supervisor import Limits
from models.assets import AssetError, AssetStore


class CurateParams(BaseModel):
    """What to curate."""

    model_config = ConfigDict(extra="forbid")

    videos: list[str] = Field(
        min_length=1, description="Files, folders, globs, or .csv/.parquet manifests on the worker's disk"
    )
    warehouse: Path | None = Field(None, description="Its folder; None: the worker's own default")
    recipe: Path | None = Field(None, description="A recipe YAML on the worker's disk; None: the default one")
    tier: Literal["recipe", "pretrain", "strict"] = Field(
        "recipe", description="pretrain keeps more, strict keeps better; recipe: the one that the recipe names"
    )
    max_files: int | None = Field(None, ge=1, description="New files of this run, the next takes others; None: all")
    workers: int | None = Field(None, ge=1, le=4096, description="Child processes at a time; None: one a core")
    retry_failed: bool = Field(
        False, description="Offer sources again whose worker crashed, timed out or ran out of memory"
    )
    runner: RunnerKind = Field(
        RunnerKind.THREADS,
        title="Runner",
        description="Who runs the batches: threads of this worker, or a Dask or Ray cluster",
    )
    limits: Limits = Field(default_factory=Limits, description="Time and memory of one child process")

    def full_recipe(self) -> Recipe:
        """The recipe to curate by. Raises ``InvalidRecipe``."""
        recipe = load_recipe(self.recipe)
        return recipe if self.tier == "recipe" else recipe.model_copy(update={"tier": self.tier})


@flow(name="curate", log_prints=True)
def curate(params: CurateParams) -> dict[str, Any] | State[Any]:
    """Curate ``params.videos`` into the warehouse; returns what ``xtalker curate --json`` prints.

    A run that failed or was killed is gone on from by any later one over the same files.
    """
    try:
        done = carry_out(params)
    except (WrongCall, AssetError) as error:  # its message says all; a traceback would hide it
        return Failed(message=str(error))
    if done["snapshot_id"] is None:
        return Completed(name="Skipped", message=f"all {done['offered']} files are in the warehouse already")
    return done


def carry_out(params: CurateParams) -> dict[str, Any]:
    """The body of every flow that curates: plan, run, tell of it.

    Raises ``WrongCall``, ``AssetMissing``.
    """
    settings, recipe = Settings.load(params.warehouse), params.full_recipe()
    AssetStore(settings.assets).require()
    offers, before = gather(params.videos), newest_snapshot(settings.warehouse)
    todo = stages.plan(settings.warehouse, quote(offers), recipe, params.retry_failed, params.max_files)
    report = CurationReport(offered=len(offers), already_there=todo.already_there, left_over=todo.left_over)
    if todo.new:
        make_head_ready(recipe, settings.assets, RendersSeen())
    if todo.new or todo.duplicates:
        place = Workplace(
            warehouse=settings.warehouse,
            assets=settings.assets,
            limits=params.limits,
            at_once=params.workers or os.cpu_count() or 1,
        )
        with task_runner(params.runner, place.at_once) as runner:
            _run(todo, place, recipe, params, report, runner)
    announce_snapshot(settings)
    leave_curation(settings, report, before)
    return report.as_dict()


def _run(
    todo: Plan, place: Workplace, recipe: Recipe, params: CurateParams, report: CurationReport, runner: TaskRunner[Any]
) -> None:
    """Batches in this process share its pool and are listened to; others have the pool of theirs (and no pool here is
    ever opened)."""
    progress = RunProgress(len(todo.new))
    with closing(RunnerPool(place.assets, place.limits, place.at_once)) as pool:
        here = {"pool": pool, "on_event": progress.heard} if params.runner is RunnerKind.THREADS else {}

        def submit(batch: Batch) -> Pending:
            pending: Pending = runner.submit(stages.curate_batch, {"batch": batch, "place": place, **here})
            return pending

        run_plan(todo, place, recipe, params.retry_failed, report, progress, submit)


if __name__ == "__main__":
    curate(CurateParams(videos=sys.argv[1:]))
