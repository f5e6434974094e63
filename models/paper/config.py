"""Sizes of 3DXTalker's network and the constants of its flow."""

from typing import Literal

from pydantic import Field

from schemas.config import StageConfig


class PaperConfig(StageConfig):
    """What must be known to build the network and to sample from it. The defaults are the paper's."""

    frame_dim: Literal[156, 284] = Field(284, description="284 where the data has DECA's detail, else 156")
    speech_dim: int = Field(512, gt=0, description="of the speech embedding")
    speech_model: str = Field("whisper-base:2", description="whose embedding it is: name and layer")
    width: int = Field(768, gt=0)
    heads: int = Field(12, gt=0)
    trunk_blocks: int = Field(6, gt=0)
    pose_blocks: int = Field(2, gt=0)
    expression_blocks: int = Field(2, gt=0)
    identity_blocks: int = Field(1, gt=0)
    feed_forward: int = Field(4, gt=0, description="hidden width of the feed-forward layers, in widths")
    amplitude_width: int = Field(512, gt=0, description="of the first convolution over the envelope")
    time_frequencies: int = Field(256, gt=0, multiple_of=2)
    dropout: float = Field(0.1, ge=0, lt=1)
    time_steps: int = Field(512, gt=0, description="integer steps from noise to motion")
    key_frames: int = Field(25, gt=0, description="distance of the source noise's keys")
    lip_coefficient: float = Field(1.0, ge=0, description="of the jaw's source noise")
    steps: int = Field(32, gt=0, description="of the sampler, where the caller names none")
    window_frames: int = Field(250, gt=0, description="longest sequence sampled at once: that of training")
