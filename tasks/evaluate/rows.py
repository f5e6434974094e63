"""What performs beside the model: the controls that must lose and the baseline that must be beaten."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.avatar.motion import EXPRESSION, JAW
from models.head.model import HeadModel
from models.head.regions import Region
from models.metrics.neighbours import AudioNeighbours
from schemas.arrays import Float32
from schemas.speech import SpeechFeatures
from tasks.evaluate.records import EvaluationClip, Row

_MOVES_LIPS_M: Final = 5e-4  # at full strength


class Baselines:
    """Performances that need no model, learned from the training clips once."""

    def __init__(self, training: Sequence[EvaluationClip], neighbours: int, head: HeadModel) -> None:
        self._mean = np.concatenate([clip.frames for clip in training]).mean(axis=0)
        self._trajectory = _mean_trajectory(training)
        self._k = neighbours
        self._neighbours = AudioNeighbours.of(
            [clip.features.embedding for clip in training], [clip.frames for clip in training]
        )
        lips = head.expression_basis[head.mask(Region.LIPS)]
        self._mouth = np.flatnonzero(np.linalg.norm(lips, axis=1).max(axis=0) > _MOVES_LIPS_M)

    def perform(self, clip: EvaluationClip) -> dict[Row, Float32]:
        """Frames [T, 58] of every row that is not the model's."""
        n = clip.features.n_frames
        return {
            Row.TRUTH: clip.frames,
            Row.NEIGHBOURS: self._neighbours.motion_for(clip.features.embedding, self._k),
            # Past the longest training clip nothing but the mean is known.
            Row.MEAN_TRAJECTORY: np.concatenate([self._trajectory[:n], _held(self._mean, n - len(self._trajectory))]),
            Row.MEAN: _held(self._mean, n),
            Row.OWN_MEAN: _held(clip.frames.mean(axis=0), n),
            Row.FROZEN: self._frozen(clip.frames),
        }

    def _frozen(self, frames: Float32) -> Float32:
        still = frames.copy()
        still[:, EXPRESSION][:, self._mouth] = frames[0, EXPRESSION][self._mouth]
        still[:, JAW] = frames[0, JAW]
        return still


def derange(clips: Sequence[EvaluationClip], seed: int) -> list[int]:
    """For each clip the index of another, none its own and none twice: one cycle through all of them in random order,
    near to those of similar length so that little speech has to be repeated. Raises ``ValueError`` for one clip."""
    if len(clips) < 2:
        raise ValueError("shuffled audio needs at least two clips to evaluate; give more of them")
    shuffled = np.random.default_rng(seed).permutation(len(clips))
    cycle = sorted(shuffled.tolist(), key=lambda i: clips[i].features.n_frames // 25)
    driver = dict(zip(cycle, cycle[1:] + cycle[:1], strict=True))
    return [driver[i] for i in range(len(clips))]


def fitted(features: SpeechFeatures, n_frames: int) -> SpeechFeatures:
    """The speech cut to ``n_frames``, begun again where it is shorter."""
    index = np.arange(n_frames) % features.n_frames
    return SpeechFeatures(
        n_frames, features.envelope[index], features.f0_hz[index], features.embedding[index], features.embedding_model
    )


def _held(frame: Float32, n_frames: int) -> Float32:
    return np.repeat(frame[None].astype(np.float32), max(n_frames, 0), axis=0)


def _mean_trajectory(clips: Sequence[EvaluationClip]) -> Float32:
    """[longest T, 58] the mean, at each frame, of the clips that last so long."""
    longest = max(clip.features.n_frames for clip in clips)
    summed = np.zeros((longest, clips[0].frames.shape[1]))
    lasting = np.zeros((longest, 1))
    for clip in clips:
        summed[: clip.features.n_frames] += clip.frames
        lasting[: clip.features.n_frames] += 1
    return np.asarray(summed / lasting, np.float32)
