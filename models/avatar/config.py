"""Sizes and habits of the avatar's network."""

from typing import Self

from pydantic import Field

from schemas.config import StageConfig


class AvatarConfig(StageConfig):
    """What must be known to build the network and to sample from it; stored with every checkpoint."""

    speech_dim: int = Field(512, gt=0, description="of the speech embedding")
    speech_model: str = Field("whisper-base:2", description="whose embedding it is: name and layer")
    width: int = Field(256, gt=0)
    heads: int = Field(4, gt=0)
    listener_blocks: int = Field(4, gt=0, description="run once a clip")
    mover_blocks: int = Field(2, gt=0, description="run at every step of the sampler")
    feed_forward: int = Field(3, gt=0, description="hidden width of the feed-forward layers, in widths")
    band_frames: int = Field(12, gt=0, description="attention reaches so many frames to either side")
    dropout: float = Field(0.3, ge=0, lt=1)
    speech_dropout: float = Field(0.2, ge=0, lt=1, description="of single numbers of the speech embedding")
    condition_dropout: float = Field(0.1, ge=0, lt=1, description="of speech, reference and style, each on its own")
    context_frames: int = Field(10, gt=0, description="motion frames that a window goes on from")
    steps: int = Field(4, gt=0, description="of the sampler, where the caller names none")

    @classmethod
    def small(cls) -> Self:
        """For two CPU cores."""
        return cls()

    @classmethod
    def base(cls) -> Self:
        """For a GPU and hours of data."""
        return cls(width=512, heads=8, listener_blocks=8, mover_blocks=4, feed_forward=4, steps=4)
