"""The base of every stage's configuration: frozen, validated, no unknown keys."""

from pydantic import BaseModel, ConfigDict


class StageConfig(BaseModel):
    """A stage's own settings. A default is written once, on the field that owns it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
