"""Commit: one staged micro-batch becomes one snapshot, all its tables in one transaction.

The staged folder is the write-ahead log. A commit links its shards into place (an object store copies them), adds them
to the catalogue in one DuckLake transaction, and only then removes the folder. Killed before the transaction, it leaves
links that nobody reads and the folder, so ``recover`` does it again; killed after, ``recover`` finds the commit's id in
the catalogue and only removes the folder.
"""
# ruff: noqa: S608 - identifiers in SQL are constants of this package; values are bound or quoted

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from schemas.tables import MODEL_TABLES
from schemas.verdict import Reason
from warehouse.connection import quoted
from warehouse.errors import CatalogueLost, InvalidCommit, StaleCommit
from warehouse.lake import Lake, committing, shard_folder
from warehouse.shards import (
    CommitKind,
    Shard,
    StagedCommit,
    by_commit,
    open_staged,
    shard_name,
    staged_commits,
)
from warehouse.snapshots import AUTHOR, Snapshot, find_commit

ABANDONED_AFTER_S: Final = 86_400.0  # a worker that has written to its folder for a day is no longer alive

_log = logging.getLogger(__name__)


@contextmanager
def open_committer(root: Path, wait_s: float = 0.0, threads: int | None = None) -> Iterator[Lake]:
    """Open the warehouse as its one committer, first finishing what a killed one left behind.

    Raises as ``warehouse.lake.committing`` does.
    """
    with committing(root, wait_s, threads) as lake:
        recover(lake)
        _require_whole_catalogue(lake)
        yield lake


def commit(lake: Lake, staged: StagedCommit) -> Snapshot | None:
    """Publish ``staged`` as one snapshot; what its rows replace is said in ``warehouse.shards.CommitKind``.

    Committing the same twice gives the first snapshot again and changes nothing. A commit without rows gives None
    and no snapshot. Raises ``StaleCommit`` if a regate names clips that are no longer there, and ``InvalidCommit`` if
    a duplicate would replace the source it duplicates.
    """
    if not staged.shards:
        return None
    known = find_commit(lake, staged.commit_id)
    if known is None:
        sequence = lake.latest() + 1
        try:
            apply(lake, publish(lake, staged, sequence))
        except BaseException:
            lake.require_lock()  # whoever holds it by now may be at this very commit
            _sweep(lake, staged.commit_id)
            raise
        known = find_commit(lake, staged.commit_id)
    lake.layout.staging.remove_folder(staged.commit_id)
    return known


def recover(lake: Lake) -> list[Snapshot]:
    """Commit every whole staged folder that a killed committer, or a worker that outlived one, left behind."""
    staging = lake.layout.staging
    staging.discard_unfinished(ABANDONED_AFTER_S)
    recovered = []
    for commit_id in staged_commits(staging):
        if find_commit(lake, commit_id) is not None:  # of its folder there may be but a part
            staging.remove_folder(commit_id)
            continue
        try:
            staged = open_staged(staging, commit_id)
            _sweep(lake, commit_id)
            snapshot = commit(lake, staged)
        except (StaleCommit, InvalidCommit) as error:
            _reject(lake, commit_id)
            _log.warning("commit %s fits no more and was moved to %s: %s", commit_id, lake.layout.rejected.url(), error)
            continue
        if snapshot is not None:
            recovered.append(snapshot)
    return recovered


def publish(lake: Lake, staged: StagedCommit, sequence: int) -> StagedCommit:
    """Give the staged shards their final names, without taking them out of the staged folder."""
    published: dict[str, Shard] = {}
    for table, shard in staged.shards.items():
        name = f"{shard_folder(table)}/{shard_name(sequence, staged.commit_id, shard.digest)}"
        lake.layout.shards.link(shard.url, name)
        published[table] = replace(shard, store=lake.layout.shards, name=name, sequence=sequence)
    return replace(staged, shards=published)


def apply(lake: Lake, published: StagedCommit) -> None:
    """The transaction: take out what the commit replaces, add its shards, say in the catalogue what it was."""
    con = lake.con
    con.execute("BEGIN")
    try:
        for name, table in _ids_of(con, published).items():
            con.register(name, table)
        _REPLACE[published.info.kind](con, published)
        for table, shard in published.shards.items():
            con.execute(
                f"CALL ducklake_add_data_files('lake', {quoted(table)}, {quoted(shard.url)}, allow_missing => true)"
            )
        extra = {"commit_id": published.commit_id, "rows": dict(published.rows), **asdict(published.info)}
        rows = ", ".join(f"{count} {name}" for name, count in published.rows.items() if count)
        con.execute(
            f"CALL lake.set_commit_message({quoted(AUTHOR)}, {quoted(f'{published.info.kind}: {rows}')}, "
            f"extra_info => {quoted(json.dumps(extra, sort_keys=True))})"
        )
        lake.require_lock()
        con.execute("COMMIT")
    except BaseException:
        with suppress(duckdb.Error):  # a COMMIT that failed has rolled back already, as has a server that is gone
            con.execute("ROLLBACK")
        raise


