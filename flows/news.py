"""What is new in a warehouse: read from its catalogue alone, so that no event that was lost or sent twice matters."""

# ruff: noqa: S608 - snapshot numbers are integers
from dataclasses import dataclass
from pathlib import Path

from flows.events import ModelPromoted, ModelRegistered, SnapshotPublished
from schemas.units import frames_to_seconds
from schemas.version import Decision, DecisionKind, ModelVersion
from warehouse.lake import Lake, reading, require_snapshot
from warehouse.registry import CHAMPION, decisions, versions
from warehouse.shards import CommitKind
from warehouse.snapshots import list_snapshots

_BRINGS_DATA = (CommitKind.CURATE, CommitKind.REGATE)


@dataclass(frozen=True, slots=True)
class NewClips:
    """Kept clips that one snapshot has and an earlier one had not."""

    clips: int
    minutes: float


@dataclass(frozen=True, slots=True)
class SnapshotNews:
    """A snapshot to be announced. ``commit_id`` is its name for ever, also in a catalogue that was rebuilt."""

    commit_id: str
    published: SnapshotPublished


def kept_since(lake: Lake, before: int | None, after: int) -> NewClips:
    """What snapshot ``after`` keeps and ``before`` did not, refused or absent; without ``before`` all that it keeps.

    Raises ``UnknownSnapshot``.
    """
    sql = f"SELECT count(*), coalesce(sum(n_frames), 0) FROM lake.clips AT (VERSION => {after}) WHERE keep"
    require_snapshot(lake, after)
    if before is not None:
        require_snapshot(lake, before)
        sql += f" AND clip_id NOT IN (SELECT clip_id FROM lake.clips AT (VERSION => {before}) WHERE keep)"
    ((clips, frames),) = lake.con.execute(sql).fetchall()
    return NewClips(int(clips), frames_to_seconds(int(frames)) / 60)


def snapshot_news(root: Path, told: str | None) -> SnapshotNews | None:
    """The newest snapshot that brought data, unless it is that of commit ``told``, the last that was announced; its
    new clips are those since that one. None too for a warehouse without data. Raises what ``reading`` does."""
    with reading(root) as lake:
        brought = [s for s in list_snapshots(lake) if s.kind in _BRINGS_DATA]
        if not brought or brought[-1].commit_id == told:
            return None
        newest = brought[-1]
        before = next((s.snapshot_id for s in brought if s.commit_id == told), None)
        new = kept_since(lake, before, newest.snapshot_id)
    published = SnapshotPublished(
        warehouse=str(root), snapshot_id=newest.snapshot_id, new_hours=new.minutes / 60, clips_kept=new.clips
    )
    return SnapshotNews(newest.commit_id, published)


def decided_on(lake: Lake, version: str) -> Decision | None:
    """The last decision that was asked for about making this version champion; a rollback is none about it."""
    asked = [d for d in decisions(lake, CHAMPION) if d.version == version and d.kind is not DecisionKind.ROLLBACK]
    return asked[-1] if asked else None


def undecided_version(lake: Lake) -> ModelVersion | None:
    """The newest version, if nobody has asked whether it becomes champion."""
    newest = versions(lake)[-1:]
    return next((version for version in newest if decided_on(lake, version.version) is None), None)


def last_move(lake: Lake) -> Decision | None:
    """The decision that made the champion what it is."""
    return next((decision for decision in reversed(decisions(lake, CHAMPION)) if decision.moved), None)


def registered(root: Path, version: ModelVersion) -> ModelRegistered:
    """What there is to say of a new version."""
    return ModelRegistered(
        warehouse=str(root),
        version=version.version,
        snapshot=version.snapshot,
        data_minutes=round(60 * version.train_hours, 2),
        licence_class=version.licence_class.value,
    )


def promoted(root: Path, decision: Decision) -> ModelPromoted:
    """What there is to say of a decision that moved an alias."""
    return ModelPromoted(
        warehouse=str(root),
        version=decision.version,
        alias=decision.alias,
        previous=decision.previous,
        reason=decision.reason,
    )
