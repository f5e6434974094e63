"""The state of a run on disk: everything from which the next step would come out bit by bit the same.

::

    <run>/states/<step>-<rollbacks>/state.json           where the run stands
    <run>/states/<step>-<rollbacks>/state.safetensors    weights/<name>, average/<name>, and of the optimiser
                                                         moment1/<name>, moment2/<name>, updates/<name>
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from models.training.ema import Ema
from models.training.folders import UNFINISHED, DiskFull, appearing, locked
from models.training.guard import LossRecord

FORMAT: Final = 1
KEPT: Final = 2
_MOMENTS: Final = {"exp_avg": "moment1", "exp_avg_sq": "moment2", "step": "updates"}  # torch's names to ours


class CannotResume(RuntimeError):
    """The run's saved state does not belong to what is to be trained, or cannot be read."""


class RunBusy(RuntimeError):
    """Another process trains in this folder."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a run stands, besides its tensors."""

    step: int = 0  # steps done, bad ones included
    elapsed_s: float = 0.0
    bad_in_a_row: int = 0
    rollbacks: int = 0
    record: LossRecord = field(default_factory=LossRecord)


class TrainingState:
    """The tensors of a run: the module's, their average's, the optimiser's."""

    def __init__(self, module: nn.Module, average: Ema[Any], optimizer: torch.optim.Optimizer) -> None:
        self._module = module
        self._average = average
        self._optimizer = optimizer
        names = {parameter: name for name, parameter in module.named_parameters()}
        self._order = [names[p] for group in optimizer.param_groups for p in group["params"]]

    def tensors(self) -> dict[str, Tensor]:
        """By name, on the CPU, each with memory of its own."""
        found = {f"weights/{name}": tensor for name, tensor in self._module.state_dict().items()}
        found |= {f"average/{name}": tensor for name, tensor in self._average.module.state_dict().items()}
        for index, entries in self._optimizer.state_dict()["state"].items():
            for theirs, ours in _MOMENTS.items():
                found[f"{ours}/{self._order[index]}"] = entries[theirs]
        return separate(found)

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over ``tensors``. Raises ``CannotResume`` if they are of another network."""
        try:
            self._module.load_state_dict(_under("weights", tensors))
            self._average.module.load_state_dict(_under("average", tensors))
            parts = {theirs: _under(ours, tensors) for theirs, ours in _MOMENTS.items()}
            if not parts["step"].keys() <= set(self._order):
                raise KeyError("moments of unknown parameters")
            state = {
                index: {theirs: of_name[name] for theirs, of_name in parts.items()}
                for index, name in enumerate(self._order)
                if name in parts["step"]
            }
            groups = self._optimizer.state_dict()["param_groups"]
            self._optimizer.load_state_dict({"state": state, "param_groups": groups})
        except (RuntimeError, KeyError) as error:
            raise CannotResume(f"the saved state is of another network ({error}); train into another folder") from error


class RunFolder:
    """The states of one run; the newest two are kept."""

    def __init__(self, folder: Path) -> None:
        self._states = folder / "states"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep others out, and clear away what a killed one left. Raises ``RunBusy``."""
        with locked(self._states / "lock", wait=False) as mine:
            if not mine:
                raise RunBusy(f"{self._states.parent}: another process trains here; wait for it, or use another folder")
            for left in self._states.glob(f"{UNFINISHED}*"):
                shutil.rmtree(left)
            yield

    def saved(self) -> list[Path]:
        """Saved states, oldest first."""
        return sorted(path for path in self._states.glob("[0-9]*-[0-9]*") if path.is_dir())

    def save(self, position: Position, tensors: Mapping[str, Tensor], data: str) -> None:
        """Save a state; ``data`` is the digest of the batches. On a full disk the older one makes room for it.
        Raises ``DiskFull``; what was saved last is untouched then."""
        place = self._states / f"{position.step:09d}-{position.rollbacks}"
        if place.exists():
            return
        try:
            _write(place, position, tensors, data)
        except DiskFull:
            older = self.saved()[:-1]
            if not older:
                raise
            for path in older:
                shutil.rmtree(path)
            _write(place, position, tensors, data)
        for path in self.saved()[:-KEPT]:
            shutil.rmtree(path)

    def load(self, data: str) -> tuple[Position, dict[str, Tensor]]:
        """The newest state. Raises ``CannotResume`` if there is none, it cannot be read or it saw other batches."""
        newest = self.saved()[-1:]
        if not newest:
            raise CannotResume(f"{self._states}: no state is saved here")
        try:
            about: dict[str, Any] = json.loads((newest[0] / "state.json").read_text())
            if about["format"] != FORMAT:
                raise ValueError(f"format {about['format']}, this program reads {FORMAT}")
            record = LossRecord(**about["position"].pop("record"))
            position = Position(**about["position"], record=record)
            tensors = load_file(newest[0] / "state.safetensors")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
            raise CannotResume(
                f"{newest[0]}: cannot be read ({error}); remove it to go on from the one before"
            ) from error
        if about["data"] != data:
            raise CannotResume(
                f"{newest[0]} was trained on other batches: other clips, statistics or window settings. "
                "Train into another folder; its weights can be a start"
            )
        return position, tensors


def separate(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Contiguous tensors on the CPU that share no memory with each other: what safetensors can hold."""
    found: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        own = tensor.detach().cpu().contiguous()
        found[name] = own.clone() if own.untyped_storage().data_ptr() in seen else own
        seen.add(found[name].untyped_storage().data_ptr())
    return found


def _write(place: Path, position: Position, tensors: Mapping[str, Tensor], data: str) -> None:
    with appearing(place) as folder:
        save_file(dict(tensors), folder / "state.safetensors")
        about = {"format": FORMAT, "data": data, "torch": torch.__version__, "position": asdict(position)}
        (folder / "state.json").write_text(json.dumps(about, indent=1))


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(f"{prefix}/"): t for name, t in tensors.items() if name.startswith(f"{prefix}/")}
