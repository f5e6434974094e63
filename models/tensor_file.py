"""A torch file of somebody else's: its tensors, and nothing in it is run."""

import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

_LISTED: Final = 8


def read_tensors(path: Path, largest: int) -> Any:
    """What the file holds, on the CPU, mapped into memory where the format allows. Raises ``ValueError`` for anything
    but plain tensors in lists and mappings, or for more than ``largest`` bytes; its message begins with the path."""
    if not path.is_file():
        raise ValueError(f"{path} is not there")
    try:
        size = path.stat().st_size
        in_zip = zipfile.is_zipfile(path)
        if in_zip:
            with zipfile.ZipFile(path) as archive:
                size = max(size, sum(member.file_size for member in archive.infolist()))
        if size > largest:
            raise ValueError(f"{size >> 20} MB, more than {largest >> 20}")
        return torch.load(path, map_location="cpu", weights_only=True, mmap=in_zip)
    except Exception as error:  # torch's reader raises whatever a broken file leads it to
        raise ValueError(f"{path}: not a torch file of plain tensors ({str(error)[:300]})") from error


def misfits(wanted: Mapping[str, Tensor], found: Mapping[str, Any], may_lack: Collection[str] = ()) -> str:
    """In words what ``found`` lacks of ``wanted``, has too much or in the wrong shape; empty if it fits."""
    shared = wanted.keys() & found.keys()
    wrong = [
        f"{name} {list(value.shape) if isinstance(value, Tensor) else type(value).__name__}"
        f" for {list(wanted[name].shape)}"
        for name in sorted(shared)
        if not isinstance(value := found[name], Tensor) or value.shape != wanted[name].shape
    ]
    troubles = {
        "lacks": sorted(wanted.keys() - shared - set(may_lack)),
        "has the unexpected": sorted(found.keys() - shared),
        "has in the wrong shape": wrong,
    }
    return "; it ".join(
        f"{what} {', '.join(names[:_LISTED])}{f' and {len(names) - _LISTED} more' if len(names) > _LISTED else ''}"
        for what, names in troubles.items()
        if names
    )


def own_copy(value: Tensor) -> Tensor:
    """Apart from its file, which may be mapped into memory and change or vanish under us; float32 or int64."""
    return value.to(torch.float32 if value.is_floating_point() else torch.int64, copy=True)
