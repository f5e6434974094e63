"""How the faces of known speakers differ from their mirror images."""

from collections.abc import Set as AbstractSet

import numpy as np

from schemas.arrays import Float32
from warehouse.lake import Lake

Faces = dict[str, dict[str, Float32]]  # by speaker and source: the asymmetry [A] of one clip of that video

MOST_VIDEOS = 50  # of one speaker: more would tell nothing new


def asymmetries_of(
    lake: Lake, speakers: AbstractSet[str], without_sources: AbstractSet[str], curation_key: str
) -> Faces:
    """The asymmetries of kept clips of ``speakers``, one of each source, but for ``without_sources``; of sources that
    were measured under ``curation_key``, for others may have been measured otherwise."""
    rows = lake.con.execute(
        "SELECT speaker_id, source_id, arg_min(asymmetry, clip_id) FROM lake.clips JOIN lake.motion USING (clip_id) "
        "JOIN lake.sources USING (source_id) "
        "WHERE keep AND asymmetry IS NOT NULL AND list_contains($speakers, speaker_id) AND curation_key = $key "
        "AND NOT list_contains($sources, source_id) GROUP BY speaker_id, source_id "
        "QUALIFY row_number() OVER (PARTITION BY speaker_id ORDER BY source_id) <= $most",
        {"speakers": sorted(speakers), "sources": sorted(without_sources), "key": curation_key, "most": MOST_VIDEOS},
    ).fetchall()
    faces: Faces = {}
    for speaker, source, face in rows:
        faces.setdefault(speaker, {})[source] = np.array(face, np.float32)
    return faces
