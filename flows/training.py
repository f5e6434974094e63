"""Train a motion model on a snapshot: select, pack, train, measure, register; promote it if it is better."""

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import torch
from pydantic import Field
from rich.console import Console

from flows.errors import CannotTrain
from flows.evaluation import EvaluationPlan, evaluate_on, held_out_of, metrics_of
from flows.hearing import Ear
from flows.judging import open_judging
from flows.packs import MixtureConfig, Packs, make_packs
from flows.settings import Settings
from models.avatar.protocol import MotionModel
from models.avatar.sampler import Sampler
from models.head.model import HeadModel
from models.head.shelf import HeadShelf
from models.paper.model import Paper
from models.presets import Objective, Preset, build, frame_dim, open_model, schedule_of, windows_of
from models.training.checkpoint import ModelCard, fill, read_card, read_checkpoint, write_checkpoint
from models.training.curves import recording
from models.training.loop import Trained, train
from models.training.progress import showing
from models.training.settings import TrainConfig
from models.training.team import Team, join_team
from models.training.watch import Watcher
from models.training.windows import Windows, WindowsConfig
from schemas.config import StageConfig
from schemas.version import Decision, ModelMetric, ModelVersion, TrainedModel
from tasks.evaluate.records import Evaluation
from tasks.evaluate.report import write_report
from warehouse.lake import reading
from warehouse.promotion import PromotionRule
from warehouse.registry import CHAMPION, aliases, open_checkpoint, promote, register, resolve_version
from warehouse.selection import SENTENCES, TRAIN, SelectedClips, Selection, select_clips

_KEY_DIGITS: Final = 16
CODE_VERSION: Final = metadata.version("xtalker")


class TrainPlan(StageConfig):
    """Everything that decides a model. The same plan on the same snapshot is the same run."""

    preset: Preset = Preset.SMALL
    selection: Selection = Field(default_factory=Selection)
    mixture: MixtureConfig = Field(default_factory=MixtureConfig)
    windows: WindowsConfig
    schedule: TrainConfig
    parent: str | None = Field(None, description="a registered version whose weights it begins with")
    evaluation: EvaluationPlan = Field(default_factory=EvaluationPlan)
    rule: PromotionRule = Field(default_factory=PromotionRule)

    @classmethod
    def of(cls, preset: Preset, **settings: Any) -> "TrainPlan":
        """The plan that suits ``preset``, with what is given in place of its own."""
        return cls(**{"preset": preset, "windows": windows_of(preset), "schedule": schedule_of(preset)} | settings)


@dataclass(frozen=True, slots=True)
class TrainReport:
    """How a training ended. Without a version it was stopped, and can be resumed; without a decision nobody asked for
    one yet."""

    run: Path
    selected: SelectedClips
    trained: Trained
    version: ModelVersion | None = None
    decision: Decision | None = None
    evaluation: Evaluation | None = None


def run_training(
    root: Path, assets: Path, plan: TrainPlan, devices: str, resume: bool, console: Console, decide: bool = True
) -> TrainReport | None:
    """Carry out ``plan``, and with ``decide`` ask whether the version becomes champion; None on the workers that do not
    lead.

    The run's folder, ``<root>/training/runs/<key of the plan>``, holds its states, curves and report. Raises what
    ``select_clips``, ``make_packs`` and ``models.training.loop.train`` do, and ``CannotTrain``.
    """
    selected = select_clips(root, plan.selection)
    if not selected.of(TRAIN):
        raise CannotTrain("every selected clip is held out: nothing is left to train on")
    held_out_of(selected, plan.evaluation)  # too few are refused now, not after an hour of training
    plan = plan.model_copy(update={"selection": selected.selection, "parent": _parent(root, plan.parent)})
    run = root / "training" / "runs" / _key(plan)
    head = HeadShelf.beside(assets).head(selected.head_model)
    packs = make_packs(root, selected, SENTENCES, head, assets, plan.mixture, console.print)
    if packs.left_out:
        console.print(f"{packs.left_out} clips are heard in their own voice only: their sources are gone")
    with join_team(devices) as team:
        objective, trained = _train(root, plan, packs, head, run, team, resume, console)
        if not team.leads:
            return None
        if not trained.finished:
            return TrainReport(run, selected, trained)
        return _deliver(Settings(root, assets), plan, selected, packs, head, run, objective, trained, console, decide)


def _parent(root: Path, name: str | None) -> str | None:
    """The whole name of the version that ``name`` stands for now; an alias may move while this run is stopped."""
    if name is None:
        return None
    with reading(root) as lake:
        return resolve_version(lake, name).version


def _key(plan: TrainPlan) -> str:
    return hashlib.sha256(plan.model_dump_json().encode()).hexdigest()[:_KEY_DIGITS]


