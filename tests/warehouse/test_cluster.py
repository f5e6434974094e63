"""Many machines, one warehouse: one committer at a time, nothing lost when a server goes, no secret shown."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.warehouse.cluster import SECRETS, Cluster, database_of, join
from tests.warehouse.lakes import contents_at, curate, curate_at, staged, tables
from tests.warehouse.models import registered
from warehouse.batches import stream_clips
from warehouse.catalogue import this_process
from warehouse.commit import commit, open_committer
from warehouse.config import FILE
from warehouse.errors import (
    CatalogueUnreachable,
    CommitterBusy,
    CommitterLockLost,
    IncompatibleWarehouse,
    InvalidCheckpoint,
    NotReadOnly,
    StoreUnreachable,
)
from warehouse.lake import Layout, reading
from warehouse.postgres import KEPT, LOCK
from warehouse.rebuild import rebuild
from warehouse.registry import open_checkpoint
from warehouse.s3 import S3Store
from warehouse.selection import Selection, select_clips
from warehouse.snapshots import list_snapshots
from warehouse.sql import Session, query, session
from warehouse.verify import verify

pytestmark = pytest.mark.slow


@pytest.fixture
def here(cluster: Cluster, tmp_path: Path) -> Path:
    return cluster.make(tmp_path / "here")


@pytest.fixture
def there(here: Path, tmp_path: Path) -> Path:
    """The same warehouse from another machine."""
    return join(here, tmp_path / "there")


def test_what_one_machine_commits_another_reads(here: Path, there: Path) -> None:
    curate_at(here, ["a"])
    curate_at(there, ["b"])
    assert contents_at(here) == contents_at(there)
    selected = select_clips(there, Selection(holdout_share=0))
    assert [clip.row.clip_id for clip in stream_clips(there, selected)] == ["a-1", "b-1"]
    assert [path.name for path in here.iterdir() if path.is_file()] == [FILE]
    assert verify(there).ok


def test_there_is_one_committer_among_all_machines(here: Path, there: Path) -> None:
    with open_committer(here) as lake:
        with (
            pytest.raises(CommitterBusy, match=rf"{this_process()} \(127\.0\.0\.1\) is writing"),
            open_committer(there),
        ):
            pass
        lake.require_lock()
        curate(lake, ["a"])
    curate_at(there, ["b"])
    assert len(contents_at(here)["clips"]) == 4


TWO_CURATORS = """
import sys
from pathlib import Path
from tests.warehouse.lakes import staged, tables
from warehouse.commit import commit, open_committer
root, sources = Path(sys.argv[1]), sys.argv[2:]
for source in sources:
    with open_committer(root, wait_s=120) as lake:
        once = staged(lake, tables([source], key="k1"))
        commit(lake, once)
        commit(lake, once)
