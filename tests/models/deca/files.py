"""``deca_model.tar`` as the authors' trainer writes it, without 213 MB of numbers."""

from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.deca.network import DecaNetworks


def parameter_shapes() -> dict[str, Tensor]:
    """Every parameter under its name, on the meta device."""
    with torch.device("meta"):
        return dict(DecaNetworks().state_dict())


def published(values: dict[str, Tensor]) -> dict[str, Any]:
    """The layout of the published file: one state dict a network, and the trainer's own state."""
    content: dict[str, Any] = {part: OrderedDict() for part in ("E_flame", "E_detail", "D_detail")}
    for name, value in values.items():
        part, key = name.split(".", 1)
        content[part][key] = value
    state = {"state": {0: {"step": 5, "exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 1e-4, "params": [0]}]}
    return content | {"opt": state, "global_step": 5, "batch_size": 8}


def constants() -> dict[str, Tensor]:
    """All parameters, each one number stretched over its shape: a few hundred kilobytes on disk."""
    return {
        name: torch.full((1,) * value.dim(), 0.01 + 1e-4 * k, dtype=value.dtype).expand(value.shape)
        for k, (name, value) in enumerate(parameter_shapes().items())
    }


def write(path: Path, values: dict[str, Tensor], zipped: bool = True) -> Path:
    torch.save(published(values), path, _use_new_zipfile_serialization=zipped)
    return path
