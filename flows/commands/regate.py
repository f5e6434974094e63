"""``xtalker regate``."""

import json
from collections import Counter
from pathlib import Path

from flows.recipe import Recipe, load_recipe
from flows.regate import regate
from flows.settings import Settings


def run(warehouse: Path | None, recipe_path: Path | None, tier: str | None, as_json: bool) -> int:
    recipe = load_recipe(recipe_path)
    if tier is not None:
        recipe = Recipe.model_validate(recipe.model_dump() | {"tier": tier})
    snapshot, clips = regate(Settings.load(warehouse).warehouse, recipe)
    reasons = Counter(r for r in clips["reason"].to_pylist() if r)
    outcome = {
        "tier": recipe.tier,
        "clips_kept": clips.num_rows - reasons.total(),
        "clips_refused": reasons.total(),
        "clip_reasons": dict(reasons.most_common()),
        "snapshot_id": snapshot.snapshot_id if snapshot else None,
    }
    if as_json:
        print(json.dumps(outcome, indent=2))
    else:
        print(f"tier      {recipe.tier}")
        said = ", ".join(f"{n} {reason}" for reason, n in reasons.most_common())
        print(f"clips     {outcome['clips_kept']} kept, {reasons.total()} refused{f' ({said})' if said else ''}")
        print(f"snapshot  {snapshot.snapshot_id if snapshot else 'unchanged'}")
    return 0
