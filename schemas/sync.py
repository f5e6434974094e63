"""How a clip's sound and lips lie to each other in time. Milliseconds; above 0 the sound comes after the lips."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SyncReading:
    """What was read of one clip. An offset that cannot be told is nan, and so is its drift: too little is said, or lips
    and sound do not belong together."""

    offset_ms: float
    drift_ms: float  # by how much the offset grows from the first frame to the last
    confidence: float  # 0..1, probability that the best offset is right within two frames
    p_in_sync: float  # 0..1, that lips and sound belong together and are within two frames of each other
    p_match: float  # 0..1, that they belong together at all, at whatever offset


@dataclass(frozen=True, slots=True)
class SyncScores:
    """What a clip's record keeps: the offset in the file, what was done about it, and how the clip is now. None where
    it cannot be told. ``ClipRecord.sync_model`` says who read it."""

    sync_offset_ms: float | None  # in the file
    sync_shift_ms: float  # by which the clip's sound was taken from later in the file; 0 where it was left
    sync_left_ms: float | None  # offset of the clip as it is now
    sync_drift_ms: float | None
    sync_confidence: float  # in the file's offset
    sync_p_in_sync: float  # of the clip as it is now
    sync_p_match: float  # likewise; where the lip readout can tell, by it as well (``tasks.sync.matched``)

    @classmethod
    def of(cls, found: SyncReading, shift_ms: float, now: SyncReading) -> "SyncScores":
        return cls(
            sync_offset_ms=_known(found.offset_ms),
            sync_shift_ms=shift_ms,
            sync_left_ms=_known(now.offset_ms),
            sync_drift_ms=_known(now.drift_ms),
            sync_confidence=found.confidence,
            sync_p_in_sync=now.p_in_sync,
            sync_p_match=now.p_match,
        )


def _known(read_ms: float) -> float | None:
    return None if math.isnan(read_ms) else read_ms
