"""What lies between two snapshots, for a person to read: numbers, the worst of what was judged, a few examples.

``warehouse.snapshots.diff`` names every id; here DuckDB counts, and lists are bounded, whatever the warehouse's size.
"""

# ruff: noqa: S608 - snapshot numbers are integers, identifiers are constants
from dataclasses import dataclass

from schemas.units import frames_to_seconds
from warehouse.lake import Lake, require_snapshot
from warehouse.snapshots import AUTHOR


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a snapshot holds."""

    sources: int
    clips: int
    kept: int
    kept_hours: float


@dataclass(frozen=True, slots=True)
class Change:
    """From ``before``, None where there was no warehouse, to ``after``; counts of the whole warehouse."""

    before: Holdings
    after: Holdings
    sources_added: int
    sources_removed: int
    clips_added: int
    clips_removed: int
    now_kept: int  # clips in both, refused before and kept after
    now_refused: int


@dataclass(frozen=True, slots=True)
class Judged:
    """A clip, or a file that gave none, and what decided against it; None where nothing did."""

    path: str
    clip_id: str | None
    keep: bool
    reason: str | None
    gate: str | None
    measured: float | None
    threshold: float | None
    face_px: float | None
    snr_db: float | None
    dnsmos_ovrl: float | None
    recon_nme: float | None  # per cent of the inter-ocular distance


@dataclass(frozen=True, slots=True)
class Example:
    """A clip to look at, and its file's size when it was curated."""

    clip_id: str
    keep: bool
    reason: str | None
    path: str
    size_bytes: int
    start_frame: int
    n_frames: int
    image_width: int
    image_height: int


def change_between(lake: Lake, before: int | None, after: int) -> Change:
    """Count what changed. Raises ``UnknownSnapshot``."""
    added, removed, now_kept, now_refused = _compared(lake, "clips", "clip_id", "keep", before, after)
    sources_added, sources_removed, *_ = _compared(lake, "sources", "source_id", "true", before, after)
    return Change(
        _holdings(lake, before), _holdings(lake, after), sources_added, sources_removed,
        added, removed, now_kept, now_refused,
    )  # fmt: skip


def judged_between(lake: Lake, before: int | None, after: int, at_most: int) -> tuple[list[Judged], int]:
    """Clips that are new in ``after`` or decided otherwise than in ``before``, and files that gave none, the worst
    first: refused files, refused clips by how far they missed, kept clips by the error of their fit. Also how many
    there are in all. Raises ``UnknownSnapshot``."""
    sql = f"""
        WITH new_clips AS ({_new(lake, "clips", "clip_id, keep", before, after)}),
        new_sources AS ({_new(lake, "sources", "source_id, curation_key, status", before, after)}),
        subjects AS (
            SELECT source_id, clip_id, keep, reason, face_px, snr_db, dnsmos_ovrl, recon_nme FROM new_clips
            UNION ALL BY NAME
            SELECT source_id, status = 'curated' AS keep, reason FROM new_sources
            ANTI JOIN (SELECT source_id FROM {_at("clips", after)}) USING (source_id)
        ),
        refusals AS (
            SELECT source_id, subject_id, reason, min_by(struct_pack(gate, measured, threshold), rowid) AS verdict
            FROM {_at("verdicts", after)} WHERE NOT keep GROUP BY ALL
        ),
        judged AS (
            SELECT path, clip_id, s.keep, s.reason, verdict, face_px, snr_db, dnsmos_ovrl, recon_nme,
                abs(verdict.measured - verdict.threshold) / (abs(verdict.measured) + abs(verdict.threshold)) AS missed
            FROM subjects s JOIN {_at("sources", after)} USING (source_id)
            LEFT JOIN refusals r ON r.source_id = s.source_id AND r.reason = s.reason
                AND (r.subject_id = s.clip_id OR s.clip_id IS NULL)
            QUALIFY row_number() OVER (PARTITION BY s.source_id, clip_id ORDER BY r.subject_id) = 1
        )
        SELECT path, clip_id, keep, reason, verdict.gate, verdict.measured, verdict.threshold,
            face_px, snr_db, dnsmos_ovrl, recon_nme, count(*) OVER ()
        FROM judged
        ORDER BY keep, clip_id IS NOT NULL, missed DESC NULLS LAST, recon_nme DESC, path, clip_id LIMIT {at_most}
    """
    rows = lake.con.execute(sql).fetchall()
    return [Judged(*row[:-1]) for row in rows], int(rows[0][-1]) if rows else 0


