"""Verify: does the warehouse still hold, byte for byte, what was committed, and does it hang together?"""

# ruff: noqa: S608 - identifiers in SQL are constants of this package
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.checkpoints import stored_digest
from warehouse.errors import InvalidCommit
from warehouse.lake import Lake, missing_tables, reading, shard_folder
from warehouse.registry import versions
from warehouse.shards import Shard, assemble_commit, by_commit, digest_of
from warehouse.store import Store


class ProblemKind(StrEnum):
    MISSING = "missing"  # the catalogue names a file that is not there
    EXTRA = "extra"  # a file that the catalogue does not name
    CORRUPT = "corrupt"  # a file whose bytes are not those that were committed
    MISCOUNTED = "miscounted"  # catalogue and file differ about the number of rows
    INCONSISTENT = "inconsistent"  # tables that do not fit together


@dataclass(frozen=True, slots=True)
class Problem:
    kind: ProblemKind
    what: str  # a file or an id
    detail: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was looked at, and what is wrong with it."""

    shards: int
    commits: int
    models: int
    bytes: int
    problems: tuple[Problem, ...]
    leftovers: tuple[str, ...]  # DuckLake's own files, and checkpoints, of transactions that were undone; harmless

    @property
    def ok(self) -> bool:
        return not self.problems


# each query lists the ids that break its rule
_RULES: Final = {
    "a clip without motion": "SELECT clip_id FROM lake.clips ANTI JOIN lake.motion USING (clip_id)",
    "a clip without speech": "SELECT clip_id FROM lake.clips ANTI JOIN lake.speech USING (clip_id)",
    "a clip without verdicts": "SELECT clip_id FROM lake.clips c ANTI JOIN lake.verdicts v ON c.clip_id = v.subject_id",
    "a clip without its source": "SELECT clip_id FROM lake.clips ANTI JOIN lake.sources USING (source_id)",
    "motion without a clip": "SELECT clip_id FROM lake.motion ANTI JOIN lake.clips USING (clip_id)",
    "speech without a clip": "SELECT clip_id FROM lake.speech ANTI JOIN lake.clips USING (clip_id)",
    "a verdict without a source": "SELECT subject_id FROM lake.verdicts ANTI JOIN lake.sources USING (source_id)",
    "a refused source without a verdict": (
        "SELECT source_id FROM lake.sources ANTI JOIN lake.verdicts USING (source_id) WHERE status = 'refused'"
    ),
    **{
        f"a {key} that occurs twice in {table}": f"SELECT {key} FROM lake.{table} GROUP BY 1 HAVING count(*) > 1"
        for table, key in {"sources": "source_id", "clips": "clip_id", "motion": "clip_id", "speech": "clip_id"}.items()
    },
    **{
        f"a row of {table} without its model": f"SELECT version FROM lake.{table} ANTI JOIN lake.models USING (version)"
        for table in ("model_metrics", "model_clips", "model_aliases")
    },
    "a model without clips": "SELECT version FROM lake.models ANTI JOIN lake.model_clips USING (version)",
    "a model that is registered twice": "SELECT version FROM lake.models GROUP BY 1 HAVING count(*) > 1",
    "a model without its parent": (
        "SELECT version FROM lake.models WHERE parent NOT IN (SELECT version FROM lake.models)"
    ),
    "a clip whose motion has another length": (
        "SELECT clip_id FROM lake.clips c JOIN lake.motion m USING (clip_id) WHERE c.n_frames <> m.n_frames"
    ),
    "a clip whose speech has another length": (
        "SELECT clip_id FROM lake.clips c JOIN lake.speech s USING (clip_id) WHERE c.n_frames <> s.n_frames"
    ),
}


def verify(root: Path, threads: int | None = None) -> VerifyReport:
    """Read every byte of every shard and checkpoint, compare with name, metadata and catalogue, and check the tables'
    rules.

    Raises ``NoWarehouse``, ``CatalogueLost``, ``ExtensionMissing``; everything else is a ``Problem``.
    """
    with reading(root, threads=threads) as lake:
        catalogued, store = _catalogued(lake), lake.layout.shards
        stored, deletes = lake.layout.shard_files(), lake.layout.delete_files()
        missing = sorted(set(catalogued).difference(map(store.url, [*stored, *deletes])))
        extra = [url for url in map(store.url, stored) if url not in catalogued]
        leftovers = tuple(url for url in map(store.url, deletes) if url not in catalogued)
        problems = [Problem(ProblemKind.MISSING, url, "the catalogue names it") for url in missing]
        problems += [Problem(ProblemKind.EXTRA, url, "the catalogue does not name it") for url in extra]
        commits = by_commit(store, stored)
        shards = [shard for members in commits for shard in members]
        with ThreadPoolExecutor(threads) as pool:  # hashing lets go of the interpreter
            checks = pool.map(lambda shard: list(_check_shard(shard, catalogued.get(shard.url))), shards)
            problems += itertools.chain.from_iterable(checks)
        for members in commits:
            try:
                assemble_commit(members)
            except InvalidCommit as error:
                problems.append(Problem(ProblemKind.INCONSISTENT, members[0].commit_id, str(error)))
        problems += _broken_rules(lake)
        models = versions(lake)
        checkpoints = {version.version: lake.layout.store.sub(version.checkpoint) for version in models}
        for version in models:
            problems += _check_checkpoint(checkpoints[version.version], version.checkpoint_sha256)
        there = {name.partition("/")[0] for name in lake.layout.models.names()}
        leftovers += tuple(lake.layout.models.url(name) for name in sorted(there.difference(checkpoints)))
        size = sum(shard.store.size_bytes(shard.name) for shard in shards)
        size += sum(folder.size_bytes(name) for folder in checkpoints.values() for name in folder.names())
    return VerifyReport(len(shards), len(commits), len(models), size, tuple(problems), leftovers)


def _catalogued(lake: Lake) -> dict[str, int]:
    """The url of every file that any snapshot uses, with its number of rows."""
    files: dict[str, int] = {}
    for table, count in (("ducklake_data_file", "record_count"), ("ducklake_delete_file", "delete_count")):
        rows = lake.con.execute(
            f"SELECT table_name, f.path, f.path_is_relative, {count} FROM __ducklake_metadata_lake.{table} f "
            "JOIN __ducklake_metadata_lake.ducklake_table USING (table_id)"
        ).fetchall()
        for name, path, is_relative, n in rows:
            files[lake.layout.shards.url(f"{shard_folder(name)}/{path}") if is_relative else path] = int(n)
    return files


def _check_shard(shard: Shard, catalogued_rows: int | None) -> Iterator[Problem]:
    with shard.store.open(shard.name) as file:
        digest = digest_of(file)
        if digest != shard.digest:
            yield Problem(ProblemKind.CORRUPT, shard.url, f"its bytes hash to {digest}")
            return
        file.seek(0)
        try:
            rows = pq.read_metadata(file).num_rows
        except pa.ArrowException as error:
            yield Problem(ProblemKind.CORRUPT, shard.url, str(error))
            return
    if catalogued_rows is not None and rows != catalogued_rows:
        yield Problem(ProblemKind.MISCOUNTED, shard.url, f"{rows} rows, the catalogue says {catalogued_rows}")


def _check_checkpoint(folder: Store, digest: str) -> Iterator[Problem]:
    if not folder.names():
        how = "the registry names it; copy it back, or train the model again"
        yield Problem(ProblemKind.MISSING, folder.url(), how)
        return
    found = stored_digest(folder)
    if found != digest:
        yield Problem(ProblemKind.CORRUPT, folder.url(), f"its files hash to {found}")


def _broken_rules(lake: Lake) -> Iterator[Problem]:
    absent = missing_tables(lake)
    for rule, sql in _RULES.items():
        if any(f"lake.{table}" in sql for table in absent):
            continue
        try:
            for (name,) in lake.con.execute(f"{sql} LIMIT 20").fetchall():
                yield Problem(ProblemKind.INCONSISTENT, str(name), rule)
        except duckdb.Error as error:
            yield Problem(ProblemKind.INCONSISTENT, rule, f"could not be checked: {error}")
