"""Deterministic windows: batch number k is a function of the seed, the data and k, and of nothing else.

An epoch lays a comb with one tooth a window over all clips end to end, so that each clip is met in proportion to its
length and at least once; the teeth come in random order, and each window begins at random within its tooth's part of
the clip. A run that stops can go on anywhere, with any number of workers: rank r of R takes rows r, r + R, ... of a
batch.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import torch
from pydantic import Field

from models.training.batch import Batch
from models.training.gather import Cut, gather
from models.training.mixture import Index, Mixture
from models.training.silence import CHANCES, draw_hush, hush
from schemas.arrays import Float32
from schemas.config import StageConfig
from schemas.speech import SpeechFeatures

VERSION = "2"
_OF_EPOCH, _OF_BATCH, _OF_NOISE = range(3)  # what a stream of random numbers is for
_CUT_CHANCES: Final = 3  # start, phase of the silence, reference


class WindowsConfig(StageConfig):
    """How windows are cut and changed."""

    seed: int = Field(0, ge=0)
    batch_size: int = Field(64, gt=0, description="windows a batch, over all workers")
    window_frames: int = Field(75, gt=0)
    overhang_frames: int = Field(
        16,
        ge=0,
        description="a window may reach so far past its clip's end; with 0, a clip no longer than a window is always "
        "met from its first frame on",
    )
    silence_share: float = Field(0.05, ge=0, le=1, description="of windows that fall silent, in part or wholly")
    whole_silence_share: float = Field(0.3, ge=0, le=1, description="of those, silent from end to end")
    blend_frames: int = Field(5, ge=0, description="the face comes to rest, and wakes, over so many frames")
    feature_noise: float = Field(0.0, ge=0, description="added to speech features, in their standard deviations")

    def for_validation(self) -> "WindowsConfig":
        """The same windows unchanged: nothing silenced or added."""
        return self.model_copy(update={"silence_share": 0.0, "feature_noise": 0.0})


class UnusableWindows(ValueError):
    """The windows asked for cannot be cut from this data."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """The windows of one epoch in the order in which they come (S of them)."""

    clip: Index  # [S]
    part: Index  # [S] which of the clip's windows of this epoch it is
    parts: Index  # [S] how many the clip has


class Windows:
    """Batches of windows of a mixture. ``silence`` is what the speech encoder makes of a silent sound (any length).

    Raises ``UnusableWindows`` if windows could be empty, or if silence is asked for and not given or comes from
    another encoder.
    """

    def __init__(self, mixture: Mixture, config: WindowsConfig, silence: SpeechFeatures | None = None) -> None:
        if config.overhang_frames >= config.window_frames:
            raise UnusableWindows("overhang_frames must be under window_frames, or a window may hold no frame")
        heard = mixture.packs[0].embedding_model
        if config.silence_share > 0 and (silence is None or silence.embedding_model != heard):
            raise UnusableWindows(f"silence_share is above 0: give the features of a silent sound by {heard!r}")
        self._mixture = mixture
        self._config = config
        self._silence = silence
        expected = mixture.passes * np.maximum(1.0, mixture.length / config.window_frames)
        self._reach = np.cumsum(expected)
        self._plan = lru_cache(maxsize=2)(self._make_plan)  # a batch may lie across two epochs

    @property
    def windows_per_epoch(self) -> int:
        return int(np.ceil(self._reach[-1]))

    @property
    def batches_per_epoch(self) -> int:
        """The last one goes on into the next epoch."""
        return -(-self.windows_per_epoch // self._config.batch_size)

    @property
    def digest(self) -> str:
        """The identity of the batches: equal digests give equal batches."""
        said = [VERSION, self._mixture.digest, self._config.model_dump()]
        hashed = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
        if self._silence is not None and self._config.silence_share > 0:
            for array in (self._silence.embedding, self._silence.envelope, self._silence.f0_hz):
                hashed.update(array.tobytes())
        return hashed.hexdigest()

    def batch(self, number: int, rank: int = 0, ranks: int = 1) -> Batch:
        """Batch ``number`` (from 0), or the rows of it that worker ``rank`` of ``ranks`` takes.

        Raises ``UnusableWindows`` if there are more workers than rows.
        """
        config = self._config
        if ranks > config.batch_size:
            raise UnusableWindows(f"{ranks} workers cannot share batches of {config.batch_size}: raise batch_size")
        mine = np.arange(rank, config.batch_size, ranks)
        rows = number * config.batch_size + mine
        # Everyone draws for the whole batch, so that nobody's rows depend on how many share it.
        rng = np.random.default_rng([config.seed, _OF_BATCH, number])
        chance = rng.random((_CUT_CHANCES + CHANCES, config.batch_size))[:, mine]
        begin, phase, refer = chance[:_CUT_CHANCES]

        clip, part, parts = self._clips_of(rows)
        length = self._mixture.length[clip]
        starts = np.maximum(length - config.window_frames + config.overhang_frames, 0) + 1
        start = np.minimum(((part + begin) / parts * starts).astype(np.int64), starts - 1)
        reference = (refer * length).astype(np.int64)

        frames = gather(self._mixture, Cut(clip, start, reference), config.window_frames)
        if config.feature_noise > 0:
            self._add_noise(frames.speech, rows)
        if self._silence is not None and config.silence_share > 0:
            silent = draw_hush(
                chance[_CUT_CHANCES:], phase, config.window_frames, config.silence_share, config.whole_silence_share
            )
            hush(frames, silent, self._silence, self._mixture.packs[0].live, config.blend_frames)
        return Batch(
            motion=torch.from_numpy(frames.motion),
            speech=torch.from_numpy(frames.speech),
            envelope=torch.from_numpy(frames.envelope),
            f0_hz=torch.from_numpy(frames.f0_hz),
            shape=torch.from_numpy(frames.shape),
            detail=None if frames.detail is None else torch.from_numpy(frames.detail),
            valid=torch.from_numpy(frames.inside),
            reference=torch.from_numpy(frames.reference),
            style=torch.from_numpy(frames.style),
        )

    def _clips_of(self, rows: Index) -> tuple[Index, Index, Index]:
        """Clip, part and parts of the windows numbered ``rows`` since training began."""
        epoch, slot = np.divmod(rows, self.windows_per_epoch)
        found = np.empty((3, len(rows)), np.int64)
        for number in np.unique(epoch):
            of_it = epoch == number
            plan = self._plan(int(number))
            found[:, of_it] = plan.clip[slot[of_it]], plan.part[slot[of_it]], plan.parts[slot[of_it]]
        return found[0], found[1], found[2]

    def _make_plan(self, epoch: int) -> _Plan:
        rng = np.random.default_rng([self._config.seed, _OF_EPOCH, epoch])
        n = self.windows_per_epoch
        teeth = (np.arange(n) + rng.random()) * (self._reach[-1] / n)
        clip = np.minimum(np.searchsorted(self._reach, teeth, side="right"), len(self._reach) - 1)
        first = np.searchsorted(clip, clip, side="left")
        parts = np.searchsorted(clip, clip, side="right") - first
        order = rng.permutation(n)
        return _Plan(clip[order], (np.arange(n) - first)[order], parts[order])

    def _add_noise(self, speech: Float32, rows: Index) -> None:
        scale = self._config.feature_noise * self._mixture.statistics.speech_std
        for features, row in zip(speech, rows, strict=True):
            rng = np.random.default_rng([self._config.seed, _OF_NOISE, int(row)])
            features += scale * rng.standard_normal(features.shape, np.float32)
