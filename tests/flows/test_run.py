"""A run over a plan: everything is committed in order, whatever ends it is gone on from."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flows.batches import curate_batch
from flows.curation import Plan
from flows.history import past_runs
from flows.progress import RunProgress
from flows.recipe import load_recipe
from flows.report import CurationReport
from flows.run import run_plan
from tests.flows.stand_ins import VIDEO_S, InstantPool, files, place
from warehouse.errors import CatalogueUnreachable, StoreUnreachable
from warehouse.lake import reading
from warehouse.read import known_sources
from warehouse.snapshots import list_snapshots

RECIPE = load_recipe()


def carried_out(warehouse: Path, todo: Plan, pool: InstantPool) -> CurationReport:
    report, where = CurationReport(offered=len(todo.new)), place(warehouse, at_once=2)
    with ThreadPoolExecutor(2) as threads:
        run_plan(
            todo,
            where,
            RECIPE,
            False,
            report,
            RunProgress(len(todo.new), quiet=True),
            lambda batch: threads.submit(curate_batch, batch, where, pool),  # type: ignore[arg-type]
        )
    return report


@pytest.fixture(autouse=True)
def few_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit costs a quarter of a second."""
    monkeypatch.setattr("flows.batches.how_many", lambda *_: 2)


def test_every_file_is_committed_in_portions_and_no_draft_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    todo, warehouse = Plan(files(tmp_path, 3), (), 0), tmp_path / "warehouse"
    monkeypatch.setattr("flows.run.COMMIT_BYTES", 1)
    report = carried_out(warehouse, todo, InstantPool())
    assert report.sources == {"refused": 3}
    with reading(warehouse) as lake:
        assert [s.rows["sources"] for s in list_snapshots(lake)] == [1, 1, 1]
        assert report.snapshot_id == lake.latest()
    assert not list((warehouse / "drafts").iterdir())
    (past,) = past_runs(warehouse)
    assert (past.curated_s, past.workers) == (3 * VIDEO_S, 2)


def test_a_broken_run_is_gone_on_from(tmp_path: Path) -> None:
    todo, warehouse = Plan(files(tmp_path, 4), (), 0), tmp_path / "warehouse"
    first, second = InstantPool(fatal=todo.new[3]), InstantPool()
    with pytest.raises(ConnectionResetError):
        carried_out(warehouse, todo, first)
    report = carried_out(warehouse, todo, second)
    assert second.asked == [todo.new[3]], "nothing lost, nothing twice"
    assert report.already_there + report.sources.total() == 4
    with reading(warehouse) as lake:
        assert len(known_sources(lake)) == 4


def test_a_warehouse_out_of_reach_is_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("flows.run.PAUSES_S", (0.0, 0.0))
    monkeypatch.setattr("flows.run._make", lambda _: None)
    answers = iter([CatalogueUnreachable("gone"), StoreUnreachable("gone"), (None, {})])

    def commit(*_: object) -> object:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("flows.run.commit_batch", commit)
    monkeypatch.setattr(CurationReport, "add_rows", lambda *_: None)
    todo = Plan(files(tmp_path, 1), (), 0)
    (tmp_path / "warehouse").mkdir()
    carried_out(tmp_path / "warehouse", todo, InstantPool())
    assert next(answers, None) is None
