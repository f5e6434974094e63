"""Who speaks, and in which split: by speaker, never by clip, so that a test speaker is never trained on.

Enters: a source and a track. Leaves: a speaker id and "train", "val" or "test". A speaker is known only where the
offer names a subject. Where it does not, the same person may be in any other unnamed file, so the clip can only be
trained on: "val" and "test" would leak.
"""

import hashlib

from pydantic import Field

from schemas.config import StageConfig
from schemas.source import Offer

VERSION = "1"


class SplitConfig(StageConfig):
    val_share: float = Field(0.1, ge=0, le=0.5, description="share of named speakers held out for validation")
    test_share: float = Field(0.1, ge=0, le=0.5, description="share of named speakers held out for testing")


def speaker_of(offer: Offer, source_id: str, track_index: int) -> str:
    """The offer's subject, within its dataset; or an id of its own for a face nobody named."""
    if offer.subject_id is None:
        return f"unnamed:{source_id}:{track_index}"
    return f"{offer.dataset}/{offer.subject_id}" if offer.dataset else offer.subject_id


def split_of(speaker_id: str, config: SplitConfig) -> str:
    """The speaker's split: stable under everything but the shares, whatever else is in the warehouse."""
    if speaker_id.startswith("unnamed:"):
        return "train"
    point = int.from_bytes(hashlib.sha256(speaker_id.encode()).digest()[:8]) / 2**64
    if point < config.test_share:
        return "test"
    return "val" if point < config.test_share + config.val_share else "train"
