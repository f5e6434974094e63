"""Windows with planted offsets: batch number k is a function of the seed, the data and k, and of nothing else."""

import hashlib
import json
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch import Tensor

from models.sync.changes import ChangesConfig, change_mouth, change_sound
from models.sync.clips import SyncClip, SyncClips
from models.sync.features import MELS_PER_FRAME, N_MELS, mouth_input, sound_input
from schemas.arrays import Float32
from schemas.config import StageConfig

Float64 = npt.NDArray[np.float64]

VERSION: Final = "2"
_QUIET_PERCENTILE: Final = 10.0
_QUIET_SPREAD: Final = 0.15  # decades


class SyncWindowsConfig(StageConfig):
    seed: int = Field(0, ge=0)
    batch_size: int = Field(48, gt=1)
    window_frames: tuple[int, int] = Field((40, 75), description="shortest and longest; the same within a batch")
    furthest_frames: float = Field(15.0, ge=0, description="offsets are planted up to so many frames either way")
    pace: tuple[float, float] = Field((0.85, 1.18), description="of sound and mouth together")
    overhang_frames: int = Field(5, ge=0, description="a window may reach so far past its clip")
    changes: ChangesConfig | None = Field(default_factory=ChangesConfig)

    def for_validation(self) -> "SyncWindowsConfig":
        return self.model_copy(update={"changes": None, "pace": (1.0, 1.0)})


@dataclass(frozen=True, slots=True)
class SyncBatch:
    """B windows of W frames, as the network takes them."""

    mouth: Tensor  # [B, W, 126]
    sound: Tensor  # [B, 4 * W, 40]
    late: Tensor  # [B] frames by which the sound comes after the lips; a fraction, too
    words: Tensor  # [B] int64; windows that share them are no strangers

    def to(self, device: torch.device | str) -> "SyncBatch":
        return SyncBatch(*(t.to(device, non_blocking=True) for t in (self.mouth, self.sound, self.late, self.words)))

    def pinned(self) -> "SyncBatch":
        return SyncBatch(*(t.pin_memory() for t in (self.mouth, self.sound, self.late, self.words)))


class SyncWindows:
    """Batches of windows; ``shares`` are bodies of clips with how much of every batch comes from each."""

    def __init__(self, shares: tuple[tuple[SyncClips, float], ...], config: SyncWindowsConfig) -> None:
        self._clips = [clips for clips, _ in shares]
        weights = np.array([weight for _, weight in shares], np.float64)
        self._weights = weights / weights.sum()
        self._config = config
        said = [VERSION, [c.digest for c in self._clips], self._weights.tolist(), config.model_dump()]
        self._digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        # Longer clips come up in proportion to their length.
        self._lengths = [np.diff(c.offset) / c.n_frames for c in self._clips]

    @property
    def digest(self) -> str:
        return self._digest

    def batch(self, number: int, rank: int = 0, ranks: int = 1) -> SyncBatch:
        """Batch ``number`` (from 0), or the rows of it that worker ``rank`` of ``ranks`` takes."""
        config = self._config
        rng = np.random.default_rng([config.seed, number])
        n_frames = int(rng.integers(config.window_frames[0], config.window_frames[1] + 1))
        sources = rng.choice(len(self._clips), config.batch_size, p=self._weights)
        clips = [self._clips[s].clip(int(rng.choice(len(self._lengths[s]), p=self._lengths[s]))) for s in sources]
        # Numbers of words are a body's own; the body is put in front.
        words = np.array([(int(s) << 40) + clip.words for s, clip in zip(sources, clips, strict=True)], np.int64)
        mouths, sounds, late = [], [], []
        for row in range(config.batch_size):
            own = np.random.default_rng([config.seed, number, row])
            if row % ranks != rank:
                continue
            mouth, sound, offset = _window(clips[row], clips[row - 1], n_frames, config, own)
            mouths.append(mouth)
            sounds.append(sound)
            late.append(offset)
        return SyncBatch(
            torch.from_numpy(mouth_input(np.stack(mouths))),
            torch.from_numpy(sound_input(np.stack(sounds))),
            torch.tensor(late, dtype=torch.float32),
            torch.from_numpy(words[rank::ranks].copy()),
        )


def _window(
    clip: SyncClip, other: SyncClip, n_frames: int, config: SyncWindowsConfig, rng: np.random.Generator
) -> tuple[Float32, Float32, float]:
    """A window's mouth [W, 126], sound [4 * W, 40], and by how many frames the sound comes after the mouth."""
    pace = float(rng.uniform(*config.pace))
    latest = max(len(clip.mouth) - pace * n_frames, 0.0) + config.overhang_frames
    start = float(rng.uniform(-config.overhang_frames, latest))
    late = float(rng.uniform(-config.furthest_frames, config.furthest_frames))
    mouth, sound = cut(clip, start, n_frames, late, rng, pace)
    if config.changes is not None:
        begin = float(rng.uniform(0, max(len(other.mouth) - n_frames, 1)))
        _, stranger = cut(other, begin, n_frames, 0.0, rng)
        mouth = change_mouth(mouth, config.changes, rng)
        sound = change_sound(sound, stranger, config.changes, rng)
    return mouth, sound, late


def cut(
    clip: SyncClip, start: float, n_frames: int, late: float, rng: np.random.Generator, pace: float = 1.0
) -> tuple[Float32, Float32]:
    """``n_frames`` frames of mouth from ``start`` on, and the sound that comes ``late`` frames after it; both ``pace``
    times as fast as they were."""
    mouth = _read(clip.mouth, start + pace * np.arange(n_frames, dtype=np.float64))
    instants = start + pace * (np.arange(MELS_PER_FRAME * n_frames) / MELS_PER_FRAME - late)
    return mouth, _heard(clip.sound, MELS_PER_FRAME * instants, rng)


def _read(track: Float32, at: Float64) -> Float32:
    """Rows of ``track`` [n, d] at fractional places ``at`` [m]; past the ends the end is held."""
    at = np.clip(at, 0, len(track) - 1.001)
    below = at.astype(np.intp)
    part = (at - below).astype(np.float32)[:, None]
    read: Float32 = track[below] * (1 - part) + track[below + 1] * part
    return read


def _heard(decades: Float32, at: Float64, rng: np.random.Generator) -> Float32:
    """``decades`` [n, 40] at the places ``at`` [m]; past the ends is the quiet of the same room."""
    read = _read(decades, at)
    outside = (at < 0) | (at > len(decades) - 1)
    if outside.any():
        quiet = np.percentile(decades, _QUIET_PERCENTILE, axis=0)
        read[outside] = quiet + rng.normal(0, _QUIET_SPREAD, (int(outside.sum()), N_MELS))
    return read
