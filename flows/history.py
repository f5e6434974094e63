"""How long former runs took on this machine: a line of JSON each, beside the warehouse; estimates are made of it.

The commits cannot say it: they carry no clock, so that the same rows are the same commit.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ValidationError

FILE: Final = "runs.jsonl"
WORTH_IT_S: Final = 5.0  # of video: below that a run's time is the models' loading
LAST: Final = 20  # runs that an estimate looks at


class PastRun(BaseModel, frozen=True):
    """What a run curated, and how long ``workers`` children were at it."""

    began: datetime
    wall_s: float
    workers: int
    curated_s: float  # of video

    @property
    def worker_s(self) -> float:
        """Seconds of one worker."""
        return self.wall_s * self.workers


def remember(warehouse: Path, run: PastRun) -> None:
    """Write down ``run``, unless it says nothing about speed."""
    if run.curated_s >= WORTH_IT_S:
        with (warehouse / FILE).open("a") as file:
            file.write(run.model_dump_json() + "\n")


def past_runs(warehouse: Path) -> Sequence[PastRun]:
    """The last runs, oldest first; a line that a killed run left half written is passed over."""
    path = warehouse / FILE
    lines = path.read_text().splitlines()[-LAST:] if path.is_file() else []
    return [run for line in lines if (run := _parsed(line)) is not None]


def _parsed(line: str) -> PastRun | None:
    try:
        return PastRun.model_validate_json(line)
    except ValidationError:
        return None