def _ids_of(con: duckdb.DuckDBPyConnection, published: StagedCommit) -> dict[str, pa.Table]:
    """The ids the commit names, as tables that SQL can use by name."""
    columns = {
        "new_sources": ("sources", "source_id, path, reason"),
        "new_clips": ("clips", "clip_id, source_id"),
        "new_verdicts": ("verdicts", "subject_id, gate"),
        **{f"new_{name}": (name, "version") for name in MODEL_TABLES},
    }
    ids = {}
    for name, (table, wanted) in columns.items():
        shard = published.shards.get(table)
        origin = f"read_parquet({quoted(shard.url)})" if shard else f"lake.{table} WHERE false"
        ids[name] = con.execute(f"SELECT DISTINCT {wanted} FROM {origin}").to_arrow_table()
    return ids


def _replace_curated(con: duckdb.DuckDBPyConnection, _published: StagedCommit) -> None:
    # a file seen twice has one content hash; its row must not take the place of the first one's clips
    clashes = con.execute(
        "SELECT n.path, o.path FROM new_sources n JOIN lake.sources o USING (source_id) "
        "WHERE n.reason = ? AND o.reason IS DISTINCT FROM n.reason AND n.path <> o.path",
        [Reason.DUPLICATE.value],
    ).fetchall()
    if clashes:
        raise InvalidCommit(f"duplicate {clashes[0][0]} has the source_id of {clashes[0][1]}; give it one of its own")
    named = "source_id IN (SELECT source_id FROM new_sources UNION ALL SELECT source_id FROM new_clips)"
    clips = con.execute(f"SELECT clip_id FROM lake.clips WHERE {named}").to_arrow_table()
    if clips.num_rows:
        con.register("old_clips", clips)
        for table in ("motion", "speech", "clips"):
            con.execute(f"DELETE FROM lake.{table} WHERE clip_id IN (SELECT clip_id FROM old_clips)")
    if con.execute(f"SELECT 1 FROM lake.sources WHERE {named} LIMIT 1").fetchone():
        for table in ("verdicts", "sources"):
            con.execute(f"DELETE FROM lake.{table} WHERE {named}")


def _replace_regated(con: duckdb.DuckDBPyConnection, published: StagedCommit) -> None:
    if {"motion", "speech"} & set(published.shards):
        raise InvalidCommit("a regate decides about clips; it brings no motion and no speech")
    missing = con.execute(
        "SELECT clip_id FROM new_clips ANTI JOIN lake.clips USING (clip_id, source_id) LIMIT 3"
    ).fetchall()
    if missing:
        names = ", ".join(row[0] for row in missing)
        raise StaleCommit(f"the warehouse no longer holds clips {names}, ...: they were measured again; regate again")
    con.execute("DELETE FROM lake.sources WHERE source_id IN (SELECT source_id FROM new_sources)")
    con.execute("DELETE FROM lake.clips WHERE clip_id IN (SELECT clip_id FROM new_clips)")
    con.execute("DELETE FROM lake.verdicts WHERE (subject_id, gate) IN (SELECT (subject_id, gate) FROM new_verdicts)")


def _replace_compacted(con: duckdb.DuckDBPyConnection, published: StagedCommit) -> None:
    for table in published.shards:
        con.execute(f"DELETE FROM lake.{table}")


def _add_model(con: duckdb.DuckDBPyConnection, _published: StagedCommit) -> None:
    twice = con.execute("SELECT version FROM new_models SEMI JOIN lake.models USING (version)").fetchone()
    if twice:
        raise InvalidCommit(f"model {twice[0]} is registered already")
    named = " UNION ALL ".join(f"SELECT version FROM new_{name}" for name in MODEL_TABLES if name != "models")
    known = "SELECT version FROM lake.models UNION ALL SELECT version FROM new_models"
    unknown = con.execute(f"SELECT version FROM ({named}) ANTI JOIN ({known}) USING (version) LIMIT 1").fetchone()
    if unknown:
        raise StaleCommit(f"the warehouse knows of no model {unknown[0]}; register it first")


_REPLACE: Final = {
    CommitKind.CURATE: _replace_curated,
    CommitKind.REGATE: _replace_regated,
    CommitKind.COMPACT: _replace_compacted,
    CommitKind.MODEL: _add_model,
}


def _require_whole_catalogue(lake: Lake) -> None:
    """Shards of later commits than the catalogue's last mean that an old copy of it was put back."""
    commits = by_commit(lake.layout.shards, lake.layout.shard_files())
    newest = max((shards[0].sequence for shards in commits), default=0)
    if newest > lake.latest():
        raise CatalogueLost(
            f"{lake.layout.catalogue} ends at snapshot {lake.latest()}, but there are shards of snapshot {newest}; "
            "run `xtalker rebuild` to take them in"
        )


def _sweep(lake: Lake, commit_id: str) -> None:
    """Remove the links of a staged commit that never reached the catalogue; the staged folder still has the bytes."""
    if find_commit(lake, commit_id) is None:
        lake.layout.shards.remove(name for name in lake.layout.shard_files() if f"-{commit_id}-" in name)


def _reject(lake: Lake, commit_id: str) -> None:
    """Put a staged commit aside, where nobody tries it again."""
    staging, rejected = lake.layout.staging, lake.layout.rejected
    for name in staging.sub(commit_id).names():
        rejected.link(staging.url(f"{commit_id}/{name}"), f"{commit_id}/{name}")
    staging.remove_folder(commit_id)
