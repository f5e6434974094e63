"""Whose voice is it? With several faces in view, the voice belongs to the one whose mouth says it.

Enters: a candidate with its motion and what its sound lets expect of lips, and those that are in the picture while it
is. Leaves: in which frames the voice is the candidate's own, because it is alone, or because its mouth says the sound
and every other mouth does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from pydantic import Field

from models.avatar.motion import to_frames
from models.evidence.agreement import agreement
from models.evidence.readout import LipReadout, lips_of
from models.fit.basis import basis_of
from models.fit.replay import replay
from models.head.model import HeadModel
from models.metrics.logistic import log_odds_of
from schemas.arrays import Bool, Float32
from schemas.clip import Clip
from schemas.config import StageConfig
from schemas.motion import HeadMotion
from schemas.speech import SpeechTrack
from schemas.units import FRAME_RATE, SAMPLES_PER_FRAME
from tasks.sync import SyncReader

VERSION = "2"


class SpeakerConfig(StageConfig):
    window_s: float = Field(4.0, gt=0, description="over which mouths are compared: people take turns")
    least_window_s: float = Field(1.5, gt=0, description="a shorter meeting decides nothing")
    least_match: float = Field(0.2, ge=0, le=1, description="of the own mouth with the sound")
    least_lead: float = Field(2.0, ge=0, description="of that over the match of every other mouth, log odds")
    lag_frames: int = Field(15, ge=1, description="how far lips and voice may lie apart")


@dataclass(frozen=True, slots=True)
class Seen:
    """A face in the picture, moving."""

    clip: Clip
    frames: Float32  # [T, 58] models.avatar.motion
    lips: Float32  # [T, 2] models.evidence.readout.lips_of

    @classmethod
    def of(cls, clip: Clip, motion: HeadMotion, head: HeadModel) -> "Seen":
        return cls(clip, to_frames(motion), lips_of(replay(basis_of(head), motion).points))

    @property
    def start(self) -> int:
        return self.clip.start_frame

    @property
    def stop(self) -> int:
        return self.clip.start_frame + self.clip.n_frames


def own_voice(
    seen: Seen,
    others: Sequence[Seen],
    spoken: SpeechTrack,
    reader: SyncReader,
    readout: LipReadout,
    head: HeadModel,
    config: SpeakerConfig,
) -> Bool:
    """[T] in which frames of ``seen`` the voice in its sound, heard as ``spoken``, is known to be its own. ``others``
    are of the same source; a face in view that is none of them, too brief to be a candidate, say, leaves its frames
    unknown. Where ``spoken``'s embedding is not ``readout``'s, ``reader`` tells alone."""
    clip = seen.clip
    expected = readout.expected(spoken.embedding) if spoken.embedding_model == readout.embedding_model else None

    def match(face: Seen, start: int, stop: int) -> float:
        shown, said = slice(start - face.start, stop - face.start), slice(start - seen.start, stop - seen.start)
        sound = clip.audio[said.start * SAMPLES_PER_FRAME : said.stop * SAMPLES_PER_FRAME]
        by_sync = reader.read(face.frames[shown], sound, head).p_match
        if expected is None:
            return by_sync
        found = agreement(face.lips[shown], expected[said], face.clip.present[shown], config.lag_frames)
        return by_sync if found is None else readout.p_match(found.correlation, by_sync)

    silent = np.zeros(clip.n_frames, np.int32)  # other faces that are known not to say it
    for other in others:
        low, high = max(seen.start, other.start), min(seen.stop, other.stop)
        for start, stop in _windows(low, high, config):
            if says(match(seen, start, stop), match(other, start, stop), config):
                silent[start - seen.start : stop - seen.start] += 1
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
