"""The lake: DuckLake over a SQLite catalogue and local Parquet shards, opened by many readers and one committer.

::

    <root>/catalog.sqlite               which shards make up which snapshot
    <root>/shards/main/<table>/         the shards, immutable, and DuckLake's own delete files
    <root>/models/<version>/            the checkpoints of registered models, immutable
    <root>/staging/<commit id>/         what workers wrote and the committer has not published yet
    <root>/rejected/<commit id>/        staged, never committed, and no longer fitting
    <root>/commit.lock                  held by the one committer

A catalogue in SQLite (write-ahead log) lets several processes read while one writes; a DuckDB file would not.
"""

import fcntl
import importlib.resources
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from schemas.tables import LAKE_TABLES, MODEL_TABLES
from warehouse.errors import (
    CatalogueLost,
    CommitterBusy,
    ExtensionMissing,
    IncompatibleWarehouse,
    NoWarehouse,
    UnknownSnapshot,
)

EXTENSIONS: Final = ("sqlite_scanner", "ducklake")
BUSY_TIMEOUT_MS: Final = 10_000  # how long SQLite waits for a lock that another process holds for an instant
LOCK_POLL_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a warehouse keeps its parts."""

    root: Path
    catalogue_name: str = "catalog.sqlite"

    @classmethod
    def of(cls, root: Path) -> "Layout":
        return cls(root.resolve())

    @property
    def catalogue(self) -> Path:
        return self.root / self.catalogue_name

    @property
    def shards(self) -> Path:
        return self.root / "shards"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def staging(self) -> Path:
        return self.root / "staging"

    @property
    def rejected(self) -> Path:
        return self.root / "rejected"

    @property
    def lock(self) -> Path:
        return self.root / "commit.lock"

    def shards_of(self, table: str) -> Path:
        return self.shards / "main" / table  # DuckLake's own <schema>/<table>: only so are paths kept relative

    def shard_files(self) -> list[Path]:
        """Every shard on disk, by table and name."""
        return sorted(p for table in LAKE_TABLES for p in self.shards_of(table).glob("[0-9]*.parquet"))

    def delete_files(self) -> list[Path]:
        """Every file in which DuckLake wrote down deleted rows."""
        return sorted(self.shards.glob("main/*/ducklake-*-delete.parquet"))


@dataclass(frozen=True, slots=True)
class Lake:
    """An open warehouse: ``con`` has it attached as ``lake``."""

    layout: Layout
    con: duckdb.DuckDBPyConnection

    def latest(self) -> int:
        """The number of the newest snapshot."""
        row = self.con.execute("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')").fetchone()
        return int(row[0]) if row else 0


def quoted(value: object) -> str:
    """``value`` as an SQL string literal, for the statements that take no parameters."""
    return "'" + str(value).replace("'", "''") + "'"


def connect(
    threads: int | None = None, memory_limit: str | None = None, install: bool = False
) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with the lake's extensions loaded from their wheels, without a network.

    With ``install`` an extension that no wheel provides is fetched from DuckDB's own repository instead. Python
    variables are never taken for tables. Raises ``ExtensionMissing``.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "python_enable_replacements": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_unsigned_extensions": True,  # until they are loaded; their signatures are checked before
    }
    if threads is not None:
        config["threads"] = threads
    if memory_limit is not None:
        config["memory_limit"] = memory_limit
    con = duckdb.connect(config=config)
    for name in EXTENSIONS:
        path = _extension_path(name)
        if path is not None:
            _require_signature(path, path.stat().st_mtime_ns)
            con.execute(f"LOAD {quoted(path)}")
        elif install:
            with duckdb.connect() as signed:
                signed.execute(f"INSTALL {name}; LOAD {name}")
            con.execute(f"LOAD {name}")
        else:
            package = f"duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
            raise ExtensionMissing(f"DuckDB's extension {name!r} is not here: pip install {package}")
    con.execute("SET allow_unsigned_extensions = false")
    return con


@cache
def _require_signature(extension: Path, _modified_ns: int) -> None:
    """Have DuckDB check its signature, once a process: it hashes 34 MB for it, a quarter of a second at each LOAD."""
    with duckdb.connect() as con:
        con.execute(f"LOAD {quoted(extension)}")


def _extension_path(name: str) -> Path | None:
    try:
        package = importlib.resources.files(f"duckdb_extension_{name}")
    except ModuleNotFoundError:
        return None
    path = Path(str(package)) / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    return path if path.is_file() else None


def attach(con: duckdb.DuckDBPyConnection, layout: Layout, *, write: bool = False, at: int | None = None) -> None:
    """Attach the warehouse as ``lake``: read-only unless ``write``, and as it was at snapshot ``at`` if given."""
    options = [f"DATA_PATH {quoted(f'{layout.shards}/')}", f"META_BUSY_TIMEOUT {BUSY_TIMEOUT_MS}"]
    if layout.catalogue.exists():
        options.append("OVERRIDE_DATA_PATH true")  # the folder may have been moved since
    if write:
        options += ["META_JOURNAL_MODE 'WAL'", "DATA_INLINING_ROW_LIMIT 0"]  # rows live in shards, never in SQLite
    else:
        options.append("READ_ONLY")
    if at is not None:
        options.append(f"SNAPSHOT_VERSION {at}")
    con.execute(f"ATTACH {quoted(f'ducklake:sqlite:{layout.catalogue}')} AS lake ({', '.join(options)})")
    # a footer is parsed once per connection; DuckDB checks the file's time before it trusts the copy
    con.execute("SET parquet_metadata_cache = true")


def create_tables(con: duckdb.DuckDBPyConnection, tables: Mapping[str, pa.Schema]) -> None:
    """Create ``tables`` in the lake, in one transaction."""
    con.execute("BEGIN")
    for name, schema in tables.items():
        con.register("_empty", schema.empty_table())
        con.execute(f"CREATE TABLE lake.{name} AS FROM _empty")
        con.unregister("_empty")
    con.execute("COMMIT")


@contextmanager
def reading(
    root: Path, at: int | None = None, threads: int | None = None, memory_limit: str | None = None
) -> Iterator[Lake]:
    """Open the warehouse for reading, as it was at snapshot ``at`` or, without one, as it is at each query; beside
    any number of other readers and the committer.

    Raises ``NoWarehouse``, ``CatalogueLost``, ``UnknownSnapshot``, ``ExtensionMissing``.
    """
    layout = Layout.of(root)
    _require_catalogue(layout)
    con = connect(threads, memory_limit)
    try:
        attach(con, layout)
        lake = Lake(layout, con)
        if at is not None:
            require_snapshot(lake, at)
            con.execute("DETACH lake")
            attach(con, layout, at=at)
        yield lake
    finally:
        con.close()


@contextmanager
def committing(root: Path, wait_s: float = 0.0, threads: int | None = None) -> Iterator[Lake]:
    """Open the warehouse as its one committer, making it if need be; wait up to ``wait_s`` for another to finish.

    What earlier, killed committers left behind is not touched here: ``warehouse.commit.recover`` finishes it.
    Raises ``CommitterBusy``, ``CatalogueLost``, ``IncompatibleWarehouse``, ``ExtensionMissing``.
    """
    layout = Layout.of(root)
    layout.staging.mkdir(parents=True, exist_ok=True)
    with exclusive(layout, wait_s):
        fresh = not layout.catalogue.exists()
        if fresh and layout.shard_files():
            _require_catalogue(layout)
        for table in LAKE_TABLES:
            layout.shards_of(table).mkdir(parents=True, exist_ok=True)
        con = connect(threads)
        try:
            attach(con, layout, write=True)
            _require_tables(con, layout)
            yield Lake(layout, con)
        finally:
            con.close()


@contextmanager
def exclusive(layout: Layout, wait_s: float) -> Iterator[None]:
    """Hold the committer's lock. The kernel lets go of it when the process ends, however it ends."""
    deadline = time.monotonic() + wait_s
    with layout.lock.open("a+") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    file.seek(0)
                    holder = file.read().strip() or "another process"
                    raise CommitterBusy(
                        f"{holder} is writing to {layout.root}; wait for it to finish, or stop it"
                    ) from None
                time.sleep(LOCK_POLL_S)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield


