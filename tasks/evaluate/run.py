"""Evaluate a motion model. Enters: the model, clips it has not seen, and the clips it was trained on. Leaves: an
``Evaluation`` whose warnings name every metric by which something that must lose does not.

All is measured on the mean head with its rotation removed (``models.metrics.surface``). Clips are the unit of the
bootstrap; speakers seen in training and unseen ones are never averaged together.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np

from models.avatar.motion import MOTION_DIM
from models.avatar.protocol import Condition, MotionModel
from models.head.model import HeadModel, load_open_head
from models.metrics.timing import best_lag
from schemas.arrays import Float32, admit
from schemas.speech import SpeechFeatures
from tasks.evaluate.measure import COLUMN, METRICS, Heard, Measures, Performer, diversity, measure
from tasks.evaluate.records import (
    Audit,
    ClipScore,
    EvaluateConfig,
    Evaluation,
    EvaluationClip,
    Played,
    Row,
    Span,
    Split,
)
from tasks.evaluate.rows import Baselines, derange, fitted
from tasks.evaluate.sync import SyncJudge, SyncTrial
from tasks.evaluate.tabulate import Measured, tabulate

VERSION = "1"
_BLIND_TO_FROZEN: Final = np.array([not metric.sees_mouth for metric in METRICS])


def evaluate(
    model: MotionModel,
    clips: Sequence[EvaluationClip],
    training: Sequence[EvaluationClip],
    config: EvaluateConfig,
    head: HeadModel | None = None,
    judge: SyncJudge | None = None,
) -> Evaluation:
    """Let ``model`` and all that stands beside it perform ``clips``. ``training`` gives the means, the neighbours and
    who has been seen. ``head`` is the open head if not given. Without a ``judge`` nothing is said of sync.

    Raises ``ValueError`` for fewer than two clips, no training clips, or a clip in both; ``InvalidArray`` if the model
    returns something other than finite frames [T, 58].
    """
    _require_apart(clips, training)
    head = head or load_open_head()
    baselines = Baselines(training, config.neighbours, head)
    seen = {clip.speaker_id for clip in training}
    drivers = derange(clips, config.pairing_seed)
    measured: list[Measured] = []
    audits: list[Audit] = []
    played: list[Played] = []
    for clip, driver in zip(clips, (clips[i] for i in drivers), strict=True):
        split = Split.SEEN if clip.speaker_id in seen else Split.UNSEEN
        heard = Heard.of(clip.features, clip.words)
        frames = {row: [own] for row, own in baselines.perform(clip).items()}
        frames[Row.MODEL] = _perform(model, clip, clip.features, config)
        frames[Row.SHUFFLED] = _perform(model, clip, fitted(driver.features, clip.features.n_frames), config)
        performers = {row: [Performer(own, head) for own in by_seed] for row, by_seed in frames.items()}
        truth = performers[Row.TRUTH][0]
        trial = None if judge is None else judge.trial(clip.clip_id, driver.clip_id)
        rows = {row: _of_row(row, truth, ours, heard, trial, head) for row, ours in performers.items()}
        measured.append(Measured(split, rows))
        audits.append(_audit(clip, split, driver, truth, performers[Row.MODEL], config))
        first = [frames[row][0] for row in (Row.TRUTH, Row.MODEL, Row.SHUFFLED)]
        played.append(Played(clip.clip_id, clip.shape, clip.features.envelope, heard.spans[Span.SPEECH], *first))
    table = tabulate(measured, config)
    return Evaluation(
        config=config,
        n_training_clips=len(training),
        warnings=table.warnings,
        scores=table.scores,
        differences=table.differences,
        audits=tuple(audits),
        per_clip=tuple(_per_clip(clips, measured)),
        played=tuple(played),
    )


def _require_apart(clips: Sequence[EvaluationClip], training: Sequence[EvaluationClip]) -> None:
    if not training:
        raise ValueError("no training clips: means and neighbours cannot be learned; give the clips of the train split")
    both = sorted({clip.clip_id for clip in clips} & {clip.clip_id for clip in training})
    if both:
        raise ValueError(f"{len(both)} clips are both trained and evaluated on ({both[0]}, ...); take them out of one")


def _perform(model: MotionModel, clip: EvaluationClip, speech: SpeechFeatures, config: EvaluateConfig) -> list[Float32]:
    """Frames [T, 58], once per seed."""
    condition = Condition(reference=clip.frames[0] if config.reference == "first" else None)
    wanted = (speech.n_frames, MOTION_DIM)
    # Each clip has chances of its own: with one seed for all, everyone would blink at the same instants.
    seeds = [int.from_bytes(hashlib.sha256(f"{seed}:{clip.clip_id}".encode()).digest()[:4]) for seed in config.seeds]
    return [
        admit("MotionModel.perform", model.perform(speech, clip.shape, condition, config.steps, seed), "f4", wanted)
        for seed in seeds
    ]


def _of_row(
    row: Row,
    truth: Performer,
    ours: Sequence[Performer],
    heard: Heard,
    trial: SyncTrial | None,
    head: HeadModel,
) -> dict[Span, tuple[Measures, Measures]]:
    """Values [S, M] and weights [M] of a row's S seeds on one clip, by span."""
    by_seed = [measure(truth, performer, heard) for performer in ours]
    in_step = [trial.measures(performer.frames, head, heard.spans) for performer in ours] if trial else []
    found = {}
    for span in Span:
        values = np.stack([seed[span][0] for seed in by_seed])
        for name, value in diversity(ours, heard.spans[span]).items():
            values[:, COLUMN[name]] = value
        for seed, found_of in enumerate(in_step):
            for name, value in found_of[span].items():
                values[seed, COLUMN[name]] = value
        if row is Row.FROZEN:
            # Where the mouth is not looked at this row is the truth itself.
            values[:, _BLIND_TO_FROZEN] = np.nan
        found[span] = (values, by_seed[0][span][1])
    return found


def _audit(
    clip: EvaluationClip,
    split: Split,
    driver: EvaluationClip,
    truth: Performer,
    ours: Sequence[Performer],
    config: EvaluateConfig,
) -> Audit:
    """Sync by the mean of the seeds' lip gaps: what the model is sure of."""
    gap = np.mean([performer.gap_mm for performer in ours], axis=0)
    lag = best_lag(truth.gap_mm, gap)
    return Audit(
        clip_id=clip.clip_id,
        speaker_id=clip.speaker_id,
        split=split,
        n_frames=clip.features.n_frames,
        driven_by=driver.clip_id,
        lag_frames=lag.frames,
        lag_correlation=lag.correlation,
        correlation=lag.correlation_at_zero,
        late=abs(lag.frames) >= config.late_frames and lag.correlation - lag.correlation_at_zero >= config.late_gain,
    )


def _per_clip(clips: Sequence[EvaluationClip], measured: Sequence[Measured]) -> list[ClipScore]:
    return [
        ClipScore(clip.clip_id, row, span, tuple(values.mean(axis=0).tolist()))
        for clip, found in zip(clips, measured, strict=True)
        for row, by_span in found.rows.items()
        for span, (values, _) in by_span.items()
    ]
