"""Decide again which clips to keep, from stored scores, under another recipe; no video is touched.

All gates of ``tasks.judge`` are judged anew; what other gates said (a near duplicate, say) stands.
"""

from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from flows.curation import COMMIT_WAIT_S
from flows.recipe import Recipe
from schemas.record import SourceStatus
from schemas.tables import CLIPS, SOURCES, TABLES, VERDICTS
from tasks.judge import GATES, STAGE_VERSION, Thresholds
from warehouse.commit import commit, open_committer
from warehouse.lake import reading
from warehouse.read import table_of
from warehouse.shards import CommitInfo, CommitKind, stage
from warehouse.snapshots import Snapshot


def regate(warehouse: Path, recipe: Recipe) -> tuple[Snapshot | None, pa.Table]:
    """Judge every stored clip under ``recipe`` and commit what changed; the snapshot (None if nothing did) and the
    clips as they are now. Raises ``warehouse.errors.NoWarehouse``."""
    with reading(warehouse):  # a regate never makes a warehouse
        pass
    with open_committer(warehouse, wait_s=COMMIT_WAIT_S) as lake:
        clips, before = table_of(lake, "clips"), table_of(lake, "verdicts")
        verdicts = judge_table(clips, recipe.thresholds)
        ours = pc.is_in(before["gate"], value_set=pa.array([gate.name for gate in GATES]))
        decided = _decide(clips, verdicts, before.filter(pc.invert(ours)), recipe.tier)
        if decided.equals(clips) and _thresholds(before.filter(ours)) == _thresholds(verdicts):
            return None, clips
        sources = table_of(lake, "sources")
        tables = {name: schema.empty_table() for name, schema in TABLES.items()} | {
            "sources": _resettle(sources, decided),
            "clips": decided,
            "verdicts": verdicts,
        }
        info = CommitInfo(CommitKind.REGATE, lake.latest(), metadata.version("xtalker"), recipe.model_dump(mode="json"))
        return commit(lake, stage(tables, lake.layout.staging, info)), decided


def judge_table(clips: pa.Table, thresholds: Thresholds) -> pa.Table:
    """The verdicts of all gates on all ``clips``, as rows of the ``verdicts`` table, gate by gate."""
    n = clips.num_rows
    parts = []
    for gate in GATES:
        measured = clips[gate.score].to_numpy().astype(np.float64)  # nan where null
        threshold = float(getattr(thresholds, gate.name))
        keep = gate.keeps(measured, threshold)
        columns: dict[str, Any] = {
            "subject_id": clips["clip_id"].combine_chunks(),
            "source_id": clips["source_id"].combine_chunks(),
            "gate": pa.repeat(gate.name, n),
            "keep": keep,
            "reason": pc.if_else(keep, pa.scalar(None, pa.string()), gate.reason.value),
            "measured": pa.array(measured, from_pandas=True),
            "threshold": pa.repeat(threshold, n),
            "stage_version": pa.repeat(STAGE_VERSION, n),
            "detail": pa.repeat("", n),
        }
        parts.append(pa.table(columns).cast(VERDICTS))
    return pa.concat_tables(parts)


def _decide(clips: pa.Table, verdicts: pa.Table, standing: pa.Table, tier: str) -> pa.Table:
    """``clips`` with keep, reason and tier as the verdicts have it: the first refusal in gate order is the reason."""
    reasons: dict[str, str] = {}
    for part in (verdicts, standing):
        refusals = part.filter(pc.invert(part["keep"]))
        for clip_id, reason in zip(refusals["subject_id"].to_pylist(), refusals["reason"].to_pylist(), strict=True):
            reasons.setdefault(clip_id, reason)
    reason = [reasons.get(clip_id) for clip_id in clips["clip_id"].to_pylist()]
    changed = {"keep": [r is None for r in reason], "reason": reason, "tier": [tier] * clips.num_rows}
    return _with_columns(clips, changed).cast(CLIPS)


def _resettle(sources: pa.Table, clips: pa.Table) -> pa.Table:
    """``sources`` that have clips, with status and reason as their clips now have it."""
    reasons: dict[str, list[str | None]] = {}
    for source_id, reason in zip(clips["source_id"].to_pylist(), clips["reason"].to_pylist(), strict=True):
        reasons.setdefault(source_id, []).append(reason)
    mine = sources.filter(pc.is_in(sources["source_id"], value_set=pa.array(list(reasons), pa.string())))
    found = [reasons[source_id] for source_id in mine["source_id"].to_pylist()]
    kept = [None in r for r in found]
    status = [(SourceStatus.CURATED if k else SourceStatus.REFUSED).value for k in kept]
    reason = [None if k else max(r, key=r.count) for k, r in zip(kept, found, strict=True)]
    return _with_columns(mine, {"status": status, "reason": reason}).cast(SOURCES)


def _with_columns(table: pa.Table, columns: dict[str, list[Any]]) -> pa.Table:
    for name, values in columns.items():
        index = table.schema.get_field_index(name)
        table = table.set_column(index, table.schema.field(name), pa.array(values, table.schema.field(name).type))
    return table


def _thresholds(verdicts: pa.Table) -> set[tuple[str, float]]:
    pairs = verdicts.group_by(["gate", "threshold"]).aggregate([])
    return set(zip(pairs["gate"].to_pylist(), pairs["threshold"].to_pylist(), strict=True))
