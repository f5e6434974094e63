"""The first questions people ask of a warehouse, answered by SQL that comes with it (``queries/*.sql``).

A file begins with a comment: its title, then what the columns mean. Where it says ``$name``, a value is wanted.
"""

import difflib
import importlib.resources
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from warehouse.errors import UnknownName, WrongQuery

_PARAMETER: Final = re.compile(r"\$([a-z_]+)")
_NUMBERS: Final = frozenset({"snapshot"})  # parameters that are numbers; the others are text


@dataclass(frozen=True, slots=True)
class SavedQuery:
    name: str
    title: str
    sql: str
    parameters: tuple[str, ...]

    def values(self, said: Mapping[str, str]) -> dict[str, str | int]:
        """What people said for the parameters, as the SQL takes it. Raises ``WrongQuery``."""
        if said.keys() != set(self.parameters):
            wanted = " and ".join(self.parameters) or "no values"
            raise WrongQuery(f"{self.name} wants {wanted}, not {' and '.join(said) or 'none'}: {self.title}")
        try:
            return {name: int(value) if name in _NUMBERS else value for name, value in said.items()}
        except ValueError:
            raise WrongQuery(f"{self.name} wants a number for {' and '.join(_NUMBERS & said.keys())}") from None


def saved_queries() -> dict[str, SavedQuery]:
    """Every saved query by name, in alphabetical order."""
    folder = importlib.resources.files("warehouse") / "queries"
    texts = {entry.name.removesuffix(".sql"): entry.read_text() for entry in folder.iterdir()}
    return {name: _parse(name, texts[name]) for name in sorted(texts)}


def find_query(name: str) -> SavedQuery:
    """The saved query of that name. Raises ``UnknownName``."""
    queries = saved_queries()
    if name not in queries:
        near = difflib.get_close_matches(name, queries, n=3, cutoff=0.4)
        raise UnknownName(
            f"no saved query {name!r}; there {'is ' + ', '.join(near) if near else 'are ' + ', '.join(queries)}"
        )
    return queries[name]


def _parse(name: str, text: str) -> SavedQuery:
    title, _, _ = text.removeprefix("-- ").partition("\n")
    code = re.sub(r"--.*", "", text)
    return SavedQuery(name, title, text, tuple(sorted(set(_PARAMETER.findall(code)))))
