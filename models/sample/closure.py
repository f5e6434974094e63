"""Lips that meet where they must: blending alone leaves them apart when a p, b or m passes quickly.

Fits of people close to 1 mm in the median on p, b, m and w, around the sound's onset, however wide the vowels beside
them (``models/data/MOUTHS.md``). The missing way goes along the direction in which those people close.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.head.landmarks import INNER_LIPS
from models.head.model import HeadModel
from models.sample.mouths import Mouths, spread
from schemas.arrays import Float32
from schemas.speech import Phone

WIDEST_M: Final = {"p": 0.0003, "b": 0.0003, "m": 0.0005, "w": 0.0012, "f": 0.0022, "v": 0.0024}
_CLOSERS: Final = "pbm"
_OPENERS: Final = "aæɑɛeiɪoʌə"
_EARLIER_S: Final = 0.01  # the lips meet before the sound begins
_HELD_S: Final = 0.04  # at least, a frame
_SWIFTNESS_S: Final = 0.05
_JAW_STEP_RAD: Final = 0.1


@dataclass(frozen=True, slots=True)
class Closer:
    """One head's lips, linearised: ``gap_m = resting_m + jaw_m * jaw + action_m @ actions`` (metres; radians), and the
    movement that closes them by one metre."""

    resting_m: float
    jaw_m: float
    action_m: Float32  # [A]
    jaw: float
    actions: Float32  # [A]


def closer_of(head: HeadModel, shape: Float32, mouths: Mouths) -> Closer:
    """The lips of the head of ``shape`` [100] that close as ``mouths`` do."""
    n_actions = len(head.expression_names)
    corners, weights = (a[list(INNER_LIPS)] for a in (head.faces[head.landmark_face], head.landmark_weights))
    heights = (weights[..., None] * head.expression_basis[corners, 1]).sum(1)  # [2, A]
    jaw = np.zeros((2, 3), np.float32)
    jaw[1, 0] = _JAW_STEP_RAD
    still = np.zeros((2, 3), np.float32)
    posed = head.vertices(shape, np.zeros((2, n_actions), np.float32), still, jaw, np.zeros((2, 6), np.float32), still)
    gap = (posed[:, corners, 1] * weights).sum(-1) @ np.array([1.0, -1.0], np.float32)  # [2]
    action_m = heights[0] - heights[1]
    jaw_m = float(gap[1] - gap[0]) / _JAW_STEP_RAD

    def mean_of(sounds: str) -> Float32:
        return np.asarray(mouths.targets[[mouths.row[s] for s in sounds]].mean(axis=0), np.float32)

    way = mean_of(_CLOSERS) - mean_of(_OPENERS)
    actions = spread(mouths, way[None, 1:], head.expression_names)[0]
    closes_m = -(jaw_m * float(way[0]) + float(action_m @ actions))
    return Closer(float(gap[0]), jaw_m, action_m, float(way[0]) / closes_m, actions / np.float32(closes_m))


def close_lips(
    closer: Closer, phones: Sequence[Phone], times_s: Float32, jaw_rad: Float32, actions: Float32
) -> tuple[Float32, Float32]:
    """The curves ``jaw_rad`` [T] and ``actions`` [T, A] with the lips closed where ``phones`` ask for it."""
    gap_m = closer.resting_m + closer.jaw_m * jaw_rad + actions @ closer.action_m
    excess_m = np.zeros_like(jaw_rad)
    for phone in phones:
        if phone.symbol in WIDEST_M:
            start = phone.start_s - _EARLIER_S
            stop = max(start + _HELD_S, phone.stop_s - 2 * _EARLIER_S)
            outside = np.maximum(np.maximum(start - times_s, times_s - stop), 0) / _SWIFTNESS_S
            excess_m = np.maximum(excess_m, np.exp(-(outside**2)) * (gap_m - WIDEST_M[phone.symbol]))
    return jaw_rad + closer.jaw * excess_m, actions + excess_m[:, None] * closer.actions
