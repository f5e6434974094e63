"""The base of every stage's configuration: frozen, validated, no unknown keys."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class StageConfig(BaseModel):
    """A stage's own settings. A default is written once, on the field that owns it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OwnFile(StageConfig):
    """A file of the user's own that results depend on: by its content, wherever it lies."""

    path: Path
    sha256: str = Field("", description="of the file, found when the settings are read; if it is given, it must fit")


def path_alone(value: object) -> object:
    """A mere path in place of a mapping with one."""
    return {"path": value} if isinstance(value, str | Path) else value


OwnFileByPath = Annotated[OwnFile, BeforeValidator(path_alone)]
