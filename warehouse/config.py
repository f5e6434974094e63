"""``warehouse.toml``: where a warehouse keeps its catalogue and its files, if not in its own folder.

::

    catalogue = "postgres:host=db.example dbname=lake user=curator"
    store = "s3://bucket/prefix"
    endpoint = "https://objects.example"          # of an S3-compatible store that is not Amazon's

Every machine that works with the warehouse has a folder with this file. It holds no secrets: PostgreSQL's client
library reads PGPASSWORD or PGPASSFILE, and the S3 clients AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.
"""

import re
import tomllib
from pathlib import Path
from typing import Final

from pydantic import Field, ValidationError, field_validator, model_validator

from schemas.config import StageConfig
from warehouse.errors import InvalidConfig

FILE: Final = "warehouse.toml"
_POSTGRES: Final = "postgres:"
_SETTING: Final = re.compile(r"\s*(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|[^\s'\\]+)(?=\s|$)")  # of libpq's connection strings
_STORE: Final = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w.=+-]+)*/?")
_ENDPOINT: Final = re.compile(r"https?://[\w.-]+(:\d+)?/?")
_SECRET: Final = re.compile(r"password|passwd|secret|token|access_?key|key_?id", re.IGNORECASE)
_NO_SECRETS: Final = (
    "holds no secrets, for it is copied from machine to machine: leave {0!r} out, and set PGPASSWORD or PGPASSFILE for "
    "PostgreSQL, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for the store, in the environment"
)


class WarehouseConfig(StageConfig):
    """The file's settings; without a file, their defaults."""

    catalogue: str | None = Field(default=None, description="postgres:<libpq settings>; None: catalog.sqlite beside it")
    store: str | None = Field(default=None, description="s3://bucket/prefix; None: the folder that the file is in")
    endpoint: str | None = Field(default=None, description="http(s)://host[:port] of the store; None: Amazon's")
    region: str | None = Field(default=None, pattern=r"^[\w-]+$", description="of the store; None: the environment's")
    path_style: bool = Field(default=True, description="an endpoint's buckets stand in the path, not in the host name")

    @property
    def conninfo(self) -> str | None:
        """The catalogue's libpq settings."""
        return None if self.catalogue is None else self.catalogue.removeprefix(_POSTGRES).strip()

    @field_validator("catalogue")
    @classmethod
    def _names_a_database(cls, value: str | None) -> str | None:
        if value is None:
            return None
        settings = value.removeprefix(_POSTGRES)
        keys = [match[1].lower() for match in _SETTING.finditer(settings)]
        secret = next((key for key in keys if _SECRET.search(key)), None)
        if secret is not None:
            raise ValueError(_NO_SECRETS.format(secret))
        if not value.startswith(_POSTGRES) or _SETTING.sub("", settings).strip() or "dbname" not in keys:
            raise ValueError('wants "postgres:host=... dbname=... user=...", libpq settings with spaces between them')
        return value

    @field_validator("store")
    @classmethod
    def _names_a_bucket(cls, value: str | None) -> str | None:
        if value is not None and not _STORE.fullmatch(value):
            raise ValueError('wants "s3://bucket/prefix"; the prefix may have letters, digits and . _ = + -')
        return None if value is None else value.rstrip("/")

    @field_validator("endpoint")
    @classmethod
    def _names_a_host(cls, value: str | None) -> str | None:
        if value is not None and not _ENDPOINT.fullmatch(value):
            raise ValueError('wants "https://host" or "http://host:port", without a user, a password or a path')
        return None if value is None else value.rstrip("/")

    @model_validator(mode="after")
    def _is_of_one_piece(self) -> "WarehouseConfig":
        if self.store is None and (self.endpoint or self.region):
            raise ValueError('endpoint and region are those of a store: name it too, store = "s3://bucket/prefix"')
        return self


def load_config(root: Path) -> WarehouseConfig:
    """The settings of the warehouse in the folder ``root``. Raises ``InvalidConfig``."""
    path = root / FILE
    try:
        text = path.read_text()
    except FileNotFoundError:
        return WarehouseConfig()
    try:
        fields = tomllib.loads(text)
        secret = next((key for key in fields if _SECRET.search(key)), None)
        if secret is not None:
            raise ValueError(_NO_SECRETS.format(secret))
        return WarehouseConfig.model_validate(fields)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors(include_input=False)
        )
        raise InvalidConfig(f"{path}: {problems}") from None
    except ValueError as error:
        raise InvalidConfig(f"{path}: {error}") from None
