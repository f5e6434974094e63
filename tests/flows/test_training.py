"""A training from the snapshot to the champion, on clips and networks so small that it takes a second."""

import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from flows.errors import CannotTrain
from flows.training import TrainPlan, TrainReport, run_training
from models.training.checkpoint import read_card
from models.training.loop import RunExists
from models.training.settings import TrainConfig
from models.training.watch import StepReport
from schemas.version import MODEL_ROW, DecisionKind, ModelMetric
from tests.flows.avatars import HELD_OUT, STORED, Spoken, cast, curate, no_pictures, quick_plan, tiny_models
from warehouse.errors import LicenceRefused, NothingSelected, UnknownName, UnknownSnapshot
from warehouse.lake import reading
from warehouse.promotion import PromotionRule
from warehouse.registry import CHAMPION, aliases, decisions, metrics_of, versions
from warehouse.selection import Selection

ASKS_NOTHING = PromotionRule(controls=(), guards=())
FIRST = quick_plan(rule=ASKS_NOTHING)
# Its weights stay those of its parent, so that it can be no better.
FOLLOWER = quick_plan(
    seed=1, parent=CHAMPION, rule=ASKS_NOTHING, schedule=TrainConfig(max_steps=1, learning_rate=1e-12)
)


class StopAfter:
    """A watcher who asks to stop after so many steps."""

    def __init__(self, step: int) -> None:
        self._step = step

    def began(self, step: int) -> None: ...

    def stepped(self, report: StepReport) -> None:
        if report.step == self._step:
            os.kill(os.getpid(), signal.SIGINT)

    def validated(self, step: int, losses: Mapping[str, float]) -> None: ...

    def warned(self, message: str) -> None: ...


