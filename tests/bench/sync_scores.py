"""How well a sync model tells in step from early, late and foreign, on clips it was not trained on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models.metrics.bootstrap import bounds, draw_clips
from models.sync.calibration import MS_PER_FRAME
from models.sync.clips import SyncClip
from models.sync.curve import peak_of
from models.sync.model import SyncModel
from models.sync.windows import cut

Float64 = npt.NDArray[np.float64]

SHIFTS: Final = (5, 8, 12)  # frames, either way
PLANTED_MS: Final = (100, 200, 300, 400)  # either way
LATE_MS: Final = 500.0
FALSE_ALARMS: Final = 0.05
_HOP_FRAMES: Final = 25
_DRAWS: Final = 300


@dataclass(frozen=True, slots=True)
class Known:
    """A clip and by how many frames its sound is late in the file, as far as others have found out."""

    name: str
    clip: SyncClip
    late_frames: float = 0.0


@dataclass(frozen=True, slots=True)
class Window:
    """One window of one clip: the truth, and what the model says."""

    owner: int  # which clip
    late: float  # nan: a stranger's sound
    found: float
    known: bool  # whether the model states it
    p_in_sync: float
    p_match: float


@dataclass(frozen=True, slots=True)
class Figure:
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def windows_of(model: SyncModel, clips: Sequence[Known], n_frames: int, seed: int = 0) -> list[Window]:
    """Every window of every clip, once a second, in step and shifted by ``SHIFTS``."""
    rng = np.random.default_rng(seed)
    out = []
    for owner, known in enumerate(clips):
        for start in range(0, len(known.clip.mouth) - n_frames + 1, _HOP_FRAMES):
            for late in (0, *SHIFTS, *(-s for s in SHIFTS)):
                mouth, sound = cut(known.clip, start, n_frames, late - known.late_frames, rng)
                out.append(_read(model, owner, late, model.products(mouth, sound)))
    return out


def swapped(model: SyncModel, clips: Sequence[Known], n_frames: int, per_clip: int, seed: int = 0) -> list[Window]:
    """Every clip's first window with its own sound and with ``per_clip`` others'."""
    rng = np.random.default_rng(seed)
    out = []
    long = [known for known in clips if len(known.clip.mouth) >= n_frames]
    for owner, known in enumerate(long):
        for start in range(0, len(known.clip.mouth) - n_frames + 1, _HOP_FRAMES):
            mouth, own = cut(known.clip, start, n_frames, -known.late_frames, rng)
            out.append(_read(model, owner, 0.0, model.products(mouth, own)))
            for _ in range(per_clip):
                other = long[int(rng.integers(len(long)))]
                if other is known:
                    continue
                begin = int(rng.integers(len(other.clip.mouth) - n_frames + 1))
                _, strange = cut(other.clip, begin, n_frames, 0.0, rng)
                out.append(_read(model, owner, float("nan"), model.products(mouth, strange)))
    return out


def planted(model: SyncModel, clips: Sequence[Known], offsets_ms: Sequence[float], seed: int = 0) -> Float64:
    """[clips, offsets] error in frames of an offset planted in a whole clip, relative to the clip as it is."""
    rng = np.random.default_rng(seed)
    errors = []
    for known in clips:
        n = len(known.clip.mouth)
        found = [
            peak_of(
                model.products(*cut(known.clip, 0, n, ms / MS_PER_FRAME, rng)), model.calibration.temper
            ).late_frames
            for ms in (0.0, *offsets_ms)
        ]
        errors.append([f - found[0] - ms / MS_PER_FRAME for f, ms in zip(found[1:], offsets_ms, strict=True)])
    return np.array(errors)


def auc(windows: Sequence[Window]) -> float:
    """Of in step against early or late, by ``p_in_sync``."""
    good = np.array([w.p_in_sync for w in windows if w.late == 0])
    bad = np.array([w.p_in_sync for w in windows if w.late != 0 and np.isfinite(w.late)])
    return _auc(good, bad)


def within(windows: Sequence[Window], frames: float) -> float:
    """Share of windows, whatever was planted, whose offset is right within ``frames``."""
    return float(np.mean([abs(w.found - w.late) <= frames for w in windows]))


def stated(windows: Sequence[Window]) -> list[Window]:
    return [w for w in windows if w.known]


def caught(windows: Sequence[Window]) -> float:
    """Share of strangers' sounds under the threshold that ``FALSE_ALARMS`` of the own sounds are under."""
    own = np.array([w.p_match for w in windows if np.isfinite(w.late)])
    strange = np.array([w.p_match for w in windows if np.isnan(w.late)])
    return float((strange < np.quantile(own, FALSE_ALARMS)).mean())


def over_clips(
    windows: Sequence[Window], measure: Callable[[Sequence[Window]], float], n_draws: int = _DRAWS
) -> Figure:
    """``measure`` with its 95 % interval over clips, all windows of a clip drawn together."""
    owners = sorted({w.owner for w in windows})
    of = [[w for w in windows if w.owner == owner] for owner in owners]
    draws = draw_clips(len(owners), n_draws, seed=0).astype(int)
    values = []
    for draw in draws:
        drawn = [
            w for windows_of_clip, times in zip(of, draw, strict=True) for _ in range(times) for w in windows_of_clip
        ]
        values.append(measure(drawn))
    low, high = bounds(np.array(values)[:, None], 0.95)
    return Figure(measure(windows), float(low[0]), float(high[0]))


def _auc(good: Float64, bad: Float64) -> float:
    if not good.size or not bad.size:
        return float("nan")
    order = np.sort(bad)
    below, equal = np.searchsorted(order, good, "left"), np.searchsorted(order, good, "right")
    return float((below + equal).mean() / 2 / bad.size)


def _read(model: SyncModel, owner: int, late: float, products: npt.NDArray[np.float32]) -> Window:
    reading = model.calibration.reading(products)
    found = peak_of(products, model.calibration.temper).late_frames
    known = bool(np.isfinite(reading.offset_ms))
    return Window(owner, late, found, known, reading.p_in_sync, reading.p_match)
