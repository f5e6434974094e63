"""``xtalker curate``: the batch runner driven directly, because a Prefect server costs half a minute to start."""

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from flows.curation import RunnerPool, commit_batch, curate_batch, plan
from flows.offers import gather
from flows.progress import RunProgress
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
    if todo.new or todo.duplicates:
        n_workers = workers or os.cpu_count() or 1
        pool = RunnerPool(settings.assets, Limits(), at_once=n_workers)
        with ThreadPoolExecutor(n_workers) as threads:
            run_plan(
                todo,
                settings.warehouse,
                recipe,
                pool,
                report,
                RunProgress(len(todo.new), quiet=as_json),
                lambda *batch: threads.submit(curate_batch, *batch),
                commit_batch,
            )
    print(json.dumps(report.as_dict(), indent=2) if as_json else "\n".join(report.lines()))
    return 0
