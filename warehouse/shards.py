"""Shards: the immutable Parquet files of one commit, written by workers, before any catalogue knows of them.

A commit's shards carry what a rebuild needs: their names the order and the hashes, their metadata the rest.
Equal tables and an equal ``CommitInfo`` give equal bytes, and so the same commit id: no clock and no random number
goes in. The id is the hash over the header and the shards' hashes, hence it stands in the name, not in the shard.

    <sequence>-<commit id>-<sha256, 32 digits>.parquet          sequence: 0 while staged, then the snapshot's number
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.tables import LAKE_TABLES, MODEL_TABLES, TABLES
from warehouse.errors import InvalidCommit
from warehouse.store import Store

FORMAT: Final = 1
METADATA_KEY: Final = b"xtalker"
HASH_DIGITS: Final = 32
COMMIT_DIGITS: Final = 20
# Rows come ordered by this column, so that DuckDB's row-group statistics lead to one clip without reading the rest.
ORDER_BY: Final = {
    "sources": "source_id",
    "clips": "clip_id",
    "verdicts": "subject_id",
    "motion": "clip_id",
    "speech": "clip_id",
    "models": "version",
    "model_metrics": "version",
    "model_clips": "version",
    "model_aliases": "alias",
}
UNIQUE: Final = frozenset({"sources", "clips", "motion", "speech", "models"})  # one row for each value of that column
# Scalars: one clip by id among a million costs one small group. Arrays: some 100 kB a clip, so a few clips a group.
_SCALARS: Final = dict.fromkeys(("sources", "clips", "models", "model_metrics", "model_aliases"), 16_384)
ROW_GROUP_ROWS: Final = {**_SCALARS, "verdicts": 65_536, "model_clips": 65_536, "motion": 8, "speech": 8}
# Ids are hashes, so every shard's statistics span them all; a Bloom filter tells the shard that has one.
BLOOM_FILTERS: Final = ("clip_id", "source_id", "subject_id")
# Measured numbers, ids and texts hardly repeat: a dictionary of them makes a shard a third larger.
UNREPEATED: Final = frozenset({"clip_id", "source_id", "subject_id", "path", "sha256", "transcript"})
_UNNAMED: Final = "unnamed.parquet"
_SMALLEST_FIRST: Final = tuple(LAKE_TABLES)  # sources come before clips, and both before the arrays of each frame
_NAME: Final = re.compile(rf"(\d{{8}})-([0-9a-f]{{{COMMIT_DIGITS}}})-([0-9a-f]{{{HASH_DIGITS}}})\.parquet")
_COMMIT_ID: Final = re.compile(rf"[0-9a-f]{{{COMMIT_DIGITS}}}")


class CommitKind(StrEnum):
    """What a commit's rows replace.

    ``CURATE``: everything stored under the source ids it names. ``REGATE``: the sources and clips it names, and of
    its verdicts those of the same subject and gate; motion and speech stay. ``COMPACT``: all rows of the tables it
    holds, which it repeats in one shard each. ``MODEL``: nothing; a model, or a decision about one, is added.
    """

    CURATE = "curate"
    REGATE = "regate"
    COMPACT = "compact"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """What a worker knows about the commit it stages.

    ``parent`` is the newest snapshot when the run began: the same decision made again later is another commit.
    """

    kind: CommitKind
    parent: int
    code_version: str
    recipe: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard, by its name in a store. ``sequence`` is 0 while it is staged."""

    table: str
    store: Store
    name: str
    sequence: int
    commit_id: str
    digest: str

    @property
    def url(self) -> str:
        """What DuckDB opens it by."""
        return self.store.url(self.name)


@dataclass(frozen=True, slots=True)
class StagedCommit:
    """The shards of one commit; tables without rows have none."""

    commit_id: str
    info: CommitInfo
    rows: Mapping[str, int]  # of every table that was given, empty ones included
    shards: Mapping[str, Shard]


