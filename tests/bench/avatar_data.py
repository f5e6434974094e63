"""The data of the avatar's bench: a private copy of a curated warehouse, its splits, and who in it is in sync.

Training is on speaker s1 of GRID alone. GRID sentences that share verb, colour, preposition and letter begin alike, so
whole groups of them are held out; the other GRID speakers are never trained on.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from flows.hearing import Ear
from models.avatar.motion import to_frames
from models.head.model import load_open_head
from models.metrics.neighbours import AudioNeighbours
from models.metrics.span import speech_span
from models.metrics.surface import lip_gap_mm
from models.metrics.timing import best_lag
from tasks.evaluate.records import EvaluateConfig, EvaluationClip
from tests.bench.curate import curate
from warehouse.batches import stream_clips
from warehouse.selection import SelectedClips, Selection

S1: Final = "grid_s1_"
GRID: Final = "path LIKE '%grid_%'"
HELD_OUT_PERCENT: Final = 20
GROUP_LETTERS: Final = 4

NEIGHBOURS: Final = 10
FOLDS: Final = 5
FURTHEST_FRAMES: Final = 6
LEAST_CORRELATION: Final = 0.5
_SYNC: Final = EvaluateConfig()  # its late_frames and late_gain decide here too

AUDIT: Final = (
    "Sync audit, made without the model: each s1 clip's lip gap against that of its "
    f"{NEIGHBOURS} nearest neighbours in sound\namong s1's sentences of other prefix groups ({FOLDS} folds), over the "
    f"speech span. A clip is out if its best lag within {FURTHEST_FRAMES} frames\nis {_SYNC.late_frames} or more and "
    f"gains {_SYNC.late_gain} in correlation, or if its correlation is under {LEAST_CORRELATION}."
)


def warehouse_for(data: Path, curated: Path | None, scratch: Path, workers: int) -> Path:
    """A warehouse to write to: a copy of ``curated``, or ``data`` curated now."""
    root = scratch / "warehouse"
    if curated is not None:
        shutil.copytree(curated, root)
    else:
        curate(data, root, workers)
    return root


def selection_of(salt: str, quick: bool) -> Selection:
    """GRID, trained on s1's sentences without those of some prefix groups, which ``salt`` chooses."""
    group = f"regexp_extract(path, '{S1}([a-z]{{{GROUP_LETTERS}}})', 1)"
    held_out = f"md5_number_lower('{salt}' || {group}) % 100 < {HELD_OUT_PERCENT}"
    fewer = f" AND (path NOT LIKE '%{S1}%' OR regexp_matches(path, '{S1}b[bw]'))" if quick else ""
    return Selection(where=GRID + fewer, holdout=f"path NOT LIKE '%{S1}%' OR {held_out}")


def load_clips(root: Path, selected: SelectedClips, ear: Ear) -> dict[str, EvaluationClip]:
    """Every selected clip by its id, as ``ear`` hears it."""
    return {
        clip.row.clip_id: EvaluationClip(
            clip_id=clip.row.clip_id,
            speaker_id=clip.row.speaker_id,
            frames=to_frames(clip.motion),
            shape=clip.motion.shape.copy(),
            features=ear.of_stored(clip.speech.features),
            words=clip.speech.words,
        )
        for clip in stream_clips(root, selected)
    }


@dataclass(frozen=True, slots=True)
class Sync:
    """What neighbours in sound say of a clip's picture."""

    name: str
    lag_frames: int  # > 0: the picture runs ahead of the sound
    lag_correlation: float
    correlation: float

    @property
    def good(self) -> bool:
        late = abs(self.lag_frames) >= _SYNC.late_frames
        late &= self.lag_correlation - self.correlation >= _SYNC.late_gain
        return not late and self.correlation >= LEAST_CORRELATION

    def __str__(self) -> str:
        return f"{self.name} (r {self.correlation:.2f}, {self.lag_correlation:.2f} at {self.lag_frames:+d})"


def audit(selected: SelectedClips, clips: dict[str, EvaluationClip]) -> dict[str, Sync]:
    """Every s1 clip by its id."""
    names = {clip.clip_id: clip.path.stem for clip in selected.clips if clip.path.stem.startswith(S1)}
    found: dict[str, Sync] = {}
    for fold in _folds(names):
        others = [clips[clip_id] for clip_id in names if clip_id not in fold]
        neighbours = AudioNeighbours.of([c.features.embedding for c in others], [c.frames for c in others])
        found |= {clip_id: _sync(names[clip_id], clips[clip_id], neighbours) for clip_id in fold}
    return found


def _folds(names: dict[str, str]) -> Iterator[set[str]]:
    groups = sorted({_group(name) for name in names.values()})
    for first in range(FOLDS):
        own = set(groups[first::FOLDS])
        yield {clip_id for clip_id, name in names.items() if _group(name) in own}


def _group(name: str) -> str:
    return name.removeprefix(S1)[:GROUP_LETTERS]


def _sync(name: str, clip: EvaluationClip, neighbours: AudioNeighbours) -> Sync:
    span, head = speech_span(clip.features.envelope), load_open_head()
    heard = lip_gap_mm(neighbours.motion_for(clip.features.embedding, NEIGHBOURS), head)
    lag = best_lag(lip_gap_mm(clip.frames, head)[span], heard[span], FURTHEST_FRAMES)
    return Sync(name, lag.frames, lag.correlation, lag.correlation_at_zero)


def of_s1(selected: SelectedClips, clip_ids: Sequence[str]) -> list[str]:
    """Which of the clips are s1's."""
    return [clip_id for clip_id in clip_ids if selected.by_id[clip_id].path.stem.startswith(S1)]


def only(selected: SelectedClips, clip_ids: Sequence[str]) -> SelectedClips:
    """Some clips of the selection."""
    return replace(selected, clips=tuple(selected.by_id[clip_id] for clip_id in clip_ids))


def mean_correlation(found: Sequence[Sync]) -> float:
    return float(np.mean([sync.correlation for sync in found]))