@contextmanager
def stopped_after(step: int) -> Iterator[None]:
    @contextmanager
    def watching(run: Path) -> Iterator[StopAfter]:
        yield StopAfter(step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.training.recording", watching)
        yield


def trained(root: Path, plan: TrainPlan, resume: bool = False) -> TrainReport:
    report = run_training(root, root / "assets", plan, "cpu", resume, Console(quiet=True))
    assert report is not None
    return report


@dataclass(frozen=True)
class Story:
    """What happened in one warehouse: a training was stopped, went on and became champion, and one followed."""

    root: Path
    stopped: TrainReport
    first: TrainReport
    follower: TrainReport

    def metrics(self, report: TrainReport) -> dict[tuple[str, str, str, str], ModelMetric]:
        assert report.version is not None
        with reading(self.root) as lake:
            found = metrics_of(lake, report.version.version)
        return {(m.metric, m.split, m.span, m.row): m for m in found}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("training")
    with tiny_models(folder / "whisper"), no_pictures():
        root = curate(folder / "warehouse", cast(folder))
        with stopped_after(2):
            stopped = trained(root, FIRST)
        first = trained(root, FIRST, resume=True)
        yield Story(root, stopped, first, trained(root, FOLLOWER))


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse in which nothing is ever trained; one of its clips is not for everybody."""
    folder = tmp_path_factory.mktemp("untouched")
    return curate(folder / "warehouse", [*cast(folder), Spoken(folder / "nc.mkv", "ann", licence="CC-BY-NC-4.0")])


def test_a_stopped_training_registers_nothing_and_goes_on_where_it_was(story: Story) -> None:
    stopped, first = story.stopped, story.first
    assert 2 <= stopped.trained.step < 4
    assert (stopped.trained.finished, stopped.version) == (False, None)
    assert (first.trained.step, first.trained.finished) == (4, True)
    assert first.run == stopped.run
    assert first.trained.elapsed_s > stopped.trained.elapsed_s


def test_a_version_says_what_it_was_made_from(story: Story) -> None:
    version = story.first.version
    assert version is not None
    with reading(story.root) as lake:
        assert versions(lake)[0] == version
    card = read_card(story.root / version.checkpoint)
    assert (version.preset, version.licence_class, version.parent) == ("small", "public-domain", None)
    assert version.snapshot == card.snapshot == story.first.selected.snapshot
    assert version.train_hours == pytest.approx(4 * 3 / 3600)
    assert (card.speech_model, card.training["steps"]) == (f"{STORED} steady", 4)
    assert json.loads(version.selection)["holdout"] == HELD_OUT
    assert any(metric.startswith("LVE, unseen speakers") for metric in card.metrics)


def test_a_finished_training_is_registered_once_however_often_it_is_resumed(story: Story) -> None:
    again = trained(story.root, FIRST, resume=True)
    assert again.version == story.first.version
    with reading(story.root) as lake:
        assert len(versions(lake)) == 2


def test_the_same_plan_again_is_the_same_run(story: Story) -> None:
    with pytest.raises(RunExists, match="--resume"):
        trained(story.root, FIRST)
    by_number = Selection(holdout=HELD_OUT, snapshot=story.first.selected.snapshot)
    with pytest.raises(RunExists):  # the newest snapshot is a number too
        trained(story.root, FIRST.model_copy(update={"selection": by_number}))


def test_the_first_is_champion_and_who_is_no_better_is_not(story: Story) -> None:
    first, follower = story.first.version, story.follower.version
    assert first is not None
    assert follower is not None
    with reading(story.root) as lake:
        assert aliases(lake) == {CHAMPION: first.version}
        one, other = decisions(lake)[:2]
    assert (one.version, one.moved, one.previous) == (first.version, True, None)
    assert (other.version, other.moved, other.previous) == (follower.version, False, first.version)
    assert other == story.follower.decision
    assert other.kind is DecisionKind.PROMOTE
    assert other.measured == pytest.approx(0, abs=0.01)
    assert other.threshold == ASKS_NOTHING.min_improvement
    assert first.version in other.reason


def test_a_parent_is_named_in_full_and_its_weights_are_taken_over(story: Story) -> None:
    first, follower = story.first.version, story.follower.version
    assert first is not None
    assert follower is not None
    assert follower.parent == first.version
    assert read_card(story.root / follower.checkpoint).parent == first.version
    ours, theirs = story.metrics(story.follower), story.metrics(story.first)
    place = ("LVE", "unseen speakers", "whole clip", MODEL_ROW)
    assert ours[place].value == pytest.approx(theirs[place].value, rel=0.01)


def test_the_champion_is_measured_on_the_same_clips_in_a_row_of_its_name(story: Story) -> None:
    first = story.first.version
    assert first is not None
    theirs, beside = story.metrics(story.first), story.metrics(story.follower)
    assert not any(row == first.version for *_, row in theirs)
    rows = {place: metric for place, metric in beside.items() if place[3] == first.version}
    own = {place for place in theirs if place[3] == MODEL_ROW}
    assert {place[:3] for place in rows} == {place[:3] for place in own}
    for metric, split, span, row in rows:
        if metric in ("LVE", "MVE", "UFVE"):
            before = theirs[metric, split, span, MODEL_ROW]
            assert rows[metric, split, span, row].value == pytest.approx(before.value, rel=0.01)
            assert rows[metric, split, span, row].n == before.n == 2


def test_controls_are_stored_beside_the_model(story: Story) -> None:
    rows = {row for *_, row in story.metrics(story.first)}
    assert {MODEL_ROW, "shuffled audio", "mean motion", "frozen mouth", "ground truth"} <= rows


@pytest.mark.parametrize(
    ("plan", "error", "says"),
    [
        ({"selection": Selection(licences=("commercial",))}, LicenceRefused, "CC-BY-NC-4.0"),
        ({"selection": Selection(snapshot=99)}, UnknownSnapshot, "99"),
        ({"selection": Selection(where="snr_db > 1e6")}, NothingSelected, "snr_db"),
        ({"selection": Selection(holdout="true")}, CannotTrain, "nothing is left to train on"),
        (
            {"selection": Selection(holdout_share=0, splits=("train",))},
            CannotTrain,
            "only 0 clips in sentences and val",
        ),
        ({"parent": "small-1234"}, UnknownName, "no model is called 'small-1234'"),
    ],
    ids=["licence", "snapshot", "where", "all held out", "none held out", "parent"],
)
def test_what_cannot_be_trained_is_refused_before_any_work(
    untouched: Path, plan: dict[str, object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        trained(untouched, quick_plan(**plan))
    assert not (untouched / "training").exists()
