"""The motion models by preset: how each is built to be trained, and opened to perform."""

from enum import StrEnum
from pathlib import Path
from typing import Final

import torch

from models.avatar.avatar import Avatar
from models.avatar.config import AvatarConfig
from models.avatar.motion import MOTION_DIM
from models.avatar.protocol import MotionModel
from models.avatar.sampler import Sampler, SamplerConfig
from models.head.model import HeadModel
from models.head.shelf import HeadShelf
from models.paper.config import PaperConfig
from models.paper.model import Paper
from models.paper.statistics import PaperStatistics
from models.training.checkpoint import Checkpoint, UnreadableCheckpoint, fill, read_checkpoint
from models.training.mixture import Mixture
from models.training.settings import TrainConfig
from models.training.windows import Windows, WindowsConfig
from schemas.units import DETAIL_DIM, EXPRESSION_DIM, SHAPE_DIM

_PAPER_CODE: Final = SHAPE_DIM + EXPRESSION_DIM + 6
_MEASURED_BATCHES: Final = 20  # the paper's statistics are of differences within windows, so they are measured on some


Objective = Avatar | Paper


class Preset(StrEnum):
    SMALL = "small"  # ours, for two CPU cores
    BASE = "base"  # ours, for a GPU and hours of data
    PAPER = "paper"  # 3DXTalker's own network: the rival


def windows_of(preset: Preset) -> WindowsConfig:
    """The windows that suit ``preset``."""
    match preset:
        case Preset.SMALL:
            return WindowsConfig(batch_size=16, window_frames=64)
        case Preset.BASE:
            return WindowsConfig(batch_size=128, window_frames=125)
        case Preset.PAPER:
            return WindowsConfig(batch_size=4, window_frames=75, silence_share=0.0)


def schedule_of(preset: Preset) -> TrainConfig:
    """How ``preset`` is trained where nothing else is said."""
    match preset:
        case Preset.SMALL:
            return TrainConfig(max_minutes=15, learning_rate=1e-3, ema_decay=0.998)
        case Preset.BASE:
            return TrainConfig(max_minutes=60, learning_rate=5e-4, ema_decay=0.9995, compile=True)
        case Preset.PAPER:
            return TrainConfig(max_minutes=60, learning_rate=1e-4, ema_decay=0.999, warmup_steps=0)


def build(preset: Preset, mixture: Mixture, windows: Windows, head: HeadModel) -> Objective:
    """An untrained network of ``preset`` for the data at hand, its statistics measured on it; ``head`` is its."""
    pack = mixture.packs[0]
    heard = {"speech_dim": pack.speech.shape[1], "speech_model": pack.embedding_model}
    match preset:
        case Preset.SMALL:
            return Avatar(AvatarConfig.small().model_copy(update=heard), mixture.statistics, head)
        case Preset.BASE:
            return Avatar(AvatarConfig.base().model_copy(update=heard), mixture.statistics, head)
        case Preset.PAPER:
            dim = _PAPER_CODE if pack.detail is None else _PAPER_CODE + DETAIL_DIM
            config = PaperConfig.model_validate(heard | {"frame_dim": dim})
            batches = (windows.batch(number) for number in range(_MEASURED_BATCHES))
            return Paper(config, PaperStatistics.of(batches, config))


def frame_dim(objective: Objective) -> int:
    """Numbers in a frame that the network generates."""
    return objective.config.frame_dim if isinstance(objective, Paper) else MOTION_DIM


def rebuild(checkpoint: Checkpoint, heads: HeadShelf) -> Objective:
    """The trained network that ``checkpoint`` holds, for a head of the shelf. Raises ``UnreadableCheckpoint`` and what
    ``HeadShelf.head`` does."""
    card = checkpoint.card
    try:
        preset = Preset(card.kind)
        config = PaperConfig if preset is Preset.PAPER else AvatarConfig
        settings = config.model_validate(card.network)
    except ValueError as error:
        raise UnreadableCheckpoint(f"no network of kind {card.kind!r} with these settings: {error}") from error
    network: Objective
    if isinstance(settings, PaperConfig):
        network = Paper(settings, PaperStatistics.neutral(settings))
    else:
        network = Avatar(settings, checkpoint.statistics, heads.head(card.head_model))
    fill(network, checkpoint)
    return network


def open_model(
    folder: Path, device: str = "cpu", sampler: SamplerConfig | None = None, heads: HeadShelf | None = None
) -> MotionModel:
    """A finished model, ready to perform; without ``heads`` one that speaks for the open head. Raises as ``rebuild``
    does."""
    network = rebuild(read_checkpoint(folder), heads or HeadShelf(None)).to(torch.device(device))
    return network if isinstance(network, Paper) else Sampler(network, sampler)