def _train(
    root: Path,
    plan: TrainPlan,
    packs: Packs,
    head: HeadModel,
    run: Path,
    team: Team,
    resume: bool,
    console: Console,
) -> tuple[Objective, Trained]:
    windows = Windows(packs.mixture, plan.windows, packs.silence)
    validation = None
    if packs.validation is not None:
        validation = Windows(packs.validation, plan.windows.for_validation(), packs.silence)
    torch.manual_seed(plan.schedule.seed)
    objective = build(plan.preset, packs.mixture, windows, head)
    if plan.parent is not None:
        with reading(root) as lake:
            parent = open_checkpoint(root, resolve_version(lake, plan.parent))
        fill(objective, read_checkpoint(parent))
    with ExitStack() as open_until_done:
        watchers: Sequence[Watcher] = ()
        if team.leads:
            watchers = (
                open_until_done.enter_context(recording(run)),
                open_until_done.enter_context(showing(console)),
            )
        return objective, train(objective, windows, validation, run, plan.schedule, team, watchers, resume)


def _deliver(
    settings: Settings,
    plan: TrainPlan,
    selected: SelectedClips,
    packs: Packs,
    head: HeadModel,
    run: Path,
    objective: Objective,
    trained: Trained,
    console: Console,
    decide: bool,
) -> TrainReport:
    """Measure and register what was trained; with ``decide`` perhaps promote it."""
    root = settings.warehouse
    objective.load_state_dict(trained.weights)
    objective.to("cpu")
    model: MotionModel = objective if isinstance(objective, Paper) else Sampler(objective)
    console.print("measuring it on clips it has not seen")
    judging = open_judging(held_out_of(selected, plan.evaluation))
    evaluation = evaluate_on(root, model, packs.ear, selected, plan.evaluation, head, judging.judge)
    card = _card(plan, selected, objective, trained, packs, evaluation)
    write_report(evaluation, run / "report", facts=facts_of(card) | judging.facts, head=head)
    checkpoint = run / "checkpoint"
    if not checkpoint.exists():
        write_checkpoint(checkpoint, card, trained.weights, packs.mixture.statistics)
    n_parameters = sum(parameter.numel() for parameter in objective.parameters())
    described = TrainedModel(plan.preset.value, n_parameters, CODE_VERSION, plan.parent)
    metrics = metrics_of(evaluation) + champion_beside(settings, packs.ear, selected, plan.evaluation)
    version = register(root, described, selected, metrics, checkpoint)
    decision = promote(root, version.version, plan.rule, CODE_VERSION) if decide else None
    return TrainReport(run, selected, trained, version, decision, evaluation)


def champion_beside(settings: Settings, ear: Ear, selected: SelectedClips, plan: EvaluationPlan) -> list[ModelMetric]:
    """The champion's numbers on the same clips, where there is one and it was trained on none of them."""
    root, heads = settings.warehouse, HeadShelf.beside(settings.assets)
    with reading(root) as lake:
        champion = aliases(lake).get(CHAMPION)
        if champion is None:
            return []
        version = resolve_version(lake, champion)
        sql = "SELECT clip_id FROM lake.model_clips WHERE version = ? AND split = ?"
        trained_on = {clip_id for (clip_id,) in lake.con.execute(sql, [champion, TRAIN]).fetchall()}
    if any(clip.clip_id in trained_on for clip in selected.of(*plan.splits)):
        return []
    checkpoint = open_checkpoint(root, version)
    card = read_card(checkpoint)
    if (card.speech_model, card.head_model) != (ear.encoder.name, selected.head_model):
        return []  # it hears with another ear or moves another head: only its own old numbers can speak for it
    model = open_model(checkpoint, heads=heads)
    return metrics_of(evaluate_on(root, model, ear, selected, plan, heads.head(card.head_model)), champion)


def _card(
    plan: TrainPlan,
    selected: SelectedClips,
    objective: Objective,
    trained: Trained,
    packs: Packs,
    evaluation: Evaluation,
) -> ModelCard:
    pack = packs.mixture.packs[0]
    return ModelCard(
        kind=plan.preset.value,
        network=objective.config.model_dump(mode="json"),
        head_model=pack.head_model,
        speech_model=pack.embedding_model,
        speech_dim=pack.speech.shape[1],
        frame_dim=frame_dim(objective),
        snapshot=selected.snapshot,
        selection=selected.selection.model_dump_json(),
        data_hours=selected.hours(TRAIN),
        licence_class=selected.licence_class.value,
        code_version=CODE_VERSION,
        parent=plan.parent,
        training={
            "steps": trained.step,
            "minutes": round(trained.elapsed_s / 60, 2),
            "plan": plan.model_dump(mode="json", exclude={"selection", "evaluation", "rule"}),
        },
        metrics={f"{m.metric}, {m.split}, {m.span}": m.value for m in metrics_of(evaluation) if m.row == "model"},
    )


def facts_of(card: ModelCard) -> dict[str, str]:
    """What the report page says of a model."""
    return {
        "preset": card.kind,
        "snapshot": str(card.snapshot),
        "hours of clips": f"{card.data_hours:.2f}",
        "licence class": card.licence_class,
        "steps": str(card.training.get("steps", "")),
        "minutes": str(card.training.get("minutes", "")),
        "head": card.head_model,
        "ear": card.speech_model,
        "code": card.code_version,
    }
