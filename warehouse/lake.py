"""The lake: DuckLake over a catalogue and a store of Parquet shards, opened by many readers and one committer.

::

    <root>/warehouse.toml               where the other parts are, if not here (``warehouse.config``)
    <root>/catalog.sqlite               which shards make up which snapshot
    <root>/commit.lock                  held by the one committer
    shards/main/<table>/                the shards, immutable, and DuckLake's own delete files
    models/<version>/                   the checkpoints of registered models, immutable
    staging/<commit id>/                what workers wrote and the committer has not published yet
    rejected/<commit id>/               staged, never committed, and no longer fitting
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from schemas.tables import LAKE_TABLES, MODEL_TABLES
from warehouse.catalogue import Catalogue, SqliteCatalogue, StillHeld
from warehouse.config import load_config
from warehouse.connection import connect, quoted
from warehouse.errors import CatalogueLost, IncompatibleWarehouse, NoWarehouse, UnknownSnapshot
from warehouse.store import Store, store_of

CATALOGUE: Final = "catalog.sqlite"
_SQL_TYPES: Final = {
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.uint32(): "UINTEGER",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a warehouse keeps its parts."""

    root: Path
    store: Store
    catalogue: Catalogue

    @classmethod
    def of(cls, root: Path) -> "Layout":
        """That of the warehouse whose folder is ``root``. Raises ``InvalidConfig``."""
        root = root.resolve()
        config = load_config(root)
        catalogue: Catalogue = SqliteCatalogue(root / CATALOGUE)
        if config.conninfo is not None:
            from warehouse.postgres import PostgresCatalogue

            catalogue = PostgresCatalogue(config.conninfo)
        return cls(root, store_of(root, config), catalogue)

    @property
    def shards(self) -> Store:
        return self.store.sub("shards")

    @property
    def models(self) -> Store:
        return self.store.sub("models")

    @property
    def staging(self) -> Store:
        return self.store.sub("staging")

    @property
    def rejected(self) -> Store:
        return self.store.sub("rejected")

    def shard_files(self) -> list[str]:
        """Every shard's name in ``shards``, by table and name."""
        return [name for name in self.shards.names() if fnmatch(name, "main/*/[0-9]*.parquet")]

    def delete_files(self) -> list[str]:
        """The name in ``shards`` of every file in which DuckLake wrote down deleted rows."""
        return [name for name in self.shards.names() if fnmatch(name, "main/*/ducklake-*-delete.parquet")]

    def connect(self, threads: int | None = None, memory_limit: str | None = None) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection that can attach it. Raises ``ExtensionMissing``."""
        con = connect([self.catalogue.extension, *self.store.extensions, "ducklake"], threads, memory_limit)
        self.store.prepare(con)
        return con


def shard_folder(table: str) -> str:
    """The folder of a table's shards in ``shards``: DuckLake's own <schema>/<table>, for only so are paths relative."""
    return f"main/{table}"


@dataclass(frozen=True, slots=True)
class Lake:
    """An open warehouse: ``con`` has it attached as ``lake``; ``require_lock`` is the committer's to ask."""

    layout: Layout
    con: duckdb.DuckDBPyConnection
    require_lock: StillHeld = lambda: None

    def latest(self) -> int:
        """The number of the newest snapshot."""
        row = self.con.execute("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')").fetchone()
        return int(row[0]) if row else 0


def attach(con: duckdb.DuckDBPyConnection, layout: Layout, *, write: bool = False, at: int | None = None) -> None:
    """Attach the warehouse as ``lake``: read-only unless ``write``, and as it was at snapshot ``at`` if given.

    Raises ``IncompatibleWarehouse`` if the catalogue is that of another store.
    """
    options = [f"DATA_PATH {quoted(f'{layout.shards.url()}/')}", *layout.catalogue.options(con, write)]
    # rows live in shards, never in the catalogue
    options.append("DATA_INLINING_ROW_LIMIT 0" if write else "READ_ONLY")
    if at is not None:
        options.append(f"SNAPSHOT_VERSION {at}")
    try:
        con.execute(f"ATTACH {quoted(f'ducklake:{layout.catalogue.source}')} AS lake ({', '.join(options)})")
    except duckdb.Error as error:
        if "DATA_PATH" not in str(error):
            raise
        raise IncompatibleWarehouse(
            f"{layout.catalogue} is that of a warehouse with other files: {error}\n"
            "Give each warehouse a database of its own; if its files were moved, run `xtalker rebuild`"
        ) from None
    # a footer is parsed once per connection; DuckDB checks the file's time before it trusts the copy
    con.execute("SET parquet_metadata_cache = true")


