"""The published ``deca_model.tar`` (a torch file, whatever its name) into our networks, running nothing it holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from models.deca.code import WHERE_DECA_IS_HAD
from models.deca.network import DecaNetworks
from models.tensor_file import misfits, own_copy, read_tensors

_LARGEST_FILE: Final = 1 << 30  # bytes; the published one has 434 MB, half of it the optimiser's
_PARTS: Final = ("E_flame", "E_detail", "D_detail")
_LISTED: Final = 8


class DecaUnavailable(RuntimeError):
    """DECA's weights are missing, or a file is not DECA's weights; the message says where to get them."""


@dataclass(frozen=True, slots=True)
class DecaWeights:
    networks: DecaNetworks  # in evaluation mode, on the CPU, float32
    ignored: tuple[str, ...]  # what else the file held: "opt", "global_step", ...


def read_weights(path: Path) -> DecaWeights:
    """Load every parameter of the three networks, no more and no fewer. Raises ``DecaUnavailable``."""
    try:
        content = read_tensors(path, _LARGEST_FILE)
    except ValueError as error:
        raise DecaUnavailable(f"{error}. {WHERE_DECA_IS_HAD}.") from error
    if not isinstance(content, Mapping) or not all(isinstance(content.get(part), Mapping) for part in _PARTS):
        held = sorted(map(str, content))[:_LISTED] if isinstance(content, Mapping) else [type(content).__name__]
        raise DecaUnavailable(f"{path} holds {held}, wanted {list(_PARTS)}. {WHERE_DECA_IS_HAD}.")
    parameters = {f"{part}.{name}": value for part in _PARTS for name, value in content[part].items()}
    with torch.device("meta"):
        networks = DecaNetworks()
    if said := misfits(networks.state_dict(), parameters):
        raise DecaUnavailable(f"{path} is not DECA's weights: it {said}. {WHERE_DECA_IS_HAD}.")
    networks.load_state_dict({n: own_copy(v) for n, v in parameters.items()}, strict=True, assign=True)
    networks.requires_grad_(False).eval()
    return DecaWeights(networks, tuple(sorted(str(key) for key in content if key not in _PARTS)))
