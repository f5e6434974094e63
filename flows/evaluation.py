"""Measure a motion model on clips of the warehouse that it has not seen."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import Field

from flows.errors import CannotTrain
from flows.hearing import Ear
from flows.sounds import sounds_at_hand
from models.avatar.motion import to_frames
from models.avatar.protocol import MotionModel
from models.head.model import HeadModel
from schemas.config import StageConfig
from schemas.units import SAMPLE_RATE
from schemas.version import MODEL_ROW, ModelMetric
from tasks.evaluate.film import Soundtrack
from tasks.evaluate.records import EvaluateConfig, Evaluation, EvaluationClip, Row, Span
from tasks.evaluate.run import evaluate
from tasks.evaluate.sync import PREFERRED, SyncJudge
from warehouse.batches import stream_clips
from warehouse.selection import TRAIN, SelectedClip, SelectedClips

FEWEST_CLIPS: Final = 2  # for a shuffled row, and an interval
SHOWN_WARNINGS: Final = 6
_MAY_WIN: Final = (Row.OWN_MEAN,)  # an oracle


class EvaluationPlan(StageConfig):
    """How much of the warehouse is measured on. Beyond the limits clips are drawn, the same ones every time."""

    splits: tuple[str, ...] = Field(("sentences", "val"), min_length=1, description="sentences, val, test")
    max_clips: int = Field(200, ge=FEWEST_CLIPS)
    max_training_clips: int = Field(400, gt=0, description="for means and neighbours")
    measures: EvaluateConfig = Field(default_factory=EvaluateConfig)


def evaluate_on(
    root: Path,
    model: MotionModel,
    ear: Ear,
    selected: SelectedClips,
    plan: EvaluationPlan,
    head: HeadModel,
    judge: SyncJudge | None = None,
) -> Evaluation:
    """``model`` on the clips of ``plan.splits``, beside the rows that must lose; ``head`` is theirs.

    Raises what ``held_out_of`` does.
    """
    held_out = held_out_of(selected, plan)
    trained = drawn(selected.of(TRAIN), plan.max_training_clips)
    performed, learned_from = (_clips(root, ear, selected, wanted) for wanted in (held_out, trained))
    return evaluate(model, performed, learned_from, plan.measures, head, judge)


def held_out_of(selected: SelectedClips, plan: EvaluationPlan) -> tuple[SelectedClip, ...]:
    """The clips that are measured on. Raises ``CannotTrain`` if they are too few."""
    held_out = drawn(selected.of(*plan.splits), plan.max_clips)
    if len(held_out) < FEWEST_CLIPS:
        raise CannotTrain(
            f"only {len(held_out)} clips in {' and '.join(plan.splits)}: nothing to measure on. Curate more speakers, "
            "or hold clips back with --holdout"
        )
    return held_out


def drawn(clips: Sequence[SelectedClip], at_most: int) -> tuple[SelectedClip, ...]:
    """At most so many of ``clips``, which come sorted by their ids; ids are hashes, so an even comb is a fair draw."""
    if len(clips) <= at_most:
        return tuple(clips)
    return tuple(clips[i] for i in np.linspace(0, len(clips) - 1, at_most).round().astype(int))


def _clips(root: Path, ear: Ear, selected: SelectedClips, wanted: Sequence[SelectedClip]) -> list[EvaluationClip]:
    part = SelectedClips(selected.selection, selected.snapshot, tuple(wanted))
    return [
        EvaluationClip(
            clip_id=clip.row.clip_id,
            speaker_id=clip.row.speaker_id,
            frames=to_frames(clip.motion),
            shape=clip.motion.shape.copy(),
            features=ear.of_stored(clip.speech.features),
            words=clip.speech.words,
        )
        for clip in stream_clips(root, part)
    ]


def soundtracks(selected: SelectedClips, clip_ids: Sequence[str]) -> list[Soundtrack]:
    """The sound of these clips, for the films of a report; of those whose source is still there."""
    clips = [clip for clip_id in clip_ids if (clip := selected.by_id[clip_id]).path.is_file()]
    with sounds_at_hand(clips) as sounds:
        return [Soundtrack(clip.clip_id, sounds.of(clip), SAMPLE_RATE) for clip in clips]


def metrics_of(evaluation: Evaluation, champion: str | None = None) -> list[ModelMetric]:
    """Every cell of the table as the registry stores it; of a champion's evaluation its own row alone, by its name."""
    return [
        ModelMetric(
            split=score.split.value,
            span=score.span.value,
            metric=score.metric,
            row=champion or (MODEL_ROW if score.row is Row.MODEL else score.row.value),
            value=score.value,
            low=score.low,
            high=score.high,
            n=score.n_clips,
        )
        for score in evaluation.scores
        if np.isfinite([score.value, score.low, score.high]).all() and (champion is None or score.row is Row.MODEL)
    ]


def in_short(evaluation: Evaluation) -> list[str]:
    """What a person wants to know first: lips, sync, then the warnings that are sure."""
    lines = []
    for score in evaluation.scores:
        if score.metric in ("LVE", "gap correlation", PREFERRED) and score.span is Span.SPEECH:
            lines.append(
                f"{score.split.value:30s} {score.row.value:20s} {score.metric:19s} {score.value:6.3f} "
                f"[{score.low:.3f}, {score.high:.3f}]  {score.n_clips} clips"
            )
    grave = [w for w in evaluation.warnings if w.sure and w.span is Span.SPEECH and w.row not in _MAY_WIN]
    lines += [f"warning: {warning}" for warning in grave[:SHOWN_WARNINGS]]
    if len(evaluation.warnings) > SHOWN_WARNINGS:
        lines.append(f"{len(evaluation.warnings)} warnings in all are in the report")
    return lines
