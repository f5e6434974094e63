"""SQL from anyone: reads the warehouse, at any snapshot, and nothing else."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.lakes import curate, regate
from tests.warehouse.models import registered
from warehouse.commit import open_committer
from warehouse.errors import NotReadOnly, QueryTimedOut, SqlError, UnknownSnapshot
from warehouse.lake import Layout
from warehouse.sql import Session, SqlLimits, query, session
from warehouse.verify import verify


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Snapshot 2: a, b. Snapshot 3: c too. Snapshot 4: all clips kept. Snapshot 5: a model."""
    folder = tmp_path_factory.mktemp("sql")
    root = folder / "lake"
    with open_committer(root) as lake:
        curate(lake, ["a", "b"])
        curate(lake, ["c"], clips_each=3)
        regate(lake, keep=True)
    registered(root, folder / "checkpoints", "model")
    (folder / "secret.csv").write_text("word\nsesame\n")
    with sqlite3.connect(folder / "secret.sqlite") as con:
        con.execute("CREATE TABLE t AS SELECT 'sesame' AS word")
    return root


@pytest.fixture(scope="module")
def opened(root: Path) -> Iterator[Session]:
    with session(root) as opened:
        yield opened


@pytest.fixture(scope="module")
def before_regate(root: Path) -> Iterator[Session]:
    with session(root, at=3) as opened:
        yield opened


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT clip_id, snr_db FROM clips WHERE keep ORDER BY snr_db DESC LIMIT 3",
        "FROM kept SELECT count(*)",
        "FROM clip_sources SELECT path, licence",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT sum(n) FROM t",
        "SELECT clip_id, unnest(word_start_s) FROM speech",
        "SELECT count(*) FROM lake.main.motion, range(3)",
        "DESCRIBE clips",
        "SHOW TABLES",
        "SUMMARIZE clips",
        "SELECT snapshot_id FROM ducklake_snapshots('lake')",
        "FROM ducklake_table_changes('lake', 'main', 'clips', 3, 4)",
        "SELECT list_transform([1, 2], lambda x: x + 1)",
    ],
)
def test_what_reads_works(opened: Session, sql: str) -> None:
    assert opened.query(sql).num_rows


ATTACKS = [
    "DELETE FROM clips",
    "INSERT INTO sources (source_id) VALUES ('x')",
    "UPDATE clips SET keep = true",
    "CREATE TABLE mine (a INT)",
    "CREATE TEMP TABLE mine (a INT)",
    "CREATE MACRO read_it(p) AS TABLE FROM read_csv(p)",
    "DROP TABLE clips",
    "ATTACH '{secret}.sqlite' AS s (TYPE sqlite)",
    "DETACH lake",
    "COPY clips TO '{folder}/out.csv'",
    "COPY (SELECT 1) TO '{shards}/out.csv'",
    "EXPORT DATABASE '{folder}/out'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET threads = 64",
    "RESET lock_configuration",
    "USE memory",
    "PRAGMA database_list",
    "CALL sqlite_attach('{secret}.sqlite')",
    "CHECKPOINT lake",
    "EXPLAIN ANALYZE DELETE FROM clips",
    "PREPARE p AS SELECT 1",
    "BEGIN",
    "SELECT 1; DELETE FROM clips",
    "SELECT * FROM read_csv('{secret}.csv')",
    "SELECT * FROM '{secret}.csv'",
    "SELECT * FROM '{shards}/../../secret.csv'",
    "SELECT content FROM read_text('{secret}.csv')",
    "SELECT (SELECT content FROM read_blob('/etc/passwd'))",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM sqlite_scan('{secret}.sqlite', 't')",
    "SELECT * FROM sqlite_query('__ducklake_metadata_lake', 'DELETE FROM ducklake_snapshot')",
    "SELECT * FROM parquet_metadata('{shards}/main/clips/*.parquet')",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('clips')",
    "SELECT * FROM ducklake_expire_snapshots('lake', versions => [2])",
    "SELECT * FROM ducklake_cleanup_old_files('lake', cleanup_all => true)",
    "SELECT * FROM ducklake_delete_orphaned_files('lake', cleanup_all => true)",
    "SELECT * FROM ducklake_merge_adjacent_files('lake')",
    "SELECT * FROM lake.set_option('parquet_version', '2')",
    "SELECT * FROM force_checkpoint()",
    "SELECT * FROM json_execute_serialized_sql('{{}}')",
    "SELECT * FROM clips WHERE clip_id IN (SELECT content FROM read_text('/etc/passwd'))",
    "WITH x AS (FROM read_csv('{secret}.csv')) FROM clips, x",
    "SELECT * FROM clips UNION ALL SELECT * FROM sqlite_scan('{secret}.sqlite', 't')",
    "SELECT * FROM clips, LATERAL (SELECT * FROM read_text('/etc/passwd'))",
    "SUMMARIZE SELECT * FROM read_csv('{secret}.csv')",
    "DESCRIBE SELECT * FROM sqlite_scan('{secret}.sqlite', 't')",
    "SELECT getenv('HOME')",
    "SELECT write_log('x')",
    "PIVOT clips ON keep USING count(*)",
    "",
]


