"""The published ``deca_model.tar`` (a torch file, whatever its name) into our networks, running nothing it holds."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from models.deca.code import WHERE_DECA_IS_HAD
from models.deca.network import DecaNetworks

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
    if not path.is_file():
        raise DecaUnavailable(f"{path} is not there. {WHERE_DECA_IS_HAD}.")
    try:
        content = _open(path)
    except Exception as error:  # torch's reader raises whatever a broken file leads it to
        raise DecaUnavailable(
            f"{path}: not a torch file of plain tensors ({str(error)[:300]}). {WHERE_DECA_IS_HAD}."
        ) from error
    if not isinstance(content, Mapping) or not all(isinstance(content.get(part), Mapping) for part in _PARTS):
        held = sorted(map(str, content))[:_LISTED] if isinstance(content, Mapping) else [type(content).__name__]
        raise DecaUnavailable(f"{path} holds {held}, wanted {list(_PARTS)}. {WHERE_DECA_IS_HAD}.")
    parameters = {f"{part}.{name}": value for part in _PARTS for name, value in content[part].items()}
    with torch.device("meta"):
        networks = DecaNetworks()
    _compare(path, networks.state_dict(), parameters)
    # Copies, for the file may be mapped into memory and change or vanish under us.
    own = {n: v.to(torch.float32 if v.is_floating_point() else torch.int64, copy=True) for n, v in parameters.items()}
    networks.load_state_dict(own, strict=True, assign=True)
    networks.requires_grad_(False).eval()
    return DecaWeights(networks, tuple(sorted(str(key) for key in content if key not in _PARTS)))


def _open(path: Path) -> Any:
    size = path.stat().st_size
    in_zip = zipfile.is_zipfile(path)
    if in_zip:
        with zipfile.ZipFile(path) as archive:
            size = max(size, sum(member.file_size for member in archive.infolist()))
    if size > _LARGEST_FILE:
        raise ValueError(f"{size >> 20} MB, more than {_LARGEST_FILE >> 20}")
    # Mapped, the optimiser's half is never read; torch can map only its newer, zipped format.
    return torch.load(path, map_location="cpu", weights_only=True, mmap=in_zip)


def _compare(path: Path, wanted: Mapping[str, Tensor], found: Mapping[str, Any]) -> None:
    shared = wanted.keys() & found.keys()
    wrong = [
        f"{name} {list(value.shape) if isinstance(value, Tensor) else type(value).__name__}"
        f" for {list(wanted[name].shape)}"
        for name in sorted(shared)
        if not isinstance(value := found[name], Tensor) or value.shape != wanted[name].shape
    ]
    troubles = {
        "lacks": sorted(wanted.keys() - shared),
        "has the unexpected": sorted(found.keys() - shared),
        "has in the wrong shape": wrong,
    }
    said = [
        f"{what} {', '.join(names[:_LISTED])}{f' and {len(names) - _LISTED} more' if len(names) > _LISTED else ''}"
        for what, names in troubles.items()
        if names
    ]
    if said:
        raise DecaUnavailable(f"{path} is not DECA's weights: it {'; it '.join(said)}. {WHERE_DECA_IS_HAD}.")
