"""How long, how fast and how carefully to train."""

import math
from typing import Final, Self

from pydantic import Field, model_validator

from models.training.team import Precision
from schemas.config import StageConfig

_LONGEST_WARMUP: Final = 0.1  # of the whole budget


class TrainConfig(StageConfig):
    """One of ``max_steps`` and ``max_minutes`` is wanted; with both, whichever is used up first ends the run."""

    seed: int = Field(0, ge=0, description="of noise and dropout")
    max_steps: int | None = Field(None, gt=0)
    max_minutes: float | None = Field(None, gt=0, description="of training, earlier sittings included")
    learning_rate: float = Field(5e-4, gt=0, description="at its peak")
    final_share: float = Field(0.01, ge=0, le=1, description="of the learning rate, at the end")
    warmup_steps: int = Field(100, ge=0, description="at most a tenth of the budget")
    weight_decay: float = Field(0.01, ge=0, description="of matrices; vectors have none")
    betas: tuple[float, float] = (0.9, 0.99)
    clip_norm: float = Field(1.0, gt=0)
    ema_decay: float = Field(0.999, ge=0, lt=1, description="of the averaged weights, which are what is delivered")
    accumulate: int = Field(1, gt=0, description="batches a step")
    precision: Precision = Precision.AUTO
    compile: bool = Field(False, description="compile the objective's parts: worth it on a GPU")
    loader_threads: int = Field(1, gt=0, description="read batches ahead; their number changes no batch")
    validate_every: int = Field(200, gt=0, description="steps")
    validation_batches: int = Field(4, gt=0)
    save_every: int = Field(200, gt=0, description="steps")
    spike_factor: float = Field(10.0, gt=1, description="a loss so far above its running mean is a bad step")
    bad_steps: int = Field(5, gt=0, description="in a row, until training goes back to the last checkpoint")
    max_rollbacks: int = Field(3, ge=0, description="each halves the learning rate; after them the run is given up")

    @model_validator(mode="after")
    def _has_a_budget(self) -> Self:
        if self.max_steps is None and self.max_minutes is None:
            raise ValueError("say how long to train: max_steps, max_minutes or both")
        return self

    def progress(self, step: int, elapsed_s: float) -> float:
        """Share of the budget that is used up, 0..1."""
        of_steps = 0.0 if self.max_steps is None else step / self.max_steps
        of_time = 0.0 if self.max_minutes is None else elapsed_s / (60 * self.max_minutes)
        return min(1.0, max(of_steps, of_time))

    def learning_rate_at(self, step: int, progress: float) -> float:
        """Linear warm-up, then a cosine down to ``final_share`` over the budget (Loshchilov & Hutter 2017)."""
        by_steps = (step + 1) / self.warmup_steps if self.warmup_steps else 1.0
        warm = min(1.0, max(by_steps, progress / _LONGEST_WARMUP))
        cosine = 0.5 * (1 + math.cos(math.pi * progress))
        return self.learning_rate * warm * (self.final_share + (1 - self.final_share) * cosine)
