"""What a training run tells those who watch it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step. ``complaint`` is None for a good one; a bad one changed no weights."""

    step: int
    losses: Mapping[str, float]
    gradient_norm: float
    learning_rate: float
    elapsed_s: float  # of training, earlier sittings included
    progress: float  # share of the budget, 0..1
    seconds: float  # of this step
    waited_s: float  # of those, for data
    complaint: str | None = None


class Watcher(Protocol):
    """Told by the leading worker, in order."""

    def began(self, step: int) -> None:
        """Training goes on from ``step``: what was told of later steps is void."""
        ...

    def stepped(self, report: StepReport) -> None: ...

    def validated(self, step: int, losses: Mapping[str, float]) -> None: ...

    def warned(self, message: str) -> None: ...
