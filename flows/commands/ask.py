"""``xtalker sql``, ``why`` and ``snapshots``: questions to the warehouse."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as pa_csv
from rich.console import Console
from rich.table import Table

from flows.errors import WrongCall
from flows.settings import Settings
from warehouse.lake import reading
from warehouse.read import FoundKind, resolve, table_of, verdicts_of
from warehouse.saved import find_query, saved_queries
from warehouse.snapshots import list_snapshots
from warehouse.sql import query

SHOWN_ROWS: Final = 200  # of a table on a terminal; --format csv and json have no limit
SHOWN_LIST: Final = 4  # numbers of a per-frame array in a cell


def run_sql(sql: str, values: Sequence[str], warehouse: Path | None, at: int | None, output: str) -> int:
    if sql == "@":
        print_table(("query", "asks"), ((f"@{saved.name}", saved.title) for saved in saved_queries().values()))
        return 0
    said = _said(values)
    if sql.startswith("@"):
        saved = find_query(sql[1:])
        table = query(Settings.load(warehouse).warehouse, saved.sql, at, saved.values(said))
    else:
        table = query(Settings.load(warehouse).warehouse, sql, at, said)
    if output == "csv":
        pa_csv.write_csv(_flat(table), sys.stdout.buffer)
    elif output == "json":
        print(json.dumps(table.to_pylist(), indent=2, default=str))
    else:
        print_table(table.column_names, (r.values() for r in table.slice(0, SHOWN_ROWS).to_pylist()))
        if table.num_rows > SHOWN_ROWS:
            print(f"... {table.num_rows - SHOWN_ROWS} more rows; --format csv prints all", file=sys.stderr)
    return 0


def run_why(subject: str, warehouse: Path | None, as_json: bool) -> int:
    with reading(Settings.load(warehouse).warehouse) as lake:
        found = resolve(lake, subject)
        source = table_of(lake, "sources", [found.source_id]).to_pylist()[0]
        clips = table_of(lake, "clips", [found.source_id]).to_pylist()
        if found.kind is FoundKind.CLIP:
            clips = [clip for clip in clips if clip["clip_id"] == found.id]
        names = {row["subject_id"] for row in table_of(lake, "verdicts", [found.source_id]).to_pylist()}
        wanted = [clip["clip_id"] for clip in clips]
        if found.kind is FoundKind.SOURCE:
            wanted = sorted(names - set(wanted)) + wanted
        verdicts = {name: [asdict(v) for v in verdicts_of(lake, name)] for name in wanted}
    if as_json:
        print(json.dumps({"source": source, "clips": clips, "verdicts": verdicts}, indent=2, default=str))
        return 0
    print(f"source {source['source_id']}  {source['path']}")
    print(f"  {source['status']}{': ' + source['reason'] if source['reason'] else ''}")
    for name, rows in verdicts.items():
        clip = next((c for c in clips if c["clip_id"] == name), None)
        if clip is not None:
            first, last = clip["start_frame"] / 25, (clip["start_frame"] + clip["n_frames"]) / 25
            state = "kept" if clip["keep"] else f"refused: {clip['reason']}"
            print(f"\nclip {name}  {first:.2f}-{last:.2f} s, {state} ({clip['tier']})")
        elif name != source["source_id"]:
            print(f"\nfragment {name}")
        columns = ("gate", "measured", "threshold", "keep", "reason", "detail", "stage_version")
        print_table(columns, ([row[column] for column in columns] for row in rows))
    return 0


def run_snapshots(warehouse: Path | None, as_json: bool) -> int:
    with reading(Settings.load(warehouse).warehouse) as lake:
        snapshots = list_snapshots(lake)
    if as_json:
        rows = [{**asdict(s), "time": s.time.isoformat()} for s in snapshots]
        print(json.dumps(rows, indent=2, default=str))
        return 0
    brought = ("sources", "clips", "models")
    columns = ("snapshot", "time", "kind", *brought, "commit")
    print_table(
        columns,
        (
            [s.snapshot_id, f"{s.time:%Y-%m-%d %H:%M:%S}", s.kind, *(s.rows.get(t, 0) for t in brought), s.commit_id]
            for s in snapshots
        ),
    )
    return 0


def print_table(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """Rows in aligned columns, on a terminal or in a file."""
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    # piped output keeps whole lines: rich would wrap them at 80 columns
    Console(width=None if sys.stdout.isatty() else 400, highlight=False).print(table)


def _said(values: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE as a mapping. Raises ``WrongCall``."""
    pairs = [value.partition("=") for value in values]
    for name, sign, _ in pairs:
        if not (name.isidentifier() and sign):
            raise WrongCall(f"--set {name}{sign}: want NAME=VALUE, file=take3.mp4 say")
    return {name: value for name, _, value in pairs}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list) and len(value) > SHOWN_LIST:
        return f"[{', '.join(_cell(v) for v in value[:SHOWN_LIST])}, ... {len(value)}]"
    return str(value).replace("[", r"\[")


def _flat(table: pa.Table) -> pa.Table:
    """``table`` with its list columns as JSON text, for CSV has no lists."""
    for index, field in enumerate(table.schema):
        if pa.types.is_nested(field.type):
            texts = [None if v is None else json.dumps(v) for v in table.column(index).to_pylist()]
            table = table.set_column(index, field.name, pa.array(texts, pa.string()))
    return table
