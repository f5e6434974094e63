"""Refusals that are known only at the commit, where everything kept so far is."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

import pyarrow as pa
import pyarrow.compute as pc

from schemas.record import SourceStatus
from schemas.tables import CLIPS, SOURCES
from schemas.verdict import Reason


def refuse(tables: Mapping[str, pa.Table], clip_ids: AbstractSet[str], reason: Reason) -> dict[str, pa.Table]:
    """``tables`` of one commit with the clips ``clip_ids`` refused for ``reason``, and the sources that kept no other
    clip."""
    out = dict(tables)
    if clip_ids:
        out["clips"] = _refuse(tables["clips"], clip_ids, reason)
        out["sources"] = _without_kept_clips(tables["sources"], out["clips"], reason)
    return out


def _refuse(clips: pa.Table, clip_ids: AbstractSet[str], reason: Reason) -> pa.Table:
    hit = pc.is_in(clips["clip_id"], value_set=pa.array(sorted(clip_ids)))
    clips = clips.set_column(clips.schema.get_field_index("keep"), "keep", pc.and_not(clips["keep"], hit))
    reasons = pc.if_else(hit, reason.value, clips["reason"])
    return clips.set_column(clips.schema.get_field_index("reason"), "reason", reasons).cast(CLIPS)


def _without_kept_clips(sources: pa.Table, clips: pa.Table, reason: Reason) -> pa.Table:
    """``sources`` with those refused that were curated and have no kept clip left."""
    still = pc.unique(clips.filter(clips["keep"])["source_id"])
    lost = pc.and_not(
        pc.equal(sources["status"], SourceStatus.CURATED.value), pc.is_in(sources["source_id"], value_set=still)
    )
    columns = {"status": SourceStatus.REFUSED.value, "reason": reason.value}
    for name, value in columns.items():
        sources = sources.set_column(sources.schema.get_field_index(name), name, pc.if_else(lost, value, sources[name]))
    return sources.cast(SOURCES)
