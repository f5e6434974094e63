"""Clips to train on: mouths and sounds in step, end to end in memory (a thousand hours would want a pack on disk;
two, which is what this network is made for, take 0.3 GB)."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file

from models.sync.features import MELS_PER_FRAME, MOUTH_DIM, N_MELS
from schemas.arrays import Float32

Index = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SyncClip:
    """T frames: ``mouth`` [T, 126] mm, ``sound`` [4 * T, 40] decades (``models.sync.features``). Clips of one
    ``speaker`` number share a voice and a face; of one ``words`` number what is said, and perhaps the recording."""

    mouth: Float32
    sound: Float32
    speaker: int
    words: int


@dataclass(frozen=True, slots=True)
class SyncClips:
    mouth: Float32  # [N, 126]
    sound: Float32  # [4 * N, 40]
    offset: Index  # [C + 1] first frame of each clip
    speaker: Index  # [C]
    words: Index  # [C]

    @classmethod
    def of(cls, clips: Iterable[SyncClip]) -> "SyncClips":
        """Raises ``ValueError`` without a clip."""
        all_clips = list(clips)
        if not all_clips:
            raise ValueError("no clip to learn from")
        return cls(
            mouth=np.concatenate([clip.mouth for clip in all_clips]),
            sound=np.concatenate([clip.sound for clip in all_clips]),
            offset=np.cumsum([0, *(len(clip.mouth) for clip in all_clips)]),
            speaker=np.array([clip.speaker for clip in all_clips], np.int64),
            words=np.array([clip.words for clip in all_clips], np.int64),
        )

    @property
    def n_clips(self) -> int:
        return len(self.speaker)

    @property
    def n_frames(self) -> int:
        return len(self.mouth)

    @property
    def digest(self) -> str:
        """sha256 of the content."""
        hashed = hashlib.sha256()
        for array in (self.mouth, self.sound, self.offset, self.speaker, self.words):
            hashed.update(np.ascontiguousarray(array).tobytes())
        return hashed.hexdigest()

    def clip(self, number: int) -> SyncClip:
        start, stop = self.offset[number : number + 2]
        return SyncClip(
            self.mouth[start:stop],
            self.sound[MELS_PER_FRAME * start : MELS_PER_FRAME * stop],
            int(self.speaker[number]),
            int(self.words[number]),
        )

    def only(self, wanted: npt.NDArray[np.bool_]) -> "SyncClips":
        """The clips [C] that are ``wanted``."""
        return SyncClips.of(self.clip(int(k)) for k in np.flatnonzero(wanted))


def write_clips(path: Path, clips: SyncClips) -> None:
    """Half precision: within .03 mm and .003 decades."""
    save_file(
        {
            "mouth": clips.mouth.astype(np.float16),
            "sound": clips.sound.astype(np.float16),
            "offset": clips.offset,
            "speaker": clips.speaker,
            "words": clips.words,
        },
        path,
    )


def read_clips(path: Path) -> SyncClips:
    arrays = load_file(path)
    return SyncClips(
        mouth=arrays["mouth"].astype(np.float32).reshape(-1, MOUTH_DIM),
        sound=arrays["sound"].astype(np.float32).reshape(-1, N_MELS),
        offset=arrays["offset"],
        speaker=arrays["speaker"],
        words=arrays["words"],
    )
