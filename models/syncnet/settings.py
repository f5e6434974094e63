"""How SyncNet is asked, and what its confidence is taken to be worth."""

from pydantic import Field

from schemas.config import StageConfig


class SyncNetSettings(StageConfig):
    every_frames: int = Field(1, ge=1, description="a look takes longer than the rest of a frame's curation")
    even_confidence: float = Field(
        3.0, ge=0, description="SyncNet's, at which lips and sound are as likely strangers as not; below, none is told"
    )
    least_drift_gain: float = Field(1.0, ge=0, description="in mean distance over a constant offset; less is no drift")
