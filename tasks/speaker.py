"""Whose voice is it? With several faces in view, the voice belongs to the one whose mouth says it.

Enters: a candidate with its motion, and those that are in the picture while it is. Leaves: in which frames the voice is
the candidate's own, because it is alone, or because its mouth says the sound and every other mouth does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from pydantic import Field

from models.avatar.motion import to_frames
from models.head.model import HeadModel
from models.metrics.logistic import log_odds_of
from schemas.arrays import Bool, Float32
from schemas.clip import Clip
from schemas.config import StageConfig
from schemas.motion import HeadMotion
from schemas.units import FRAME_RATE, SAMPLES_PER_FRAME
from tasks.sync import SyncReader

VERSION = "1"


class SpeakerConfig(StageConfig):
    window_s: float = Field(4.0, gt=0, description="over which mouths are compared: people take turns")
    least_window_s: float = Field(1.5, gt=0, description="a shorter meeting decides nothing")
    least_match: float = Field(0.2, ge=0, le=1, description="of the own mouth with the sound")
    least_lead: float = Field(2.0, ge=0, description="of that over the match of every other mouth, log odds")


@dataclass(frozen=True, slots=True)
class Seen:
    """A face in the picture, moving."""

    clip: Clip
    frames: Float32  # [T, 58] models.avatar.motion

    @classmethod
    def of(cls, clip: Clip, motion: HeadMotion) -> "Seen":
        return cls(clip, to_frames(motion))

    @property
    def start(self) -> int:
        return self.clip.start_frame

    @property
    def stop(self) -> int:
        return self.clip.start_frame + self.clip.n_frames


def own_voice(seen: Seen, others: Sequence[Seen], reader: SyncReader, head: HeadModel, config: SpeakerConfig) -> Bool:
    """[T] in which frames of ``seen`` the voice in its sound is known to be its own. ``others`` are of the same source;
    a face in view that is none of them, too brief to be a candidate, say, leaves its frames unknown."""
    clip = seen.clip
    silent = np.zeros(clip.n_frames, np.int32)  # other faces that are known not to say it
    for other in others:
        low, high = max(seen.start, other.start), min(seen.stop, other.stop)
        for start, stop in _windows(low, high, config):
            own = slice(start - seen.start, stop - seen.start)
            sound = clip.audio[own.start * SAMPLES_PER_FRAME : own.stop * SAMPLES_PER_FRAME]
            ours = reader.read(seen.frames[own], sound, head).p_match
            theirs = reader.read(other.frames[start - other.start : stop - other.start], sound, head).p_match
            if says(ours, theirs, config):
                silent[own] += 1
    return np.asarray(silent >= clip.n_faces - 1)


def says(ours: float, theirs: float, config: SpeakerConfig) -> bool:
    """Whether a mouth with the match ``ours`` says the sound and one with ``theirs`` does not."""
    return ours >= config.least_match and log_odds_of(ours) - log_odds_of(theirs) >= config.least_lead


def meeting(candidates: Sequence[Clip]) -> list[list[Clip]]:
    """The candidates of one part in groups, in order: those of a group are in the picture together, or with a third
    that is. One face alone is a group of its own."""
    groups: list[list[Clip]] = []
    reached = -1
    for clip in sorted(candidates, key=lambda c: c.start_frame):
        if clip.start_frame < reached:
            groups[-1].append(clip)
        else:
            groups.append([clip])
        reached = max(reached, clip.start_frame + clip.n_frames)
    return groups


def _windows(low: int, high: int, config: SpeakerConfig) -> list[tuple[int, int]]:
    """``[low, high)`` in even parts of about the window's length; none if it is too short."""
    n = high - low
    if n < config.least_window_s * FRAME_RATE:
        return []
    parts = max(round(n / (config.window_s * float(FRAME_RATE))), 1)
    bounds = np.linspace(low, high, parts + 1).round().astype(int).tolist()
    return list(pairwise(bounds))
