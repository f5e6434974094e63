"""Weights averaged over the last steps: what is validated and delivered."""

import copy
from typing import Final, Generic

import torch
from torch import Tensor, nn

from models.training.batch import BatchIn, Objective, module_of

_WARMUP: Final = 10.0  # so that the first steps' weights are forgotten soon


class Ema(Generic[BatchIn]):
    """A copy of an objective whose parameters follow the original's as an exponential moving average."""

    def __init__(self, objective: Objective[BatchIn], decay: float) -> None:
        self.objective = copy.deepcopy(objective)
        self.module = module_of(self.objective).eval().requires_grad_(False)
        self._decay = decay

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Follow ``module`` after ``step`` (from 0). Buffers, such as running statistics, are taken as they are."""
        decay = min(self._decay, (1 + step) / (_WARMUP + step))
        own: list[Tensor] = list(self.module.parameters())
        new: list[Tensor] = list(module.parameters())
        torch._foreach_lerp_(own, new, 1 - decay)
        for mine, theirs in zip(self.module.buffers(), module.buffers(), strict=True):
            mine.copy_(theirs)
