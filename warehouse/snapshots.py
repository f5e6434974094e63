"""Snapshots: which commits made the warehouse what it is, and what lies between two of them."""
# ruff: noqa: S608 - identifiers in SQL are constants of this package; values are bound or quoted

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from warehouse.lake import Lake, require_snapshot
from warehouse.shards import CommitKind

AUTHOR: Final = "xtalker"  # tells our snapshots from those another program made
_COLUMNS: Final = "snapshot_id, snapshot_time, commit_extra_info"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One commit, as the catalogue remembers it. A rebuild keeps ``commit_id``, ``rows`` and the order."""

    snapshot_id: int
    time: datetime
    commit_id: str
    kind: str  # a ``warehouse.shards.CommitKind``
    rows: Mapping[str, int]  # rows it brought, by table; tables that cannot have changed may be missing
    recipe: Mapping[str, Any]
    code_version: str


@dataclass(frozen=True, slots=True)
class SnapshotDiff:
    """What changed from one snapshot to another; ids are sorted."""

    sources_added: tuple[str, ...]
    sources_removed: tuple[str, ...]
    clips_added: tuple[str, ...]
    clips_removed: tuple[str, ...]
    now_kept: tuple[str, ...]  # clips in both, refused before and kept after
    now_refused: tuple[str, ...]


def list_snapshots(lake: Lake) -> list[Snapshot]:
    """Every commit, oldest first. Snapshots that another program made are not listed."""
    rows = lake.con.execute(
        f"SELECT {_COLUMNS} FROM ducklake_snapshots('lake') WHERE author = '{AUTHOR}' ORDER BY snapshot_id"
    ).fetchall()
    return [_snapshot(*row) for row in rows]


def latest_of_data(lake: Lake) -> int:
    """The newest snapshot in which sources or clips changed: not one that only recorded a model."""
    return max((s.snapshot_id for s in list_snapshots(lake) if s.kind != CommitKind.MODEL), default=lake.latest())


def find_commit(lake: Lake, commit_id: str) -> Snapshot | None:
    """The snapshot that commit ``commit_id`` made, if it was committed."""
    row = lake.con.execute(
        f"SELECT {_COLUMNS} FROM ducklake_snapshots('lake') "
        f"WHERE author = '{AUTHOR}' AND contains(commit_extra_info, ?)",
        [f'"commit_id": "{commit_id}"'],
    ).fetchone()
    return _snapshot(*row) if row else None


def diff(lake: Lake, before: int, after: int) -> SnapshotDiff:
    """What snapshot ``after`` has and ``before`` had not, and the other way round. Raises ``UnknownSnapshot``."""
    for at in (before, after):
        require_snapshot(lake, at)
    sources_before, sources_after = (_ids(lake, "source_id", "sources", at) for at in (before, after))
    clips_before, clips_after = (_ids(lake, "clip_id", "clips", at) for at in (before, after))
    flips = lake.con.execute(
        f"SELECT clip_id, a.keep FROM lake.clips AS a AT (VERSION => {after}) "
        f"JOIN lake.clips AS b AT (VERSION => {before}) USING (clip_id) WHERE a.keep <> b.keep ORDER BY clip_id"
    ).fetchall()
    return SnapshotDiff(
        sources_added=tuple(sorted(sources_after - sources_before)),
        sources_removed=tuple(sorted(sources_before - sources_after)),
        clips_added=tuple(sorted(clips_after - clips_before)),
        clips_removed=tuple(sorted(clips_before - clips_after)),
        now_kept=tuple(clip for clip, keep in flips if keep),
        now_refused=tuple(clip for clip, keep in flips if not keep),
    )


def _ids(lake: Lake, column: str, table: str, at: int) -> set[str]:
    rows = lake.con.execute(f"SELECT {column} FROM lake.{table} AT (VERSION => {at})").fetchall()
    return {row[0] for row in rows}


def _snapshot(snapshot_id: int, time: datetime, extra_info: str) -> Snapshot:
    extra = json.loads(extra_info)
    return Snapshot(
        snapshot_id, time, extra["commit_id"], extra["kind"], extra["rows"], extra["recipe"], extra["code_version"]
    )
