"""The catalogue in a PostgreSQL database, for committers and readers on many machines.

Everything goes through DuckDB's own client, whose libpq reads PGPASSWORD or PGPASSFILE itself.
"""
# ruff: noqa: S608 - names and numbers in SQL are constants of this module; what a user wrote is quoted

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Final

import duckdb

from warehouse.catalogue import BUSY_TIMEOUT_MS, LOCK_POLL_S, StillHeld, this_process
from warehouse.connection import connect, quoted
from warehouse.errors import CatalogueUnreachable, CommitterBusy, CommitterLockLost

IN_USE: Final = "public"  # DuckLake's own choice of a schema
REBUILDING: Final = "xtalker_rebuilding"
KEPT: Final = "xtalker_before_rebuild"
LOCK: Final = 260_210_516  # the committer's advisory lock; advisory locks are of one database
_ALIAS: Final = "catalogue_database"
_TRY: Final = f"SELECT pg_try_advisory_xact_lock({LOCK}) AS got"
_HELD: Final = (
    f"SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND objid = {LOCK} AND pid = pg_backend_pid()"
)
_HOLDER: Final = (
    "SELECT application_name AS name, host(client_addr) AS address FROM pg_locks JOIN pg_stat_activity USING (pid) "
    f"WHERE locktype = 'advisory' AND objid = {LOCK} AND granted AND datname = current_database()"
)
_REPLACE: Final = f"""
DO $swap$
DECLARE name text;
BEGIN
    SET LOCAL lock_timeout = {BUSY_TIMEOUT_MS};
    IF to_regclass('{IN_USE}.ducklake_metadata') IS NOT NULL THEN
        DROP SCHEMA IF EXISTS {KEPT} CASCADE;
        CREATE SCHEMA {KEPT};
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = '{IN_USE}' AND tablename LIKE 'ducklake\\_%' LOOP
            EXECUTE format('ALTER TABLE {IN_USE}.%I SET SCHEMA {KEPT}', name);
        END LOOP;
    END IF;
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = '{REBUILDING}' LOOP
        EXECUTE format('ALTER TABLE {REBUILDING}.%I SET SCHEMA {IN_USE}', name);
    END LOOP;
    DROP SCHEMA {REBUILDING};
END
$swap$
"""


@dataclass(frozen=True, slots=True)
class PostgresCatalogue:
    """A database by its libpq settings; DuckLake's tables are in ``schema``."""

    conninfo: str
    schema: str = IN_USE

    def __str__(self) -> str:
        return f"PostgreSQL ({self.conninfo})"

    @property
    def extension(self) -> str:
        return "postgres_scanner"

    @property
    def source(self) -> str:
        return f"postgres:{self.conninfo}"

    def options(self, con: duckdb.DuckDBPyConnection, write: bool) -> list[str]:  # noqa: ARG002 - the same for all
        return [f"META_SCHEMA {quoted(self.schema)}"]

    def exists(self, con: duckdb.DuckDBPyConnection) -> bool:
        with self._attached(con):
            return bool(_ask(con, f"SELECT to_regclass('{self.schema}.ducklake_metadata')::text AS name")[0][0])

    @contextmanager
    def exclusive(self, wait_s: float) -> Iterator[StillHeld]:
        """An advisory lock that lives as long as a transaction, and so as the connection it is open on."""
        deadline = time.monotonic() + wait_s
        con = connect([self.extension], threads=1)
        try:
            con.execute("SET pg_idle_in_transaction_timeout_millis = 0")
            with self._attached(con, application_name=f"xtalker, {this_process()}"):
                try:
                    while not self._locked(con):
                        if time.monotonic() >= deadline:
                            raise CommitterBusy(
                                f"{_holder(con)} is writing to {self}; wait for it to finish, or stop it"
                            )
                        time.sleep(LOCK_POLL_S)
                    yield lambda: self._require_held(con)
                finally:
                    # DuckDB ends the whole process if it finds only on closing that the server is gone
                    with suppress(duckdb.Error):
                        con.execute("ROLLBACK")
        finally:
            con.close()

    def rebuilding(self) -> "PostgresCatalogue":
        self._execute(f"DROP SCHEMA IF EXISTS {REBUILDING} CASCADE")
        self._execute(f"CREATE SCHEMA {REBUILDING}")
        return replace(self, schema=REBUILDING)

    def replace_by(self, new: "PostgresCatalogue") -> None:  # noqa: ARG002 - there is one place for a new one
        """Its tables change their schema in one transaction; the old ones are kept as ``xtalker_before_rebuild``."""
        self._execute(_REPLACE)

    @contextmanager
    def _attached(self, con: duckdb.DuckDBPyConnection, **settings: str) -> Iterator[None]:
        more = "".join(f" {name}='{value}'" for name, value in settings.items())
        try:
            con.execute(f"ATTACH {quoted(self.conninfo + more)} AS {_ALIAS} (TYPE postgres)")
        except duckdb.IOException as error:
            raise CatalogueUnreachable(
                f"{error}\nSee to the catalogue in warehouse.toml, and to PGPASSWORD or PGPASSFILE in the environment"
            ) from None
        try:
            yield
        finally:
            with suppress(duckdb.Error):  # a connection that is closed by now
                con.execute(f"DETACH {_ALIAS}")

    def _execute(self, sql: str) -> None:
        with connect([self.extension], threads=1) as con, self._attached(con):
            con.execute(f"CALL postgres_execute('{_ALIAS}', {quoted(sql)})")

    def _locked(self, con: duckdb.DuckDBPyConnection) -> bool:
        con.execute("BEGIN")
        got = bool(_ask(con, _TRY)[0][0])
        if not got:
            con.execute("ROLLBACK")
        return got

    def _require_held(self, con: duckdb.DuckDBPyConnection) -> None:
        try:
            held = bool(_ask(con, _HELD)[0][0])
        except duckdb.Error:
            held = False
        if not held:
            raise CommitterLockLost(
                f"the connection to {self} broke; run it again, and what was begun is finished first"
            )


def _holder(con: duckdb.DuckDBPyConnection) -> str:
    rows = _ask(con, _HOLDER)
    if not rows or not rows[0][0]:
        return "another process"
    name, address = rows[0]
    return f"{name.removeprefix('xtalker, ')} ({address or 'on the database machine'})"


def _ask(con: duckdb.DuckDBPyConnection, sql: str) -> list[Any]:
    return con.execute(f"SELECT * FROM postgres_query('{_ALIAS}', {quoted(sql)})").fetchall()
