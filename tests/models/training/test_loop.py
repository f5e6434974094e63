"""The training loop: learns, goes on bit by bit after any stop, and survives bad steps and a full disk."""

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from torch import Tensor

from models.training.folders import DiskFull
from models.training.guard import LossRecord, TrainingDiverged
from models.training.loop import RunExists, Trained, train
from models.training.settings import TrainConfig
from models.training.state import CannotResume, RunBusy, RunFolder
from models.training.watch import StepReport
from tests.models.training.toy import ALONE, CONFIG, Linear, RandomBatches, train_toy


class Cut(BaseException):
    """The process ends here."""


@dataclass
class Notes:
    """Writes down what it is told, and does something at a step."""

    at: int = -1
    act: Callable[[], None] = lambda: None
    reports: list[StepReport] = field(default_factory=list)
    validations: dict[int, dict[str, float]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    beginnings: list[int] = field(default_factory=list)

    def began(self, step: int) -> None:
        self.beginnings.append(step)

    def stepped(self, report: StepReport) -> None:
        self.reports.append(report)
        if report.step == self.at:
            self.act()

    def validated(self, step: int, losses: Mapping[str, float]) -> None:
        self.validations[step] = dict(losses)

    def warned(self, message: str) -> None:
        self.warnings.append(message)


def cut() -> None:
    raise Cut


def assert_same(left: Mapping[str, Tensor], right: Mapping[str, Tensor]) -> None:
    assert left.keys() == right.keys()
    for name, value in left.items():
        assert torch.equal(value, right[name]), name


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train_toy(tmp_path_factory.mktemp("straight"))


def test_learns_and_validates_the_average(tmp_path: Path) -> None:
    notes = Notes()
    trained = train_toy(tmp_path, CONFIG.model_copy(update={"max_steps": 60, "learning_rate": 0.05}), watchers=(notes,))
    assert trained.finished
    assert trained.step == 60
    assert sorted(notes.validations) == [*range(4, 61, 4)]
    assert notes.validations[60]["flow"] < 0.5 * notes.validations[4]["flow"]
    assert trained.validation == notes.validations[60]
    assert notes.reports[0].learning_rate == pytest.approx(0.025, rel=0.01)
    assert notes.reports[-1].learning_rate < 0.001


@pytest.mark.parametrize("stop_at", [1, 7, 9])
def test_a_run_cut_at_any_step_goes_on_bit_by_bit(tmp_path: Path, straight: Trained, stop_at: int) -> None:
    with pytest.raises(Cut):
        train_toy(tmp_path, watchers=(Notes(stop_at, cut),))
    notes = Notes()
    resumed = train_toy(tmp_path, watchers=(notes,), resume=True)
    assert notes.beginnings == [(stop_at - 1) // 3 * 3 if stop_at % 3 else stop_at - 3]
    assert_same(straight.weights, resumed.weights)
    assert resumed.validation == straight.validation


def test_neither_loader_threads_nor_watchers_change_a_bit(tmp_path: Path, straight: Trained) -> None:
    config = CONFIG.model_copy(update={"loader_threads": 3, "validate_every": 5, "save_every": 100})
    assert_same(straight.weights, train_toy(tmp_path, config, watchers=(Notes(),)).weights)


def test_accumulated_batches_count_as_one(tmp_path: Path) -> None:
    trained = train_toy(tmp_path, CONFIG.model_copy(update={"accumulate": 3, "max_steps": 4}))
    assert trained.step == 4
    with pytest.raises(Cut):
        train_toy(
            tmp_path / "b", CONFIG.model_copy(update={"accumulate": 3, "max_steps": 4}), watchers=(Notes(4, cut),)
        )
    resumed = train_toy(tmp_path / "b", CONFIG.model_copy(update={"accumulate": 3, "max_steps": 4}), resume=True)
    assert_same(trained.weights, resumed.weights)


def test_a_signal_saves_and_stops(tmp_path: Path, straight: Trained) -> None:
    before = signal.getsignal(signal.SIGTERM)
    notes = Notes(5, lambda: os.kill(os.getpid(), signal.SIGTERM))
    stopped = train_toy(tmp_path, watchers=(notes,))
    assert not stopped.finished
    assert stopped.step in (5, 6)  # the question is asked once a step
    assert signal.getsignal(signal.SIGTERM) is before
    assert_same(straight.weights, train_toy(tmp_path, resume=True).weights)


def test_trains_outside_the_main_thread(tmp_path: Path) -> None:
    done: list[Trained] = []
    thread = threading.Thread(target=lambda: done.append(train_toy(tmp_path)))
    thread.start()
    thread.join()
    assert done[0].finished


def test_a_time_budget_anneals_and_ends(tmp_path: Path) -> None:
    notes = Notes()
    config = CONFIG.model_copy(update={"max_steps": None, "max_minutes": 0.3 / 60, "save_every": 10**6})
    trained = train_toy(tmp_path, config, watchers=(notes,))
    assert trained.finished
    assert 0.3 <= trained.elapsed_s < 1.0
    assert notes.reports[-1].learning_rate < 0.2 * max(r.learning_rate for r in notes.reports)
    assert train_toy(tmp_path, config, resume=True).step == trained.step  # the time is used up


def test_bad_steps_change_nothing_and_are_told(tmp_path: Path) -> None:
    notes = Notes()
    trained = train_toy(tmp_path, batches=RandomBatches(range(4, 6)), watchers=(notes,))
    assert [r.step for r in notes.reports if r.complaint] == [5, 6]
    assert trained.finished
    assert all(torch.isfinite(t).all() for t in trained.weights.values())


def test_many_bad_steps_lead_back_with_half_the_rate_and_then_to_an_error(tmp_path: Path) -> None:
    notes = Notes()
    config = CONFIG.model_copy(update={"bad_steps": 3, "max_rollbacks": 2, "max_steps": 40})
    with pytest.raises(TrainingDiverged, match="learning rate"):
        train_toy(tmp_path, config, RandomBatches(range(7, 40)), (notes,))
    assert notes.beginnings == [0, 6, 6]
    assert len(notes.warnings) == 2
    good = [r for r in notes.reports if r.step == 7]
    assert good[1].learning_rate == pytest.approx(good[0].learning_rate / 2)
    position, tensors = RunFolder(tmp_path).load("toy")
    assert (position.step, position.rollbacks) == (6, 2)
    assert all(torch.isfinite(t).all() for t in tensors.values())


def test_a_spike_is_a_bad_step() -> None:
    record = LossRecord()
    for loss in [2.0, 1.0] * 20:
        assert record.complaint(loss, 1.0, 10) is None
        record = record.after(loss)
    assert record.mean == pytest.approx(1.5, abs=0.05)
    assert "running mean" in (record.complaint(16.0, 1.0, 10) or "")
    assert "gradient" in (record.complaint(1.0, float("inf"), 10) or "")


@contextmanager
def no_room(n_bytes: int) -> Iterator[None]:
    """No file can grow past ``n_bytes``: what a full disk feels like, without one."""
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_keeps_the_last_state_and_is_told_at_the_end(tmp_path: Path, straight: Trained) -> None:
    train_toy(tmp_path, CONFIG.model_copy(update={"max_steps": 6}))
    notes = Notes()
    with no_room(1000), pytest.raises(DiskFull, match="--resume"):
        train_toy(tmp_path, watchers=(notes,), resume=True)
    assert notes.reports[-1].step == 12
    assert any("not saved" in warning for warning in notes.warnings)
    assert [path.name for path in RunFolder(tmp_path).saved()] == ["000000006-0"]
    assert not list((tmp_path / "states").glob(".unfinished*"))
    # The first six steps saw another budget, and so another learning rate: only that it goes on is asked here.
    assert train_toy(tmp_path, resume=True).step == straight.step


def test_keeps_two_states(tmp_path: Path) -> None:
    train_toy(tmp_path)
    assert [path.name for path in RunFolder(tmp_path).saved()] == ["000000009-0", "000000012-0"]


def test_refuses_to_mix_runs(tmp_path: Path) -> None:
    train_toy(tmp_path, CONFIG.model_copy(update={"max_steps": 3}))
    with pytest.raises(RunExists, match="--resume"):
        train_toy(tmp_path)
    with pytest.raises(CannotResume, match="other batches"):
        train_toy(tmp_path, batches=RandomBatches(digest="another"), resume=True)
    with pytest.raises(CannotResume, match="another network"):
        train(Linear(3), RandomBatches(), None, tmp_path, CONFIG, ALONE, resume=True)
    with RunFolder(tmp_path).held(), pytest.raises(RunBusy):
        train_toy(tmp_path, resume=True)
    newest = RunFolder(tmp_path).saved()[-1]
    (newest / "state.safetensors").write_bytes(b"x" * 100)
    with pytest.raises(CannotResume, match="remove it"):
        train_toy(tmp_path, resume=True)


def test_a_budget_is_wanted() -> None:
    with pytest.raises(ValidationError, match="how long"):
        TrainConfig()
    with pytest.raises(TypeError, match="Module"):
        train(object(), RandomBatches(), None, Path("nowhere"), CONFIG, ALONE)  # type: ignore[arg-type]


def in_a_process(*arguments: str, launcher: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    command = [sys.executable, *launcher, "-m", "tests.models.training.train_toy", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_killed_process_goes_on_bit_by_bit(tmp_path: Path) -> None:
    out = str(tmp_path / "weights")
    assert in_a_process(str(tmp_path / "a"), f"{out}-a", "12").wait(120) == 0
    assert in_a_process(str(tmp_path / "b"), f"{out}-b", "12", "kill", "7").wait(120) == -signal.SIGKILL
    assert in_a_process(str(tmp_path / "b"), f"{out}-b", "12").wait(120) == 0
    assert_same(load_file(f"{out}-a.0"), load_file(f"{out}-b.0"))


@pytest.mark.slow
def test_ctrl_c_saves_and_exits_cleanly(tmp_path: Path) -> None:
    process = in_a_process(str(tmp_path / "run"), str(tmp_path / "w"), "100000", "slow")
    assert process.stdout is not None
    while int(process.stdout.readline()) < 5:
        pass
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    position, _ = RunFolder(tmp_path / "run").load("toy")
    assert position.step >= 5


@pytest.mark.slow
def test_two_workers_train_one_network(tmp_path: Path) -> None:
    out = str(tmp_path / "w")
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    assert in_a_process(str(tmp_path / "run"), out, "12", launcher=launcher).wait(240) == 0
    mine, theirs = load_file(f"{out}.0"), load_file(f"{out}.1")
    for name in ("map.weight", "map.bias"):
        assert torch.equal(mine[name], theirs[name])
