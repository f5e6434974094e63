"""``xtalker train-sync``."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from flows.errors import CannotTrain
from flows.settings import Settings
from flows.sync_training import SyncPlan, train_sync
from models.training.folders import DiskFull
from models.training.guard import TrainingDiverged
from models.training.loop import RunExists
from models.training.state import CannotResume, RunBusy
from models.training.team import NoSuchDevice
from schemas.licence import Use
from warehouse.selection import Selection

_REFUSALS = (CannotResume, DiskFull, NoSuchDevice, RunBusy, RunExists, TrainingDiverged)


def call(
    where: str,
    holdout: str | None,
    licences: Sequence[str] | None,
    invented: int,
    max_minutes: float | None,
    max_steps: int | None,
    seed: int,
) -> SyncPlan:
    """The plan that the command line's words make."""
    plan = SyncPlan()
    schedule = plan.schedule.model_copy(update={"seed": seed})
    if max_minutes is not None or max_steps is not None:
        schedule = schedule.model_copy(update={"max_minutes": max_minutes, "max_steps": max_steps})
    return SyncPlan(
        selection=Selection(where=where, holdout=holdout, licences=tuple(licences or (Use.ANY.value,))),
        invented_speakers=invented,
        seed=seed,
        windows=plan.windows.model_copy(update={"seed": seed}),
        schedule=schedule,
    )


def run(plan: SyncPlan, output: Path, devices: str, resume: bool, warehouse: Path | None) -> int:
    settings = Settings.load(warehouse)
    console = Console(highlight=False)
    try:
        done = train_sync(settings.warehouse, settings.assets, plan, output, devices, resume, console)
    except _REFUSALS as error:
        raise CannotTrain(str(error)) from error
    minutes = done.trained.elapsed_s / 60
    if done.card is None:
        print(f"stopped at step {done.trained.step} after {minutes:.1f} min; --resume goes on from there")
    else:
        print(
            f"{output}: {done.trained.step} steps in {minutes:.1f} min; curate with it by `sync: {{model: {output}}}`"
        )
    return 0
