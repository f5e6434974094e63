"""Means and deviations of the training data, gathered in one pass and merged across packs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from models.avatar.motion import EXPRESSION, MOTION_DIM
from models.avatar.protocol import STYLE_DIM
from schemas.arrays import Float32, admit_fields
from schemas.units import DETAIL_DIM

# Dimensions that hardly move would otherwise be blown up into noise.
EXPRESSION_STD_FLOOR: Final = 0.01  # of an action's strength
TURN_STD_FLOOR_RAD: Final = 0.002  # of head, jaw and eyes: below the head of a calm reader, 0.005 to 0.018 (GRID s1)
SPEECH_STD_FLOOR: Final = 0.01
STYLE_STD_FLOOR: Final = 0.1  # of a logarithm
DETAIL_STD_FLOOR: Final = 0.01

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean [n] and summed squared deviation [n] of n-dimensional samples."""

    count: float
    mean: Doubles
    squares: Doubles

    @classmethod
    def of(cls, samples: npt.NDArray[Any]) -> Self:
        """Of ``samples`` [m, n]."""
        wide = samples.astype(np.float64)
        mean = wide.mean(axis=0)
        return cls(float(len(wide)), mean, ((wide - mean) ** 2).sum(axis=0))

    def merged(self, other: "Moments") -> "Moments":
        """Of both sets of samples together (Chan, Golub, LeVeque 1979)."""
        count = self.count + other.count
        gap = other.mean - self.mean
        mean = self.mean + gap * (other.count / count)
        return Moments(count, mean, self.squares + other.squares + gap**2 * (self.count * other.count / count))

    def times(self, weight: float) -> "Moments":
        """As if every sample had been met ``weight`` times."""
        return Moments(self.count * weight, self.mean, self.squares * weight)

    def std(self, floor: float | Doubles) -> Float32:
        """Standard deviation [n], nowhere under ``floor``, one for all or [n]."""
        return np.maximum(np.sqrt(self.squares / self.count), floor).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Statistics:
    """What normalises motion, speech, style and, where a DECA backend filled it, detail. Deviations have a floor."""

    motion_mean: Float32  # [58]
    motion_std: Float32  # [58]
    speech_mean: Float32  # [D]
    speech_std: Float32  # [D]
    style_mean: Float32  # [6] over clips
    style_std: Float32  # [6]
    detail_mean: Float32 | None = None  # [128]
    detail_std: Float32 | None = None  # [128]

    def __post_init__(self) -> None:
        widths: dict[str, int | str] = {"motion": MOTION_DIM, "speech": "D", "style": STYLE_DIM}
        if self.detail_mean is not None:
            widths["detail"] = DETAIL_DIM
        wanted = {
            f"{name}_{part}": (np.float32, (width,)) for name, width in widths.items() for part in ("mean", "std")
        }
        admit_fields(self, {"D": len(self.speech_mean)}, **wanted)

    @classmethod
    def of(cls, moments: Mapping[str, Moments]) -> Self:
        """Of the moments of "motion", "speech", "style" and perhaps "detail"."""
        detail = moments.get("detail")
        motion_floor = np.full(MOTION_DIM, TURN_STD_FLOOR_RAD)
        motion_floor[EXPRESSION] = EXPRESSION_STD_FLOOR
        return cls(
            motion_mean=moments["motion"].mean.astype(np.float32),
            motion_std=moments["motion"].std(motion_floor),
            speech_mean=moments["speech"].mean.astype(np.float32),
            speech_std=moments["speech"].std(SPEECH_STD_FLOOR),
            style_mean=moments["style"].mean.astype(np.float32),
            style_std=moments["style"].std(STYLE_STD_FLOOR),
            detail_mean=None if detail is None else detail.mean.astype(np.float32),
            detail_std=None if detail is None else detail.std(DETAIL_STD_FLOOR),
        )
