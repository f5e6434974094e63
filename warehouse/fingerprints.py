"""Which kept clips share audio sub-fingerprints with a new one: an inverted index, held in memory for a run.

Two aligned arrays sorted by hash, 8 bytes a fingerprint; a lookup is a binary search per hash, whatever the number
of clips. Read once from the lake, then fed with each clip the run keeps.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.arrays import UInt32
from warehouse.lake import Lake


@dataclass(frozen=True, slots=True)
class Candidate:
    """A clip that shares ``shared`` distinct sub-fingerprints with the one looked up."""

    clip_id: str
    source_id: str
    shared: int


class FingerprintIndex:
    """The kept clips' sub-fingerprints, by hash."""

    def __init__(self) -> None:
        self._clips: list[tuple[str, str]] = []  # (clip_id, source_id), by clip number
        self._hashes: UInt32 = np.empty(0, np.uint32)
        self._numbers: UInt32 = np.empty(0, np.uint32)  # of the clip each hash belongs to
        self._recent: list[tuple[UInt32, int]] = []  # added since the last sort

    @classmethod
    def load(cls, lake: Lake) -> "FingerprintIndex":
        """The index over every kept clip of the lake."""
        index = cls()
        table = lake.con.execute(
            "SELECT clip_id, source_id, fingerprint FROM lake.speech JOIN lake.clips USING (clip_id) "
            "WHERE keep AND len(fingerprint) > 0"
        ).to_arrow_table()
        index._clips = list(zip(table["clip_id"].to_pylist(), table["source_id"].to_pylist(), strict=True))
        lists = table["fingerprint"].combine_chunks()
        if table.num_rows:
            lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
            numbers = np.repeat(np.arange(table.num_rows, dtype=np.uint32), lengths)
            index._sort(lists.flatten().to_numpy(zero_copy_only=False).astype(np.uint32, copy=False), numbers)
        return index

    def add(self, clip_id: str, source_id: str, hashes: UInt32) -> None:
        """Let later lookups find this clip too."""
        self._recent.append((np.unique(hashes), len(self._clips)))
        self._clips.append((clip_id, source_id))

    def lookup(self, hashes: UInt32) -> list[Candidate]:
        """The clips that share any of ``hashes`` (uint32 [K]), those that share most first."""
        self._absorb()
        wanted = np.unique(hashes)
        start = np.searchsorted(self._hashes, wanted, side="left")
        stop = np.searchsorted(self._hashes, wanted, side="right")
        hits = Counter[int]()
        for first, last in zip(start.tolist(), stop.tolist(), strict=True):
            hits.update(self._numbers[first:last].tolist())
        candidates = [Candidate(*self._clips[number], shared) for number, shared in hits.items()]
        return sorted(candidates, key=lambda c: (-c.shared, c.clip_id))

    def _absorb(self) -> None:
        if self._recent:
            hashes = np.concatenate([self._hashes, *(h for h, _ in self._recent)])
            added = [np.full(len(h), number, np.uint32) for h, number in self._recent]
            self._recent.clear()
            self._sort(hashes, np.concatenate([self._numbers, *added]))

    def _sort(self, hashes: UInt32, numbers: npt.NDArray[np.uint32]) -> None:
        packed = np.unique((hashes.astype(np.uint64) << np.uint64(32)) | numbers)  # a clip's repeats count once
        self._hashes = (packed >> np.uint64(32)).astype(np.uint32)
        self._numbers = (packed & np.uint64(0xFFFF_FFFF)).astype(np.uint32)


def fingerprints_sharing(lake: Lake, words: UInt32, without_sources: Sequence[str]) -> dict[str, UInt32]:
    """The fingerprints of kept clips that hold any of ``words`` [K], by clip id, other than of ``without_sources``."""
    found = lake.con.execute(
        "SELECT clip_id, fingerprint FROM lake.speech JOIN lake.clips USING (clip_id) "
        "WHERE keep AND NOT list_contains($sources, source_id) AND list_has_any(fingerprint, $words)",
        {"sources": list(without_sources), "words": words.tolist()},
    ).to_arrow_table()
    pairs = zip(found["clip_id"].to_pylist(), found["fingerprint"], strict=True)
    return {clip_id: np.asarray(fingerprint.values, np.uint32) for clip_id, fingerprint in pairs}
