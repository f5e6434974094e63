"""A warehouse made before there were models, or the last columns of a table: read as it is, and given them by the
next commit."""

from pathlib import Path

import pyarrow as pa
import pytest

import warehouse.commit
import warehouse.lake
import warehouse.shards
from schemas.tables import CLIPS, MODEL_TABLES, TABLES
from tests.warehouse.lakes import contents_at, curate_at, staged, tables
from tests.warehouse.models import RULE, registered
from warehouse.commit import commit, open_committer
from warehouse.errors import UnknownName
from warehouse.lake import CATALOGUE, missing_columns, missing_tables, reading
from warehouse.read import table_of
from warehouse.rebuild import rebuild
from warehouse.registry import aliases, decisions, promote, resolve_version, versions
from warehouse.snapshots import list_snapshots
from warehouse.sql import query, session
from warehouse.verify import verify

pytestmark = pytest.mark.slow


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A commit by a program that knows of no models."""
    with monkeypatch.context() as then:
        then.setattr(warehouse.lake, "LAKE_TABLES", TABLES)
        then.setattr(warehouse.lake, "MODEL_TABLES", {})
        then.setattr(warehouse.commit, "MODEL_TABLES", {})
        curate_at(tmp_path / "lake", ["a"])
    return tmp_path / "lake"


def test_an_old_warehouse_is_read_as_it_is_and_grows(root: Path, tmp_path: Path) -> None:
    catalogue = (root / CATALOGUE).read_bytes()
    with reading(root) as lake:
        assert missing_tables(lake) == MODEL_TABLES.keys()
        assert not versions(lake)
        assert not decisions(lake)
        assert aliases(lake) == {}
        with pytest.raises(UnknownName, match="xtalker train"):
            resolve_version(lake, "champion")
    with session(root) as opened:
        for name in (*MODEL_TABLES, "current_aliases"):
            assert opened.query(f"SELECT * FROM {name}").num_rows == 0
        assert opened.query("FROM models").schema.names == MODEL_TABLES["models"].names
    assert verify(root).ok
    assert (root / CATALOGUE).read_bytes() == catalogue

    version = registered(root, tmp_path, "first").version
    assert promote(root, version, RULE, "test").moved
    with reading(root) as lake:
        assert not missing_tables(lake)
        assert resolve_version(lake, "champion").version == version
        assert [s.kind for s in list_snapshots(lake)] == ["curate", "model", "model"]
    assert query(root, "SELECT count(*) AS n FROM models", at=2).to_pylist() == [{"n": 0}]  # it was old then
    assert verify(root).ok


@pytest.mark.slow
def test_a_rebuild_of_old_and_new_shards_keeps_all(root: Path, tmp_path: Path) -> None:
    registered(root, tmp_path, "first")
    before = contents_at(root)
    (root / CATALOGUE).unlink()
    assert rebuild(root).skipped == ()
    assert contents_at(root) == before
    curate_at(root, ["c"])
    assert verify(root).ok


@pytest.fixture
def narrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A commit by a program whose ``clips`` ends before its last two columns."""
    columns = pa.schema(list(CLIPS)[:-2])
    with monkeypatch.context() as then:
        for module in (warehouse.lake, warehouse.shards):
            then.setitem(module.LAKE_TABLES, "clips", columns)
        with open_committer(tmp_path / "lake") as lake:
            rows = tables(["a"])
            commit(lake, staged(lake, rows | {"clips": rows["clips"].select(columns.names)}))
    return tmp_path / "lake"


def test_columns_that_came_later_are_null_until_a_commit_adds_them(narrow: Path) -> None:
    last = CLIPS.names[-1]
    nothing = [{last: None}] * 2
    catalogue = (narrow / CATALOGUE).read_bytes()
    with reading(narrow) as lake:
        assert missing_columns(lake)["clips"].names == CLIPS.names[-2:]
        assert table_of(lake, "clips").schema == CLIPS
    for table in ("clips", "lake.clips", "clip_sources"):
        asked = f"SELECT {'clip_id' if table == 'lake.clips' else last} FROM {table}"
        assert query(narrow, asked).num_rows == 2
    assert query(narrow, f"SELECT {last} FROM kept").to_pylist() == nothing[:1]
    assert (narrow / CATALOGUE).read_bytes() == catalogue

    curate_at(narrow, ["b"])
    with reading(narrow) as lake:
        assert missing_columns(lake) == {}
    now = query(narrow, f"SELECT {last} FROM clips ORDER BY clip_id").to_pylist()
    assert now == [*nothing, *[{last: [1.0]}] * 2]
    assert query(narrow, f"SELECT {last} FROM clips", at=2).to_pylist() == nothing
    assert verify(narrow).ok
    before = contents_at(narrow)
    (narrow / CATALOGUE).unlink()
    assert rebuild(narrow).skipped == ()
    assert contents_at(narrow) == before
