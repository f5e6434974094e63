"""Trains the toy in a process of its own, to be killed or joined: ``python -m tests.models.training.train_toy RUN
OUT STEPS [kill N | slow]``."""

import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file

from models.training.loop import train
from models.training.team import join_team
from models.training.watch import StepReport
from tests.models.training.toy import CONFIG, Linear, RandomBatches


class Killer:
    """Kills its own process, without warning, at a step; or is slow and says where it is."""

    def __init__(self, at: int, pause_s: float) -> None:
        self._at = at
        self._pause_s = pause_s

    def began(self, step: int) -> None: ...

    def stepped(self, report: StepReport) -> None:
        if report.step == self._at:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._pause_s:
            print(report.step, flush=True)
            time.sleep(self._pause_s)

    def validated(self, step: int, losses: Mapping[str, float]) -> None: ...

    def warned(self, message: str) -> None: ...


def main(run: str, out: str, steps: str, *how: str) -> None:
    torch.set_num_threads(1)
    killer = Killer(int(how[1]) if how[:1] == ("kill",) else -1, 0.05 if how[:1] == ("slow",) else 0.0)
    config = CONFIG.model_copy(update={"max_steps": int(steps)})
    with join_team("cpu") as team:
        trained = train(
            Linear(), RandomBatches(), RandomBatches(digest="held out"), Path(run), config, team, (killer,), True
        )
        save_file(trained.weights, f"{out}.{team.rank}")


if __name__ == "__main__":
    main(*sys.argv[1:])
