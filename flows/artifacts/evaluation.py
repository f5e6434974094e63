"""What an evaluation leaves to be seen, under the keys ``evaluation-...``."""

from pathlib import Path

from flows.artifacts.markdown import code, command, embedded
from flows.artifacts.pictures import svg_uri
from flows.artifacts.scores import score_tables, warnings_text
from flows.artifacts.shelf import leave_text, runs_tagged, tag_run, this_run
from flows.artifacts.snapshots import model_tag, snapshot_tag
from flows.artifacts.training import decided_text, standing
from flows.settings import Settings
from schemas.version import Decision, ModelVersion
from tasks.evaluate.plots import errors_per_clip, head_spectra
from tasks.evaluate.records import Evaluation
from warehouse.lake import reading
from warehouse.registry import metrics_of


def leave_evaluation(
    settings: Settings, version: ModelVersion, decision: Decision | None, report: Path, evaluation: Evaluation | None
) -> None:
    """Leave the decision and the numbers it was made by, those stored with the version. ``report`` is the page;
    ``evaluation`` what was measured anew, if it was. Raises what ``warehouse.lake.reading`` does, and httpx's errors.
    """
    root, champion = settings.warehouse, None if decision is None else decision.previous
    with reading(root) as lake:
        stored = metrics_of(lake, version.version)
    tags = (model_tag(version.version), snapshot_tag(root, version.snapshot))
    summary = (
        decided_text(version, decision),
        score_tables(stored, champion),
        "" if evaluation is None else warnings_text(evaluation),
        "### Links",
        f"- {this_run()}\n- {runs_tagged('every run on this model', tags[0])}\n"
        f"- {runs_tagged(f'every run on snapshot {version.snapshot}, which it was trained on', tags[1])}\n"
        f"- Report: {code(str(report), 200)}",
        command(f"xtalker models show {version.version}"),
    )
    leave_text("evaluation-summary", "\n\n".join(filter(None, summary)), f"{version.version}, {standing(decision)}")
    if evaluation is not None:
        leave_text("evaluation-plots", plots_text(evaluation), f"More of them in {code(str(report), 200)}")
    tag_run(*tags)


def plots_text(evaluation: Evaluation) -> str:
    """Two drawings of the report: every clip's lip error, and how the head moves."""
    drawings = {
        "Error of the lips (LVE), clip by clip": errors_per_clip(evaluation, "LVE"),
        "How the head moves": head_spectra(evaluation.played),
    }
    return "\n\n".join(f"### {title}\n\n{_drawing(title, svg)}" for title, svg in drawings.items())


def _drawing(title: str, svg: str) -> str:
    uri = svg_uri(svg)
    return "Too large for this page; see the report." if uri is None else embedded(uri, title)
