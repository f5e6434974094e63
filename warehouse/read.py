"""What the rest of the program asks of a warehouse, as records and Arrow tables."""

# ruff: noqa: S608 - identifiers in SQL are constants of this package; values are bound
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.arrays import Float32
from schemas.motion import HeadMotion
from schemas.record import ClipScores
from schemas.speech import SpeechTrack, Word
from schemas.tables import TABLES
from schemas.units import DETAIL_DIM, EXPRESSION_DIM
from schemas.verdict import Reason, Verdict
from warehouse.errors import AmbiguousName, UnknownName
from warehouse.lake import Lake, missing_columns

SHORTEST_PREFIX: Final = 4


class FoundKind(StrEnum):
    SOURCE = "source"
    CLIP = "clip"


@dataclass(frozen=True, slots=True)
class Found:
    """What a name stands for. ``path`` is that of the source, the clip's own source included."""

    kind: FoundKind
    id: str
    source_id: str
    path: Path


@dataclass(frozen=True, slots=True)
class KnownSource:
    """What a rerun compares an offered file with."""

    source_id: str
    path: str
    sha256: str
    size_bytes: int
    modified_ns: int
    curation_key: str
    reason: Reason | None


def known_sources(lake: Lake) -> list[KnownSource]:
    """Every source the warehouse knows."""
    rows = lake.con.execute(
        "SELECT source_id, path, sha256, size_bytes, modified_ns, curation_key, reason FROM lake.sources ORDER BY path"
    ).fetchall()
    return [
        KnownSource(source_id, path, sha256, size, modified_ns, key, Reason(reason) if reason else None)
        for source_id, path, sha256, size, modified_ns, key, reason in rows
    ]


def clip_scores(lake: Lake) -> pa.Table:
    """Every clip's scores, by clip_id: clip_id, source_id, keep, reason, tier and the fields of ``ClipScores``."""
    columns = ["clip_id", "source_id", "keep", "reason", "tier", *ClipScores.names()]
    return table_of(lake, "clips").select(columns).sort_by("clip_id")


def table_of(lake: Lake, name: str, source_ids: Sequence[str] | None = None) -> pa.Table:
    """All columns of ``sources``, ``clips`` or ``verdicts``, of these sources only if any are given, in the schema
    that ``warehouse.shards.stage`` takes: what a regate changes and gives back. Verdicts are in gate order; columns
    that the warehouse is too old to have are null."""
    where = "" if source_ids is None else "WHERE list_contains($ids, source_id)"
    parameters = {} if source_ids is None else {"ids": list(source_ids)}
    found = lake.con.execute(f"SELECT * FROM lake.{name} {where} ORDER BY rowid", parameters).to_arrow_table()
    for field in missing_columns(lake).get(name, ()):
        found = found.append_column(field, pa.nulls(found.num_rows, field.type))
    return found.cast(TABLES[name])


def verdicts_of(lake: Lake, subject_id: str) -> tuple[Verdict, ...]:
    """Every gate's verdict on a source, clip or fragment, in gate order."""
    rows = lake.con.execute(
        "SELECT subject_id, gate, keep, reason, measured, threshold, stage_version, detail FROM lake.verdicts "
        "WHERE subject_id = ? ORDER BY rowid",
        [subject_id],
    ).fetchall()
    return tuple(
        Verdict(subject, gate, keep, Reason(reason) if reason else None, measured, threshold, version, detail or "")
        for subject, gate, keep, reason, measured, threshold, version, detail in rows
    )


def load_motion(lake: Lake, clip_id: str) -> HeadMotion:
    """A clip's head motion, as it was fitted. Raises ``UnknownName``."""
    return motion_of(_row_of(lake, "motion", clip_id))


def load_speech(lake: Lake, clip_id: str) -> SpeechTrack:
    """A clip's audio features and transcript. Raises ``UnknownName``."""
    row, clip = _row_of(lake, "speech", clip_id), _row_of(lake, "clips", clip_id)
    return speech_of(row, clip["language"], clip["language_probability"], clip["transcript"])


