"""Rebuild: a new catalogue from the shards alone, for a catalogue that is lost, broken or of another version.

The commits are replayed in the order their names give, through the same transaction that made them, so that
snapshots keep their order and, where no other program made any, their numbers.
"""

# ruff: noqa: S608 - identifiers in SQL are constants of this package
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from schemas.tables import LAKE_TABLES
from warehouse.commit import apply
from warehouse.errors import InvalidCommit, NoWarehouse, StaleCommit
from warehouse.lake import BUSY_TIMEOUT_MS, Lake, Layout, attach, connect, create_tables, exclusive
from warehouse.shards import StagedCommit, assemble_commit, by_commit, digest_of

WORK: Final = "catalog.rebuilding.sqlite"
KEPT: Final = "catalog.before-rebuild.sqlite"


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What the new catalogue was made of."""

    commits: int
    rows: dict[str, int]  # of the newest snapshot, by table
    skipped: tuple[str, ...]  # commits left out, and why


def rebuild(root: Path, wait_s: float = 0.0) -> RebuildReport:
    """Replace the catalogue by one made from the shards; the old one is kept as ``catalog.before-rebuild.sqlite``.

    Other processes see the old catalogue or the new one, never half; a session opened before should be opened again.
    Commits of which a shard is missing or corrupt are left out and reported. Raises ``NoWarehouse``,
    ``CommitterBusy``, ``ExtensionMissing``.
    """
    layout = Layout.of(root)
    if not layout.shards.is_dir():
        raise NoWarehouse(f"{layout.root} has no shards to rebuild from")
    with exclusive(layout, wait_s):
        work = replace(layout, catalogue_name=WORK)
        _remove(work.catalogue)
        commits, skipped = _whole_commits(layout)
        report, used = _replay(work, commits, skipped)
        _set_times(work.catalogue, commits)
        _swap(work.catalogue, layout.catalogue)
        _remove(work.catalogue)
        for path in layout.delete_files():
            if path not in used:
                path.unlink()
    return report


def _whole_commits(layout: Layout) -> tuple[list[StagedCommit], list[str]]:
    """The commits on disk whose every byte is as it was committed, in order; and what is wrong with the others."""
    whole: dict[str, StagedCommit] = {}
    skipped: list[str] = []
    for shards in by_commit(layout.shard_files()):
        name = f"commit {shards[0].commit_id} (snapshot {shards[0].sequence})"
        corrupt = [shard.path.name for shard in shards if digest_of(shard.path) != shard.digest]
        if corrupt:
            skipped.append(f"{name}: corrupt: {', '.join(corrupt)}")
            continue
        try:
            whole.setdefault(shards[0].commit_id, assemble_commit(shards, None))
        except InvalidCommit as error:
            skipped.append(f"{name}: {error}")
    return list(whole.values()), skipped


def _replay(work: Layout, commits: list[StagedCommit], skipped: list[str]) -> tuple[RebuildReport, set[Path]]:
    """Make every commit again in a new catalogue; also the delete files that this one uses."""
    con = connect()
    try:
        attach(con, work, write=True)
        create_tables(con, LAKE_TABLES)
        lake = Lake(work, con)
        replayed = 0
        for commit in commits:
            sequence = next(iter(commit.shards.values())).sequence
            _fill_up_to(lake, sequence - 1)
            try:
                apply(lake, commit)
                replayed += 1
            except StaleCommit as error:  # what it decided about was in a commit that is left out
                skipped.append(f"commit {commit.commit_id} (snapshot {sequence}): {error}")
        rows = {name: _count(lake, name) for name in LAKE_TABLES}
        used = {path for path in work.delete_files() if path.name in _used_deletes(lake)}
    finally:
        con.close()
    return RebuildReport(replayed, rows, tuple(skipped)), used


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


def _set_times(catalogue: Path, commits: list[StagedCommit]) -> None:
    """Date each snapshot by its shards, and none before the one it follows, as the first catalogue did.

    The table is DuckLake's own, by its specification (``ducklake_snapshot``)."""
    latest = 0.0
    with closing(sqlite3.connect(catalogue)) as con:
        for commit in commits:
            latest = max([latest, *(shard.path.stat().st_mtime for shard in commit.shards.values())])
            time = datetime.fromtimestamp(latest, UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")
            con.execute(
                "UPDATE ducklake_snapshot SET snapshot_time = ? WHERE snapshot_id = "
                "(SELECT snapshot_id FROM ducklake_snapshot_changes WHERE instr(commit_extra_info, ?))",
                (time, commit.commit_id),
            )
        con.commit()


def _swap(new: Path, catalogue: Path) -> None:
    """Write ``new`` over the catalogue in one SQLite transaction, so that open readers see either."""
    kept = catalogue.with_name(KEPT)
    with closing(sqlite3.connect(new)) as source:
        if not catalogue.exists():
            with closing(sqlite3.connect(catalogue)) as target:
                source.backup(target)
            return
        _remove(kept)
        try:
            with closing(sqlite3.connect(catalogue, timeout=BUSY_TIMEOUT_MS / 1000)) as target:
                with closing(sqlite3.connect(kept)) as copy:
                    target.backup(copy)
                source.backup(target)
            return
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
        # the old one is no database any more: nobody can be reading it
        shutil.copyfile(catalogue, kept)
        _remove(catalogue)
        with closing(sqlite3.connect(catalogue)) as target:
            source.backup(target)


def _remove(database: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
