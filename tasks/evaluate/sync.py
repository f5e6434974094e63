"""Does what moves say what is heard? The sync model that curation judges recordings with, on what a row performs.

Every sound is encoded once, for all rows, seeds and spans; every performance once, against two sounds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from models.head.model import HeadModel
from models.sync.calibration import SyncCalibration
from models.sync.curve import in_step
from models.sync.features import mouth_mm
from models.sync.model import products_of
from schemas.arrays import Float32
from tasks.evaluate.records import Span

OFFSET: Final = "sync offset"
KNOWN: Final = "sync known"
CONFIDENCE: Final = "sync confidence"
MATCH: Final = "sync match"
PREFERRED: Final = "own sound preferred"
SYNC_MEASURES: Final = (OFFSET, KNOWN, CONFIDENCE, MATCH, PREFERRED)


class LipReader(Protocol):
    """``models.sync.model.SyncModel``."""

    @property
    def calibration(self) -> SyncCalibration: ...

    def see(self, mouth: Float32) -> Float32:
        """[T, E] of lips and chin [T, 126] in mm."""
        ...


@dataclass(frozen=True, slots=True)
class SyncJudge:
    """Who judges, and what it hears in each clip (embeddings [T, E], by clip_id); a clip that has no sound any more is
    not judged."""

    reader: LipReader
    heard: Mapping[str, Float32]

    def trial(self, clip_id: str, other_id: str) -> "SyncTrial | None":
        """Own sound against another clip's; None where either is missing."""
        own, other = self.heard.get(clip_id), self.heard.get(other_id)
        if own is None or other is None:
            return None
        return SyncTrial(self.reader, own, other[np.arange(len(own)) % len(other)])


@dataclass(frozen=True, slots=True)
class SyncTrial:
    """One clip's own sound and another's, as ``reader`` hears them, [T, E] both."""

    reader: LipReader
    own: Float32
    other: Float32

    def measures(self, frames: Float32, head: HeadModel, spans: Mapping[Span, slice]) -> dict[Span, dict[str, float]]:
        """Of frames [T, 58]. Where neither sound's offset can be told the lips say nothing, and prefer none."""
        lips = self.reader.see(mouth_mm(frames, head))
        own, other = products_of(lips, self.own), products_of(lips, self.other)
        return {span: self._measures(own[part], other[part]) for span, part in spans.items()}

    def _measures(self, own: Float32, other: Float32) -> dict[str, float]:
        reading, strange = (self.reader.calibration.reading(products) for products in (own, other))
        told = np.isfinite([reading.offset_ms, strange.offset_ms])
        return {
            OFFSET: reading.offset_ms,
            KNOWN: float(told[0]),
            CONFIDENCE: reading.confidence,
            MATCH: reading.p_match,
            PREFERRED: float(told.any() and in_step(own) > in_step(other)),
        }
