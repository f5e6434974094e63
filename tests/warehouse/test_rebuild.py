"""Verify and rebuild: damage is found, and the catalogue can be lost."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.conftest import Backend
from tests.warehouse.lakes import contents, contents_at, curate, curate_at, regate, staged, tables
from warehouse.catalogue import KEPT
from warehouse.commit import commit, open_committer, publish
from warehouse.compact import compact
from warehouse.errors import NoWarehouse
from warehouse.lake import CATALOGUE, Lake, Layout, reading
from warehouse.rebuild import rebuild
from warehouse.snapshots import Snapshot, list_snapshots
from warehouse.verify import ProblemKind, verify


@pytest.fixture(scope="module")
def history(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Curated, curated, regated, one source measured again, compacted."""
    root = backend.make(tmp_path_factory.mktemp("history") / "lake")
    with open_committer(root) as lake:
        curate(lake, ["a", "b"])
        curate(lake, ["c"], clips_each=3)
        regate(lake, keep=True)
        curate(lake, ["b"], clips_each=1, key="k2")
        assert compact(lake, "test", at_least=2) is not None
        assert compact(lake, "test", at_least=2) is None
    return root


@pytest.fixture
def lake_of_five(backend: Backend, history: Path, tmp_path: Path) -> Path:
    return backend.copy(history, tmp_path / "copy")


def everything(root: Path) -> tuple[list[Snapshot], list[dict[str, list[dict[str, Any]]]]]:
    """The snapshots, and the tables as each of them has them."""
    with reading(root) as lake:
        snapshots = list_snapshots(lake)
        return snapshots, [contents(lake, s.snapshot_id) for s in snapshots]


def test_a_compaction_changes_no_row(history: Path) -> None:
    snapshots, tables_then = everything(history)
    assert snapshots[-1].kind == "compact"
    assert tables_then[-1] == tables_then[-2] != tables_then[-3]


@pytest.mark.parametrize("loss", ["deleted", pytest.param("intact", marks=pytest.mark.slow)])
def test_a_rebuild_gives_the_same_tables_at_every_snapshot(backend: Backend, lake_of_five: Path, loss: str) -> None:
    root = lake_of_five
    snapshots, tables_then = everything(root)
    if loss == "deleted":
        backend.lose_catalogue(root)
    report = rebuild(root)
    assert (report.commits, report.skipped) == (5, ())
    assert report.rows == {name: len(rows) for name, rows in tables_then[-1].items()}
    again, tables_now = everything(root)
    assert [replace(s, time=old.time) for s, old in zip(again, snapshots, strict=True)] == snapshots
    # a copied object is as old as the copy
    assert all(abs((new.time - old.time).total_seconds()) < 3600 for new, old in zip(again, snapshots, strict=True))
    assert tables_now == tables_then
    checked = verify(root)
    assert checked.ok
    assert not checked.leftovers
    assert curate_at(root, ["z"]).snapshot_id == snapshots[-1].snapshot_id + 1


@pytest.mark.slow
def test_snapshots_of_other_programs_leave_numbers_in_place(tmp_path: Path) -> None:
    with open_committer(tmp_path) as lake:
        curate(lake, ["a"])
        lake.con.execute("CREATE TABLE lake.notes (text VARCHAR)")
        mine = curate(lake, ["b"])
    rebuild(tmp_path)
    with reading(tmp_path) as lake:
        assert list_snapshots(lake)[-1].snapshot_id == mine.snapshot_id
    assert curate_at(tmp_path, ["c"]).snapshot_id == mine.snapshot_id + 1


def test_a_rebuild_leaves_out_what_is_not_whole_and_says_so(lake_of_five: Path) -> None:
    layout = Layout.of(lake_of_five)
    layout.shards.remove([next(name for name in layout.shard_files() if name.startswith("main/speech/00000003"))])
    report = rebuild(lake_of_five)
    assert any("snapshot 3" in reason for reason in report.skipped)
    with reading(lake_of_five) as lake:
        assert [s.snapshot_id for s in list_snapshots(lake)] == [2, 5, 6]  # the regate (4) decided about c's clips


def test_a_rebuild_takes_in_a_commit_that_died_before_its_transaction(place: Path) -> None:
    with open_committer(place) as lake:
        curate(lake, ["a"])
        publish(lake, staged(lake, tables(["b"])), lake.latest() + 1)
    assert rebuild(place).commits == 2
    with open_committer(place):
        pass  # finds it committed, and only removes what is staged
    assert len(contents_at(place)["clips"]) == 4
    assert not Layout.of(place).staging.folders()
    assert verify(place).ok


def test_a_broken_catalogue_is_kept_aside(tmp_path: Path) -> None:
    curate_at(tmp_path, ["a"])
    (tmp_path / CATALOGUE).write_bytes(b"not a database" * 1000)
    assert rebuild(tmp_path).commits == 1
    assert (tmp_path / KEPT).read_bytes() == b"not a database" * 1000
    assert verify(tmp_path).ok


def test_nothing_to_rebuild(place: Path) -> None:
    with pytest.raises(NoWarehouse):
        rebuild(place)


def test_a_whole_warehouse_has_no_problems(history: Path) -> None:
    report = verify(history)
    assert report.ok
    assert report.commits == 5
    layout = Layout.of(history)
    assert report.shards == len(layout.shard_files())
    assert report.bytes == sum(layout.shards.size_bytes(name) for name in layout.shard_files())


@pytest.mark.parametrize("table", ["verdicts", "motion"])
def test_one_flipped_bit_is_found(lake_of_five: Path, table: str) -> None:
    layout = Layout.of(lake_of_five)
    victim = next(name for name in layout.shard_files() if f"/{table}/" in name)
    data = bytearray(layout.shards.read(victim))
    data[len(data) // 2] ^= 1
    layout.shards.write(victim, bytes(data))
    report = verify(lake_of_five)
    assert [(p.kind, p.what) for p in report.problems if p.kind == ProblemKind.CORRUPT] == [
        (ProblemKind.CORRUPT, layout.shards.url(victim))
    ]


def test_missing_and_extra_files_are_found(lake_of_five: Path) -> None:
    layout = Layout.of(lake_of_five)
    first, *_, last = (name for name in layout.shard_files() if "/motion/" in name)
    stray = last.replace("0000000", "0000009")
    layout.shards.link(layout.shards.url(last), stray)
    layout.shards.remove([last])
    problems = {(p.kind, p.what) for p in verify(lake_of_five).problems}
    assert (ProblemKind.MISSING, layout.shards.url(last)) in problems
    assert (ProblemKind.EXTRA, layout.shards.url(stray)) in problems
    assert layout.shards.url(first) not in {what for _, what in problems}


def test_a_catalogue_that_counts_otherwise_is_found(lake_of_five: Path) -> None:
    with open_committer(lake_of_five) as lake:
        table = "__ducklake_metadata_lake.ducklake_data_file"
        lake.con.execute(f"UPDATE {table} SET record_count = record_count + 1 WHERE path LIKE '00000002%'")
    assert {p.kind for p in verify(lake_of_five).problems} >= {ProblemKind.MISCOUNTED}


def test_tables_that_do_not_fit_together_are_found(lake: Lake) -> None:
    rows = tables(["a"])
    rows["motion"] = rows["motion"].slice(0, 1)
    rows["verdicts"] = rows["verdicts"].slice(0, 4)
    commit(lake, staged(lake, rows))
    found = {(p.what, p.detail) for p in verify(lake.layout.root).problems}
    assert ("a-1", "a clip without motion") in found
    assert ("a-1", "a clip without verdicts") in found
