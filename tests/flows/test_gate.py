"""Which news a warehouse has, and whether it is enough to train on."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from flows.gate import read_gate
from flows.news import decided_on, kept_since, snapshot_news
from schemas.version import Decision, DecisionKind
from tests.warehouse.lakes import N_FRAMES, curate_at, regate
from tests.warehouse.models import registered
from warehouse.commit import open_committer
from warehouse.compact import compact
from warehouse.errors import NoWarehouse, UnknownSnapshot
from warehouse.lake import Lake, reading
from warehouse.registry import CHAMPION

CLIP_MIN = N_FRAMES / 25 / 60  # a source of three clips has two that are kept


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("gate") / "lake"
    curate_at(root, ["a", "b"], clips_each=3)
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "lake"))


def test_all_is_new_where_nothing_was_trained(root: Path) -> None:
    gate = read_gate(root, 0.01)
    assert gate.passes
    assert gate.trained_on is None
    assert gate.measured == pytest.approx(4 * CLIP_MIN)


def test_the_gate_opens_with_enough_new_minutes_and_not_before(root: Path, tmp_path: Path) -> None:
    """What a version has seen is not new, whether it was promoted or not."""
    version = registered(root, tmp_path, "first")
    seen = read_gate(root, 0.0)
    assert (seen.measured, seen.passes, seen.trained_on) == (0, False, version.snapshot), "not twice on the same data"
    curate_at(root, ["c"], clips_each=3)
    assert read_gate(root, 2 * CLIP_MIN - 1e-6).passes
    below = read_gate(root, 2 * CLIP_MIN + 1e-6)
    assert not below.passes
    assert f"new since snapshot {version.snapshot}" in below.reason


def test_clips_that_are_kept_after_a_regate_are_new_and_refused_ones_are_no_loss(root: Path) -> None:
    with reading(root) as lake:
        before = lake.latest()
    with open_committer(root) as lake:
        kept = regate(lake, keep=True).snapshot_id
        refused = regate(lake, keep=False).snapshot_id
    with reading(root) as lake:
        assert kept_since(lake, before, kept).clips == 2
        assert kept_since(lake, kept, refused).clips == 0
        with pytest.raises(UnknownSnapshot):
            kept_since(lake, 99, kept)


def test_news_are_what_the_snapshot_announced_before_had_not(root: Path, tmp_path: Path) -> None:
    first = snapshot_news(root, None)
    assert first is not None
    assert first.published.clips_kept == 4
    assert snapshot_news(root, first.commit_id) is None
    curate_at(root, ["c"], clips_each=3)
    curate_at(root, ["d"], clips_each=2)  # two commits of one run are one piece of news
    second = snapshot_news(root, first.commit_id)
    assert second is not None
    assert second.published.clips_kept == 3
    assert second.published.new_hours == pytest.approx(3 * CLIP_MIN / 60)
    registered(root, tmp_path, "model")
    with open_committer(root) as lake:
        assert compact(lake, "test", at_least=2) is not None
    assert snapshot_news(root, second.commit_id) is None, "neither a model nor a compaction brings clips"


def test_a_place_without_a_warehouse_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(NoWarehouse, match="xtalker curate"):
        read_gate(tmp_path, 1.0)


def test_a_rollback_decides_nothing_about_the_version_it_comes_back_to(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = decision(1, DecisionKind.PROMOTE, "a"), decision(2, DecisionKind.FORCE, "b")
    history = (one, two, decision(3, DecisionKind.ROLLBACK, "a"))
    monkeypatch.setattr("flows.news.decisions", lambda *_: history)
    lake = cast(Lake, None)
    assert [decided_on(lake, version) for version in ("a", "b", "c")] == [one, two, None]


def decision(number: int, kind: DecisionKind, version: str) -> Decision:
    return Decision(
        CHAMPION, number, kind, version, None, True, "", None, None, None, None, None, datetime(2026, 1, 1, tzinfo=UTC)
    )
