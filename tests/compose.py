"""``docker-compose.yml`` as ``docker compose`` reads it: the variables filled in, and refused where one is missing."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docker-compose.yml").read_text()
SECRETS = {
    "POSTGRES_PASSWORD": "of the superuser",
    "PREFECT_DB_PASSWORD": "it's 100 % of 'prefect'; @:/\\",  # nothing that a person may choose is taken apart
    "CATALOGUE_DB_PASSWORD": "of the catalogue",
    "STORE_ACCESS_KEY": "access",
    "STORE_SECRET_KEY": "secret",
    "PREFECT_AUTH_STRING": "curator:a:b c",
}
_VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?::(-|\?)((?:[^${}]|\$\{[^{}]*\})*))?\}")


class Missing(Exception):
    """A variable without which the file is refused; the message is the file's."""


def read(variables: Mapping[str, str]) -> dict[str, Any]:
    """The file with ``variables`` filled in. Raises ``Missing``."""
    filled: dict[str, Any] = _fill(yaml.safe_load(TEXT), variables)
    return filled


def variables_of(value: Any) -> set[str]:
    """The names that ``value`` refers to."""
    return {name for name, _, _ in _VARIABLE.findall(str(value)) if name} | {
        inner for _, _, default in _VARIABLE.findall(str(value)) for inner in (variables_of(default) if default else ())
    }


def _fill(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _fill(inner, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fill(inner, variables) for inner in value]
    if not isinstance(value, str):
        return value

    def one(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        if name is None:
            return "$"
        if variables.get(name) or kind is None:
            return variables.get(name, "")
        if kind == "?":
            raise Missing(f"{name}: {rest}")
        return str(_fill(rest, variables))

    return _VARIABLE.sub(one, value)
