"""``syncnet_v2.model`` as published, without 54 MB of numbers: parameters by name, no counters."""

from pathlib import Path

import torch
from torch import Tensor

from models.syncnet.network import empty


def constants() -> dict[str, Tensor]:
    """All parameters, each one number stretched over its shape."""
    return {
        name: torch.tensor(0.01 + 1e-4 * k).expand(value.shape)
        for k, (name, value) in enumerate(empty().state_dict().items())
        if not name.endswith("num_batches_tracked")
    }


def write(path: Path, values: dict[str, Tensor], zipped: bool = False) -> Path:
    """In the format that torch had in those days."""
    torch.save(values, path, _use_new_zipfile_serialization=zipped)
    return path
