"""Clips' sound again, from their sources: the warehouse keeps what speech encoders made of it, and not the sound."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from flows.errors import CannotTrain
from schemas.arrays import Float32
from schemas.source import Offer, SourceVideo
from schemas.units import SAMPLES_PER_FRAME, samples_of
from tasks.ingest import IngestConfig, ingest
from tasks.media.footage import Footage
from warehouse.selection import SelectedClip

_WITHOUT_IT: Final = "Put it back, or do without its sound: train with --copies 0, evaluate with --films 0"


def sounds_of(clips: Sequence[SelectedClip]) -> Iterator[tuple[SelectedClip, Float32]]:
    """The sounds [T * 640] of clips of one source, which is read once; in the order in which they begin.

    Raises ``CannotTrain`` if the source cannot be read any more, or is another file by now.
    """
    source = ingest(Offer(clips[0].path), IngestConfig())
    if not isinstance(source, SourceVideo):
        raise CannotTrain(f"{clips[0].path} can no longer be read: {source.detail}. {_WITHOUT_IT}")
    if any(clip.source_id != source.source_id for clip in clips):
        raise CannotTrain(f"{clips[0].path} is another file than the one that was curated. {_WITHOUT_IT}")
    begins = {clip.clip_id: SAMPLES_PER_FRAME * clip.start_frame + samples_of(clip.sync_shift_ms) for clip in clips}
    with Footage(source, max_side_px=None) as footage:
        for clip in sorted(clips, key=lambda clip: begins[clip.clip_id]):
            yield clip, footage.sound(clip.start_frame, clip.n_frames, samples_of(clip.sync_shift_ms))[0]


class Sounds:
    """The sounds of clips in whatever order they are asked for, each once. A source is read when the first of its clips
    is asked for; the sounds of its others wait in ``folder``."""

    def __init__(self, clips: Sequence[SelectedClip], folder: Path) -> None:
        self._folder = folder
        self._of_source: dict[Path, list[SelectedClip]] = defaultdict(list)
        for clip in clips:
            self._of_source[clip.path].append(clip)

    def of(self, clip: SelectedClip) -> Float32:
        """The clip's sound [T * 640]. Raises as ``sounds_of``."""
        if unread := self._of_source.pop(clip.path, None):
            for one, heard in sounds_of(unread):
                np.save(self._place(one), heard)
        sound: Float32 = np.load(self._place(clip), allow_pickle=False)
        self._place(clip).unlink()
        return sound

    def _place(self, clip: SelectedClip) -> Path:
        return self._folder / f"{clip.clip_id}.npy"


@contextmanager
def sounds_at_hand(clips: Sequence[SelectedClip]) -> Iterator[Sounds]:
    """``Sounds`` of ``clips``, which wait where the machine keeps what is temporary (``TMPDIR``)."""
    with TemporaryDirectory(prefix="xtalker-sounds-") as folder:
        yield Sounds(clips, Path(folder))
