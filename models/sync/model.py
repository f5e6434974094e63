"""The trained network with its calibration, ready to read clips; and its folder on disk.

::

    <folder>/config.json          network, calibration, what it was trained on and how well it does (``SyncCard``)
    <folder>/model.safetensors    weights, matrices in float16
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal

import numpy as np
import torch
from pydantic import Field, JsonValue
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.head.model import HeadModel
from models.sync.calibration import SyncCalibration
from models.sync.features import mouth_input, mouth_mm, sound_decades, sound_input
from models.sync.network import SyncNetwork, SyncNetworkConfig
from models.training.folders import appearing
from schemas.arrays import Float32
from schemas.config import StageConfig
from schemas.sync import SyncReading

FURTHEST_FRAMES: Final = 25  # a second either way
_WEIGHTS, _CARD = "model.safetensors", "config.json"
_LARGEST_FILE: Final = 16 << 20
_NAME_DIGITS: Final = 8
SHIPPED: Final = Path(__file__).parent.parent / "data" / "sync"  # its MODEL_CARD.md says what it is


class UnreadableSyncModel(RuntimeError):
    """A folder is not a sync model, or not a whole one."""


class SyncCard(StageConfig):
    """What a sync model is and where it comes from."""

    format: Literal[1] = 1
    network: SyncNetworkConfig
    calibration: SyncCalibration
    speakers: tuple[str, ...] | None = Field(
        None, description="recorded people it was trained on, as the warehouse names them; None: it is not known"
    )
    invented_speakers: int = Field(0, ge=0, description="people beside them who do not exist")
    training: dict[str, JsonValue] = Field(default_factory=dict)
    metrics: dict[str, float] = Field(default_factory=dict)
    sha256: str = Field("", description="of the weights' file")


class SyncModel:
    """Reads whether lips say a sound. Loaded once, for any number of clips."""

    def __init__(self, network: SyncNetwork, calibration: SyncCalibration, name: str = "") -> None:
        self.name = name
        self._network = network.eval().requires_grad_(False)
        self.calibration = calibration

    def read(self, frames: Float32, audio: Float32, head: HeadModel) -> SyncReading:
        """How ``frames`` [T, 58] of ``head`` (``models.avatar.motion``) and ``audio`` [T * 640] lie to each other."""
        return self.calibration.reading(self.products(mouth_mm(frames, head), sound_decades(audio)))

    @torch.inference_mode()
    def see(self, mouth: Float32) -> Float32:
        """Embeddings [T, E] of ``mouth`` [T, 126] (``models.sync.features``)."""
        return np.asarray(self._network.see(torch.from_numpy(mouth_input(mouth))[None])[0].numpy())

    @torch.inference_mode()
    def hear(self, decades: Float32) -> Float32:
        """Embeddings [T, E] of ``decades`` [4 * T, 40]."""
        return np.asarray(self._network.hear(torch.from_numpy(sound_input(decades))[None])[0].numpy())

    def products(self, mouth: Float32, decades: Float32) -> Float32:
        """``products_of`` what it sees and hears."""
        return products_of(self.see(mouth), self.hear(decades))


def products_of(lips: Float32, sound: Float32, furthest: int = FURTHEST_FRAMES) -> Float32:
    """What every frame says about every offset, [T, 2 * furthest + 1] as ``models.sync.curve`` takes it, of the
    embeddings ``lips`` and ``sound``, both [T, E]."""
    edge = np.full((furthest, sound.shape[1]), np.nan, np.float32)
    around = np.lib.stride_tricks.sliding_window_view(np.concatenate([edge, sound, edge]), 2 * furthest + 1, axis=0)
    return np.asarray(np.einsum("te,tek->tk", lips, around), np.float32)


def write_sync(folder: Path, card: SyncCard, weights: Mapping[str, Tensor]) -> SyncCard:
    """Write a sync model as ``folder``, whole or not at all; returns the card with its ``sha256``. Raises
    ``FileExistsError``."""
    if folder.exists():
        raise FileExistsError(f"{folder} exists; a finished model is never overwritten")
    tensors = {name: (t.half() if t.ndim > 1 else t).contiguous() for name, t in weights.items()}
    with appearing(folder) as unfinished:
        save_file(tensors, unfinished / _WEIGHTS)
        written = card.model_copy(update={"sha256": _hash_of(unfinished / _WEIGHTS)})
        (unfinished / _CARD).write_text(written.model_dump_json(indent=1) + "\n")
    return written


def read_sync_card(folder: Path) -> SyncCard:
    """Raises ``UnreadableSyncModel``."""
    try:
        return SyncCard.model_validate(json.loads(_bytes_of(folder / _CARD)))
    except (OSError, ValueError, RecursionError) as error:
        raise UnreadableSyncModel(f"{folder}: {_CARD} cannot be read as a sync model's ({error})") from error


def identity_of(folder: Path) -> str:
    """sha256 of the model's card, which holds that of the weights: by it two models are told apart."""
    return _hash_of(folder / _CARD)


def open_sync(folder: Path) -> SyncModel:
    """A sync model of any folder. Raises ``UnreadableSyncModel``."""
    card = read_sync_card(folder)
    try:
        _bytes_of(folder / _WEIGHTS)
        if (found := _hash_of(folder / _WEIGHTS)) != card.sha256:
            raise ValueError(f"sha256 is {found[:12]}..., the card says {card.sha256[:12]}...")
        network = SyncNetwork(card.network)
        network.load_state_dict({name: t.float() for name, t in load_file(folder / _WEIGHTS).items()})
        if not all(bool(torch.isfinite(t).all()) for t in network.state_dict().values()):
            raise ValueError("a weight is not finite")
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise UnreadableSyncModel(f"{folder}: {_WEIGHTS} is not this model's ({error})") from error
    return SyncModel(network, card.calibration, f"lip-landmarks@{card.sha256[:_NAME_DIGITS]}")


@cache
def load_default_sync() -> SyncModel:
    """The model that comes with the program, read once per process."""
    return open_sync(SHIPPED)


def _bytes_of(path: Path) -> bytes:
    if path.stat().st_size > _LARGEST_FILE:
        raise ValueError(f"{path.name} has {path.stat().st_size} bytes, no sync model is so large")
    return path.read_bytes()


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
