"""The gate before a training that nobody asked for: is there enough that no model has been trained on yet?

What counts is in the warehouse, not in the event that came: a queue of old events finds nothing left to train on.
"""

from dataclasses import dataclass
from pathlib import Path

from flows.news import kept_since
from warehouse.lake import reading
from warehouse.registry import versions
from warehouse.snapshots import latest_of_data


@dataclass(frozen=True, slots=True)
class GateReading:
    """``measured`` minutes of kept clips are in ``snapshot``, the newest, and not in ``trained_on``, the newest that
    the champion or any other version was trained on; None if there is no version."""

    snapshot: int
    trained_on: int | None
    measured: float
    threshold: float

    @property
    def passes(self) -> bool:
        return self.measured > 0 and self.measured >= self.threshold

    @property
    def reason(self) -> str:
        since = "in all" if self.trained_on is None else f"new since snapshot {self.trained_on}, which a model has seen"
        return f"snapshot {self.snapshot} has {self.measured:.2f} min {since}; {self.threshold:.2f} are wanted"


def read_gate(root: Path, min_new_minutes: float) -> GateReading:
    """Compare the newest snapshot with the newest that was trained on. Raises ``UnknownSnapshot`` and what
    ``warehouse.lake.reading`` does."""
    with reading(root) as lake:
        snapshot = latest_of_data(lake)
        trained_on = max((version.snapshot for version in versions(lake)), default=None)
        new = kept_since(lake, trained_on, snapshot)
    return GateReading(snapshot, trained_on, new.minutes, min_new_minutes)
