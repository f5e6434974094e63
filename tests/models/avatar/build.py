"""A small avatar, untrained, and speech for it."""

import numpy as np
import torch

from models.avatar.avatar import Avatar
from models.avatar.config import AvatarConfig
from models.avatar.motion import MOTION_DIM
from models.head.model import load_open_head
from models.training.batch import Batch
from models.training.statistics import Statistics
from schemas.speech import SpeechFeatures

SPEECH_DIM = 8
TINY = AvatarConfig(
    speech_dim=SPEECH_DIM,
    speech_model="test:0",
    width=16,
    heads=2,
    listener_blocks=2,
    mover_blocks=2,
    feed_forward=2,
    band_frames=3,
    context_frames=4,
    dropout=0.0,
    speech_dropout=0.0,
)


def neutral(speech_dim: int = SPEECH_DIM) -> Statistics:
    """Statistics of motion that hardly moves, and of speech and style that are normal already."""
    return Statistics(
        motion_mean=np.zeros(MOTION_DIM, np.float32),
        motion_std=np.full(MOTION_DIM, 0.1, np.float32),
        speech_mean=np.zeros(speech_dim, np.float32),
        speech_std=np.ones(speech_dim, np.float32),
        style_mean=np.zeros(6, np.float32),
        style_std=np.ones(6, np.float32),
    )


def tiny_avatar(seed: int = 0, awake: bool = False, **changes: object) -> Avatar:
    """With ``awake`` the layers that begin at zero, so that training starts gently, do something."""
    torch.manual_seed(seed)
    config = TINY.model_copy(update=changes)
    avatar = Avatar(config, neutral(config.speech_dim), load_open_head())
    if awake:
        for parameter in avatar.parameters():
            if not parameter.abs().sum():
                torch.nn.init.normal_(parameter, std=0.3)
    return avatar


def speech_of(n_frames: int, seed: int = 0) -> SpeechFeatures:
    rng = np.random.default_rng(seed)
    return SpeechFeatures(
        n_frames=n_frames,
        envelope=rng.uniform(0.01, 0.3, n_frames).astype(np.float32),
        f0_hz=rng.uniform(0, 200, n_frames).astype(np.float32),
        embedding=rng.standard_normal((n_frames, SPEECH_DIM)).astype(np.float32),
        embedding_model="test:0",
    )


def batch_of(windows: int, frames: int, seed: int = 0) -> Batch:
    """Windows in which the mouth opens with the first number of the speech."""
    g = torch.Generator().manual_seed(seed)
    speech = torch.randn(windows, frames, SPEECH_DIM, generator=g)
    motion = torch.zeros(windows, frames, MOTION_DIM)
    motion[..., 50] = 0.1 * speech[..., 0].sigmoid()
    return Batch(
        motion=motion,
        speech=speech,
        envelope=torch.rand(windows, frames, generator=g),
        f0_hz=torch.rand(windows, frames, generator=g) * 200,
        shape=torch.zeros(windows, 100),
        detail=None,
        valid=torch.ones(windows, frames, dtype=torch.bool),
        reference=motion[:, 0],
        style=torch.zeros(windows, 6),
    )
