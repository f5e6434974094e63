"""The training loop: one for CPU, one GPU and several.

A step depends on the saved state, the batches of its number and the seed alone, so that a run that was killed goes on
bit by bit as if it had not been, as long as its budget is counted in steps.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Generic

import numpy as np
import torch
from torch import Tensor, nn

from models.training.batch import BatchT, Objective, module_of
from models.training.ema import Ema
from models.training.feed import Batches, Feed, feeding
from models.training.folders import DiskFull
from models.training.guard import TrainingDiverged
from models.training.interrupt import Stop, interruptible
from models.training.settings import TrainConfig
from models.training.state import Position, RunFolder, TrainingState
from models.training.team import Team
from models.training.watch import StepReport, Watcher

_OF_STEP, _OF_VALIDATION = range(2)  # what a stream of random numbers is for
_TOTAL: Final = "total"


class RunExists(RuntimeError):
    """The folder already holds a run, and it was not asked to go on with it."""


@dataclass(frozen=True, slots=True)
class Trained:
    """How a run ended."""

    weights: dict[str, Tensor]  # the averaged ones: the objective's state_dict, on the CPU
    step: int
    elapsed_s: float
    finished: bool  # its budget is used up; else someone stopped it, and it can be resumed
    validation: dict[str, float]  # losses on held-out windows; empty without such


def train(
    objective: Objective[BatchT],
    batches: Batches[BatchT],
    validation: Batches[BatchT] | None,
    run: Path,
    config: TrainConfig,
    team: Team,
    watchers: Sequence[Watcher] = (),
    resume: bool = False,
) -> Trained:
    """Train ``objective``, on the team's device, until the budget is used up or someone asks to stop.

    ``run`` is the folder of the run's states; workers on several machines share it. The state is saved at the start,
    every ``save_every`` steps and at the end. With ``resume`` a run there goes on; without one there it begins.
    Raises ``RunExists``, ``RunBusy``, ``CannotResume``, ``TrainingDiverged``, and ``DiskFull`` at the end if the last
    state could not be saved.
    """
    folder = RunFolder(run)
    if folder.saved() and not resume:
        raise RunExists(f"{run} already holds a run: go on with --resume, or train into another folder")
    with interruptible() as stop, feeding(batches, team, config.loader_threads) as feed:
        loop = _Loop(objective, feed, batches.digest, validation, folder, config, team, watchers, stop)
        if not team.leads:
            return loop.run()
        with folder.held():
            return loop.run()


class _Loop(Generic[BatchT]):
    def __init__(
        self,
        objective: Objective[BatchT],
        feed: Feed[BatchT],
        data: str,
        validation: Batches[BatchT] | None,
        folder: RunFolder,
        config: TrainConfig,
        team: Team,
        watchers: Sequence[Watcher],
        stop: Stop,
    ) -> None:
        self._objective, self._feed, self._data, self._validation = objective, feed, data, validation
        self._folder, self._config, self._team, self._stop = folder, config, team, stop
        self._watchers = watchers if team.leads else ()
        self._module = module_of(objective).to(team.device)
        team.share(list(self._module.state_dict().values()))
        self._average = Ema(objective, config.ema_decay)
        self._parameters = [p for p in self._module.parameters() if p.requires_grad]
        self._optimizer = _optimizer_of(self._parameters, config, team.device)
        self._state = TrainingState(self._module, self._average, self._optimizer)
        self._position = Position()
        self._validated: tuple[int, dict[str, float]] = (-1, {})
        self._began, self._earlier_s = time.perf_counter(), 0.0
        if config.compile:
            for part in self._module.children():
                part.compile()

    def run(self) -> Trained:
        config = self._config
        if self._folder.saved():
            self._return_to_saved()
            self._earlier_s = self._position.elapsed_s
        else:
            self._team.wait()  # everyone must have seen that nothing is saved before the leader saves
            self._save(needed=True)
        for watcher in self._watchers:
            watcher.began(self._position.step)
        asked = False
        while not asked and config.progress(self._position.step, self._position.elapsed_s) < 1:
            asked = self._step()
            step = self._position.step
            if self._position.bad_in_a_row >= config.bad_steps:
                self._go_back()
            elif self._position.bad_in_a_row == 0:
                if step % config.validate_every == 0:
                    self._validate()
                if step % config.save_every == 0:
                    self._save(needed=False)
        finished = not asked or config.progress(self._position.step, self._position.elapsed_s) >= 1
        self._save(needed=True)
        if finished:
            self._validate()
        weights = {name: tensor.detach().cpu().clone() for name, tensor in self._average.module.state_dict().items()}
        return Trained(weights, self._position.step, self._position.elapsed_s, finished, self._validated[1])

    def _step(self) -> bool:
        """Do one step. Returns whether anyone in the team was asked to stop."""
        began, waited = time.perf_counter(), self._feed.waited_s
        config, before = self._config, self._position
        progress = config.progress(before.step, before.elapsed_s)
        rate = config.learning_rate_at(before.step, progress) * 0.5**before.rollbacks
        losses = self._gradients(before)
        self._team.average_gradients(self._parameters)
        norm = nn.utils.clip_grad_norm_(self._parameters, config.clip_norm).double()
        # One exchange and one wait for the device a step: the losses, the stop question and the clock.
        spoken = torch.tensor([self._stop.asked, self._clock()], dtype=torch.float64, device=self._team.device)
        agreed = self._team.average(torch.cat([torch.stack(list(losses.values())), spoken]))
        *values, stop, elapsed_s, gradient_norm = torch.cat([agreed, norm[None]]).tolist()
        means = dict(zip(losses, values, strict=True))

        complaint = before.record.complaint(means[_TOTAL], gradient_norm, config.spike_factor)
        if complaint is None:
            for group in self._optimizer.param_groups:
                group["lr"] = rate
            self._optimizer.step()
            self._average.update(self._module, before.step)
        self._position = replace(
            before,
            step=before.step + 1,
            elapsed_s=elapsed_s,
            bad_in_a_row=0 if complaint is None else before.bad_in_a_row + 1,
            record=before.record.after(means[_TOTAL]) if complaint is None else before.record,
        )
        report = StepReport(
            self._position.step,
            means,
            gradient_norm,
            rate,
            elapsed_s,
            config.progress(self._position.step, elapsed_s),
            time.perf_counter() - began,
            self._feed.waited_s - waited,
            complaint,
        )
        for watcher in self._watchers:
            watcher.stepped(report)
        return bool(stop > 0)

    def _gradients(self, position: Position) -> dict[str, Tensor]:
        """Leave the gradients of this step in the parameters. Returns the mean losses."""
        config, team = self._config, self._team
        self._module.train()
        self._optimizer.zero_grad(set_to_none=True)
        sums: dict[str, Tensor] = {}
        for part in range(config.accumulate):
            number = position.step * config.accumulate + part
            batch = self._feed.take(number)
            # After a rollback the batches are the same; other noise may get past what went wrong.
            generator = _seeded(team.device, config.seed, _OF_STEP, number, team.rank, position.rollbacks)
            with team.autocast(config.precision):
                losses = self._objective.losses(batch, generator)
            (losses[_TOTAL] / config.accumulate).backward()  # type: ignore[no-untyped-call]
            for name, loss in losses.items():
                sums[name] = sums.get(name, torch.zeros(())) + loss.detach().double() / config.accumulate
        return sums

    @torch.no_grad()
    def _validate(self) -> None:
        """The average's losses on held-out windows, the same windows and noise every time."""
        step = self._position.step
        if self._validation is None or self._validated[0] == step:
            return
        sums: dict[str, Tensor] = {}
        for number in range(self._config.validation_batches):
            batch = self._validation.batch(number, self._team.rank, self._team.size).to(self._team.device)
            generator = _seeded(self._team.device, self._config.seed, _OF_VALIDATION, number, self._team.rank)
            with self._team.autocast(self._config.precision):
                losses = self._average.objective.losses(batch, generator)
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0.0) + loss.double() / self._config.validation_batches
        values = self._team.average(torch.stack(list(sums.values()))).tolist()
        self._validated = (step, dict(zip(sums, values, strict=True)))
        for watcher in self._watchers:
            watcher.validated(*self._validated)

    def _go_back(self) -> None:
        """Return to the last saved state with half the learning rate, or give up."""
        bad = self._position
        reason = f"{bad.bad_in_a_row} bad steps in a row, the last at step {bad.step}"
        if bad.rollbacks >= self._config.max_rollbacks:
            raise TrainingDiverged(
                f"{reason}, after {bad.rollbacks} returns to a saved state. The last one is kept; look at the "
                "complaints above, lower the learning rate, or remove what is wrong from the data"
            )
        self._return_to_saved()
        self._position = replace(self._position, elapsed_s=bad.elapsed_s, rollbacks=bad.rollbacks + 1)
        self._team.wait()  # everyone must have read the state before the leader saves the next
        self._save(needed=False)
        for watcher in self._watchers:
            watcher.warned(f"{reason}: back to step {self._position.step} with half the learning rate")
            watcher.began(self._position.step)

    def _return_to_saved(self) -> None:
        self._position, tensors = self._folder.load(self._data)
        self._state.restore(tensors)

    def _save(self, needed: bool) -> None:
        """Save the state. A full disk stops the run only where the state is ``needed``."""
        if not self._team.leads:
            return
        try:
            self._folder.save(self._position, self._state.tensors(), self._data)
        except DiskFull as error:
            if needed:
                raise
            for watcher in self._watchers:
                watcher.warned(f"step {self._position.step} is not saved: {error}")

    def _clock(self) -> float:
        """Seconds of training, earlier sittings included."""
        return self._earlier_s + time.perf_counter() - self._began


def _optimizer_of(parameters: Sequence[nn.Parameter], config: TrainConfig, device: torch.device) -> torch.optim.AdamW:
    matrices, vectors = [p for p in parameters if p.ndim > 1], [p for p in parameters if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, config.learning_rate, config.betas, fused=device.type in ("cpu", "cuda"))


def _seeded(device: torch.device, *key: int) -> torch.Generator:
    """A generator that ``key`` decides; torch's global one, from which dropout draws, is seeded by it as well."""
    own, common = np.random.SeedSequence(key).generate_state(2, np.uint64).tolist()
    torch.default_generator.manual_seed(common)  # torch.manual_seed would format a stack trace every time, for a GPU
    if device.type == "cuda":
        torch.cuda.manual_seed(common)
    return torch.Generator(device).manual_seed(own)
