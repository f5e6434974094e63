"""What normalises the paper's codes and the speech it hears: measured once, on the training data."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Final, Self

import numpy as np

from models.paper.config import PaperConfig
from models.paper.frame import JAW, ROTATION, code_of
from models.training.batch import Batch
from models.training.statistics import EXPRESSION_STD_FLOOR, SPEECH_STD_FLOOR, TURN_STD_FLOOR_RAD, Moments
from schemas.arrays import Float32, admit_fields


@dataclass(frozen=True, slots=True)
class PaperStatistics:
    """Of a code relative to its window's first frame (F = frame_dim), and of the speech embedding. Deviations have a
    floor."""

    code_mean: Float32  # [F]
    code_std: Float32  # [F]
    speech_mean: Float32  # [D]
    speech_std: Float32  # [D]

    def __post_init__(self) -> None:
        vectors = {name: (np.float32, (size,)) for name, size in _SIZES.items()}
        admit_fields(self, {"F": len(self.code_mean), "D": len(self.speech_mean)}, **vectors)

    @classmethod
    def neutral(cls, config: PaperConfig) -> Self:
        """Statistics that change nothing: what a network has until a checkpoint is loaded into it."""
        sizes = {"F": config.frame_dim, "D": config.speech_dim}
        return cls(**{name: np.full(sizes[size], name.endswith("std"), np.float32) for name, size in _SIZES.items()})

    @classmethod
    def of(cls, batches: Iterable[Batch], config: PaperConfig) -> Self:
        """Measured over the valid frames of ``batches``, one at least, in memory of one. Raises ``DetailMissing``."""
        moments = (_moments(batch, config) for batch in batches)
        code, speech = reduce(lambda a, b: (a[0].merged(b[0]), a[1].merged(b[1])), moments)
        floor = np.full(config.frame_dim, EXPRESSION_STD_FLOOR)  # shape and detail included
        floor[ROTATION], floor[JAW] = TURN_STD_FLOOR_RAD, TURN_STD_FLOOR_RAD
        return cls(
            code_mean=code.mean.astype(np.float32),
            code_std=code.std(floor),
            speech_mean=speech.mean.astype(np.float32),
            speech_std=speech.std(SPEECH_STD_FLOOR),
        )


_SIZES: Final = {"code_mean": "F", "code_std": "F", "speech_mean": "D", "speech_std": "D"}


def _moments(batch: Batch, config: PaperConfig) -> tuple[Moments, Moments]:
    codes = code_of(batch, config.frame_dim)
    relative = (codes - codes[:, :1])[batch.valid]
    return Moments.of(relative.cpu().numpy()), Moments.of(batch.speech[batch.valid].cpu().numpy())
