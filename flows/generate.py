"""A performance as a Prefect flow: the same as ``xtalker generate``, with files on the worker's disk.

``python -m flows.generate '{"audio": "speech.wav"}'``
"""

import hashlib
import sys
from pathlib import Path
from typing import Any, Final

from prefect import flow
from pydantic import BaseModel, ConfigDict, Field

from flows.artifacts.generation import leave_generation
from flows.commands.refusals import told
from flows.performing import VIDEO, Request
from flows.performing import generate as perform
from flows.settings import Settings

PERFORMANCES: Final = "performances"  # below the warehouse
_KEY_DIGITS: Final = 8


class GenerateParams(BaseModel):
    """Who says what, and how."""

    model_config = ConfigDict(extra="forbid")

    audio: Path = Field(description="The speech: a sound file, or a video with sound")
    output: Path | None = Field(
        None, description=".mp4, .glb, .usda, .csv or .npz; without a folder, and if None, in the warehouse's own"
    )
    image: Path | None = Field(None, description="A picture of the face that is to speak")
    identity: str | None = Field(None, description="A clip of the warehouse whose person is to speak")
    emotion: str | None = Field(None, description="happy:0.7, or happy:0@0s,happy:1@2s; mixes with commas")
    emotion_curve: Path | None = Field(None, description="CSV with time_s and a column for each emotion")
    pose: str | None = Field(None, description="natural, still, presenter, clip:ID, or a CSV of angles")
    camera: str | None = Field(None, description="fixed, orbit, push-in, ... or a CSV of keyframes")
    prompt: str | None = Field(None, description="cheerful, lively nods, slow push-in")
    model: str | None = Field(None, description="champion, default or a version; None: the champion if any")
    steps: int | None = Field(None, ge=1, description="Of the sampler; None: the model's own")
    seed: int = Field(0, ge=0, description="Same seed, same performance")
    size_px: int = Field(512, ge=64, le=2048, description="Of the film's side")
    warehouse: Path | None = Field(None, description="Its folder; None: the worker's own default")

    def request(self, root: Path) -> Request:
        """The same request for a warehouse at ``root``. Without a name of its own the output is called after the
        speech and everything else that was asked for: the same request makes the same file again."""
        asked = self.model_dump(exclude={"output", "warehouse"})
        key = hashlib.sha256(self.model_dump_json(exclude={"output", "warehouse"}).encode()).hexdigest()[:_KEY_DIGITS]
        return Request(**asked, output=root / PERFORMANCES / (self.output or f"{self.audio.stem}-{key}{VIDEO}"))


@flow(name="generate", log_prints=True)
def generate(params: GenerateParams) -> dict[str, Any]:
    """Make a 3D head speak; where the film or motion file lies, and what is to be known of it."""
    settings = Settings.load(params.warehouse)
    with told():
        made = perform(settings.warehouse, settings.assets, params.request(settings.warehouse))
    leave_generation(made)
    return {"path": str(made.path), "duration_s": made.duration_s, "model": made.model, "notes": list(made.notes)}


if __name__ == "__main__":
    generate(GenerateParams.model_validate_json(sys.argv[1]))
