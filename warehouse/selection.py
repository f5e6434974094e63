"""Selection: which clips of a snapshot a model may be trained on, and which of them it is tested on.

A snapshot, a SQL expression over its clips and the rights asked for name the same clips for ever. Of the speakers
trained on, some sentences are kept back too (split ``sentences``), so that new words and new faces are measured apart.
"""
# ruff: noqa: S608 - identifiers in SQL are constants of this package; the caller's expressions are checked

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from pydantic import Field

from schemas.config import StageConfig
from schemas.licence import LicenceClass, Use, classify, most_restrictive, permits
from schemas.units import frames_to_seconds
from warehouse.connection import quoted
from warehouse.errors import InconsistentLake, LicenceRefused, MixedHeadModels, NothingSelected
from warehouse.lake import reading
from warehouse.snapshots import latest_of_data
from warehouse.sql import session

TRAIN: Final = "train"
SENTENCES: Final = "sentences"  # of the speakers trained on, never trained on
GROUP_WORDS: Final = 4
SHOWN_LICENCES: Final = 5


class Selection(StageConfig):
    """Which clips, for which use. ``where`` and ``holdout`` see the columns of ``clips``, the ``head_model`` of their
    motion, and of their source its path, dataset, subject_id, licence and consent."""

    snapshot: int | None = Field(default=None, description="its number; None: the newest that brought data")
    where: str = Field(default="true", description="SQL expression over kept clips")
    splits: tuple[str, ...] = Field(default=(TRAIN, "val", "test"), description="by speaker, as curation made them")
    head_model: str | None = Field(default=None, description="of the clips' motion; None: the one that all have")
    licences: tuple[str, ...] = Field(
        default=(Use.ANY.value,),
        min_length=1,
        description="a use (commercial, research, any), classes or licence texts",
    )
    holdout_share: float = Field(default=0.05, ge=0, le=0.5, description="share of sentences never trained on")
    holdout: str | None = Field(
        default=None, description="SQL expression for clips never trained on, in place of the share of sentences"
    )


@dataclass(frozen=True, slots=True)
class SelectedClip:
    """A clip that was selected, with what training and its record need to know of it."""

    clip_id: str
    source_id: str
    speaker_id: str
    split: str  # "train", "val", "test", or "sentences"
    n_frames: int
    start_frame: int  # on the source's 25 fps timeline
    sync_shift_ms: float  # by which its sound was taken from later in the source
    path: Path  # of the source
    dataset: str | None
    licence: str | None
    language: str
    language_probability: float
    transcript: str


@dataclass(frozen=True)
class SelectedClips:
    """The clips of a selection, sorted by clip_id. ``selection`` names its snapshot and its head model."""

    selection: Selection
    snapshot: int
    clips: tuple[SelectedClip, ...]

    def of(self, *splits: str) -> tuple[SelectedClip, ...]:
        """The clips of these splits, sorted by clip_id."""
        return tuple(clip for clip in self.clips if clip.split in splits)

    def hours(self, *splits: str) -> float:
        """Hours of video of these splits; of all clips without any."""
        clips = self.of(*splits) if splits else self.clips
        return frames_to_seconds(sum(clip.n_frames for clip in clips)) / 3600

    @property
    def head_model(self) -> str:
        """Whose parameters their motion is."""
        if self.selection.head_model is None:
            raise ValueError("a selection that was carried out names its head model")
        return self.selection.head_model

    @cached_property
    def by_id(self) -> dict[str, SelectedClip]:
        return {clip.clip_id: clip for clip in self.clips}

    @property
    def licence_class(self) -> LicenceClass:
        """The most restrictive among the clips trained on."""
        return most_restrictive(map(classify, {clip.licence for clip in self.of(TRAIN)}))


