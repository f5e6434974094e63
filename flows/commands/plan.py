"""``xtalker plan``: what `xtalker curate` would do."""

import os
from collections.abc import Sequence
from pathlib import Path

from flows.curation import plan
from flows.offers import gather
from flows.planning import estimate_for, preview
from flows.recipe import load_recipe
from flows.settings import Settings


def run(
    videos: Sequence[str],
    warehouse: Path | None,
    recipe_path: Path | None,
    workers: int | None,
    retry_failed: bool,
    as_json: bool,
) -> int:
    """Print the preview; the exit code."""
    root = Settings.load(warehouse).warehouse
    todo = plan(root, gather(videos), load_recipe(recipe_path), retry_failed)
    expected = preview(todo, estimate_for(root), workers or os.cpu_count() or 1)
    print(expected.as_json() if as_json else "\n".join(expected.lines()))
    return 0
