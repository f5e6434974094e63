"""How well a sync model tells in step from early, late and foreign, on clips it was not trained on."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt

from models.evidence.agreement import agreement
from models.evidence.readout import load_readout
from models.metrics.bootstrap import bounds, draw_clips
from models.sync.calibration import MS_PER_FRAME
from models.sync.clips import SyncClip
from models.sync.curve import peak_of
from models.sync.model import SyncModel
from models.sync.windows import cut
from schemas.arrays import Float32
from tasks.evidence import EvidenceConfig
from tasks.speaker import SpeakerConfig, says

Float64 = npt.NDArray[np.float64]

SHIFTS: Final = (5, 8, 12)  # frames, either way
PLANTED_MS: Final = (100, 200, 300, 400)  # either way
LATE_MS: Final = 500.0
FALSE_ALARMS: Final = 0.05
_HOP_FRAMES: Final = 25
_DRAWS: Final = 1000


@dataclass(frozen=True, slots=True)
class Heard:
    """What the lip readout is told of a clip."""

    lips: Float32  # [T, 2] models.evidence.readout.lips_of
    embedding: Float32  # [T, D] models.evidence.readout.LipReadout


@dataclass(frozen=True, slots=True)
class Known:
    """A clip and by how many frames its sound is late in the file, as far as others have found out."""

    name: str
    clip: SyncClip
    late_frames: float = 0.0
    heard: Heard | None = None


@dataclass(frozen=True, slots=True)
class Windows:
    """N windows: the truth, and what the model says."""

    owner: Float64  # [N] which clip
    late: Float64  # [N] frames; nan: a stranger's sound
    found: Float64  # [N]
    stated: Float64  # [N] 1 where the model stands by it
    p_in_sync: Float64  # [N]
    p_match: Float64  # [N] as ``tasks.sync.matched`` stores it
    p_match_alone: Float64  # [N] without the lip readout

    @classmethod
    def of(cls, rows: Iterable[tuple[float, ...]]) -> "Windows":
        return cls(*np.array(list(rows), np.float64).T)

    def take(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> "Windows":
        return Windows(*(getattr(self, field.name)[which] for field in fields(self)))


Measure = Callable[[Windows], float]


@dataclass(frozen=True, slots=True)
class Figure:
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def shifted(model: SyncModel, clips: Sequence[Known], n_frames: int) -> Windows | None:
    """Every window of every clip, once a second, in step and shifted by ``SHIFTS``; None if all are too short."""
    rng = np.random.default_rng(0)
    rows = []
    for owner, known in enumerate(clips):
        for start in range(0, len(known.clip.mouth) - n_frames + 1, _HOP_FRAMES):
            for late in (0, *SHIFTS, *(-s for s in SHIFTS)):
                mouth, sound = cut(known.clip, start, n_frames, late - known.late_frames, rng)
                rows.append(_row(model, owner, late, model.products(mouth, sound)))
    return Windows.of(rows) if rows else None


def swapped(model: SyncModel, clips: Sequence[Known], n_frames: int, per_clip: int) -> Windows:
    """Every window of every clip, once a second, with its own sound and with ``per_clip`` others'."""
    rng = np.random.default_rng(0)
    long = [known for known in clips if len(known.clip.mouth) >= n_frames]
    rows = []
    for owner, known in enumerate(long):
        for start in range(0, len(known.clip.mouth) - n_frames + 1, _HOP_FRAMES):
            mouth, own = cut(known.clip, start, n_frames, -known.late_frames, rng)
            ours = correlation(known, start, known, start + known.late_frames, n_frames)
            rows.append(_row(model, owner, 0.0, model.products(mouth, own), ours))
            for _ in range(per_clip):
                other = long[int(rng.integers(len(long)))]
                if other is known:
                    continue
                begin = int(rng.integers(len(other.clip.mouth) - n_frames + 1))
                _, strange = cut(other.clip, begin, n_frames, 0.0, rng)
                theirs = correlation(known, start, other, begin, n_frames)
                rows.append(_row(model, owner, np.nan, model.products(mouth, strange), theirs))
    return Windows.of(rows)


def correlation(seen: Known, start: int, said: Known, begin: float, n_frames: int) -> float | None:
    """Of the lips of one from ``start`` on with what the voice of the other lets expect from ``begin`` on, as
    ``tasks.evidence`` takes it; None where it cannot tell."""
    if seen.heard is None or said.heard is None:
        return None
    embedding = said.heard.embedding
    expected = load_readout().expected(embedding[np.clip(round(begin) + np.arange(n_frames), 0, len(embedding) - 1)])
    lips = seen.heard.lips[start : start + n_frames]
    found = agreement(lips, expected, np.ones(n_frames, np.bool_), EvidenceConfig().lag_frames)
    return None if found is None else found.correlation