def sql_type(of: pa.DataType) -> str:
    """DuckDB's name of an Arrow type that ``schemas.tables`` uses."""
    return f"{sql_type(of.value_type)}[]" if pa.types.is_list(of) else _SQL_TYPES[of]


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

    Raises ``NoWarehouse``, ``CatalogueLost``, ``UnknownSnapshot``, ``ExtensionMissing``, ``InvalidConfig``,
    ``CatalogueUnreachable``, ``StoreUnreachable``.
    """
    layout = Layout.of(root)
    con = layout.connect(threads, memory_limit)
    try:
        with layout.store.read_by_duckdb():
            _require_catalogue(con, layout)
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
    Raises ``CommitterBusy``, ``IncompatibleWarehouse`` and, but for the snapshot, what ``reading`` does.
    """
    layout = Layout.of(root)
    layout.root.mkdir(parents=True, exist_ok=True)
    with layout.catalogue.exclusive(wait_s) as require_lock:
        con = layout.connect(threads)
        try:
            with layout.store.read_by_duckdb():
                if not layout.catalogue.exists(con) and layout.shard_files():
                    _require_catalogue(con, layout)
                attach(con, layout, write=True)
                _require_tables(con, layout)
                try:
                    yield Lake(layout, con, require_lock)
                except duckdb.Error:
                    require_lock()  # a catalogue that is gone explains what else went wrong
                    raise
        finally:
            con.close()


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


def missing_columns(lake: Lake) -> dict[str, pa.Schema]:
    """By table, the columns that this warehouse, or this snapshot of it, is too old to have; its next commit adds
    them, empty, at the end. Tables that are missing altogether are not in it."""
    return {table: young for table, young in _younger_columns(_columns(lake.con)).items() if len(young)}


def _columns(con: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """The columns that every table of the lake has, in order."""
    rows = con.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = 'lake' ORDER BY column_index"
    ).fetchall()
    columns: dict[str, list[str]] = {}
    for table, column in rows:
        columns.setdefault(table, []).append(column)
    return columns


def _younger_columns(have: Mapping[str, list[str]]) -> dict[str, pa.Schema]:
    """Of every table in ``have`` that begins as it should, the columns that follow."""
    return {
        table: pa.schema(list(schema)[len(have[table]) :])
        for table, schema in LAKE_TABLES.items()
        if table in have and have[table] == schema.names[: len(have[table])]
    }


def _require_catalogue(con: duckdb.DuckDBPyConnection, layout: Layout) -> None:
    if layout.catalogue.exists(con):
        return
    if layout.shard_files():
        raise CatalogueLost(
            f"{layout.shards.url()} has shards, but no catalogue knows them; run `xtalker rebuild` to make it anew "
            f"in {layout.catalogue}"
        )
    raise NoWarehouse(f"there is no warehouse at {layout.root}; `xtalker curate` makes one")


def _require_tables(con: duckdb.DuckDBPyConnection, layout: Layout) -> None:
    """Create the tables on first open; in a warehouse that is older than the tables of the models, or than the last
    columns of a table, those. See that all others are those of ``schemas.tables``."""
    have = _columns(con)
    if not have:
        create_tables(con, LAKE_TABLES)
        return
    younger = {name: schema for name, schema in MODEL_TABLES.items() if name not in have}
    if younger:
        create_tables(con, younger)
    added = _younger_columns(have)
    for name, schema in LAKE_TABLES.items():
        if name in younger or name in added:
            continue
        differing = sorted(set(have.get(name, ())) ^ set(schema.names)) or ["their order"]
        raise IncompatibleWarehouse(
            f"table {name!r} of {layout.root} is of another version (differs in {', '.join(differing)}); "
            "run `xtalker rebuild` to bring the catalogue up to this one"
        )
    _add_columns(con, added)


def _add_columns(con: duckdb.DuckDBPyConnection, added: Mapping[str, pa.Schema]) -> None:
    """Add columns to tables of the lake, null in every row that is there, in one transaction."""
    wanted = [(name, field) for name, schema in added.items() for field in schema]
    if not wanted:
        return
    con.execute("BEGIN")
    for name, field in wanted:
        con.execute(f'ALTER TABLE lake.{name} ADD COLUMN "{field.name}" {sql_type(field.type)}')
    con.execute("COMMIT")
