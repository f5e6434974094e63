"""What a writer hands back, and what every writer may refuse."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Content:
    """A file's bytes. ``notes`` say in words what the format could not hold."""

    data: bytes
    notes: tuple[str, ...] = ()


class UnreadableMotion(ValueError):
    """A file does not hold motion of the kind its reader knows."""
