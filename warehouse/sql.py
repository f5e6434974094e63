"""SQL from anyone, read-only: what `xtalker sql` and other programs run against a warehouse.

Three walls, because DuckDB alone does not separate reading from doing: ``SELECT * FROM sqlite_scan('/any/file')``
reads any file though external access is off, and a table function may delete files though the lake is attached
read-only. (1) The statement is parsed, not searched: one SELECT, whose table functions are all in a short list, and
whose tables are plain names. (2) The connection has the lake attached read-only, no access to other files, no
extensions to load, no Python variables, and its configuration locked. (3) Threads, memory and time are limited.
"""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
from pydantic import Field

from schemas.config import StageConfig
from schemas.tables import MODEL_TABLES
from warehouse.connection import quoted
from warehouse.errors import NotReadOnly, QueryTimedOut, SqlError
from warehouse.lake import Lake, missing_columns, missing_tables, reading, sql_type

TABLE_FUNCTIONS: Final = frozenset(
    {"unnest", "range", "generate_series", "repeat", "json_each", "json_tree", "duckdb_tables", "duckdb_columns"}
    | {"duckdb_functions", "duckdb_views", "ducklake_snapshots", "ducklake_table_changes"}
    | {"ducklake_table_insertions", "ducklake_table_deletions", "ducklake_list_files"}
)
# the environment and the settings hold the credentials of the store
FORBIDDEN_FUNCTIONS: Final = frozenset({"write_log", "getenv", "current_setting"})
# DuckLake's own database is attached too, and with PostgreSQL all that its user may read there
SCHEMAS: Final = frozenset({"", "lake", "main", "memory", "temp", "information_schema"})
SQL_CLOCKS: Final = frozenset({"current_timestamp", "current_time", "localtime", "localtimestamp"})  # called without ()
VIEWS: Final = {
    "kept": "SELECT * FROM lake.clips WHERE keep",
    "refused": "SELECT * FROM lake.clips WHERE NOT keep",
    "clip_sources": (
        "SELECT c.*, s.path, s.dataset, s.subject_id, s.licence, s.consent "
        "FROM lake.clips c JOIN lake.sources s USING (source_id)"
    ),
    "current_aliases": (
        "SELECT alias, version, set_at, kind, reason FROM model_aliases WHERE moved "
        "QUALIFY row_number() OVER (PARTITION BY alias ORDER BY number DESC) = 1"
    ),
}
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_]\w*")


class SqlLimits(StageConfig):
    """What one query may use."""

    threads: int = Field(default=2, ge=1)
    memory: str = Field(default="2GB", description="past it a query fails; nothing is spilled to disk")
    timeout_s: float = Field(default=60.0, gt=0)


