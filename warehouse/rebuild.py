"""Rebuild: a new catalogue from the shards alone, for a catalogue that is lost, broken or of another version.

The commits are replayed in the order their names give, through the same transaction that made them, so that
snapshots keep their order and, where no other program made any, their numbers.
"""

# ruff: noqa: S608 - identifiers in SQL are constants of this package
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from typing import Final

import pyarrow as pa

from schemas.tables import LAKE_TABLES
from warehouse.commit import apply
from warehouse.errors import InvalidCommit, NoWarehouse, StaleCommit
from warehouse.lake import Lake, Layout, attach, create_tables
from warehouse.shards import Shard, StagedCommit, assemble_commit, by_commit, digest_of

_TIME: Final = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What the new catalogue was made of."""

    commits: int
    rows: dict[str, int]  # of the newest snapshot, by table
    skipped: tuple[str, ...]  # commits left out, and why


def rebuild(root: Path, wait_s: float = 0.0) -> RebuildReport:
    """Replace the catalogue by one made from the shards; the old one is kept, as ``catalog.before-rebuild.sqlite`` or,
    in PostgreSQL, in the schema ``xtalker_before_rebuild``.

    Other processes see the old catalogue or the new one, never half; a session opened before should be opened again.
    Commits of which a shard is missing or corrupt are left out and reported. Raises ``NoWarehouse``,
    ``CommitterBusy``, ``ExtensionMissing``, ``CatalogueUnreachable``, ``StoreUnreachable``.
    """
    layout = Layout.of(root)
    if not layout.shard_files():
        raise NoWarehouse(f"{layout.shards.url()} has no shards to rebuild from")
    with layout.catalogue.exclusive(wait_s) as require_lock:
        work = replace(layout, catalogue=layout.catalogue.rebuilding())
        commits, skipped = _whole_commits(layout)
        report, used = _replay(work, commits, skipped)
        require_lock()
        layout.catalogue.replace_by(work.catalogue)
        layout.shards.remove(name for name in layout.delete_files() if name.rpartition("/")[2] not in used)
    return report


def _whole_commits(layout: Layout) -> tuple[list[StagedCommit], list[str]]:
    """The commits in the store whose every byte is as it was committed, in order; what is wrong with the others."""
    whole: dict[str, StagedCommit] = {}
    skipped: list[str] = []
    for shards in by_commit(layout.shards, layout.shard_files()):
        name = f"commit {shards[0].commit_id} (snapshot {shards[0].sequence})"
        corrupt = [shard.name.rpartition("/")[2] for shard in shards if _is_corrupt(shard)]
        if corrupt:
            skipped.append(f"{name}: corrupt: {', '.join(corrupt)}")
            continue
        try:
            whole.setdefault(shards[0].commit_id, assemble_commit(shards))
        except InvalidCommit as error:
            skipped.append(f"{name}: {error}")
    return list(whole.values()), skipped


def _is_corrupt(shard: Shard) -> bool:
    with shard.store.open(shard.name) as file:
        return digest_of(file) != shard.digest


def _replay(work: Layout, commits: list[StagedCommit], skipped: list[str]) -> tuple[RebuildReport, set[str]]:
    """Make every commit again in a new catalogue; also the delete files that this one uses."""
    con = work.connect()
    try:
        attach(con, work, write=True)
        create_tables(con, LAKE_TABLES)
        lake = Lake(work, con)
        replayed = 0
        times: dict[int, datetime] = {}
        for commit in commits:
            sequence = next(iter(commit.shards.values())).sequence
            _fill_up_to(lake, sequence - 1)
            try:
                apply(lake, commit)
                replayed += 1
                times[lake.latest()] = max(shard.store.modified(shard.name) for shard in commit.shards.values())
            except StaleCommit as error:  # what it decided about was in a commit that is left out
                skipped.append(f"commit {commit.commit_id} (snapshot {sequence}): {error}")
        rows = {name: _count(lake, name) for name in LAKE_TABLES}
        _set_times(lake, times)
        return RebuildReport(replayed, rows, tuple(skipped)), _used_deletes(lake)
    finally:
        con.close()


def _fill_up_to(lake: Lake, sequence: int) -> None:
    """Make snapshots without content for those that no shard tells of, so that the others keep their numbers."""
    for number in range(lake.latest() + 1, sequence + 1):
        lake.con.execute(f"COMMENT ON TABLE lake.sources IS 'rebuild: nothing is known of snapshot {number}'")


def _count(lake: Lake, table: str) -> int:
    row = lake.con.execute(f"SELECT count(*) FROM lake.{table}").fetchone()
    return int(row[0]) if row else 0


def _used_deletes(lake: Lake) -> set[str]:
    rows = lake.con.execute("SELECT path FROM __ducklake_metadata_lake.ducklake_delete_file").fetchall()
    return {Path(row[0]).name for row in rows}


def _set_times(lake: Lake, times: dict[int, datetime]) -> None:
    """Date each snapshot by its shards, and none before the one it follows, as the first catalogue did.

    The table is DuckLake's own, by its specification (``ducklake_snapshot``)."""
    latest = list(accumulate(times.values(), max))
    lake.con.register("dated", pa.table({"id": pa.array(times, pa.int64()), "time": pa.array(latest, _TIME)}))
    lake.con.execute(
        "UPDATE __ducklake_metadata_lake.ducklake_snapshot SET snapshot_time = dated.time FROM dated "
        "WHERE snapshot_id = dated.id"
    )
