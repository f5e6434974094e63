"""Training as a Prefect flow: the same run as ``xtalker train`` of the same words, and either goes on with the other's.

``python -m flows.train`` runs it against the server that ``PREFECT_API_URL`` names, ``python -m flows.train
'{"max_minutes": 10}'`` with other parameters. A flow run is one process with one device.
"""

import io
import sys
from pathlib import Path
from typing import Any, Final

from prefect import State, flow
from prefect.logging import get_run_logger
from prefect.states import Cancelled, Completed
from pydantic import BaseModel, ConfigDict, Field
from rich.console import Console

from flows.announcing import announce_news, announce_promotion, announce_version
from flows.artifacts.training import leave_training
from flows.commands.train import call
from flows.gate import read_gate
from flows.news import registered
from flows.packs import MixtureConfig
from flows.settings import Settings
from flows.training import TrainPlan, run_training
from models.presets import Preset
from warehouse.registry import LATEST
from warehouse.selection import Selection

_LOG_WIDTH: Final = 200


class TrainParams(BaseModel):
    """What to train on what."""

    model_config = ConfigDict(extra="forbid")

    warehouse: Path | None = Field(None, description="Its folder; None: the worker's own default")
    preset: Preset = Field(
        Preset.SMALL,
        description="small: two CPU cores. base: a GPU and hours of data. paper: 3DXTalker's own network",
    )
    snapshot: int | None = Field(None, description="Its number; None: the newest that brought data")
    where: str = Field(Selection().where, description="SQL over clips and their source: which of them it may see")
    holdout: str | None = Field(None, description="SQL for clips never trained on; None: a share of the sentences")
    licences: list[str] = Field(
        list(Selection().licences),
        description="commercial, research, any, or licence classes and texts that are accepted",
    )
    max_minutes: float | None = Field(None, gt=0, description="Of training; None: what suits the preset")
    max_steps: int | None = Field(None, ge=1, description="Makes a run repeatable bit by bit on a CPU")
    copies: int = Field(MixtureConfig().copies, ge=0, description="Of every clip, in other voices, rooms and paces")
    synthetic: int = Field(MixtureConfig().synthetic_speakers, ge=0, description="Invented speakers")
    parent: str | None = Field(None, description="A version whose weights it begins with")
    seed: int = Field(0, ge=0)
    devices: str = Field("auto", description="auto, cpu, cuda or cuda:1")
    min_new_minutes: float | None = Field(
        None,
        ge=0,
        description="Of kept clips that no version was trained on yet; below it nothing is done. None: train anyway",
    )
    promote: bool = Field(False, description="Decide about the champion here; else that is for the evaluate flow")

    def plan(self) -> TrainPlan:
        """The plan that ``xtalker train`` makes of the same words."""
        return call(
            self.preset.value,
            LATEST if self.snapshot is None else str(self.snapshot),
            self.where,
            self.holdout,
            self.licences,
            self.copies,
            self.synthetic,
            self.parent,
            self.max_minutes,
            self.max_steps,
            self.seed,
        )


class RunLog(io.StringIO):
    """A stream that keeps nothing: its lines become entries of the flow run's log."""

    def __init__(self) -> None:
        super().__init__()
        self._logger = get_run_logger()
        self._begun = ""

    def write(self, text: str) -> int:
        *whole, self._begun = (self._begun + text).split("\n")
        for line in filter(str.strip, whole):
            self._logger.info("%s", line.rstrip())
        return len(text)


@flow(name="train", log_prints=True)
def train(params: TrainParams) -> dict[str, Any] | State[Any]:
    """Train, measure and register a version; what the event tells.

    A run that was stopped ends as cancelled, and the same parameters go on with it.
    """
    settings = Settings.load(params.warehouse)
    if params.min_new_minutes is not None:
        announce_news(settings)  # a version that a killed run registered: the gate will not let it be trained again
        gate = read_gate(settings.warehouse, params.min_new_minutes)
        if not gate.passes:
            return Completed(name="Skipped", message=gate.reason)
        params = params.model_copy(update={"snapshot": gate.snapshot})
    console = Console(file=RunLog(), width=_LOG_WIDTH, highlight=False)
    report = run_training(
        settings.warehouse, settings.assets, params.plan(), params.devices, True, console, decide=params.promote
    )
    assert report is not None, "torchrun is for `xtalker train`: a flow run is a team of one"
    if report.version is not None:
        announce_version(settings, report.version)
    if report.decision is not None and report.decision.moved:
        announce_promotion(settings, report.decision)
    leave_training(settings, report)
    if report.version is None:
        return Cancelled(message=f"stopped at step {report.trained.step}; the same parameters go on from there")
    return registered(settings.warehouse, report.version).model_dump()


if __name__ == "__main__":
    train(TrainParams.model_validate_json(sys.argv[1] if len(sys.argv) > 1 else "{}"))
