"""What ``prefect.yaml`` declares, read and checked before a server is asked for anything."""

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from flows.errors import StackError

PREFECT_YAML: Final = Path(__file__).resolve().parents[2] / "prefect.yaml"


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WorkPool(_Declared):
    """Where its runs go, and what they are started with."""

    name: str
    job_variables: dict[str, Any] = Field(default_factory=dict)


class Schedule(_Declared):
    """When it runs by itself."""

    slug: str
    cron: str | None = None
    interval: timedelta | None = None
    timezone: str = "UTC"
    active: bool = True

    @model_validator(mode="after")
    def _one_of_two(self) -> "Schedule":
        if (self.cron is None) == (self.interval is None):
            raise ValueError("want either cron or interval")
        return self


class ConcurrencyLimit(_Declared):
    """How many of its runs at a time, and what becomes of the others."""

    limit: int = Field(ge=1)
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"]


class Declaration(_Declared):
    """One deployment."""

    name: str
    entrypoint: str  # package.module.flow
    description: str
    work_pool: WorkPool
    tags: tuple[str, ...] = ()
    parameters: dict[str, Any] = Field(default_factory=dict)
    schedules: tuple[Schedule, ...] = ()
    concurrency_limit: ConcurrencyLimit | None = None
    triggers: tuple[dict[str, Any], ...] = ()  # Prefect's own words

    @property
    def full_name(self) -> str:
        """As Prefect names it: flow/deployment. A flow has the name of its function."""
        return f"{self.entrypoint.rpartition('.')[2]}/{self.name}"

    @property
    def digest(self) -> str:
        """Changes with what is declared."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()[:8]


class _NotSet(Exception):
    """A variable that the file names is not there."""


def declarations(variables: Mapping[str, str], path: Path = PREFECT_YAML) -> tuple[list[Declaration], list[Any]]:
    """Every deployment, and the steps before a run; ``{{ $NAME }}`` in deployments is filled from ``variables``.

    The steps are left as they are: each worker fills them from its own environment. Raises ``StackError``.
    """
    try:
        written = yaml.safe_load(path.read_text())
        found = TypeAdapter(list[Declaration]).validate_python(_filled(written["deployments"], variables))
    except FileNotFoundError as error:
        raise StackError(f"{path} is missing; run `xtalker up` of a checkout: `make setup` installs it") from error
    except _NotSet as error:
        raise StackError(f"{path} wants {error} set in the environment; `xtalker up` sets it") from error
    except (yaml.YAMLError, ValidationError, KeyError, TypeError) as error:
        raise StackError(f"{path} cannot be read: {error}") from error
    return found, written.get("pull", [])


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    """``value`` with ``{{ $NAME }}`` replaced as ``prefect deploy`` does. Raises ``_NotSet``."""
    if isinstance(value, dict):
        return {key: _filled(inner, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, variables) for inner in value]
    if isinstance(value, str) and value.startswith("{{ $") and value.endswith(" }}"):
        name = value[4:-3]
        if name not in variables:
            raise _NotSet(name)
        return variables[name]
    return value