def require_snapshot(lake: Lake, at: int) -> None:
    """Raise ``UnknownSnapshot`` unless the lake has a snapshot ``at``."""
    rows = lake.con.execute("SELECT snapshot_id FROM ducklake_snapshots('lake')").fetchall()
    known = {int(row[0]) for row in rows}
    if at not in known:
        raise UnknownSnapshot(f"no snapshot {at}; the newest is {max(known)} (`xtalker snapshots` lists them)")


def missing_tables(lake: Lake) -> frozenset[str]:
    """The tables of models that this warehouse, or this snapshot of it, is too old to have; its next commit will."""
    rows = lake.con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake'").fetchall()
    return frozenset(MODEL_TABLES).difference(name for (name,) in rows)


def _require_catalogue(layout: Layout) -> None:
    if layout.catalogue.exists():
        return
    if layout.shard_files():
        raise CatalogueLost(f"{layout.root} has shards but no catalogue; run `xtalker rebuild` to make it anew")
    raise NoWarehouse(f"there is no warehouse at {layout.root}; `xtalker curate` makes one")


def _require_tables(con: duckdb.DuckDBPyConnection, layout: Layout) -> None:
    """Create the tables on first open, and those of the models in a warehouse that is older than they are; see that
    the others are those of ``schemas.tables``."""
    rows = con.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = 'lake' ORDER BY column_index"
    ).fetchall()
    if not rows:
        create_tables(con, LAKE_TABLES)
        return
    have = {table for table, _ in rows}
    younger = {name: schema for name, schema in MODEL_TABLES.items() if name not in have}
    if younger:
        create_tables(con, younger)
    for name, schema in LAKE_TABLES.items():
        if name in younger:
            continue
        columns = [column for table, column in rows if table == name]
        if columns != schema.names:
            differing = sorted(set(columns) ^ set(schema.names)) or ["their order"]
            raise IncompatibleWarehouse(
                f"table {name!r} of {layout.root} is of another version (differs in {', '.join(differing)}); "
                "run `xtalker rebuild` to bring the catalogue up to this one"
            )
