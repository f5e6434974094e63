"""The one place that reads the environment."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things lie: ``XTALKER_WAREHOUSE`` (``.xtalker/warehouse``) and ``XTALKER_ASSETS``
    (``~/.cache/xtalker/assets``: models are the same for every warehouse)."""

    warehouse: Path
    assets: Path

    @classmethod
    def load(cls, warehouse: Path | None = None) -> Self:
        """The settings in force; an explicit ``warehouse`` goes before the environment's."""
        assets = os.environ.get("XTALKER_ASSETS", "~/.cache/xtalker/assets")
        place = warehouse or Path(os.environ.get("XTALKER_WAREHOUSE", ".xtalker/warehouse"))
        return cls(place.expanduser().absolute(), Path(assets).expanduser().absolute())


def child_environment(**changes: str) -> dict[str, str]:
    """This process's environment with ``changes``, for a child process."""
    return os.environ | changes