def select_clips(root: Path, selection: Selection) -> SelectedClips:
    """The clips that ``selection`` names.

    Raises ``LicenceRefused`` if any of them may not be used as stated, ``MixedHeadModels`` if they are of several head
    models, ``InconsistentLake`` if one has no motion, ``NothingSelected``, ``NotReadOnly`` and ``SqlError`` for
    expressions that are none, and what ``warehouse.lake.reading`` does.
    """
    snapshot = selection.snapshot
    if snapshot is None:
        with reading(root) as lake:
            snapshot = latest_of_data(lake)
    rows = _rows(root, selection, snapshot)
    if not rows:
        raise NothingSelected(f"no kept clip of snapshot {snapshot} fits where {selection.where!r}; ask for less")
    counts = Counter(row.pop("head_model") for row in rows)
    if (motionless := counts.pop(None, 0)) > 0:
        raise InconsistentLake(f"{motionless} of {len(rows)} selected clips have no motion; `xtalker verify` says more")
    if len(counts) > 1:
        heads = ", ".join(f"{n} clips of {head!r}" for head, n in counts.most_common())
        raise MixedHeadModels(
            f"the numbers of one head model mean nothing to another, and these are {heads}; choose one with the SQL "
            f'"head_model = {quoted(counts.most_common(1)[0][0])}"'
        )
    clips = tuple(_clip(row, selection) for row in rows)
    _require_licences(clips, selection.licences)
    return SelectedClips(
        selection.model_copy(update={"snapshot": snapshot, "head_model": next(iter(counts))}), snapshot, clips
    )


def sentence_group(transcript: str) -> str:
    """What sentences that begin alike have in common: the first four words, without case and punctuation. Letters and
    digits are words of their own, for "C17" and "C 17" are one utterance in two spellings."""
    words = re.findall(r"[^\W\d_]+|\d+", transcript.casefold())
    return " ".join(words[:GROUP_WORDS])


def is_held_out(group: str, share: float) -> bool:
    """Whether sentences of this group are never trained on: the same in every warehouse. A clip without words has no
    sentence to hold out."""
    return bool(group) and int.from_bytes(hashlib.sha256(group.encode()).digest()[:8]) / 2**64 < share


def _rows(root: Path, selection: Selection, snapshot: int) -> list[dict[str, Any]]:
    splits = ", ".join(map(quoted, selection.splits))
    held = "NULL" if selection.holdout is None else f"coalesce((\n{selection.holdout}\n), false)"
    head = "true" if selection.head_model is None else f"coalesce(head_model = {quoted(selection.head_model)}, true)"
    with session(root, snapshot) as opened:
        for expression in filter(None, (selection.where, selection.holdout)):
            opened.check_expression(expression)
        rows: list[dict[str, Any]] = opened.query(
            "SELECT clip_id, source_id, speaker_id, split, n_frames, start_frame, path, dataset, licence, language, "
            "language_probability, transcript, head_model, coalesce(sync_shift_ms, 0) AS sync_shift_ms, "
            f"{held} AS held_out FROM clip_sources LEFT JOIN (SELECT clip_id, head_model FROM motion) USING (clip_id) "
            f"WHERE {head} AND keep AND split IN ({splits}) AND (\n{selection.where}\n) ORDER BY clip_id"
        ).to_pylist()
    return rows


def _clip(row: dict[str, Any], selection: Selection) -> SelectedClip:
    held_out = row.pop("held_out")
    if held_out is None:
        held_out = is_held_out(sentence_group(row["transcript"] or ""), selection.holdout_share)
    if row["split"] == TRAIN and held_out:
        row["split"] = SENTENCES
    return SelectedClip(**row | {"path": Path(row["path"]), "transcript": row["transcript"] or ""})


def _require_licences(clips: Iterable[SelectedClip], stated: tuple[str, ...]) -> None:
    counts = Counter(clip.licence for clip in clips)
    refused = {licence: n for licence, n in counts.most_common() if not permits(stated, licence)}
    if not refused:
        return
    shown = [
        f"  {n} clips, {classify(licence)}: {licence or 'no licence stated'}"
        for licence, n in list(refused.items())[:SHOWN_LICENCES]
    ]
    if len(refused) > SHOWN_LICENCES:
        shown.append(f"  and {len(refused) - SHOWN_LICENCES} licences more")
    texts = ", ".join(quoted(licence or "") for licence in refused)
    raise LicenceRefused(
        f"{sum(refused.values())} of {counts.total()} selected clips may not be used for {' or '.join(stated)!r}:\n"
        + "\n".join(shown)
        + f"\nLeave them out with the SQL \"coalesce(licence, '') NOT IN ({texts})\", or, where you have the right, "
        "state these licences too, by their class or text"
    )
