"""The first questions people ask of a warehouse, answered by SQL that comes with it (``queries/*.sql``).

A file begins with a comment: its title, then what the columns mean. Where it says ``$name``, a value is wanted.
"""

import importlib.resources
import re
from dataclasses import dataclass
from typing import Final

_PARAMETER: Final = re.compile(r"\$([a-z_]+)")


@dataclass(frozen=True, slots=True)
class SavedQuery:
    name: str
    title: str
    sql: str
    parameters: tuple[str, ...]


def saved_queries() -> dict[str, SavedQuery]:
    """Every saved query by name, in alphabetical order."""
    folder = importlib.resources.files("warehouse") / "queries"
    texts = {entry.name.removesuffix(".sql"): entry.read_text() for entry in folder.iterdir()}
    return {name: _parse(name, texts[name]) for name in sorted(texts)}


def _parse(name: str, text: str) -> SavedQuery:
    title, _, _ = text.removeprefix("-- ").partition("\n")
    code = re.sub(r"--.*", "", text)
    return SavedQuery(name, title, text, tuple(sorted(set(_PARAMETER.findall(code)))))