@pytest.mark.parametrize("sql", ATTACKS)
def test_what_does_more_than_read_is_refused(opened: Session, root: Path, sql: str) -> None:
    with pytest.raises(NotReadOnly):
        opened.query(sql.format(secret=root.parent / "secret", folder=root.parent, shards=root / "shards"))
    assert not [*root.parent.glob("out*"), *root.glob("shards/out*")]


def test_the_second_wall_stands_without_the_first(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "_check", lambda *_: None)
    word = "sesame"
    with session(root) as opened:
        for sql in (
            f"SELECT * FROM read_csv('{root.parent}/secret.csv')",
            f"FROM '{root}/shards/../../secret.csv'",
            "DELETE FROM clips",
            "SET threads = 64",
            "SELECT * FROM word",
        ):
            with pytest.raises(SqlError):
                opened.query(sql)
    assert word
    assert verify(root).ok


def test_the_attacks_are_real(root: Path) -> None:
    """Without our parsing DuckDB reads a foreign SQLite file, external access off or not."""
    secret = root.parent / "secret.sqlite"
    with session(root) as opened:
        rows = opened._con.execute(f"SELECT * FROM sqlite_scan('{secret}', 't')").fetchall()
    assert rows


def test_wrong_sql_says_what_duckdb_says(opened: Session) -> None:
    with pytest.raises(SqlError, match="syntax error"):
        opened.query("SELEC 1")
    with pytest.raises(SqlError, match="no_such_column"):
        opened.query("SELECT no_such_column FROM clips")
    assert opened.query("SELECT 1 AS one").to_pylist() == [{"one": 1}]


def test_every_table_travels_in_time(root: Path) -> None:
    counts = "SELECT (SELECT count(*) FROM sources) s, (SELECT count(*) FROM motion) m, (SELECT count(*) FROM kept) k"
    assert [query(root, counts, at=at).to_pylist()[0] for at in (1, 2, 3, 4)] == [
        {"s": 0, "m": 0, "k": 0},
        {"s": 2, "m": 4, "k": 2},
        {"s": 3, "m": 7, "k": 4},
        {"s": 3, "m": 7, "k": 7},
    ]
    with pytest.raises(UnknownSnapshot, match="no snapshot 99; the newest is 5"):
        query(root, counts, at=99)


def test_a_session_sees_later_commits(tmp_path: Path) -> None:
    with open_committer(tmp_path) as lake:
        curate(lake, ["a"])
        with session(tmp_path) as opened:
            curate(lake, ["b"])
            assert opened.query("SELECT count(*) AS n FROM sources").to_pylist() == [{"n": 2}]


def test_time_and_memory_are_limited(root: Path) -> None:
    with session(root, limits=SqlLimits(timeout_s=0.3, memory="200MB")) as opened:
        with pytest.raises(QueryTimedOut, match=r"0\.3 s"):
            opened.query("SELECT count(*) FROM range(1000000000000)")
        assert opened.query("SELECT 1").num_rows == 1
    with session(root, limits=SqlLimits(memory="100MB")) as opened, pytest.raises(SqlError, match="Out of Memory"):
        opened.query("SELECT list(range) FROM range(100000000)")


def test_a_stream_comes_in_batches(opened: Session) -> None:
    batches = list(opened.stream("SELECT * FROM range(5000)", batch_rows=2048))
    assert sum(batch.num_rows for batch in batches) == 5000
    assert len(batches) > 1


def test_python_variables_are_no_tables(opened: Session) -> None:
    secret = opened.query("SELECT 1")
    with pytest.raises(SqlError, match="secret"):
        opened.query("SELECT * FROM secret")
    assert secret.num_rows == 1


def test_any_duckdb_client_can_attach(root: Path) -> None:
    con = duckdb.connect()
    for name in ("sqlite_scanner", "ducklake"):  # a connected machine says INSTALL ducklake; INSTALL sqlite instead
        package = __import__(f"duckdb_extension_{name}")
        con.execute(f"LOAD '{package.__path__[0]}/extensions/v{duckdb.__version__}/{name}.duckdb_extension'")
    con.execute(f"ATTACH 'ducklake:sqlite:{Layout.of(root).catalogue}' AS lake (READ_ONLY)")
    assert con.execute("SELECT count(*), sum(snr_db) FROM lake.clips").fetchone() == (7, 105.0)
    assert con.execute("SELECT count(*) FROM lake.clips AT (VERSION => 2)").fetchone() == (4,)
