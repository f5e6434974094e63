"""A warehouse made before there were models: read as it is, and given their tables by the next commit."""

from pathlib import Path

import pytest

import warehouse.commit
import warehouse.lake
from schemas.tables import MODEL_TABLES, TABLES
from tests.warehouse.lakes import contents_at, curate_at
from tests.warehouse.models import RULE, registered
from warehouse.errors import UnknownName
from warehouse.lake import CATALOGUE, missing_tables, reading
from warehouse.rebuild import rebuild
from warehouse.registry import aliases, decisions, promote, resolve_version, versions
from warehouse.snapshots import list_snapshots
from warehouse.sql import query, session
from warehouse.verify import verify


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
