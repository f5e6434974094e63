"""Staging: all or nothing, equal bytes for equal rows, and enough said in a shard to know its commit."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.tables import TABLES
from tests.warehouse.lakes import tables
from warehouse.errors import InvalidCommit
from warehouse.shards import ROW_GROUP_ROWS, CommitInfo, CommitKind, open_staged, read_header, stage
from warehouse.store import LocalStore

INFO = CommitInfo(CommitKind.CURATE, 1, "0.1.0", {"tier": "pretrain"})


def test_equal_rows_give_equal_bytes_and_the_same_commit(tmp_path: Path) -> None:
    rows = tables(["a", "b"])
    reversed_rows = {name: table.take(list(range(table.num_rows))[::-1]) for name, table in rows.items()}
    reversed_rows["verdicts"] = rows["verdicts"]  # their order says in which order gates decided
    one = stage(rows, LocalStore(tmp_path / "one"), INFO)
    two = stage(reversed_rows, LocalStore(tmp_path / "two"), INFO)
    assert one.commit_id == two.commit_id
    for name in TABLES:
        assert Path(one.shards[name].url).read_bytes() == Path(two.shards[name].url).read_bytes()


def test_the_same_rows_decided_later_are_another_commit(tmp_path: Path) -> None:
    ids = {stage(tables(["a"]), LocalStore(tmp_path), replace(INFO, parent=parent)).commit_id for parent in (1, 2)}
    assert len(ids) == 2


def test_staging_twice_is_staging_once(tmp_path: Path) -> None:
    assert stage(tables(["a"]), LocalStore(tmp_path), INFO) == stage(tables(["a"]), LocalStore(tmp_path), INFO)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_shard_says_what_a_rebuild_needs(tmp_path: Path) -> None:
    commit = stage(tables(["a"]), LocalStore(tmp_path), INFO)
    for name, shard in commit.shards.items():
        assert read_header(shard) == (INFO, {t: len(rows) for t, rows in tables(["a"]).items()})
        assert commit.commit_id in shard.name
        assert pq.read_schema(shard.url).names == TABLES[name].names
    assert open_staged(LocalStore(tmp_path), commit.commit_id) == commit


def test_verdicts_stay_in_gate_order_within_their_subject(tmp_path: Path) -> None:
    commit = stage(tables(["b", "a"]), LocalStore(tmp_path), INFO)
    rows = pq.read_table(commit.shards["verdicts"].url)
    assert rows["subject_id"].to_pylist() == sorted(rows["subject_id"].to_pylist())
    gates = rows.filter(pa.compute.equal(rows["subject_id"], "a-1"))["gate"].to_pylist()
    assert gates == ["snr_db", "duration_s", "duration_s"]


def test_one_clip_is_a_small_part_of_a_shard(tmp_path: Path) -> None:
    commit = stage(tables(["a"], clips_each=40), LocalStore(tmp_path), INFO)
    assert pq.read_metadata(commit.shards["motion"].url).num_row_groups == 40 // ROW_GROUP_ROWS["motion"]


def test_no_rows_leave_nothing_behind(tmp_path: Path) -> None:
    commit = stage({name: schema.empty_table() for name, schema in TABLES.items()}, LocalStore(tmp_path), INFO)
    assert not commit.shards
    assert not list(tmp_path.iterdir())


def test_a_failure_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    rows = tables(["a"])
    broken = rows | {"speech": rows["speech"].set_column(0, "clip_id", pa.array([1, 2]))}
    with pytest.raises(InvalidCommit, match="speech"):
        stage(broken, LocalStore(tmp_path), INFO)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("case", ["table missing", "column missing", "id twice", "id null"])
def test_what_is_no_commit_is_refused(tmp_path: Path, case: str) -> None:
    rows = tables(["a"])
    match case:
        case "table missing":
            del rows["motion"]
        case "column missing":
            rows["clips"] = rows["clips"].drop(["snr_db"])
        case "id twice":
            rows["clips"] = pa.concat_tables([rows["clips"], rows["clips"]])
        case "id null":
            rows["sources"] = pa.Table.from_pylist([{"path": "x"}], schema=TABLES["sources"])
    with pytest.raises(InvalidCommit):
        stage(rows, LocalStore(tmp_path), INFO)


def test_a_folder_with_a_shard_missing_is_no_commit(tmp_path: Path) -> None:
    commit = stage(tables(["a"]), LocalStore(tmp_path), INFO)
    LocalStore(tmp_path).remove([commit.shards["motion"].name])
    with pytest.raises(InvalidCommit, match="motion"):
        open_staged(LocalStore(tmp_path), commit.commit_id)
