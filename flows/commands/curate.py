"""``xtalker curate``: the batch runner driven directly, because a Prefect server costs half a minute to start."""

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from flows.batches import Workplace, curate_batch
from flows.curation import plan
from flows.heads import make_head_ready
from flows.offers import gather
from flows.pool import RunnerPool
from flows.progress import RendersSeen, RunProgress
from flows.recipe import load_recipe
from flows.report import CurationReport
from flows.run import run_plan
from flows.settings import Settings
from flows.supervisor import Limits
from models.assets import AssetStore


def run(
    videos: Sequence[str],
    warehouse: Path | None,
    recipe_path: Path | None,
    workers: int | None,
    retry_failed: bool,
    as_json: bool,
) -> int:
    """Curate and print the summary; the exit code."""
    settings, recipe = Settings.load(warehouse), load_recipe(recipe_path)
    offers = gather(videos)
    AssetStore(settings.assets).require()
    todo = plan(settings.warehouse, offers, recipe, retry_failed)
    report = CurationReport(offered=len(offers), already_there=todo.already_there)
    if todo.new:
        make_head_ready(recipe, settings.assets, RendersSeen(quiet=as_json))
    if todo.new or todo.duplicates:
        place = Workplace(
            warehouse=settings.warehouse,
            assets=settings.assets,
            limits=Limits(),
            at_once=workers or os.cpu_count() or 1,
        )
        progress = RunProgress(len(todo.new), quiet=as_json)
        with (
            ThreadPoolExecutor(place.at_once) as threads,
            closing(RunnerPool(place.assets, place.limits, place.at_once)) as pool,
        ):
            run_plan(
                todo,
                place,
                recipe,
                retry_failed,
                report,
                progress,
                lambda batch: threads.submit(curate_batch, batch, place, pool, progress.heard),
            )
    print(json.dumps(report.as_dict(), indent=2) if as_json else "\n".join(report.lines()))
    return 0
