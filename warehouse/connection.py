"""Connections: DuckDB with the extensions a warehouse needs, loaded from their wheels, without a network."""

import importlib.resources
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import duckdb

from warehouse.errors import ExtensionMissing


def connect(
    extensions: Iterable[str], threads: int | None = None, memory_limit: str | None = None, install: bool = False
) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with ``extensions`` loaded.

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
    for name in extensions:
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


def quoted(value: object) -> str:
    """``value`` as an SQL string literal, for the statements that take no parameters."""
    return "'" + str(value).replace("'", "''") + "'"


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
