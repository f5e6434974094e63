"""Do the lips meet where speech needs them to: at the p, b or m that begins a word.

Word times are a recogniser's and may be off by 100 ms, so the truth decides: an event is the frame near such a word's
start at which the true lips come nearest, if they do meet there. Lip gaps are [T] in mm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.arrays import Float32
from schemas.speech import Word
from schemas.units import FRAME_RATE

LABIALS: Final = ("p", "b", "m")
CLOSED_MM: Final = 2.0  # what landmark fits leave of a shut mouth
_OPEN_MM: Final = 2 * CLOSED_MM
_BEFORE_FRAMES, _AFTER_FRAMES = 3, 4
_SLACK_FRAMES: Final = 1


@dataclass(frozen=True, slots=True)
class Closure:
    """``recall``: share of the events at which the prediction closes too; a mouth that stays shut has them all.
    ``auc``: how often the prediction is nearer to closed at an event than at a frame in which the true mouth is open;
    a mouth that does not move has 0.5. nan where there is nothing to count; the numbers counted are the weights."""

    recall: float
    auc: float
    n_events: int
    n_pairs: int


def closing_frames(truth_gap: Float32, words: Sequence[Word], span: slice) -> npt.NDArray[np.intp]:
    """The events: frames at which the true lips meet for the first sound of one of ``words``, within ``span``."""
    events = set()
    for word in words:
        if not word.text.strip().lower().startswith(LABIALS):
            continue
        # A recogniser likes to start the first word with the silence before it.
        start = max(round(word.start_s * FRAME_RATE), span.start)
        window = slice(max(start - _BEFORE_FRAMES, span.start), min(start + _AFTER_FRAMES + 1, span.stop))
        near = truth_gap[window]
        if near.size and near.min() <= CLOSED_MM:
            events.add(window.start + int(near.argmin()))
    return np.array(sorted(events), np.intp)


def closure(truth_gap: Float32, predicted_gap: Float32, words: Sequence[Word], span: slice) -> Closure:
    """Closures of the prediction at the events of ``words`` within ``span``, a frame of slack either way."""
    events = closing_frames(truth_gap, words, span)
    if events.size == 0:
        return Closure(float("nan"), float("nan"), 0, 0)
    slack = np.arange(-_SLACK_FRAMES, _SLACK_FRAMES + 1)
    nearest = predicted_gap[np.clip(events[:, None] + slack, 0, len(predicted_gap) - 1)].min(axis=1)
    recall = float((nearest <= CLOSED_MM).mean())
    open_frames = np.flatnonzero(truth_gap[span] >= _OPEN_MM) + span.start
    if open_frames.size == 0:
        return Closure(recall, float("nan"), len(events), 0)
    # The same slack for both: a minimum over three frames of a curve at rest is no lower than over one.
    opened = predicted_gap[np.clip(open_frames[:, None] + slack, 0, len(predicted_gap) - 1)].min(axis=1)
    difference = opened - nearest[:, None]
    auc = float((difference > 0).mean() + 0.5 * (difference == 0).mean())
    return Closure(recall, auc, len(events), int(difference.size))