"""


def test_two_curators_of_overlapping_sources_give_each_clip_once(here: Path, there: Path) -> None:
    curators = [
        subprocess.Popen([sys.executable, "-c", TWO_CURATORS, str(root), *sources])
        for root, sources in ((here, "abcd"), (there, "dcbe"))
    ]
    assert [curator.wait(300) for curator in curators] == [0, 0]
    rows = contents_at(here)
    assert [row["clip_id"] for row in rows["clips"]] == [f"{source}-{i}" for source in "abcde" for i in (0, 1)]
    assert len(rows["motion"]) == len(rows["speech"]) == 10
    assert not Layout.of(here).staging.names()
    assert verify(here).ok


HOLDING = """
import sys, time
from pathlib import Path
from warehouse.commit import open_committer
with open_committer(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_the_lock_goes_with_its_process(here: Path, there: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDING, str(here)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline()
    with pytest.raises(CommitterBusy, match=f"process {holder.pid} "), open_committer(there):
        pass
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with open_committer(there, wait_s=30) as lake:
        assert lake.latest()


def test_who_lost_the_lock_commits_nothing(cluster: Cluster, here: Path, there: Path) -> None:
    curate_at(here, ["a"])
    with open_committer(here) as lake:
        mine = staged(lake, tables(["b"]))
        (dead,) = cluster.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = {LOCK}",
            database_of(here),
        )
        assert dead == "t"
        with open_committer(there, wait_s=30) as other:  # finishes what it finds staged
            assert len(list_snapshots(other)) == 2
            curate(other, ["c"])
        assert commit(lake, mine) is not None  # another did it
        late = staged(lake, tables(["d"]))
        with pytest.raises(CommitterLockLost, match="run it again"):
            commit(lake, late)
    curate_at(here, ["e"])
    assert [row["source_id"] for row in contents_at(there)["sources"]] == ["a", "b", "c", "d", "e"]
    assert verify(here).ok


def test_a_database_that_restarts_costs_one_commit_and_no_process(cluster: Cluster, here: Path) -> None:
    curate_at(here, ["a"])

    def commit_across_a_restart() -> None:
        with open_committer(here) as lake:
            mine = staged(lake, tables(["b"]))
            cluster.stop_postgres()
            cluster.postgres = cluster.start_postgres()
            commit(lake, mine)

    with pytest.raises(CommitterLockLost, match="run it again"):
        commit_across_a_restart()
    with open_committer(here, wait_s=30):
        pass
    assert [row["source_id"] for row in contents_at(here)["sources"]] == ["a", "b"]
    assert verify(here).ok


def test_a_commit_that_died_on_its_way_into_the_store_is_none(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upload, calls = S3Store._upload, []

    def dies(store: S3Store, path: Path, name: str) -> None:
        calls.append(name)
        if len(calls) == 3:
            raise KeyboardInterrupt
        upload(store, path, name)

    with open_committer(here) as lake, monkeypatch.context() as patched:
        patched.setattr(S3Store, "_upload", dies)
        with pytest.raises(KeyboardInterrupt):
            staged(lake, tables(["a"]))
    staging = Layout.of(here).staging
    assert staging.names()
    with open_committer(here) as lake:
        assert not list_snapshots(lake)
        assert staging.names()  # its writer may still be alive
        staging.discard_unfinished(-5)
    assert not staging.names()


def test_a_checkpoint_is_fetched_once_and_checked(here: Path, there: Path, tmp_path: Path) -> None:
    curate_at(here, ["a"])
    version = registered(here, tmp_path, "model")
    models = Layout.of(here).models
    weights = f"{version.version}/model.safetensors"
    models.write(weights, b"other")
    with pytest.raises(InvalidCheckpoint, match="xtalker verify"):
        open_checkpoint(there, version)
    models.write(weights, b"model")
    folder = open_checkpoint(there, version)
    assert folder == there / version.checkpoint
    assert (folder / "more" / "config.json").read_text() == "{}"
    models.remove([weights])
    assert (open_checkpoint(there, version) / "model.safetensors").read_bytes() == b"model"
    assert [path.name for path in (there / "models").iterdir()] == [version.version]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT current_setting('s3_secret_access_key')",
        "SELECT Current_Setting('s3_session_token')",
        "FROM duckdb_settings()",
        "FROM duckdb_secrets()",
        "FROM which_secret('s3://warehouses/x', 's3')",
        "FROM __ducklake_metadata_lake.pg_catalog.pg_authid",
        "FROM __ducklake_metadata_lake.public.ducklake_snapshot",
        'FROM "__DuckLake_metadata_lake".ducklake_snapshot',
        "FROM postgres_query('__ducklake_metadata_lake', 'SELECT 1')",
        "CALL postgres_execute('__ducklake_metadata_lake', 'DROP TABLE ducklake_snapshot')",
        "FROM read_parquet('s3://warehouses/some/prefix/1/shards/main/clips/*.parquet')",
    ],
)
def test_sql_shows_no_secrets_and_nothing_else_of_the_database(here: Path, sql: str) -> None:
    curate_at(here, ["a"])
    with session(here) as opened, pytest.raises(NotReadOnly):
        opened.query(sql)
    assert query(here, "SELECT count(*) AS n FROM clips").to_pylist() == [{"n": 2}]