def stage(tables: Mapping[str, pa.Table], staging: Store, info: CommitInfo) -> StagedCommit:
    """Write the shards of one commit under ``staging``, all of them or none: as one folder, named after the commit.

    ``tables`` has every table of ``schemas.tables.TABLES``, empty ones included; for a ``MODEL`` some of
    ``MODEL_TABLES``. Raises ``InvalidCommit`` on other tables, columns or types, or if an id occurs twice.
    """
    _check(tables, info.kind)
    ordered: dict[str, Rows] = {}
    for name in tables:
        order = pc.sort_indices(tables[name], sort_keys=[(ORDER_BY[name], "ascending")])  # stable
        table = tables[name].take(order).combine_chunks()
        ordered[name] = Rows(table.num_rows, table.to_batches(max_chunksize=ROW_GROUP_ROWS[name]))
    return stage_ordered(ordered, staging, info)


@dataclass(frozen=True, slots=True)
class Rows:
    """A table's rows in shard order, a row group at a time."""

    count: int
    batches: Iterable[pa.RecordBatch]


def stage_ordered(tables: Mapping[str, Rows], staging: Store, info: CommitInfo) -> StagedCommit:
    """``stage``, for rows that already come in order and need not fit into memory."""
    rows = {name: tables[name].count for name in tables}
    with staging.workspace() as work:
        digests = {name: _write(tables[name], work / name, header(name, info, rows)) for name in tables if rows[name]}
        commit_id = commit_id_of(info, rows, digests)
        if not digests:
            return StagedCommit(commit_id, info, rows, {})
        shards = {}
        for table, digest in digests.items():
            name = shard_name(0, commit_id, digest)
            (work / table / _UNNAMED).rename(work / table / name)
            shards[table] = Shard(table, staging, f"{commit_id}/{table}/{name}", 0, commit_id, digest)
        staging.publish(work, commit_id)
    return StagedCommit(commit_id, info, rows, shards)


def staged_commits(staging: Store) -> list[str]:
    """The ids of the commits that lie whole under ``staging``, sorted."""
    return [name for name in staging.folders() if _COMMIT_ID.fullmatch(name)]


def open_staged(staging: Store, commit_id: str) -> StagedCommit:
    """Read back what ``stage`` wrote. Raises ``InvalidCommit`` if it is not whole."""
    names = [f"{commit_id}/{name}" for name in staging.sub(commit_id).names()]
    shards = [shard for name in names if (shard := shard_of(staging, name))]
    if not shards:
        raise InvalidCommit(f"{staging.url(commit_id)}: no shards")
    return assemble_commit(shards)


def assemble_commit(shards: list[Shard]) -> StagedCommit:
    """The commit that ``shards`` are, by their own metadata. Raises ``InvalidCommit`` if any is missing or strange."""
    by_table = {shard.table: shard for shard in shards}
    info, rows = read_header(min(shards, key=lambda shard: _SMALLEST_FIRST.index(shard.table)))
    wanted = {name for name, count in rows.items() if count}
    if wanted != set(by_table):
        raise InvalidCommit(f"commit {shards[0].commit_id}: has shards of {sorted(by_table)}, wants {sorted(wanted)}")
    commit_id = commit_id_of(info, rows, {name: shard.digest for name, shard in by_table.items()})
    if {shard.commit_id for shard in shards} != {commit_id}:
        raise InvalidCommit(f"commit {shards[0].commit_id}: its shards belong to another commit, {commit_id}")
    return StagedCommit(commit_id, info, rows, by_table)


def by_commit(store: Store, names: Iterable[str]) -> list[list[Shard]]:
    """The shards among the files ``names``, commit by commit in the order in which they were committed."""
    groups: dict[tuple[int, str], list[Shard]] = {}
    for shard in filter(None, (shard_of(store, name) for name in names)):
        groups.setdefault((shard.sequence, shard.commit_id), []).append(shard)
    return [groups[key] for key in sorted(groups)]


def header(table: str, info: CommitInfo, rows: Mapping[str, int]) -> bytes:
    """The metadata a shard carries: everything about its commit that its name does not say."""
    return json.dumps(
        {"format": FORMAT, "table": table, "rows": dict(rows), **asdict(info)}, sort_keys=True, allow_nan=False
    ).encode()


