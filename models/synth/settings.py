"""What is made, and how often what happens. The one place of its defaults."""

from pydantic import Field

from schemas.config import StageConfig


class SynthConfig(StageConfig):
    """The same settings make the same files."""

    clips: int = Field(ge=1)
    seconds: float = Field(4.0, ge=0.4, le=600, description="of every clip")
    speakers: int = Field(8, ge=1, description="they take turns; face, voice, looks and habits stay with them")
    seed: int = Field(1, ge=0, description="other seeds are other people")
    size_px: int = Field(512, ge=64, le=2048, multiple_of=2, description="side of the square picture")
    shifted: float = Field(0.0, ge=0, le=1, description="share of clips whose sound is early or late")
    least_shift_ms: int = Field(80, ge=1)
    most_shift_ms: int = Field(480, ge=1)
    occluded: float = Field(0.1, ge=0, le=1, description="share of clips in which something crosses the face")
    vertices: bool = Field(False, description="write every frame's vertices too, some 6 MB for 100 frames")
