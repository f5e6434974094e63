"""Batches: the motion and speech of many clips, in one pass over the lake and in bounded memory.

Clips come in the order in which the snapshot's shards hold them: commit by commit, by clip_id within each. A snapshot
never changes, so neither does the order; a rebuild keeps it.
"""
# ruff: noqa: S608 - identifiers in SQL are constants of this package

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from schemas.motion import HeadMotion
from schemas.speech import SpeechTrack
from warehouse.errors import InconsistentLake
from warehouse.lake import Lake, reading
from warehouse.read import motion_of, row_at, speech_of
from warehouse.selection import SelectedClip, SelectedClips

BATCH_ROWS: Final = 32  # some 200 kB a clip of ten seconds, motion and speech together
MEMORY_LIMIT: Final = "1GB"  # of DuckDB's own; it holds the wanted ids and some row groups


@dataclass(frozen=True, slots=True)
class WarehouseClip:
    """One clip as the warehouse holds it. Its arrays are views of their batch: copy what is to outlive it."""

    row: SelectedClip
    motion: HeadMotion
    speech: SpeechTrack


def stream_clips(root: Path, selected: SelectedClips, *splits: str) -> Iterator[WarehouseClip]:
    """Every selected clip of ``splits``, or all of them without any, once.

    Raises ``InconsistentLake`` if a clip has no motion or no speech, and what ``warehouse.lake.reading`` does.
    """
    wanted = {clip.clip_id: clip for clip in (selected.of(*splits) if splits else selected.clips)}
    # one thread: rows then come in the order of the shards, from which both tables have the same clips
    with reading(root, selected.snapshot, threads=1, memory_limit=MEMORY_LIMIT) as lake:
        ids = pa.table({"clip_id": pa.array(wanted, pa.string())})
        found = 0
        for motion, speech in zip(_rows(lake, "motion", ids), _rows(lake, "speech", ids), strict=False):
            if motion["clip_id"] != speech["clip_id"]:
                raise InconsistentLake(
                    f"motion of clip {motion['clip_id']} lies where speech of {speech['clip_id']} does; "
                    "`xtalker verify` says more"
                )
            row = wanted[motion["clip_id"]]
            found += 1
            yield WarehouseClip(
                row, motion_of(motion), speech_of(speech, row.language, row.language_probability, row.transcript)
            )
        if found != len(wanted):
            raise InconsistentLake(
                f"{found} of {len(wanted)} selected clips have motion and speech; `xtalker verify` says more"
            )


def _rows(lake: Lake, table: str, ids: pa.Table) -> Iterator[dict[str, Any]]:
    cursor = lake.con.cursor()  # motion and speech are read in turn; a connection holds one result at a time
    cursor.register("wanted", ids)
    sql = f"SELECT * FROM lake.{table} WHERE clip_id IN (SELECT clip_id FROM wanted)"
    for batch in cursor.execute(sql).to_arrow_reader(BATCH_ROWS):
        for index in range(batch.num_rows):
            yield row_at(batch, index)