def motion_of(row: Mapping[str, Any]) -> HeadMotion:
    """The record that a row of ``motion`` holds; the row as ``row_at`` gives it."""
    n_frames = row["n_frames"]

    def frames(name: str, width: int) -> Float32:
        return _array(row[name], np.float32).reshape(n_frames, width)

    return HeadMotion(
        clip_id=row["clip_id"],
        head_model=row["head_model"],
        n_frames=n_frames,
        shape=_array(row["shape"], np.float32),
        expression=frames("expression", EXPRESSION_DIM),
        global_rotation=frames("global_rotation", 3),
        jaw=frames("jaw", 3),
        eyes=frames("eyes", 6),
        eyelids=frames("eyelids", 2),
        translation=frames("translation", 3),
        focal_px=row["focal"],
        principal_point_px=(row["principal_x"], row["principal_y"]),
        detail=None if row["detail"] is None else frames("detail", DETAIL_DIM),
    )


def speech_of(row: Mapping[str, Any], language: str, language_probability: float, transcript: str) -> SpeechTrack:
    """The record that a row of ``speech`` holds, with what the clip's own row says; the row as ``row_at`` gives it."""
    columns = [row[name].to_pylist() for name in ("words", "word_start_s", "word_end_s", "word_probability")]
    return SpeechTrack(
        clip_id=row["clip_id"],
        n_frames=row["n_frames"],
        envelope=_array(row["envelope"], np.float32),
        f0_hz=_array(row["f0_hz"], np.float32),
        voiced=_array(row["voiced"], np.bool_),
        embedding=_array(row["embedding"], np.float32).reshape(row["n_frames"], row["embedding_dim"]),
        embedding_model=row["embedding_model"],
        language=language,
        language_probability=language_probability,
        transcript=transcript,
        words=tuple(Word(*word) for word in zip(*columns, strict=True)),
        fingerprint=_array(row["fingerprint"], np.uint32),
    )


def row_at(rows: pa.RecordBatch, index: int) -> dict[str, Any]:
    """One row; its lists stay Arrow arrays, so that no float of them becomes a Python object."""
    row: dict[str, Any] = {}
    for name, column in zip(rows.schema.names, rows.columns, strict=True):
        value = column[index]
        row[name] = value.values if isinstance(value, pa.ListScalar) and value.is_valid else value.as_py()
    return row


def resolve(lake: Lake, text: str) -> Found:
    """What ``text`` names: a source by its path, its file name or its id, or a clip by its id; ids also by a unique
    beginning of four characters or more. Raises ``UnknownName`` or ``AmbiguousName``."""
    path = str(Path(text).resolve())
    found = _search(
        lake,
        "s.path IN ($text, $path) OR s.source_id = $text",
        "c.clip_id = $text",
        {"text": text, "path": path},
    ) or _search(lake, "s.path LIKE '%/' || $text AND NOT contains($text, '%')", "false", {"text": text})
    if not found and len(text) >= SHORTEST_PREFIX:
        found = _search(lake, "starts_with(s.source_id, $text)", "starts_with(c.clip_id, $text)", {"text": text})
    if not found:
        raise UnknownName(f"nothing here is called {text!r}; give a source's path or id, or a clip's id")
    if len(found) > 1:
        names = ", ".join(f"{f.kind} {f.id} ({f.path.name})" for f in found[:5])
        raise AmbiguousName(f"{text!r} could be any of {len(found)}: {names}; give more of it")
    return found[0]


def _search(lake: Lake, sources: str, clips: str, parameters: dict[str, str]) -> list[Found]:
    rows = lake.con.execute(
        f"SELECT 'source', s.source_id, s.source_id, s.path FROM lake.sources s WHERE {sources} "
        "UNION ALL SELECT 'clip', c.clip_id, c.source_id, s.path "
        f"FROM lake.clips c JOIN lake.sources s USING (source_id) WHERE {clips} ORDER BY ALL",
        parameters,
    ).fetchall()
    return [Found(FoundKind(kind), name, source_id, Path(path)) for kind, name, source_id, path in rows]


def _row_of(lake: Lake, table: str, clip_id: str) -> dict[str, Any]:
    found = lake.con.execute(f"SELECT * FROM lake.{table} WHERE clip_id = ?", [clip_id]).to_arrow_table()
    if found.num_rows != 1:
        raise UnknownName(f"no clip {clip_id!r} in {table}")
    return row_at(found.combine_chunks().to_batches()[0], 0)


def _array(values: pa.Array, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=dtype)