def read_header(shard: Shard) -> tuple[CommitInfo, dict[str, int]]:
    """What a shard's metadata says. Raises ``InvalidCommit`` if the file is no shard of a format known here."""
    try:
        with shard.store.open(shard.name) as file:
            metadata = pq.read_schema(file).metadata or {}
        fields = json.loads(metadata[METADATA_KEY])
        if fields["format"] != FORMAT:
            raise InvalidCommit(f"{shard.url}: shard format {fields['format']}, this version reads {FORMAT}")
        kind = CommitKind(fields["kind"])
        info = CommitInfo(kind, fields["parent"], fields["code_version"], fields["recipe"])
        return info, {name: int(count) for name, count in fields["rows"].items()}
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise InvalidCommit(f"{shard.url}: not a shard ({error})") from error


def commit_id_of(info: CommitInfo, rows: Mapping[str, int], digests: Mapping[str, str]) -> str:
    """A commit's identity: the hash over its header and its shards' hashes."""
    parts = [header("", info, rows), *(f"{name}:{digests[name]}".encode() for name in sorted(digests))]
    return hashlib.sha256(b"\n".join(parts)).hexdigest()[:COMMIT_DIGITS]


def shard_name(sequence: int, commit_id: str, digest: str) -> str:
    return f"{sequence:08d}-{commit_id}-{digest}.parquet"


def shard_of(store: Store, name: str) -> Shard | None:
    """What a file's name in ``store`` says, its folder being its table; None if the name is not a shard's."""
    *_, table, last = ("", *name.split("/"))
    match = _NAME.fullmatch(last)
    if match is None or table not in LAKE_TABLES:
        return None
    return Shard(table, store, name, int(match[1]), match[2], match[3])


def digest_of(file: IO[bytes]) -> str:
    """The hash that belongs in a shard's name, of its bytes."""
    return hashlib.file_digest(file, "sha256").hexdigest()[:HASH_DIGITS]  # type: ignore[arg-type]


def _write(rows: Rows, folder: Path, metadata: bytes) -> str:
    """Write one shard into a new folder named after its table; its hash."""
    folder.mkdir()
    path = folder / _UNNAMED
    schema = LAKE_TABLES[folder.name].with_metadata({METADATA_KEY: metadata})
    distinct = min(rows.count, ROW_GROUP_ROWS[folder.name])
    filters = {name: {"ndv": distinct, "fpp": 0.01} for name in BLOOM_FILTERS if name in schema.names}
    repeated = [field.name for field in schema if pa.types.is_string(field.type) and field.name not in UNREPEATED]
    with pq.ParquetWriter(
        path, schema, compression="zstd", use_dictionary=repeated, bloom_filter_options=filters
    ) as writer:
        for batch in rows.batches:
            table = pa.Table.from_batches([batch]).cast(schema)
            writer.write_table(table, row_group_size=ROW_GROUP_ROWS[folder.name])
    with path.open("rb") as file:
        return digest_of(file)


def _check(tables: Mapping[str, pa.Table], kind: CommitKind) -> None:
    if kind is CommitKind.MODEL and not tables.keys() <= MODEL_TABLES.keys():
        raise InvalidCommit(f"got the tables {sorted(tables)}, wanted some of {sorted(MODEL_TABLES)}")
    if kind is not CommitKind.MODEL and set(tables) != set(TABLES):
        raise InvalidCommit(f"got the tables {sorted(tables)}, wanted {sorted(TABLES)}")
    for name in tables:
        schema, have = LAKE_TABLES[name], tables[name].schema
        if have.names != schema.names or have.types != schema.types:
            differing = [f"{f.name} {f.type}" for f in schema if f.name not in have.names or have.field(f.name) != f]
            raise InvalidCommit(f"table {name!r}: columns differ from schemas.tables in {differing or 'order'}")
        key = ORDER_BY[name]
        if tables[name].column(key).null_count:
            raise InvalidCommit(f"table {name!r}: a row without {key}")
        if name in UNIQUE and pc.count_distinct(tables[name].column(key)).as_py() != tables[name].num_rows:
            raise InvalidCommit(f"table {name!r}: a {key} occurs twice")
