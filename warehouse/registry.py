"""The registry: every model that was trained here, what it saw, how good it is, and which one the names stand for.

A model is a checkpoint folder and rows of ``models``, ``model_metrics`` and ``model_clips``, committed as one
snapshot; ``model_aliases`` is the history of decisions about names such as ``champion``, refusals included.
"""
# ruff: noqa: S608 - identifiers in SQL are constants of this package; values are quoted

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from schemas.licence import LicenceClass, most_restrictive
from schemas.tables import MODEL_TABLES
from schemas.version import Decision, DecisionKind, ModelMetric, ModelVersion, TrainedModel
from warehouse.checkpoints import checkpoint_digest, fetch, install
from warehouse.commit import commit, open_committer
from warehouse.connection import quoted
from warehouse.errors import AmbiguousName, NothingToRollBack, UnknownName
from warehouse.lake import Lake, Layout, missing_tables
from warehouse.promotion import PromotionRule, rule_on
from warehouse.selection import TRAIN, SelectedClips
from warehouse.shards import CommitInfo, CommitKind, stage

CHAMPION: Final = "champion"
LATEST: Final = "latest"
DIGEST_DIGITS: Final = 12
COMMIT_WAIT_S: Final = 600.0  # for a curation's commit to end


def register(
    root: Path, trained: TrainedModel, selected: SelectedClips, metrics: Iterable[ModelMetric], checkpoint: Path
) -> ModelVersion:
    """Copy a checkpoint into the warehouse and commit the model that it is; the same checkpoint is registered once.

    Raises ``InvalidCheckpoint``, ``UnknownName`` if its parent is not registered, and what
    ``warehouse.lake.committing`` does.
    """
    digest = checkpoint_digest(checkpoint)
    name = f"{trained.preset}-{digest[:DIGEST_DIGITS]}"
    with open_committer(root, COMMIT_WAIT_S) as lake:
        known = {version.version: version for version in versions(lake)}
        if trained.parent is not None and trained.parent not in known:
            raise UnknownName(f"no model {trained.parent!r} to be fine-tuned from; register it first")
        install(checkpoint, lake.layout.models, name, digest)
        if name in known:
            return known[name]
        inherited = [selected.licence_class] + ([known[trained.parent].licence_class] if trained.parent else [])
        version = ModelVersion(
            version=name,
            preset=trained.preset,
            snapshot=selected.snapshot,
            selection=selected.selection.model_dump_json(),
            train_hours=selected.hours(TRAIN),
            licence_class=most_restrictive(inherited),
            parent=trained.parent,
            n_parameters=trained.n_parameters,
            code_version=trained.code_version,
            created=datetime.now(UTC),
            checkpoint=f"models/{name}",
            checkpoint_sha256=digest,
        )
        rows = {
            "models": [asdict(version)],
            "model_metrics": [{"version": name, **asdict(metric)} for metric in metrics],
            "model_clips": [
                {"version": name, **{c: getattr(clip, c) for c in _CLIP_COLUMNS}, "path": str(clip.path)}
                for clip in selected.clips
            ],
        }
        _commit(lake, rows, trained.code_version)
    return version


def promote(
    root: Path,
    version: str,
    rule: PromotionRule,
    code_version: str,
    alias: str = CHAMPION,
    force: bool = False,
    beside: Sequence[ModelMetric] = (),
) -> Decision:
    """Move ``alias`` to ``version`` if ``rule`` allows it, or with ``force`` whatever it says; the decision, which is
    stored either way. ``beside`` are numbers of other versions on its clips, in rows of their names, measured since it
    was registered; they are stored with it. Raises ``UnknownName``, ``AmbiguousName``."""
    with open_committer(root, COMMIT_WAIT_S) as lake:
        candidate = resolve_version(lake, version).version
        holder = aliases(lake).get(alias)
        comparable = holder is not None and _evaluated_on(lake, holder) == _evaluated_on(lake, candidate)
        holder_metrics = metrics_of(lake, holder) if holder is not None and comparable else ()
        ruling = rule_on(rule, (*metrics_of(lake, candidate), *beside), holder, holder_metrics)
        kind, moved, reason = DecisionKind.PROMOTE, ruling.passes, ruling.reason
        if candidate == holder:
            moved, reason = False, f"{candidate} is {alias} already"
        elif force and not ruling.passes:
            kind, moved, reason = DecisionKind.FORCE, True, f"forced, though {ruling.reason}"
        return _decide(
            lake,
            code_version,
            Decision(
                alias=alias,
                number=len(decisions(lake, alias)) + 1,
                kind=kind,
                version=candidate,
                previous=holder,
                moved=moved,
                reason=reason,
                split=ruling.measure.split,
                span=ruling.measure.span,
                metric=ruling.measure.metric,
                measured=ruling.measured,
                threshold=ruling.threshold,
                set_at=datetime.now(UTC),
            ),
            beside,
        )


