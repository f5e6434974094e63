"""What a run did to the warehouse, and the models that are trained on it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from flows.artifacts.markdown import code, command, plain, table
from schemas.version import ModelVersion
from warehouse.changes import Change

MOST_MODELS: Final = 10


def snapshot_tag(root: Path, snapshot: int) -> str:
    """What runs that made a snapshot, or used it, are tagged with. Prefect's UI parts tags at commas."""
    return f"{plain(root.name).replace(',', ' ')}:snapshot-{snapshot}"


def model_tag(version: str) -> str:
    """What runs that made a version, or decided about it, are tagged with."""
    return f"model:{version}"


def snapshot_text(root: Path, before: int | None, after: int, change: Change) -> str:
    """The warehouse before and after, and what changed."""
    old, new = change.before, change.after
    was = "before (no warehouse)" if before is None else f"before ({before})"
    rows = [
        ("files", old.sources, new.sources),
        ("clips", old.clips, new.clips),
        ("kept clips", old.kept, new.kept),
    ]
    counted = [[name, f"{a:,}", f"{b:,}", f"{b - a:+,}"] for name, a, b in rows]
    hours = ["kept hours", f"{old.kept_hours:.3f}", f"{new.kept_hours:.3f}", f"{new.kept_hours - old.kept_hours:+.3f}"]
    return "\n\n".join(
        (
            f"### Snapshot {after} of {code(root.name)}",
            table(("", was, f"after ({after})", "change"), [*counted, hours]),
            f"- Clips: **{change.clips_added:,} added**, {change.clips_removed:,} removed; "
            f"{change.now_kept:,} refused before and kept now, {change.now_refused:,} kept before and refused now\n"
            f"- Files: {change.sources_added:,} added, {change.sources_removed:,} removed",
            "What other curators committed meanwhile counts too.",
        )
    )


def models_text(models: Sequence[ModelVersion], champion: str | None, snapshot: int) -> str:
    """The newest models and what they were trained on, for a snapshot that may be news to them."""
    if not models:
        return f"### Models\n\nNone was trained here yet.\n\n{command('xtalker train --snapshot', str(snapshot))}"
    rows = [
        [
            f"{code(model.version)}{' (champion)' if model.version == champion else ''}",
            f"**{model.snapshot}**" if model.snapshot == snapshot else str(model.snapshot),
            f"{60 * model.train_hours:.1f}",
            model.licence_class.value,
            f"{model.created:%Y-%m-%d %H:%M}",
        ]
        for model in list(reversed(models))[:MOST_MODELS]
    ]
    columns = ("model", "snapshot", "trained on, min", "licence", "registered, UTC")
    more = f"\n\n{len(models) - MOST_MODELS} older ones: `xtalker models`" if len(models) > MOST_MODELS else ""
    seen = any(model.snapshot >= snapshot for model in models)
    news = "" if seen else f"\n\nNone has seen snapshot {snapshot} yet."
    return f"### Models\n\n{table(columns, rows)}{more}{news}\n\n{command('xtalker train --snapshot', str(snapshot))}"