def test_without_its_parsing_sql_still_reads_no_other_objects(
    cluster: Cluster, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    curate_at(here, ["a"])
    other = cluster.make(tmp_path / "other")
    curate_at(other, ["secret"])
    monkeypatch.setattr(Session, "_check", lambda *_: None)
    with session(here) as opened:
        shard = Layout.of(other).shards.url(next(n for n in Layout.of(other).shard_files() if "/clips/" in n))
        with pytest.raises(Exception, match="Cannot access file"):
            opened.query(f"FROM read_parquet('{shard}')")


def test_a_server_out_of_reach_or_a_wrong_password_says_what_to_see_to(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    curate_at(here, ["a"])
    text = (here / FILE).read_text()
    away = tmp_path / "away"
    away.mkdir()
    (away / FILE).write_text(text.replace("port=", "port=1 connect_timeout=2 user="))
    for opening in (reading(away), open_committer(away)):
        with pytest.raises(CatalogueUnreachable, match="PGPASSWORD"), opening:
            pass
    (away / FILE).write_text(text.replace("http://127.0.0.1:", "http://127.0.0.1:1"))
    monkeypatch.setenv("PGPASSWORD", "guess")
    with pytest.raises(CatalogueUnreachable) as refusal, reading(here):
        pass
    assert "guess" not in str(refusal.value)
    assert SECRETS["PGPASSWORD"] not in str(refusal.value)


def test_an_object_store_out_of_reach_is_said_in_a_query_too(here: Path, tmp_path: Path) -> None:
    curate_at(here, ["a"])
    away = tmp_path / "away"
    away.mkdir()
    text = (here / FILE).read_text()
    endpoint = text.partition("endpoint = ")[2].splitlines()[0]
    (away / FILE).write_text(text.replace(endpoint, '"http://127.0.0.1:1"'))
    with pytest.raises(StoreUnreachable, match="s3://"), reading(away) as lake:
        lake.con.execute("SELECT count(*), max(snr_db) FROM lake.clips").fetchall()
    with pytest.raises(StoreUnreachable, match="s3://"), open_committer(away):
        pass


def test_another_warehouse_may_not_take_a_catalogue_over(here: Path, tmp_path: Path) -> None:
    curate_at(here, ["a"])
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    (mixed / FILE).write_text((here / FILE).read_text().replace("some/prefix", "some/other"))
    with pytest.raises(IncompatibleWarehouse, match="a database of its own"), open_committer(mixed):
        pass


def test_a_rebuild_keeps_the_old_catalogue_aside(cluster: Cluster, here: Path) -> None:
    curate_at(here, ["a"])
    with reading(here) as lake:
        before = list_snapshots(lake)
        rebuild(here)
        assert [s.commit_id for s in list_snapshots(lake)] == [s.commit_id for s in before]  # who was reading reads on
    rebuild(here)
    assert cluster.execute(f"SELECT max(snapshot_id) FROM {KEPT}.ducklake_snapshot", database_of(here)) == ["2"]
    assert verify(here).ok


@pytest.mark.parametrize("kept", ["catalogue", "store"])
def test_either_part_may_stay_on_one_machine(here: Path, tmp_path: Path, kept: str) -> None:
    half = tmp_path / "half"
    half.mkdir()
    lines = (here / FILE).read_text().splitlines()
    (half / FILE).write_text("\n".join(lines[1:] if kept == "catalogue" else lines[:1]))
    curate_at(half, ["a"])
    curate_at(half, ["a", "b"], key="k2")
    assert len(contents_at(half)["clips"]) == 4
    assert (half / "catalog.sqlite").exists() == (kept == "catalogue")
    assert (half / "shards").exists() == (kept == "store")
    assert verify(half).ok