def rollback(root: Path, code_version: str, alias: str = CHAMPION) -> Decision:
    """Move ``alias`` back to the version it stood for before; again, to the one before that.

    Raises ``NothingToRollBack``.
    """
    with open_committer(root, COMMIT_WAIT_S) as lake:
        history = decisions(lake, alias)
        held = _held(history)
        if len(held) < 2:
            raise NothingToRollBack(f"{alias!r} has had no other version before; `xtalker models` lists them all")
        *_, before, now = held
        return _decide(
            lake,
            code_version,
            Decision(
                alias=alias,
                number=len(history) + 1,
                kind=DecisionKind.ROLLBACK,
                version=before,
                previous=now,
                moved=True,
                reason=f"rolled back from {now}",
                split=None,
                span=None,
                metric=None,
                measured=None,
                threshold=None,
                set_at=datetime.now(UTC),
            ),
        )


def versions(lake: Lake) -> tuple[ModelVersion, ...]:
    """Every registered model, oldest first."""
    return tuple(
        ModelVersion(**row | {"licence_class": LicenceClass(row["licence_class"])})
        for row in _rows(lake, "models", ModelVersion, "ORDER BY created, version")
    )


def metrics_of(lake: Lake, version: str) -> tuple[ModelMetric, ...]:
    """What was measured of a version, given by its whole name."""
    rows = _rows(lake, "model_metrics", ModelMetric, f"WHERE version = {quoted(version)} ORDER BY rowid")
    return tuple(ModelMetric(**row) for row in rows)


def decisions(lake: Lake, alias: str = CHAMPION) -> tuple[Decision, ...]:
    """Every decision about an alias, oldest first, those included that left it where it was."""
    return tuple(decision for decision in _all_decisions(lake) if decision.alias == alias)


def aliases(lake: Lake) -> dict[str, str]:
    """The version each alias stands for."""
    by_name = groupby(_all_decisions(lake), key=lambda decision: decision.alias)
    return {name: held[-1] for name, history in by_name if (held := _held(history))}


def resolve_version(lake: Lake, text: str) -> ModelVersion:
    """The version that ``text`` names: an alias, ``latest``, a version, or a unique beginning of one or of its hash.

    Raises ``UnknownName``, ``AmbiguousName``.
    """
    known = versions(lake)
    if text == LATEST and known:
        return known[-1]
    name = aliases(lake).get(text, text)
    found = [v for v in known if v.version == name] or [
        v for v in known if text and (v.version.startswith(text) or v.checkpoint_sha256.startswith(text))
    ]
    if not found:
        have = f"`xtalker models` lists the {len(known)} there are" if known else "`xtalker train` makes the first"
        raise UnknownName(f"no model is called {text!r}; {have}")
    if len(found) > 1:
        raise AmbiguousName(f"{text!r} could be {', '.join(v.version for v in found[:5])}; give more of it")
    return found[0]


def open_checkpoint(root: Path, version: ModelVersion) -> Path:
    """The folder with a version's checkpoint, to read on this machine; from an object store it is fetched once.

    Raises ``InvalidCheckpoint`` if what was fetched is not what was registered, ``StoreUnreachable``.
    """
    return fetch(Layout.of(root).models, version.version, version.checkpoint_sha256)


_CLIP_COLUMNS: Final = [name for name in MODEL_TABLES["model_clips"].names if name not in ("version", "path")]


def _all_decisions(lake: Lake) -> list[Decision]:
    rows = _rows(lake, "model_aliases", Decision, "ORDER BY alias, number")
    return [Decision(**row | {"kind": DecisionKind(row["kind"])}) for row in rows]


def _held(history: Iterable[Decision]) -> list[str]:
    """The versions an alias can be rolled back through, the current one last."""
    held: list[str] = []
    for decision in history:
        if not decision.moved:
            continue
        if decision.kind is DecisionKind.ROLLBACK:
            held.pop()
        else:
            held.append(decision.version)
    return held


def _evaluated_on(lake: Lake, version: str) -> set[str]:
    """The clips of a version that it was not trained on."""
    sql = f"SELECT clip_id FROM lake.model_clips WHERE version = {quoted(version)} AND split <> {quoted(TRAIN)}"
    return {clip_id for (clip_id,) in lake.con.execute(sql).fetchall()}


def _decide(lake: Lake, code_version: str, decision: Decision, beside: Sequence[ModelMetric] = ()) -> Decision:
    rows = {
        "model_metrics": [{"version": decision.version, **asdict(metric)} for metric in beside],
        "model_aliases": [asdict(decision)],
    }
    _commit(lake, {name: those for name, those in rows.items() if those}, code_version)
    return decision


def _commit(lake: Lake, rows: Mapping[str, Sequence[Mapping[str, Any]]], code_version: str) -> None:
    tables = {name: pa.Table.from_pylist(list(rows[name]), schema=MODEL_TABLES[name]) for name in rows}
    commit(lake, stage(tables, lake.layout.staging, CommitInfo(CommitKind.MODEL, lake.latest(), code_version)))


def _rows(
    lake: Lake, table: str, record: type[ModelVersion | ModelMetric | Decision], clauses: str
) -> list[dict[str, Any]]:
    """Rows of a table, the columns that are fields of ``record``; none in a warehouse older than the registry."""
    if table in missing_tables(lake):
        return []
    columns = ", ".join(field.name for field in fields(record))
    # values stand quoted in the SQL: DuckDB imports pandas, for more than a second, when it is handed any apart
    rows: list[dict[str, Any]] = (
        lake.con.execute(f"SELECT {columns} FROM lake.{table} {clauses}").to_arrow_table().to_pylist()
    )
    return rows
