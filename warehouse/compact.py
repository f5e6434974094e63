"""Compact: many small shards of the scalar tables become one each, so that SQL stays fast after thousands of commits.

Each query opens every shard that may hold an answer; past some hundred that costs more than the answer. A compaction
is a commit like any other, which repeats all rows of the small tables and replaces them: older
snapshots still read the small shards, and ``rebuild`` replays it. Motion and speech are large and read clip by clip,
a model's clips are read model by model; they stay where they are.
"""

# ruff: noqa: S608 - identifiers in SQL are constants of this package
from typing import Final

from warehouse.commit import commit
from warehouse.lake import Lake
from warehouse.shards import ORDER_BY, ROW_GROUP_ROWS, CommitInfo, CommitKind, Rows, stage_ordered
from warehouse.snapshots import Snapshot

COMPACTED: Final = ("sources", "clips", "verdicts", "models", "model_metrics", "model_aliases")
WORTH_IT: Final = 64  # shards of one table, from which on a compaction pays


def compact(lake: Lake, code_version: str, at_least: int = WORTH_IT) -> Snapshot | None:
    """Rewrite the scalar tables if any has ``at_least`` shards in use; None if none has. Needs the committer."""
    if max(_shards_in_use(lake, table) for table in COMPACTED) < at_least:
        return None
    info = CommitInfo(CommitKind.COMPACT, lake.latest(), code_version)
    return commit(lake, stage_ordered({table: _rows(lake, table) for table in COMPACTED}, lake.layout.staging, info))


def _shards_in_use(lake: Lake, table: str) -> int:
    return len(lake.con.execute("FROM ducklake_list_files('lake', $table)", {"table": table}).fetchall())


def _rows(lake: Lake, table: str) -> Rows:
    cursor = lake.con.cursor()  # three results are read in turn; a connection holds one at a time
    count = cursor.execute(f"SELECT count(*) FROM lake.{table}").fetchone()
    reader = cursor.execute(f"SELECT * FROM lake.{table} ORDER BY {ORDER_BY[table]}, rowid").to_arrow_reader(
        ROW_GROUP_ROWS[table]
    )
    return Rows(int(count[0]) if count else 0, reader)
