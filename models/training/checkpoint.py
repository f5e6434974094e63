"""A finished model on disk. The folder says what it is; nothing else is needed to load it, and nothing is unpickled.

::

    <folder>/config.json          what it is, what it was made from, how well it does (``ModelCard``)
    <folder>/model.safetensors    weights/<name> and statistics/<name>
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

import numpy as np
import torch
from pydantic import Field, JsonValue, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from models.training.folders import appearing
from models.training.state import separate
from models.training.statistics import Statistics
from schemas.config import StageConfig

WEIGHTS_FILE: Final = "model.safetensors"
CARD_FILE: Final = "config.json"
_LARGEST_CARD: Final = 1 << 20  # bytes; a card is a page, and nobody is to make us parse more
_DTYPES: Final = {"float16": torch.float16, "float32": torch.float32}


class UnreadableCheckpoint(RuntimeError):
    """A folder is not a finished model, or not a whole one, or not of this kind."""


class WeightsDtype(StrEnum):
    FLOAT16 = "float16"
    FLOAT32 = "float32"


class ModelCard(StageConfig):
    """What a model is and where it comes from."""

    format: Literal[1] = 1
    kind: str = Field(min_length=1, description="which program can build the network: small, base, paper, ...")
    network: dict[str, JsonValue] = Field(description="the network's own settings, as its kind reads them")
    head_model: str
    speech_model: str = Field(description="whose embedding it hears: name and layer")
    speech_dim: int = Field(gt=0)
    frame_dim: int = Field(gt=0, description="numbers in a generated frame")
    snapshot: int | None = Field(description="of the warehouse that it was trained on; none for synthetic motion alone")
    selection: str = Field(description="which clips of it, as SQL")
    data_hours: float = Field(ge=0)
    licence_class: str = Field(description="the strictest licence among its data")
    code_version: str
    parent: str | None = Field(None, description="the model whose weights it began with")
    training: dict[str, JsonValue] = Field(default_factory=dict, description="settings, steps, minutes")
    metrics: dict[str, float] = Field(default_factory=dict)
    dtype: WeightsDtype = WeightsDtype.FLOAT16
    sha256: str = Field("", description="of the weights' file")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A finished model as read: float32 weights by name of the module's ``state_dict``."""

    card: ModelCard
    weights: Mapping[str, Tensor]
    statistics: Statistics


def write_checkpoint(folder: Path, card: ModelCard, weights: Mapping[str, Tensor], statistics: Statistics) -> ModelCard:
    """Write a finished model as ``folder``, whole or not at all. ``card.dtype`` says how matrices are stored;
    vectors (biases, norms, statistics) keep their precision, as they weigh nothing. Returns the card as written, with
    its ``sha256``.

    Raises ``ValueError`` if a weight is not finite in that dtype, ``FileExistsError``, ``DiskFull``.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists; a finished model is never overwritten")
    dtype = _DTYPES[card.dtype]
    narrow = {name for name, t in weights.items() if t.is_floating_point() and t.ndim > 1}
    tensors = {f"weights/{name}": t.to(dtype) if name in narrow else t for name, t in weights.items()}
    tensors |= {
        f"statistics/{name}": torch.from_numpy(np.array(values))
        for name, values in asdict(statistics).items()
        if values is not None
    }
    _require_finite(tensors, f"cannot be stored as {card.dtype}; the network diverged, or try float32")
    with appearing(folder) as unfinished:
        save_file(separate(tensors), unfinished / WEIGHTS_FILE, metadata={"format": "pt"})
        written = card.model_copy(update={"sha256": _hash_of(unfinished / WEIGHTS_FILE)})
        (unfinished / CARD_FILE).write_text(written.model_dump_json(indent=1) + "\n")
    return written


def read_card(folder: Path) -> ModelCard:
    """Only what a model says of itself. Raises ``UnreadableCheckpoint``."""
    path = folder / CARD_FILE
    try:
        if path.stat().st_size > _LARGEST_CARD:
            raise ValueError(f"has {path.stat().st_size} bytes, no card is so long")
        return ModelCard.model_validate(json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError) as error:  # pydantic's and json's errors are ValueErrors
        raise UnreadableCheckpoint(f"{folder} is not a finished model: {CARD_FILE} {_in_short(error)}") from error


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read a finished model and check that it is whole. The caller builds the network that ``card.kind`` names and
    hands it to ``fill``. Raises ``UnreadableCheckpoint``."""
    card = read_card(folder)
    path = folder / WEIGHTS_FILE
    try:
        if (found := _hash_of(path)) != card.sha256:
            raise ValueError(f"has sha256 {found[:12]}..., its card says {card.sha256[:12]}...: fetch it again")
        tensors = load_file(path)
        _require_finite(tensors, "is not finite")
        parts: dict[str, dict[str, Tensor]] = {"weights": {}, "statistics": {}}
        for name, tensor in tensors.items():
            part, _, rest = name.partition("/")
            parts[part][rest] = tensor.float() if tensor.is_floating_point() else tensor
        statistics = Statistics(**{name: tensor.numpy() for name, tensor in parts["statistics"].items()})
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise UnreadableCheckpoint(f"{folder} is not a whole model: {WEIGHTS_FILE} {_in_short(error)}") from error
    if statistics.speech_mean.shape != (card.speech_dim,):
        raise UnreadableCheckpoint(
            f"{folder}: statistics of {statistics.speech_mean.shape} speech features, the card says {card.speech_dim}"
        )
    return Checkpoint(card, parts["weights"], statistics)


def fill(module: nn.Module, checkpoint: Checkpoint) -> None:
    """Give ``module`` the weights, every one of them. Raises ``UnreadableCheckpoint`` if it is another network."""
    try:
        module.load_state_dict(checkpoint.weights, strict=True)
    except RuntimeError as error:
        raise UnreadableCheckpoint(
            f"the weights do not fit the network of kind {checkpoint.card.kind!r}: {_in_short(error)}"
        ) from error


def _require_finite(tensors: Mapping[str, Tensor], why: str) -> None:
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise ValueError(f"{name} {why}")


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _in_short(error: Exception) -> str:
    """The first of what may be a hundred complaints."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"has {'.'.join(map(str, first['loc'])) or 'content'}: {first['msg']}"
    if isinstance(error, FileNotFoundError):
        return "is missing"
    return " ".join(str(error).split())[:300]
