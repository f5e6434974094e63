"""Training as a Prefect flow: the same run as ``xtalker train`` of the same words, and either goes on with the other's.

``python -m flows.train`` runs it against the server that ``PREFECT_API_URL`` names, ``python -m flows.train
'{"max_minutes": 10}'`` with other parameters. A flow run is one process with one device.
"""

import base64
import io
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from prefect import State, flow
from prefect.artifacts import create_image_artifact, create_markdown_artifact
from prefect.events import emit_event
from prefect.logging import get_run_logger
from prefect.states import Cancelled
from pydantic import BaseModel, ConfigDict, Field
from rich.console import Console

from flows.commands.train import call, lines
from flows.packs import MixtureConfig
from flows.settings import Settings
from flows.training import TrainPlan, TrainReport, run_training
from models.presets import Preset
from schemas.version import Decision, ModelVersion
from warehouse.registry import LATEST
from warehouse.selection import Selection

MODEL_REGISTERED: Final = "model.version.registered"
_LOG_WIDTH: Final = 200


class TrainParams(BaseModel):
    """What to train on what; the form that the Prefect UI shows."""

    model_config = ConfigDict(extra="forbid")

    warehouse: Path | None = Field(None, description="Its folder; empty for the worker's own default")
    preset: Preset = Field(
        Preset.SMALL,
        description="small: two CPU cores. base: a GPU and hours of data. paper: 3DXTalker's own network",
    )
    snapshot: int | None = Field(None, description="Its number; empty for the newest that brought data")
    where: str = Field(Selection().where, description="SQL over clips and their source: which of them it may see")
    holdout: str | None = Field(None, description="SQL for clips never trained on; empty for a share of the sentences")
    licences: list[str] = Field(
        list(Selection().licences),
        description="commercial, research, any, or licence classes and texts that are accepted",
    )
    max_minutes: float | None = Field(None, gt=0, description="Of training; empty for what suits the preset")
    max_steps: int | None = Field(None, ge=1, description="Makes a run repeatable bit by bit on a CPU")
    copies: int = Field(MixtureConfig().copies, ge=0, description="Of every clip, in other voices, rooms and paces")
    synthetic: int = Field(MixtureConfig().synthetic_speakers, ge=0, description="Invented speakers")
    parent: str | None = Field(None, description="A version whose weights it begins with")
    seed: int = Field(0, ge=0)
    devices: str = Field("auto", description="auto, cpu, cuda or cuda:1")

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
    """Train, measure and register a version, and make it champion if it is better; what the event tells.

    A run that was stopped ends as cancelled, and the same parameters go on with it.
    """
    settings, began = Settings.load(params.warehouse), datetime.now(UTC)
    console = Console(file=RunLog(), width=_LOG_WIDTH, highlight=False)
    report = run_training(settings.warehouse, settings.assets, params.plan(), params.devices, True, console)
    assert report is not None, "torchrun is for `xtalker train`: a flow run is a team of one"
    _leave(report)
    if report.version is None or report.decision is None:
        return Cancelled(message=f"stopped at step {report.trained.step}; the same parameters go on from there")
    told = _told(settings, report.version, report.decision)
    if report.version.created >= began:
        _announce(told)
    return told


def _leave(report: TrainReport) -> None:
    """The summary and the curves in the UI."""
    said = "\n".join(lines(report))
    create_markdown_artifact(f"```\n{said}\n```\n\nRun: `{report.run}`", key="training-summary")
    picture = base64.b64encode((report.run / "curves.png").read_bytes()).decode()
    create_image_artifact(f"data:image/png;base64,{picture}", key="training-curves", description=f"`{report.run}`")


def _told(settings: Settings, version: ModelVersion, decision: Decision) -> dict[str, Any]:
    return {
        "warehouse": str(settings.warehouse),
        "version": version.version,
        "snapshot": version.snapshot,
        "data_minutes": round(60 * version.train_hours, 2),
        "licence_class": version.licence_class.value,
        "promoted": decision.moved,
        "reason": decision.reason,
    }


def _announce(told: dict[str, Any]) -> None:
    emit_event(
        event=MODEL_REGISTERED,
        resource={
            "prefect.resource.id": f"model.version.{told['version']}",
            "prefect.resource.name": f"{told['version']} on snapshot {told['snapshot']}",
        },
        payload=told,
    )


if __name__ == "__main__":
    train(TrainParams.model_validate_json(sys.argv[1] if len(sys.argv) > 1 else "{}"))
