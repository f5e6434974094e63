"""Phonemes to mouths, as people make them: what each sound asks of jaw and lips, and how neighbours blend.

Targets, firmness and reach of every sound were learned from fits to GRID clips (``models/data/MOUTHS.md``). Neighbours
blend by dominance functions (Cohen and Massaro, "Modeling coarticulation in synthetic visual speech", 1993), apart for
the jaw, the corners of the mouth and the lips: an s insists on a jaw and leaves the lips to the vowel beside it.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.arrays import Float32
from schemas.speech import Phone

_TABLE: Final = Path(__file__).parent.parent / "data" / "mouths.tsv"
BOTH: Final = ("Left", "Right")

ONSET, OFFSET = "onset", "offset"  # of speech: lips part before the first sound, and come to rest after the last
PAUSE: Final = " "  # Piper's symbol between words; in a recording, of silence
_OFFSET_S: Final = 0.24
_ROW_OF: Final = {PAUSE: "pause"}
LEAD_S: Final = 0.007  # of the mouth before the sound, in the mean speaker
_FALL_OFF: Final = 3.0

_JAW_GROUP, _CORNERS_GROUP, _LIPS_GROUP = range(3)
_CORNERS: Final = ("Funnel", "Pucker", "Stretch", "Smile", "Dimple", "Frown")


@dataclass(frozen=True, slots=True)
class Mouths:
    """The mouth of every sound: S sounds, C channels, of which the first is the jaw in radians and the others are
    ``actions``, all relative to the speaker's rest."""

    row: dict[str, int]
    actions: tuple[str, ...]  # ARKit's, without the Left/Right of paired ones
    targets: Float32  # [S, C]
    firmness: Float32  # [S, 3] of jaw, corners, lips
    before_s: Float32  # [S] how far a sound reaches into what precedes it
    after_s: Float32  # [S]

    def of_someone(self, opening: float, articulation: float, variety: float, rng: np.random.Generator) -> "Mouths":
        """The mouths of a person who opens the jaw ``opening`` and moves the lips ``articulation`` times as far as
        the mean, and makes each sound in an own way, by about ``variety`` of its size."""
        own = np.exp(rng.normal(0, variety, self.targets.shape)).astype(np.float32)
        gain = np.full(self.targets.shape[1], articulation, np.float32)
        gain[0] = opening
        return replace(self, targets=self.targets * own * gain)


@cache
def load_mouths() -> Mouths:
    """The mean speaker's mouths, read once per process."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    names = list(rows[0])
    actions = tuple(names[names.index("jaw_rad") + 1 :])

    def columns(*wanted: str) -> Float32:
        return np.array([[float(row[name]) for name in wanted] for row in rows], np.float32)

    return Mouths(
        row={row["sound"]: k for k, row in enumerate(rows)},
        actions=actions,
        targets=columns("jaw_rad", *actions),
        firmness=columns("firm_jaw", "firm_corners", "firm_lips"),
        before_s=columns("before_s")[:, 0],
        after_s=columns("after_s")[:, 0],
    )


def mouth_curves(
    mouths: Mouths,
    phones: Sequence[Phone],
    times_s: Float32,
    action_names: Sequence[str],
    force: Float32 | None = None,
    onset_s: float = 0.2,
) -> tuple[Float32, Float32]:
    """The mouth at ``times_s`` [T] while ``phones`` are spoken, relative to rest.

    ``force`` [len(phones)] scales what each sound asks for; ``onset_s`` is how long before speech the lips part.
    Returns the jaw's opening [T] in radians and action weights [T, len(action_names)]; actions that speech does not
    move stay zero. Raises ``KeyError`` for a sound without a mouth.
    """
    forces = np.ones(len(phones), np.float32) if force is None else force
    sounds, starts, stops, scale = _with_onsets(phones, forces, onset_s)
    rows = np.array([mouths.row[_ROW_OF.get(s, s)] for s in sounds])
    share = _shares(mouths, rows, starts - LEAD_S, stops - LEAD_S, times_s)
    targets = mouths.targets[rows] * scale[:, None]
    group = np.array([_JAW_GROUP, *(_group(name) for name in mouths.actions)])
    channels = np.empty((len(times_s), targets.shape[1]), np.float32)
    for g in (_JAW_GROUP, _CORNERS_GROUP, _LIPS_GROUP):
        channels[:, group == g] = share[g] @ targets[:, group == g]
    return channels[:, 0], spread(mouths, channels[:, 1:], action_names)


def spread(mouths: Mouths, channels: Float32, action_names: Sequence[str]) -> Float32:
    """Weights [T, len(action_names)] of single actions out of ``channels`` [T, len(mouths.actions)], which hold paired
    ones once."""
    weights = np.zeros((len(channels), len(action_names)), np.float32)
    index = {name: k for k, name in enumerate(action_names)}
    for k, name in enumerate(mouths.actions):
        for key in (name, *(name + side for side in BOTH)):
            if key in index:
                weights[:, index[key]] = channels[:, k]
    return weights


def _group(action: str) -> int:
    if action == "jawForward":
        return _JAW_GROUP
    return _CORNERS_GROUP if action.endswith(_CORNERS) else _LIPS_GROUP


def _with_onsets(
    phones: Sequence[Phone], force: Float32, onset_s: float
) -> tuple[list[str], Float32, Float32, Float32]:
    """The phones as symbols, starts, stops and forces, with the end of every pause made an onset and its beginning an
    offset, half of it at most each."""
    out: list[tuple[str, float, float, float]] = []
    for k, phone in enumerate(phones):
        if phone.symbol != PAUSE:
            out.append((phone.symbol, phone.start_s, phone.stop_s, float(force[k])))
            continue
        half = (phone.stop_s - phone.start_s) / 2
        rest_from = phone.start_s + (min(_OFFSET_S, half) if k > 0 else 0.0)
        rest_to = phone.stop_s - (min(onset_s, half) if k < len(phones) - 1 else 0.0)
        out += [
            (symbol, start, stop, 1.0)
            for symbol, start, stop in (
                (OFFSET, phone.start_s, rest_from),
                (PAUSE, rest_from, rest_to),
                (ONSET, rest_to, phone.stop_s),
            )
            if stop > start
        ]
    numbers = np.array([row[1:] for row in out], np.float32)
    return [row[0] for row in out], numbers[:, 0], numbers[:, 1], numbers[:, 2]


def _shares(mouths: Mouths, rows: npt.NDArray[np.intp], starts: Float32, stops: Float32, times_s: Float32) -> Float32:
    """Share of every phone in the mouth at every instant, [3, T, len(rows)], summing to 1 over the phones."""
    centre, half = (starts + stops) / 2, (stops - starts) / 2
    away = times_s[:, None] - centre
    reach = np.where(away < 0, half + mouths.before_s[rows], half + mouths.after_s[rows])
    fall_off = _FALL_OFF * (away / reach) ** 2
    log_weight = np.log(mouths.firmness[rows]).T[:, None] - fall_off
    weight = np.exp(log_weight - log_weight.max(axis=2, keepdims=True))
    share: Float32 = (weight / weight.sum(axis=2, keepdims=True)).astype(np.float32)
    return share