def speakers(model: SyncModel, clips: Sequence[Known], n_frames: int, pairs: int, config: SpeakerConfig) -> str:
    """Two faces side by side and one sound, the first's or a third's who is not seen; by ``tasks.speaker``'s rule."""
    rng = np.random.default_rng(0)
    long = [known for known in clips if len(known.clip.mouth) >= n_frames]
    own = other_s = voice_over = 0
    for _ in range(pairs):
        seen = [long[k] for k in rng.permutation(len(long))[:3]]
        places = [(known, int(rng.integers(len(known.clip.mouth) - n_frames + 1))) for known in seen]
        parts = [(known, begin, *cut(known.clip, begin, n_frames, 0.0, rng)) for known, begin in places]
        ours, theirs, off, off_too = (
            p_match_of(
                model.calibration.reading(model.products(mouth, sound)).p_match,
                correlation(face, shown, voice, said, n_frames),
            )
            for voice, said, _, sound in (parts[0], parts[2])
            for face, shown, mouth, _ in parts[:2]
        )
        own += says(ours, theirs, config)
        other_s += says(theirs, ours, config)
        voice_over += says(off, off_too, config) or says(off_too, off, config)
    return (
        f"{pairs} pairs: the voice is given to its owner {own / pairs:.3f}, to the other {other_s / pairs:.3f}, else "
        f"to nobody; a voice-over is given to somebody {voice_over / pairs:.3f}"
    )


def planted(model: SyncModel, clips: Sequence[Known], offsets_ms: Sequence[float]) -> Float64:
    """[clips, offsets] error in frames of an offset planted in a whole clip, relative to the clip as it is."""
    rng = np.random.default_rng(0)
    errors = []
    for known in clips:
        n = len(known.clip.mouth)
        found = [
            _peak(model, model.products(*cut(known.clip, 0, n, ms / MS_PER_FRAME, rng))) for ms in (0.0, *offsets_ms)
        ]
        errors.append([f - found[0] - ms / MS_PER_FRAME for f, ms in zip(found[1:], offsets_ms, strict=True)])
    return np.array(errors)


def auc(windows: Windows) -> float:
    """Of in step against early or late, by ``p_in_sync``."""
    good = windows.p_in_sync[windows.late == 0]
    bad = np.sort(windows.p_in_sync[windows.late != 0])
    if not good.size or not bad.size:
        return float("nan")
    below, upto = np.searchsorted(bad, good, "left"), np.searchsorted(bad, good, "right")
    return float((below + upto).mean() / 2 / bad.size)


def within(windows: Windows, frames: float) -> float:
    """Share of windows, whatever was planted, whose offset is right within ``frames``."""
    return float((np.abs(windows.found - windows.late) <= frames).mean())


def caught(windows: Windows) -> float:
    """Share of strangers' sounds under the threshold that ``FALSE_ALARMS`` of the own sounds are under."""
    return _caught(windows, windows.p_match)


def caught_alone(windows: Windows) -> float:
    """The same, without the lip readout."""
    return _caught(windows, windows.p_match_alone)


def _caught(windows: Windows, p_match: Float64) -> float:
    strange = np.isnan(windows.late)
    if strange.all() or not strange.any():
        return float("nan")
    return float((p_match[strange] < np.quantile(p_match[~strange], FALSE_ALARMS)).mean())


def over_clips(windows: Windows, measure: Measure) -> Figure:
    """``measure`` with its 95 % interval over clips, all windows of a clip drawn together."""
    rows = [np.flatnonzero(windows.owner == owner) for owner in np.unique(windows.owner)]
    values = []
    for draw in draw_clips(len(rows), _DRAWS, seed=0).astype(int):
        drawn = np.concatenate([np.tile(own, times) for own, times in zip(rows, draw, strict=True)])
        values.append(measure(windows.take(drawn.astype(np.intp))))
    low, high = bounds(np.array(values)[:, None], 0.95)
    return Figure(measure(windows), float(low[0]), float(high[0]))


def p_match_of(by_sync: float, correlation: float | None) -> float:
    """``tasks.sync.matched`` of numbers."""
    return by_sync if correlation is None else load_readout().p_match(correlation, by_sync)


def _row(
    model: SyncModel, owner: int, late: float, products: Float32, correlation: float | None = None
) -> tuple[float, ...]:
    reading = model.calibration.reading(products)
    stated = float(np.isfinite(reading.offset_ms))
    together = p_match_of(reading.p_match, correlation)
    return owner, late, _peak(model, products), stated, reading.p_in_sync, together, reading.p_match


def _peak(model: SyncModel, products: Float32) -> float:
    return peak_of(products, model.calibration.temper).late_frames
