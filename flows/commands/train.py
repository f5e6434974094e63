"""``xtalker train``."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from flows.errors import CannotTrain, WrongCall
from flows.evaluation import in_short
from flows.packs import MixtureConfig
from flows.settings import Settings
from flows.training import TrainPlan, TrainReport, run_training
from models.head.model import UnreadableHeadModel
from models.head.shelf import UnknownHeadModel
from models.presets import Preset, schedule_of
from models.speech_encoder import SpeechModelUnavailable
from models.training.checkpoint import UnreadableCheckpoint
from models.training.folders import DiskFull
from models.training.guard import TrainingDiverged
from models.training.loop import RunExists
from models.training.pack import InvalidPack
from models.training.state import CannotResume, RunBusy
from models.training.team import NoSuchDevice
from models.training.windows import UnusableWindows
from models.whisper.checkpoint import InvalidWhisperModel
from schemas.licence import Use
from schemas.version import Decision
from warehouse.registry import LATEST
from warehouse.selection import Selection

_REFUSALS = (
    CannotResume,
    DiskFull,
    InvalidPack,
    InvalidWhisperModel,
    NoSuchDevice,
    RunBusy,
    RunExists,
    SpeechModelUnavailable,
    TrainingDiverged,
    UnknownHeadModel,
    UnreadableHeadModel,
    UnreadableCheckpoint,
    UnusableWindows,
)


def call(
    preset: str,
    snapshot: str,
    where: str,
    holdout: str | None,
    licences: Sequence[str] | None,
    copies: int,
    synthetic: int,
    parent: str | None,
    max_minutes: float | None,
    max_steps: int | None,
    seed: int,
) -> TrainPlan:
    """The plan that the command line's words make. Raises ``WrongCall``."""
    if snapshot != LATEST and not snapshot.isdecimal():
        raise WrongCall(f"--snapshot {snapshot}: wanted a number of `xtalker snapshots`, or latest")
    number = None if snapshot == LATEST else int(snapshot)
    kind = Preset(preset)
    selection = Selection(snapshot=number, where=where, holdout=holdout, licences=tuple(licences or (Use.ANY.value,)))
    schedule = schedule_of(kind).model_copy(update={"seed": seed})
    if max_minutes is not None or max_steps is not None:
        schedule = schedule.model_copy(update={"max_minutes": max_minutes, "max_steps": max_steps})
    mixture = MixtureConfig(copies=copies, synthetic_speakers=synthetic, seed=seed)
    return TrainPlan.of(kind, selection=selection, mixture=mixture, schedule=schedule, parent=parent)


def run(plan: TrainPlan, devices: str, resume: bool, warehouse: Path | None) -> int:
    settings = Settings.load(warehouse)
    console = Console(highlight=False)
    try:
        report = run_training(settings.warehouse, settings.assets, plan, devices, resume, console)
    except _REFUSALS as error:
        raise CannotTrain(str(error)) from error
    if report is not None:
        print("\n".join(lines(report)))
    return 0


def lines(report: TrainReport) -> list[str]:
    """What a person wants to know of a training."""
    trained = report.trained
    if report.version is None or report.evaluation is None:
        return [f"stopped at step {trained.step} after {trained.elapsed_s / 60:.1f} min; --resume goes on from there"]
    return [
        *in_short(report.evaluation),
        f"{report.version.version}: {trained.step} steps in {trained.elapsed_s / 60:.1f} min, on snapshot "
        f"{report.version.snapshot} with {60 * report.version.train_hours:.1f} min of clips "
        f"({report.version.licence_class})",
        _decided(report.decision),
        f"report {report.run / 'report' / 'report.html'}",
    ]


def _decided(decision: Decision | None) -> str:
    if decision is None:
        return "is registered; whether it becomes champion is decided when it is evaluated"
    moved = f"is {decision.alias} now" if decision.moved else f"is not made {decision.alias}"
    return f"{moved}: {decision.reason}"
