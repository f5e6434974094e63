"""A file someone offers, and what a probe of it found."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Offer:
    """One file offered for curation, with the rights that travel with it into the warehouse."""

    path: Path
    dataset: str | None = None
    subject_id: str | None = None  # who speaks; splits are made by it
    licence: str | None = None
    consent: str | None = None


@dataclass(frozen=True, slots=True)
class SourceVideo:
    """A file that can be read: its content hash and what its container declares.

    ``width`` and ``height`` are those of the upright picture, after the rotation tag. ``video_start_s`` and
    ``audio_start_s`` are presentation times on the container's clock; frame 0 of everything downstream is
    presented at ``video_start_s``.
    """

    source_id: str
    sha256: str
    offer: Offer
    size_bytes: int
    duration_s: float
    width: int
    height: int
    fps: Fraction  # as declared; what is decoded is resampled by presentation time
    rotation_deg: int  # 0, 90, 180 or 270, counter-clockwise, to bring the picture upright
    video_stream: int
    audio_stream: int
    video_start_s: Fraction
    audio_start_s: Fraction
    video_shift_s: Fraction = Fraction(0)  # what pictures are presented later by than their stamps say


def source_id_of(sha256: str) -> str:
    """The identity of a source: the first 16 hex digits of its content hash."""
    return sha256[:16]
