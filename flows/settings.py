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


@dataclass(frozen=True, slots=True)
class StackSettings:
    """The Prefect stack: ``XTALKER_STATE`` (``.xtalker/prefect``) is the folder of its database, logs and process ids.

    ``PREFECT_API_URL`` names a server to join instead of starting one, ``PREFECT_API_AUTH_STRING`` (``user:password``)
    opens it. ``XTALKER_TRAIN_POOL`` is the work pool that trains and evaluates, ``XTALKER_LANDING``
    (``.xtalker/landing``) the folder, or ``s3://bucket/prefix``, that is watched for new video. Relative paths in the
    parameters of a flow run begin at ``XTALKER_DIRECTORY`` (here) of its worker.
    """

    state: Path
    directory: Path
    landing: str
    api_url: str | None
    auth: str | None
    train_pool: str | None

    @classmethod
    def load(cls, state: Path | None = None) -> Self:
        """The settings in force; an explicit ``state`` goes before the environment's."""
        place = state or Path(os.environ.get("XTALKER_STATE", ".xtalker/prefect"))
        landing = os.environ.get("XTALKER_LANDING", ".xtalker/landing")
        server, client = os.environ.get("PREFECT_SERVER_API_AUTH_STRING"), os.environ.get("PREFECT_API_AUTH_STRING")
        return cls(
            place.expanduser().absolute(),
            Path(os.environ.get("XTALKER_DIRECTORY", ".")).expanduser().absolute(),
            landing if "://" in landing else str(Path(landing).expanduser().absolute()),
            os.environ.get("PREFECT_API_URL") or None,
            client or server or None,
            os.environ.get("XTALKER_TRAIN_POOL") or None,
        )


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Clusters to join: ``XTALKER_DASK_ADDRESS`` (``tcp://host:8786``) and ``XTALKER_RAY_ADDRESS`` (``host:6379`` on
    one of its machines, ``ray://host:10001`` elsewhere)."""

    dask_address: str | None
    ray_address: str | None

    @classmethod
    def load(cls) -> Self:
        return cls(os.environ.get("XTALKER_DASK_ADDRESS") or None, os.environ.get("XTALKER_RAY_ADDRESS") or None)


def child_environment(**changes: str) -> dict[str, str]:
    """This process's environment with ``changes``, for a child process."""
    return os.environ | changes
