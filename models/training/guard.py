"""Tells a good step from a bad one by the loss it had."""

import math
from dataclasses import dataclass
from typing import Final

_MEMORY: Final = 0.98  # of the running mean, a step
_PATIENCE: Final = 20  # good steps before a loss can be called too large


class TrainingDiverged(RuntimeError):
    """Training went wrong again and again; the last good checkpoint is kept."""


@dataclass(frozen=True, slots=True)
class LossRecord:
    """The running mean of good steps' losses."""

    mean: float = 0.0
    n_good: int = 0

    def complaint(self, loss: float, gradient_norm: float, spike_factor: float) -> str | None:
        """What is wrong with a step, in words, or None."""
        if not math.isfinite(loss):
            return f"loss is {loss}"
        if not math.isfinite(gradient_norm):
            return f"gradient norm is {gradient_norm}"
        if self.n_good >= _PATIENCE and loss > spike_factor * abs(self.mean):
            return f"loss {loss:.4g} is more than {spike_factor:g} times its running mean {self.mean:.4g}"
        return None

    def after(self, loss: float) -> "LossRecord":
        """With one more good step. The first steps weigh equally."""
        memory = min(_MEMORY, self.n_good / (self.n_good + 1))
        return LossRecord(memory * self.mean + (1 - memory) * loss, self.n_good + 1)
