"""Lets windows fall silent: the voice stops, the mouth closes, the head all but stops, the eyes live on.

Clips are full of speech, and a model that hardly ever heard silence talks through it (Audio2Face-3D does the same).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models.avatar.motion import ROTATION
from models.training.gather import Frames
from models.training.mixture import Index
from schemas.arrays import Float32
from schemas.speech import SpeechFeatures

STILLNESS: Final = 0.15  # what stays of the head's motion about its mean over the silence
SHORTEST_FRAMES: Final = 8
CHANCES: Final = 4  # uniform numbers that say whether and when a window falls silent


@dataclass(frozen=True, slots=True)
class Hush:
    """Which of B windows fall silent, and when: frames [start, stop) of those of ``gather``; none: start = stop."""

    start: Index  # [B]
    stop: Index  # [B]
    phase: npt.NDArray[np.float64]  # [B] 0..1, where in the recorded silence it begins


def draw_hush(
    chance: npt.NDArray[np.float64], phase: npt.NDArray[np.float64], n_frames: int, share: float, whole_share: float
) -> Hush:
    """``share`` of the windows of ``n_frames`` fall silent, ``whole_share`` of those from end to end, out of the
    uniform numbers ``chance`` [4, B] and ``phase`` [B]."""
    falls, whole = chance[0] < share, chance[1] < whole_share
    shortest = min(SHORTEST_FRAMES, n_frames)
    length = shortest + (chance[2] * (n_frames - shortest + 1)).astype(np.int64)
    start = np.where(whole, 0, (chance[3] * (n_frames - length + 1)).astype(np.int64))
    stop = np.where(whole, n_frames, start + length)
    return Hush(np.where(falls, start, 0), np.where(falls, stop, 0), phase)


def hush(frames: Frames, silent: Hush, silence: SpeechFeatures, live: tuple[int, ...], blend_frames: int) -> None:
    """Change ``frames`` in place. The face blends into the clip's closed mouth, and out of it, within the silence;
    the motion columns ``live`` (gaze, lids) go on as they were. ``silence`` is repeated as needed."""
    rows = np.flatnonzero(silent.stop > silent.start)
    if not len(rows):
        return
    total = frames.motion.shape[1]
    time = np.arange(total)
    start, stop = silent.start[rows, None], silent.stop[rows, None]
    within = (time >= start) & (time < stop)
    heard = (time - start + (silent.phase[rows, None] * silence.n_frames).astype(np.int64)) % silence.n_frames
    for array, quiet in (
        (frames.speech, silence.embedding),
        (frames.envelope, silence.envelope),
        (frames.f0_hz, silence.f0_hz),
    ):
        where = within.reshape(*within.shape, *(1,) * (array.ndim - 2))
        array[rows] = np.where(where, quiet[heard], array[rows])

    weight = _weight(time, start, stop, total, blend_frames)[..., None]
    moving = frames.motion[rows]
    still = np.repeat(frames.rest[rows, None], total, axis=1)
    still[..., list(live)] = moving[..., list(live)]
    turn = moving[..., ROTATION]
    share = within[..., None] / within.sum(axis=1)[:, None, None]
    mean = (turn * share).sum(axis=1, keepdims=True)
    still[..., ROTATION] = mean + STILLNESS * (turn - mean)
    frames.motion[rows] = moving + weight * (still - moving)
    if frames.detail is not None and frames.rest_detail is not None:
        detail = frames.detail[rows]
        frames.detail[rows] = detail + weight * (frames.rest_detail[rows, None] - detail)


def _weight(time: Index, start: Index, stop: Index, total: int, blend_frames: int) -> Float32:
    """How far the face has come to rest [n, T], 0..1; no blend where the silence reaches an end of the frames."""
    ramp = blend_frames + 1
    since = np.where(start == 0, ramp, time - start + 1)
    until = np.where(stop == total, ramp, stop - time)
    linear = np.clip(np.minimum(since, until) / ramp, 0, 1)
    inside = (time >= start) & (time < stop)
    return np.asarray(np.where(inside, linear**2 * (3 - 2 * linear), 0), np.float32)
