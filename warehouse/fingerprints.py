"""Which kept clips share audio sub-fingerprints with new ones."""

from collections.abc import Sequence

import numpy as np

from schemas.arrays import UInt32
from warehouse.lake import Lake


def fingerprints_sharing(lake: Lake, words: UInt32, without_sources: Sequence[str]) -> dict[str, UInt32]:
    """The fingerprints of kept clips that hold any of ``words`` [K], by clip id, other than those of
    ``without_sources``. One scan over the fingerprints, in bounded memory, however many clips there are."""
    found = lake.con.execute(
        "SELECT clip_id, fingerprint FROM lake.speech JOIN lake.clips USING (clip_id) "
        "WHERE keep AND NOT list_contains($sources, source_id) AND list_has_any(fingerprint, $words) ORDER BY clip_id",
        {"sources": list(without_sources), "words": words.tolist()},
    ).to_arrow_table()
    pairs = zip(found["clip_id"].to_pylist(), found["fingerprint"], strict=True)
    return {clip_id: np.asarray(fingerprint.values, np.uint32) for clip_id, fingerprint in pairs}
