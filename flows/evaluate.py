"""Measure a registered version on its held-out clips, leave a report, and make it champion if it is better.

``python -m flows.evaluate`` does so for the newest, ``python -m flows.evaluate '{"version": "champion"}'`` for another.
The rule decides once, by the numbers that were stored when the version was registered: a run that is repeated, even
after a rollback, moves nothing. That its registered files open and perform is seen before.
"""

import sys
from pathlib import Path
from typing import Any, Final

from prefect import State, flow
from prefect.states import Completed
from pydantic import BaseModel, ConfigDict, Field

from flows.announcing import announce_promotion
from flows.artifacts.evaluation import leave_evaluation
from flows.errors import CannotTrain, WrongCall
from flows.evaluation import EvaluationPlan, evaluate_on, held_out_of, soundtracks
from flows.hearing import Ear, open_ear
from flows.judging import open_judging
from flows.news import decided_on
from flows.settings import Settings
from flows.training import CODE_VERSION, champion_beside, facts_of
from models.head.shelf import HeadShelf
from models.presets import open_model
from models.training.checkpoint import ModelCard, read_card
from models.training.folders import appearing
from schemas.version import Decision, ModelMetric, ModelVersion
from tasks.evaluate.film import Soundtrack
from tasks.evaluate.records import Evaluation
from tasks.evaluate.report import write_report
from warehouse.lake import reading
from warehouse.promotion import PromotionRule
from warehouse.registry import CHAMPION, LATEST, aliases, metrics_of, open_checkpoint, promote, resolve_version
from warehouse.selection import SelectedClips, Selection, select_clips

REPORTS: Final = "reports"  # below the warehouse
PAGE: Final = "report.html"


class EvaluateParams(BaseModel):
    """Which version."""

    model_config = ConfigDict(extra="forbid")

    version: str = Field(LATEST, description="latest, champion, a version or the beginning of one")
    warehouse: Path | None = Field(None, description="Its folder; None: the worker's own default")
    promote: bool = Field(True, description="Make it champion if it beats the one there is; decided once")
    report: Path | None = Field(None, description="A new folder for the report; None: the warehouse's own")
    films: int = Field(2, ge=0, description="In the report, side by side with the recording")


@flow(name="evaluate", log_prints=True)
def evaluate(params: EvaluateParams) -> dict[str, Any] | State[Any]:
    """Measure, report, decide; where the report lies and what was decided."""
    settings = Settings.load(params.warehouse)
    with reading(settings.warehouse) as lake:
        version = resolve_version(lake, params.version)
        decision = decided_on(lake, version.version)
    report = params.report or settings.warehouse / REPORTS / version.version
    measured = None if (report / PAGE).is_file() else _measure(settings, version, report, params.films)
    decided = params.promote and decision is None
    if decided:
        beside = _champion_beside(settings, version)
        decision = promote(settings.warehouse, version.version, PromotionRule(), CODE_VERSION, beside=beside)
    told = decision is not None and decision.moved and announce_promotion(settings, decision)
    if measured is None and not (decided or told):
        return Completed(name="Skipped", message=f"{version.version} is measured ({report / PAGE}){_said(decision)}")
    leave_evaluation(settings, version, decision, report / PAGE, measured)
    return {
        "version": version.version,
        "report": str(report / PAGE),
        "promoted": decision is not None and decision.moved,
        "reason": decision.reason if decision is not None else None,
    }


def _measure(settings: Settings, version: ModelVersion, report: Path, films: int) -> Evaluation:
    """Perform and measure the version as it is registered; ``report`` appears whole. Raises ``WrongCall``."""
    if report.exists():
        raise WrongCall(f"{report} is there and has no {PAGE}; name a new folder for the report")
    checkpoint = open_checkpoint(settings.warehouse, version)
    card, selected, ear = _opened(settings, version)
    heads = HeadShelf.beside(settings.assets)
    head = heads.head(card.head_model)
    plan, model = EvaluationPlan(), open_model(checkpoint, heads=heads)
    judging = open_judging(held_out_of(selected, plan))
    evaluation = evaluate_on(settings.warehouse, model, ear, selected, plan, head, judging.judge)
    sounds = [sound for clip in evaluation.played[:films] for sound in _sound(selected, clip.clip_id)]
    with appearing(report) as unfinished:
        facts = {"version": version.version} | facts_of(card) | judging.facts
        write_report(evaluation, unfinished, sounds, facts, head)
    return evaluation


def _champion_beside(settings: Settings, version: ModelVersion) -> list[ModelMetric]:
    """The champion's numbers on the version's clips, unless they were stored when it was registered: another training
    may have brought the champion since."""
    with reading(settings.warehouse) as lake:
        champion = aliases(lake).get(CHAMPION)
        stored = {metric.row for metric in metrics_of(lake, version.version)}
    if champion is None or champion in stored | {version.version}:
        return []
    _, selected, ear = _opened(settings, version)
    return champion_beside(settings, ear, selected, EvaluationPlan())


def _opened(settings: Settings, version: ModelVersion) -> tuple[ModelCard, SelectedClips, Ear]:
    """What it says of itself, the clips it is measured on, and what it hears them with."""
    card = read_card(open_checkpoint(settings.warehouse, version))
    selected = select_clips(settings.warehouse, Selection.model_validate_json(version.selection))
    return card, selected, open_ear(settings.assets, card.speech_model)


def _sound(selected: SelectedClips, clip_id: str) -> list[Soundtrack]:
    """The clip's sound; none, and a line in the log, where its source has changed: the numbers do not need it."""
    try:
        return soundtracks(selected, [clip_id])
    except CannotTrain as error:
        print(f"no film of clip {clip_id}: {error}")
        return []


def _said(decision: Decision | None) -> str:
    return "" if decision is None else f" and decided on: {decision.reason}"


if __name__ == "__main__":
    evaluate(EvaluateParams.model_validate_json(sys.argv[1] if len(sys.argv) > 1 else "{}"))
