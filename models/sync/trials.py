"""Clips with planted offsets and strangers' voices: to calibrate on and to be measured on."""

from collections.abc import Iterator
from typing import Final, Protocol

import numpy as np

from models.sync.calibration import Trial
from models.sync.changes import ChangesConfig, change_mouth, change_sound
from models.sync.clips import SyncClips
from models.sync.windows import cut
from schemas.arrays import Float32

WINDOW_FRAMES: Final = (50, 75, 125, 250)
_FURTHEST: Final = 15.0
_CHANGED_SHARE: Final = 0.5


class Reader(Protocol):
    """``models.sync.model.SyncModel``."""

    def products(self, mouth: Float32, decades: Float32) -> Float32: ...


def trials_of(reader: Reader, clips: SyncClips, seed: int, rounds: int = 1) -> Iterator[Trial]:
    """A third of the windows in step (within a frame), a third early or late, a third with a stranger's sound; half of
    all noisy."""
    rng = np.random.default_rng(seed)
    changes = ChangesConfig()
    for _ in range(rounds):
        for number in range(clips.n_clips):
            clip = clips.clip(number)
            for n_frames in WINDOW_FRAMES:
                if n_frames > len(clip.mouth):
                    continue
                other = clips.clip(int(rng.integers(clips.n_clips)))
                kind = rng.integers(3)
                if kind == 2 and (other.words == clip.words or len(other.mouth) < n_frames):
                    continue
                start = float(rng.integers(len(clip.mouth) - n_frames + 1))
                late = float(rng.uniform(-1, 1) if kind == 0 else rng.choice([-1, 1]) * rng.uniform(3, _FURTHEST))
                mouth, sound = cut(clip, start, n_frames, late if kind < 2 else 0.0, rng)
                begin = float(rng.integers(max(len(other.mouth) - n_frames, 0) + 1))
                _, strange = cut(other, begin, n_frames, 0.0, rng)
                if kind == 2:
                    sound = strange
                if rng.random() < _CHANGED_SHARE:
                    mouth = change_mouth(mouth, changes, rng)
                    sound = change_sound(sound, strange[::-1], changes, rng)
                yield Trial(reader.products(mouth, sound), float("nan") if kind == 2 else late)
