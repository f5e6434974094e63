"""Commits: one snapshot for five tables, the same once, and what replaces what."""

from pathlib import Path

import pyarrow as pa
import pytest

from schemas.tables import TABLES
from tests.warehouse.lakes import contents, contents_at, curate, curate_at, regate, regated, staged, tables
from warehouse.commit import commit, open_committer, recover
from warehouse.errors import CatalogueLost, CommitterBusy, InvalidCommit, NoWarehouse, StaleCommit
from warehouse.lake import CATALOGUE, Lake, committing, reading
from warehouse.read import verdicts_of
from warehouse.shards import CommitKind
from warehouse.snapshots import diff, list_snapshots
from warehouse.verify import verify


def test_a_commit_is_one_snapshot_of_all_tables(lake: Lake) -> None:
    snapshot = curate(lake, ["a", "b"])
    assert snapshot.kind == "curate"
    assert snapshot.rows == {"sources": 2, "clips": 4, "verdicts": 14, "motion": 4, "speech": 4}
    assert snapshot.recipe == {"tier": "pretrain"}
    assert {name: len(rows) for name, rows in contents(lake).items() if rows} == snapshot.rows
    assert list_snapshots(lake) == [snapshot]


def test_committing_again_changes_nothing(lake: Lake) -> None:
    once = staged(lake, tables(["a"]))
    first = commit(lake, once)
    assert commit(lake, once) == first
    assert commit(lake, staged(lake, tables(["b"]))) != first
    assert len(list_snapshots(lake)) == 2
    assert not lake.layout.staging.names()


def test_no_rows_make_no_snapshot(lake: Lake) -> None:
    before = lake.latest()
    assert commit(lake, staged(lake, {name: schema.empty_table() for name, schema in TABLES.items()})) is None
    assert lake.latest() == before


def test_a_source_measured_again_replaces_all_it_had(lake: Lake) -> None:
    before = curate(lake, ["a", "b"], clips_each=3)
    after = curate(lake, ["b"], clips_each=2, key="k2", snr_db=30.0)
    rows = contents(lake)
    assert [row["source_id"] for row in rows["sources"]] == ["a", "b"]
    assert [row["clip_id"] for row in rows["clips"]] == ["a-0", "a-1", "a-2", "b-0", "b-1"]
    assert [row["clip_id"] for row in rows["motion"]] == [row["clip_id"] for row in rows["speech"]]
    assert len(rows["motion"]) == 5
    assert {row["snr_db"] for row in rows["clips"] if row["source_id"] == "b"} == {30.0}
    assert sum(row["source_id"] == "b" for row in rows["verdicts"]) == 7
    assert len(contents(lake, before.snapshot_id)["clips"]) == 6
    assert diff(lake, before.snapshot_id, after.snapshot_id).clips_removed == ("b-2",)
    assert verify(lake.layout.root).ok


def test_a_regate_changes_decisions_and_leaves_the_measurements(lake: Lake) -> None:
    before = curate(lake, ["a", "b"])
    after = regate(lake, keep=True)
    old, new = contents(lake, before.snapshot_id), contents(lake)
    assert [row["keep"] for row in new["clips"]] == [True] * 4
    assert {row["tier"] for row in new["clips"]} == {"strict"}
    for table in ("sources", "motion", "speech"):
        assert new[table] == old[table]
    changes = diff(lake, before.snapshot_id, after.snapshot_id)
    assert changes.now_kept == ("a-0", "b-0")
    assert not changes.clips_added
    gates = sorted((v.gate, v.keep) for v in verdicts_of(lake, "a-0"))
    assert gates == [("duration_s", True), ("duration_s", True), ("snr_db", True)]


def test_there_and_back_again_are_two_regates(lake: Lake) -> None:
    curate(lake, ["a"])
    assert len({regate(lake, keep).commit_id for keep in (True, False, True)}) == 3
    assert [row["keep"] for row in contents(lake)["clips"]] == [True, True]


def test_a_regate_of_clips_measured_again_is_stale(lake: Lake) -> None:
    curate(lake, ["a"], clips_each=3)
    decided = staged(lake, regated(lake, keep=True), CommitKind.REGATE)
    commit(lake, staged(lake, tables(["a"], clips_each=2, key="k2")))
    with pytest.raises(StaleCommit, match="a-2"):
        commit(lake, decided)
    assert not recover(lake)
    assert not lake.layout.staging.names()  # put aside, not tried for ever
    assert len(contents(lake)["clips"]) == 2
    assert verify(lake.layout.root).ok


def test_a_duplicate_cannot_take_the_place_of_its_original(lake: Lake) -> None:
    curate(lake, ["a"])
    rows = {name: schema.empty_table() for name, schema in TABLES.items()}
    copy = {"source_id": "a", "path": "/elsewhere/copy.mp4", "status": "refused", "reason": "duplicate"}
    rows["sources"] = pa.Table.from_pylist([copy], schema=TABLES["sources"])
    with pytest.raises(InvalidCommit, match=r"copy\.mp4"):
        commit(lake, staged(lake, rows))
    assert len(contents(lake)["clips"]) == 2


def test_there_is_one_committer(lake: Lake) -> None:
    with (
        pytest.raises(CommitterBusy, match=r"process \d+ on .* is writing"),
        committing(lake.layout.root, wait_s=0.2),
    ):
        pass


def test_a_place_without_a_warehouse_says_so(place: Path) -> None:
    before = place.exists()
    with pytest.raises(NoWarehouse, match="xtalker curate"), reading(place):
        pass
    assert place.exists() == before


def test_a_warehouse_in_the_making_is_none_yet(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two first runs at once: what one is making, the other must not take for a warehouse."""

    def look(*_: object) -> None:
        with pytest.raises(NoWarehouse, match="xtalker curate"), reading(place):
            pass

    monkeypatch.setattr("warehouse.lake.create_tables", look)
    with committing(place):
        pass
    monkeypatch.undo()
    with committing(place), reading(place) as lake:
        assert lake.con.execute("SELECT count(*) FROM lake.clips").fetchone() == (0,)


def test_a_catalogue_that_is_still_empty_is_none_yet(tmp_path: Path) -> None:
    (tmp_path / CATALOGUE).touch()  # as SQLite leaves it before its first transaction
    with pytest.raises(NoWarehouse, match="xtalker curate"), reading(tmp_path):
        pass


def test_a_lost_catalogue_is_not_taken_for_an_empty_warehouse(tmp_path: Path) -> None:
    curate_at(tmp_path, ["a"])
    catalogue = tmp_path / CATALOGUE
    old = catalogue.read_bytes()
    curate_at(tmp_path, ["b"])
    catalogue.unlink()
    for opening in (reading(tmp_path), open_committer(tmp_path)):
        with pytest.raises(CatalogueLost, match="xtalker rebuild"), opening:
            pass
    catalogue.write_bytes(old)  # an old copy knows nothing of the shards that came after it
    with pytest.raises(CatalogueLost, match="xtalker rebuild"), open_committer(tmp_path):
        pass


def test_a_warehouse_may_be_moved_and_called_anything(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / 'it\'s; a "warehouse"'
    curate_at(here, ["a"])
    here.rename(there)
    curate_at(there, ["b"])
    assert len(contents_at(there)["clips"]) == 4
    assert verify(there).ok
