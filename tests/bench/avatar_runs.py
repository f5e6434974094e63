"""Trainings of the avatar's bench: each in a process of its own on one core, within so many seconds of its processor
time, and measured on what it has not seen."""

import multiprocessing
import statistics
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from rich.console import Console

from flows.packs import MixtureConfig, Packs, make_packs
from flows.training import TrainPlan
from models.avatar.protocol import MotionModel
from models.avatar.sampler import Sampler, SamplerConfig
from models.head.model import load_open_head
from models.paper.model import Paper
from models.presets import Objective, Preset, build
from models.training.loop import Trained, train
from models.training.settings import TrainConfig
from models.training.team import Precision, join_team
from models.training.watch import StepReport
from models.training.windows import Windows
from tasks.evaluate.records import EvaluateConfig, Evaluation
from tasks.evaluate.run import evaluate
from tests.bench.avatar_data import load_clips, selection_of
from warehouse.selection import TRAIN, SelectedClips, select_clips

_NO_VALIDATION: Final = "none"  # the budget is for training
_CALIBRATION_STEPS: Final = {Preset.SMALL: 12, Preset.PAPER: 4}
_WARMING_STEPS: Final = 2
_LEAST_STEPS: Final = 2


@dataclass(frozen=True, slots=True)
class Job:
    """One training. The budget is processor time, packing included."""

    root: Path
    assets: Path
    scratch: Path
    preset: Preset
    salt: str
    seed: int
    budget_s: float
    packing_s: float  # spent already
    mixture: MixtureConfig
    quick: bool
    measures: EvaluateConfig

    @property
    def plan(self) -> TrainPlan:
        """What ``xtalker train`` would do with this preset, on s1."""
        selection = selection_of(self.salt, self.quick)
        plan = TrainPlan.of(self.preset, selection=selection, mixture=self.mixture)
        schedule = plan.schedule.model_copy(update={"seed": self.seed, "max_minutes": None})
        return plan.model_copy(update={"schedule": schedule})


@dataclass(frozen=True, slots=True)
class Run:
    """A training that was carried out, and how good it is."""

    preset: Preset
    salt: str
    seed: int
    steps: int
    cpu_s: float  # of training
    packing_s: float
    n_training_clips: int
    evaluation: Evaluation

    def __str__(self) -> str:
        return (
            f"{self.preset}, split {self.salt or '-'}, seed {self.seed}: {self.steps} steps in {self.cpu_s:.0f} CPU s "
            f"after {self.packing_s:.0f} of packing, on {self.n_training_clips} clips"
        )


def packs_of(root: Path, assets: Path, plan: TrainPlan) -> tuple[SelectedClips, Packs]:
    selected = select_clips(root, plan.selection)
    tell = Console(quiet=True).print
    return selected, make_packs(root, selected, _NO_VALIDATION, load_open_head(), assets, plan.mixture, tell)


def carry_out(jobs: Sequence[Job], workers: int) -> list[Run]:
    """All of them, ``workers`` at a time, in their order."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(jobs)), context) as pool:
        return list(pool.map(_run, jobs))


def untrained(preset: Preset, packs: Packs) -> MotionModel:
    """A model as fast as a trained one, in float32."""
    plan = TrainPlan.of(preset)
    objective = build(preset, packs.mixture, Windows(packs.mixture, plan.windows, packs.silence), load_open_head())
    return performer(objective, SamplerConfig(precision=Precision.FLOAT32))


def performer(objective: Objective, sampler: SamplerConfig | None = None) -> MotionModel:
    return objective if isinstance(objective, Paper) else Sampler(objective, sampler)


def _run(job: Job) -> Run:
    torch.set_num_threads(1)
    plan = job.plan
    selected, packs = packs_of(job.root, job.assets, plan)
    step_s = _step_cost_s(plan, packs, job.scratch / "calibration")
    steps = max(_LEAST_STEPS, int((job.budget_s - job.packing_s) / step_s))
    begun = time.process_time()
    objective, trained = _train(plan, packs, job.scratch / "run", steps, None)
    cpu_s = time.process_time() - begun
    objective.load_state_dict(trained.weights)

    clips = load_clips(job.root, selected, packs.ear)
    training = [clips[clip.clip_id] for clip in selected.of(TRAIN)]
    held_out = [clips[clip.clip_id] for clip in selected.clips if clip.split != TRAIN]
    evaluation = evaluate(performer(objective), held_out, training, job.measures)
    return Run(job.preset, job.salt, job.seed, trained.step, cpu_s, job.packing_s, len(training), evaluation)


def _step_cost_s(plan: TrainPlan, packs: Packs, folder: Path) -> float:
    """Processor time of a step: steps make a run that can be repeated, where a clock would not."""
    clock = _StepClock()
    _train(plan, packs, folder, _CALIBRATION_STEPS[plan.preset], clock)
    return statistics.mean(clock.step_s[_WARMING_STEPS:])


def _train(
    plan: TrainPlan, packs: Packs, folder: Path, steps: int, clock: "_StepClock | None"
) -> tuple[Objective, Trained]:
    schedule: TrainConfig = plan.schedule.model_copy(update={"max_steps": steps})
    windows = Windows(packs.mixture, plan.windows, packs.silence)
    torch.manual_seed(schedule.seed)
    objective = build(plan.preset, packs.mixture, windows, load_open_head())
    with join_team("cpu") as team:
        trained = train(objective, windows, None, folder, schedule, team, [clock] if clock else ())
    return objective, trained


class _StepClock:
    """Processor seconds of every step. A ``Watcher``."""

    def __init__(self) -> None:
        self.step_s: list[float] = []
        self._at = time.process_time()

    def began(self, step: int) -> None:
        self._at = time.process_time()

    def stepped(self, report: StepReport) -> None:
        now = time.process_time()
        self.step_s.append(now - self._at)
        self._at = now

    def validated(self, step: int, losses: Mapping[str, float]) -> None: ...

    def warned(self, message: str) -> None: ...
