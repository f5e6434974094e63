"""What a network is shown at one step of training, and what a network must answer to be trained."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Protocol, Self, TypeVar

import torch
from torch import Tensor, nn


class Shown(Protocol):
    """What a network is shown at one step, whatever it learns."""

    def to(self, device: torch.device | str) -> Self:
        """The same on ``device``; from pinned memory without waiting for the copy."""
        ...

    def pinned(self) -> Self:
        """The same in page-locked memory, from where a GPU can fetch it while it computes."""
        ...


BatchT = TypeVar("BatchT", bound=Shown)
BatchIn = TypeVar("BatchIn", bound=Shown, contravariant=True)


@dataclass(frozen=True, slots=True)
class Batch:
    """B windows of W frames; float32 unless said otherwise.

    What lies past a clip's end repeats its last frame and is not ``valid``.
    """

    motion: Tensor  # [B, W, 58] models.avatar.motion
    speech: Tensor  # [B, W, D]
    envelope: Tensor  # [B, W] amplitude, linear, full scale = 1
    f0_hz: Tensor  # [B, W] 0 where unvoiced
    shape: Tensor  # [B, 100]
    detail: Tensor | None  # [B, W, 128]
    valid: Tensor  # [B, W] bool
    reference: Tensor  # [B, 58] a random frame of the same clip
    style: Tensor  # [B, 6] as models.avatar.protocol.Condition.style

    def to(self, device: torch.device | str) -> "Batch":
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def pinned(self) -> "Batch":
        return self._each(lambda tensor: tensor.pin_memory())

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        values.update({name: change(value) for name, value in values.items() if value is not None})
        return Batch(**values)


class Objective(Protocol[BatchIn]):
    """A ``torch.nn.Module`` that can be trained: it knows its own loss."""

    def losses(self, batch: BatchIn, generator: torch.Generator) -> dict[str, Tensor]:
        """Scalars by name; "total" is what is minimised. Random numbers come from ``generator``, which lives on the
        batch's device, and from torch's global generator: the loop seeds both at every step."""
        ...


def module_of(objective: object) -> nn.Module:
    """The module that an objective is. Raises ``TypeError`` if it is none."""
    if not isinstance(objective, nn.Module):
        raise TypeError(f"{type(objective).__name__} knows its losses but is no torch.nn.Module")
    return objective
