"""Whether the mouth opens when the voice sounds: their correlation at every shift of the one against the other."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.arrays import Bool, Float32

_MOVES = 1e-6


@dataclass(frozen=True, slots=True)
class Agreement:
    """``correlation`` is Pearson's r at the best ``lag_frames``: positive where the picture comes late."""

    correlation: float
    lag_frames: int


def agreement(opening: Float32, loudness: Float32, seen: Bool, reach_frames: int) -> Agreement | None:
    """How the lips' ``opening`` [T] goes with the voice's ``loudness`` [T] within ``reach_frames`` either way; over
    the frames ``seen``. None where either does not change, or the clip is not four times as long as the reach."""
    if len(opening) < 4 * reach_frames or min(opening.std(), loudness.std()) < _MOVES:
        return None
    lags = np.arange(-reach_frames, reach_frames + 1)
    r = correlations(opening, loudness, seen, lags)
    best = int(np.argmax(r))
    return Agreement(float(r[best]), int(lags[best]))


def correlations(
    opening: Float32, loudness: Float32, seen: Bool, lags: npt.NDArray[np.intp]
) -> npt.NDArray[np.float64]:
    """Pearson's r of ``opening[t + lag]`` and ``loudness[t]`` for each of ``lags``, over the frames both have."""
    n = len(opening)
    found = np.zeros(len(lags))
    for k, lag in enumerate(lags):
        picture, sound = slice(max(lag, 0), n + min(lag, 0)), slice(max(-lag, 0), n - max(lag, 0))
        both = seen[picture]
        a, b = opening[picture][both].astype(np.float64), loudness[sound][both].astype(np.float64)
        if len(a) > 2 and min(a.std(), b.std()) > _MOVES:
            found[k] = np.corrcoef(a, b)[0, 1]
    return found
