"""What a training leaves to be seen, under the keys ``training-...``."""

from flows.artifacts.markdown import code, command, embedded
from flows.artifacts.pictures import png_uri
from flows.artifacts.scores import score_tables, warnings_text
from flows.artifacts.shelf import leave_text, runs_tagged, tag_run, this_run
from flows.artifacts.snapshots import model_tag, snapshot_tag
from flows.evaluation import metrics_of
from flows.settings import Settings
from flows.training import TrainReport
from schemas.version import Decision, ModelVersion
from tasks.evaluate.records import Evaluation
from warehouse.selection import TRAIN


def leave_training(settings: Settings, report: TrainReport) -> None:
    """Leave the summary, the curves, and what was measured if it came to that. Raises httpx's errors."""
    root = settings.warehouse
    tags = [snapshot_tag(root, report.selected.snapshot)]
    links = [this_run(), runs_tagged(f"every run on snapshot {report.selected.snapshot}", tags[0])]
    if report.version is not None:
        tags.append(model_tag(report.version.version))
        links.append(runs_tagged("every run on this model", tags[1]))
    parts = [training_text(report), "### Links", "\n".join(f"- {link}" for link in links)]
    leave_text("training-summary", "\n\n".join(parts), _in_short(report))
    curves = png_uri(report.run / "curves.png")
    seen = "No curves were drawn." if curves is None else embedded(curves, "training curves")
    leave_text("training-curves", seen, f"Losses over steps; as numbers: {code(str(report.run / 'curves.jsonl'), 200)}")
    if report.evaluation is not None:
        champion = None if report.decision is None else report.decision.previous
        leave_text("training-evaluation", measured_text(report.evaluation, champion), "On clips it has not seen")
    tag_run(*tags)


def _in_short(report: TrainReport) -> str:
    if report.version is None:
        return f"Stopped at step {report.trained.step}"
    return f"{report.version.version}, {standing(report.decision)}"


def training_text(report: TrainReport) -> str:
    """What happened, in a few lines."""
    trained, selected = report.trained, report.selected
    clips = len(selected.of(TRAIN))
    data = (
        f"- Learned from {clips:,} clips of snapshot {selected.snapshot}, {60 * selected.hours(TRAIN):.1f} min, "
        f"{selected.licence_class.value}; {len(selected.clips) - clips:,} held out\n"
        f"- Selected by {code(selected.selection.where)}"
    )
    if report.version is None:
        after = f"after {trained.elapsed_s / 60:.1f} min; the same parameters go on from there"
        return f"**Stopped at step {trained.step}** {after}.\n\n{data}"
    version, page = report.version, report.run / "report" / "report.html"
    return "\n\n".join(
        (
            f"**{version.version}: {trained.step} steps** in {trained.elapsed_s / 60:.1f} min, "
            f"{version.n_parameters / 1e6:.2f} million parameters",
            decided_text(version, report.decision),
            f"{data}\n- Report: {code(str(page), 200)}",
            command(f"xtalker models show {version.version}"),
        )
    )


def standing(decision: Decision | None) -> str:
    """What became of it, in a word or two."""
    if decision is None:
        return "registered"
    return f"{decision.alias} now" if decision.moved else f"not made {decision.alias}"


def decided_text(version: ModelVersion, decision: Decision | None) -> str:
    """Whether it is champion now, and why."""
    if decision is None:
        return f"`{version.version}` is registered; whether it becomes champion is decided when it is evaluated."
    held = f" It was {code(decision.previous)}." if decision.previous not in (None, decision.version) else ""
    moved = f"is **{decision.alias}** now" if decision.moved else f"is **not** made {decision.alias}"
    return f"`{version.version}` {moved}: {decision.reason}.{held}"


def measured_text(evaluation: Evaluation, champion: str | None) -> str:
    """The tables, and what is suspicious about them."""
    return f"{score_tables(metrics_of(evaluation), champion)}\n\n{warnings_text(evaluation)}"
