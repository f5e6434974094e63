"""What a curation run leaves to be seen, under the keys ``curation-...``."""

from pathlib import Path

from prefect.logging import get_run_logger

from flows.artifacts.clips import MOST_ROWS, clip_rows, clips_described
from flows.artifacts.counts import gate_rows, speed_rows
from flows.artifacts.markdown import command
from flows.artifacts.sheet import MOST_TILES, draw_sheet, sheet_text
from flows.artifacts.shelf import leave_table, leave_text, runs_tagged, tag_run, this_run
from flows.artifacts.snapshots import models_text, snapshot_tag, snapshot_text
from flows.report import CurationReport
from flows.settings import Settings
from warehouse.changes import change_between, examples_between, judged_between
from warehouse.errors import NoWarehouse
from warehouse.lake import reading
from warehouse.registry import CHAMPION, aliases, versions


def newest_snapshot(root: Path) -> int | None:
    """The number of the newest snapshot; None where there is no warehouse yet."""
    try:
        with reading(root) as lake:
            return lake.latest()
    except NoWarehouse:
        return None


def leave_curation(settings: Settings, report: CurationReport, before: int | None) -> None:
    """Leave the summary, and of a run that brought something all the rest; ``before`` is the newest snapshot when it
    began. Some seconds and, in a process of their own, some hundred MB, whatever the size of the run.

    Raises what ``warehouse.lake.reading`` does, and httpx's errors.
    """
    said = "\n".join(report.lines())
    leave_text("curation-summary", f"```\n{said}\n```\n\nLeft by {this_run()}", _in_short(report))
    after = report.snapshot_id
    if after is None:
        return
    root = settings.warehouse
    with reading(root) as lake:
        change = change_between(lake, before, after)
        judged, n_judged = judged_between(lake, before, after, MOST_ROWS)
        examples = examples_between(lake, before, after, MOST_TILES)
        models, champion = versions(lake), aliases(lake).get(CHAMPION)
    leave_table(
        "curation-gates",
        gate_rows(report),
        "What each gate refused. A clip may miss several: *decided* counts it once, at the first of them",
    )
    leave_table("curation-clips", clip_rows(judged), clips_described(len(judged), n_judged, before, after))
    leave_table("curation-speed", speed_rows(report), _speed_described(report))
    answer = draw_sheet(root, examples)
    for clip, why in answer.not_drawn.items():
        get_run_logger().warning("clip %s is not on the contact sheet: %s", clip, why)
    leave_text(
        "curation-sheet", sheet_text(examples, answer), f"{len(answer.drawn)} clips with the heads fitted to them"
    )
    tag = snapshot_tag(root, after)
    text = (
        snapshot_text(root, before, after, change),
        models_text(models, champion, after),
        "### Links",
        f"- {this_run()} made this snapshot\n- {runs_tagged('Every run that made or used it', tag)}",
        command(f'xtalker sql --at {after} "from kept"'),
    )
    leave_text(
        "curation-snapshot", "\n\n".join(text), f"Snapshot {after}: what changed, which models are trained on it"
    )
    tag_run(tag)


def _in_short(report: CurationReport) -> str:
    if report.snapshot_id is None:
        return "Nothing new"
    return f"{report.clips_kept:,} clips kept, {report.clips_refused:,} refused, of {report.sources.total():,} files"


def _speed_described(report: CurationReport) -> str:
    video = f"{report.curated_s / 60:.1f} min of video in {report.wall_s:.0f} s"
    memory = f"a worker's memory at its highest: {report.peak_worker_mb:.0f} MB"
    return f"{report.speed:.1f} x real time, {video}; {memory}. Below, the workers' processor time"