class Session:
    """A connection for reading; made by ``session``. ``$name`` in the SQL takes its value from ``parameters``."""

    def __init__(self, con: duckdb.DuckDBPyConnection, limits: SqlLimits) -> None:
        self._con = con
        self._limits = limits

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """The whole result. Raises ``NotReadOnly``, ``SqlError``, ``QueryTimedOut``."""
        self._check(sql)
        with self._guarded():
            return self._execute(sql, parameters).to_arrow_table()

    def stream(
        self, sql: str, parameters: Mapping[str, Any] | None = None, batch_rows: int = 8192
    ) -> Iterator[pa.RecordBatch]:
        """The result batch by batch, for results that need not fit into memory; the time limit holds for all of them
        together, the caller's own work between two included. Raises as ``query`` does."""
        self._check(sql)
        with self._guarded():
            yield from self._execute(sql, parameters).to_arrow_reader(batch_rows)

    def check_expression(self, sql: str) -> None:
        """See that ``sql`` is one expression that can stand in parentheses anywhere, and whose value depends on the
        warehouse alone, not on the hour or on chance. Raises ``NotReadOnly`` or ``SqlError``."""
        wrapped = f"SELECT (\n{sql}\n)"
        for whole in (f"SELECT {sql}", wrapped):  # without parentheses first: "a) OR (b" must not close those around it
            self._check(whole)
        node, plain = self._parse(wrapped)["statements"][0]["node"], self._parse("SELECT 1")["statements"][0]["node"]
        values = node.pop("select_list")
        del plain["select_list"]
        if len(values) != 1 or node != plain:
            raise NotReadOnly(f"one SQL expression, please, with nothing before or after it; this is {sql!r}")
        unsteady = {name for n in _nodes(values) for name in _function_names(n)} & self._unsteady_functions()
        if unsteady:
            raise NotReadOnly(f"{', '.join(sorted(unsteady))} would select other clips each time; leave it out")

    def _unsteady_functions(self) -> set[str]:
        unsteady = (
            "SELECT function_name FROM duckdb_functions() WHERE stability IN ('VOLATILE', 'CONSISTENT_WITHIN_QUERY')"
        )
        return {name for (name,) in self._con.execute(unsteady).fetchall()} | SQL_CLOCKS

    def _execute(self, sql: str, parameters: Mapping[str, Any] | None) -> duckdb.DuckDBPyConnection:
        # DuckDB imports pandas, for more than a second, as soon as it is handed parameters, empty ones included
        return self._con.execute(sql, dict(parameters)) if parameters else self._con.execute(sql)

    def _check(self, sql: str) -> None:
        """The first wall. Raises ``NotReadOnly`` or ``SqlError``."""
        with self._guarded():
            statements = self._con.extract_statements(sql)
        if len(statements) != 1:
            raise NotReadOnly(f"one statement at a time, please; this is {len(statements)}")
        kind = statements[0].type
        tree = self._parse(sql)
        if kind != duckdb.StatementType.SELECT or tree["error"]:
            raise NotReadOnly(f"only SELECT (and FROM, WITH, DESCRIBE, SHOW, SUMMARIZE) is allowed, not {kind.name}")
        for node in _nodes(tree):
            _check_node(node)

    def _parse(self, sql: str) -> dict[str, Any]:
        row = self._con.execute(f"SELECT json_serialize_sql({quoted(sql)})").fetchone()
        tree: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
        return tree

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Limit the time, and turn DuckDB's errors into ours."""
        timer = threading.Timer(self._limits.timeout_s, self._con.interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield
        except duckdb.InterruptException:
            raise QueryTimedOut(f"the query ran longer than {self._limits.timeout_s:g} s") from None
        except duckdb.Error as error:
            raise SqlError(str(error)) from None
        finally:
            timer.cancel()


@contextmanager
def session(root: Path, at: int | None = None, limits: SqlLimits | None = None) -> Iterator[Session]:
    """Open a warehouse for SQL. Tables go by their bare names, beside the views of ``VIEWS``; with ``at`` all are as
    they were at that snapshot. Raises ``NoWarehouse``, ``CatalogueLost``, ``UnknownSnapshot``, ``ExtensionMissing``.
    """
    limits = limits or SqlLimits()
    with reading(root, at, limits.threads, limits.memory) as lake:
        _lock_down(lake)
        yield Session(lake.con, limits)


def query(root: Path, sql: str, at: int | None = None, parameters: Mapping[str, Any] | None = None) -> pa.Table:
    """One query in a session of its own. Raises as ``session`` and ``Session.query`` do."""
    with session(root, at) as opened:
        return opened.query(sql, parameters)


def _lock_down(lake: Lake) -> None:
    """The second wall."""
    con = lake.con
    con.execute("USE lake")
    for name in missing_tables(lake):
        con.execute(f"CREATE TEMP VIEW {name} AS SELECT {_nulls(MODEL_TABLES[name])} WHERE false")
    younger = missing_columns(lake)
    for name, schema in younger.items():
        con.execute(f"CREATE TEMP VIEW {name} AS SELECT *, {_nulls(schema)} FROM lake.{name}")  # noqa: S608 - names of schemas.tables
    for name, body in VIEWS.items():
        for table in younger:
            body = body.replace(f"lake.{table} ", f"temp.{table} ")
        con.execute(f"CREATE TEMP VIEW {name} AS {body}")
    con.execute(f"SET allowed_directories = [{quoted(f'{lake.layout.shards.url()}/')}]")
    con.execute("SET max_temp_directory_size = '0B'")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")


def _nulls(schema: pa.Schema) -> str:
    """Empty columns, to stand for those that a warehouse is too old to have."""
    return ", ".join(f'NULL::{sql_type(field.type)} AS "{field.name}"' for field in schema)


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of a serialised statement, the statement itself first."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _function_names(node: Mapping[str, Any]) -> list[str]:
    """The functions that a node may call; ``current_date`` parses as a column."""
    match node.get("type"):
        case "FUNCTION":
            return [node["function_name"].lower()]
        case "COLUMN_REF":
            return [node["column_names"][-1].lower()]
    return []


def _check_node(node: Mapping[str, Any]) -> None:
    match node.get("type"):
        case "TABLE_FUNCTION":
            name = node["function"]["function_name"].lower()
            if name not in TABLE_FUNCTIONS:
                raise NotReadOnly(f"the table function {name}() is not allowed; allowed: {sorted(TABLE_FUNCTIONS)}")
        case "BASE_TABLE":
            if not _PLAIN_NAME.fullmatch(node["table_name"]):
                raise NotReadOnly(f"{node['table_name']!r} is not a table of the warehouse")
            qualifiers = {node["catalog_name"].lower(), node["schema_name"].lower()}
            if not qualifiers <= SCHEMAS:
                raise NotReadOnly(f"tables of {sorted(qualifiers - SCHEMAS)} are not the warehouse's; leave it out")
        case "FUNCTION":
            if node["function_name"].lower() in FORBIDDEN_FUNCTIONS:
                raise NotReadOnly(f"the function {node['function_name']}() is not allowed")
