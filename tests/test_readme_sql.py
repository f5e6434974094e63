"""What the README tells people to type to ask the warehouse works as it stands there."""

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.compose import ROOT
from tests.warehouse.lakes import curate_at
from warehouse.config import load_config
from warehouse.sql import VIEWS

SECTION = (ROOT / "README.md").read_text().split("### Ask it in SQL")[1].split("\n## ")[0]
LOCAL, ON_VIEWS, CLUSTER = re.findall(r"```sql\n(.*?)```", SECTION, re.S)
(PYTHON,) = re.findall(r"```python\n(.*?)```", SECTION, re.S)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("readme") / ".xtalker" / "warehouse"
    curate_at(root, ["take3", "take4"], clips_each=3)
    return root


@pytest.fixture
def con(root: Path) -> duckdb.DuckDBPyConnection:
    """A client without our program, after the first statements of the README; no network, so LOAD for INSTALL."""
    con = duckdb.connect()
    for name in ("sqlite_scanner", "ducklake"):
        package = __import__(f"duckdb_extension_{name}")
        con.execute(f"LOAD '{package.__path__[0]}/extensions/v{duckdb.__version__}/{name}.duckdb_extension'")
    installs, _, attach = LOCAL.partition("\n")
    assert installs == "INSTALL ducklake; INSTALL sqlite;"
    con.execute(attach.replace("/abs/path/.xtalker/warehouse", str(root)))
    return con


def test_the_statements_attach_and_ask(con: duckdb.DuckDBPyConnection) -> None:
    hours = dict(con.fetchall())
    assert hours == {f"made/{name}": pytest.approx(2 * 0.2 / 3600) for name in ("take3", "take4")}
    with pytest.raises(duckdb.Error, match="read-only"):
        con.execute("DELETE FROM lake.clips")


def test_the_views_are_those_of_xtalker_sql(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(ON_VIEWS)
    told = dict(re.findall(r"CREATE TEMP VIEW (\w+) AS (.*?);", ON_VIEWS, re.S))
    assert {name: " ".join(body.split()) for name, body in told.items()} == VIEWS
    assert con.execute("SELECT count(*) FROM kept").fetchone() == (4,)
    assert con.execute("SELECT DISTINCT path FROM clip_sources ORDER BY 1").fetchall() == [
        ("/video/take3.mp4",),
        ("/video/take4.mp4",),
    ]


def test_the_python_asks(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root.parents[1])
    names: dict[str, Any] = {}
    exec(compile(PYTHON, "README.md", "exec"), names)
    assert len(names["clips"]) == 4
    assert names["why"][["subject", "gate"]].values.tolist() == [["take3-0", "snr_db"]]


def test_the_cluster_is_that_of_the_compose_file() -> None:
    config = load_config(ROOT / "deploy")
    assert f"'ducklake:{config.catalogue}'" in CLUSTER
    assert f"ENDPOINT '{(config.endpoint or '').removeprefix('http://')}', USE_SSL false" in CLUSTER
    assert duckdb.extract_statements(CLUSTER)