def examples_between(lake: Lake, before: int | None, after: int, at_most: int) -> list[Example]:
    """Clips as ``judged_between`` means them: first some refused, of every reason and no more than half where there are
    enough others; then kept ones, of many speakers.

    Raises ``UnknownSnapshot``.
    """
    sql = f"""
        WITH turns AS (
            SELECT *, row_number() OVER (PARTITION BY keep, coalesce(reason, speaker_id) ORDER BY clip_id) AS turn
            FROM ({_new(lake, "clips", "clip_id, keep", before, after)})
        )
        SELECT clip_id, t.keep, t.reason, path, size_bytes,
            start_frame, n_frames, image_width, image_height
        FROM turns t JOIN {_at("sources", after)} USING (source_id)
        QUALIFY row_number() OVER (PARTITION BY t.keep ORDER BY turn, clip_id) <= {at_most} ORDER BY turn, clip_id
    """
    found = [Example(*row) for row in lake.con.execute(sql).fetchall()]
    kept, refused = ([e for e in found if e.keep is keep] for keep in (True, False))
    n_refused = max(at_most // 2, at_most - len(kept))
    return [*refused[:n_refused], *kept[: at_most - min(len(refused), n_refused)]]


def _new(lake: Lake, table: str, identity: str, before: int | None, after: int) -> str:
    """A query for the rows of ``table`` at ``after`` whose ``identity`` there is none of at ``before``."""
    require_snapshot(lake, after)
    rows = f"SELECT * FROM {_at(table, after)}"
    if not _had_tables(lake, before):
        return rows
    return f"{rows} ANTI JOIN (SELECT {identity} FROM {_at(table, before)}) USING ({identity})"


def _compared(
    lake: Lake, table: str, identity: str, state: str, before: int | None, after: int
) -> tuple[int, int, int, int]:
    """Rows added and removed, and those in both whose ``state`` became true and became false."""
    require_snapshot(lake, after)
    old = f"SELECT {identity} AS id, {state} AS state FROM {_at(table, before)}"
    if not _had_tables(lake, before):
        old = f"SELECT {identity} AS id, {state} AS state FROM {_at(table, after)} WHERE false"
    ((added, removed, now_true, now_false),) = lake.con.execute(f"""
        SELECT count(*) FILTER (b.id IS NULL), count(*) FILTER (a.id IS NULL),
            count(*) FILTER (a.state AND NOT b.state), count(*) FILTER (b.state AND NOT a.state)
        FROM (SELECT {identity} AS id, {state} AS state FROM {_at(table, after)}) a FULL JOIN ({old}) b ON a.id = b.id
    """).fetchall()
    return added, removed, now_true, now_false


def _holdings(lake: Lake, at: int | None) -> Holdings:
    if not _had_tables(lake, at):
        return Holdings(0, 0, 0, 0.0)
    (row,) = lake.con.execute(
        f"SELECT (SELECT count(*) FROM {_at('sources', at)}), count(*), count(*) FILTER (keep), "
        f"coalesce(sum(n_frames) FILTER (keep), 0) FROM {_at('clips', at)}"
    ).fetchall()
    sources, clips, kept, frames = (int(value) for value in row)
    return Holdings(sources, clips, kept, frames_to_seconds(frames) / 3600)


def _had_tables(lake: Lake, at: int | None) -> bool:
    """Whether snapshot ``at`` is one of a warehouse: DuckLake's own first ones are older than the tables."""
    if at is None:
        return False
    require_snapshot(lake, at)
    sql = f"SELECT count(*) FROM ducklake_snapshots('lake') WHERE author = '{AUTHOR}' AND snapshot_id <= {at}"
    ((ours,),) = lake.con.execute(sql).fetchall()
    return bool(ours)


def _at(table: str, snapshot: int | None) -> str:
    return f"lake.{table} AT (VERSION => {snapshot})"
