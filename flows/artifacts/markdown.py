"""Markdown that holds names from outside: a file may be called anything, ``<img src=...>`` or ``a | b`` too."""

import re
from collections.abc import Sequence
from typing import Final, Literal
from urllib.parse import quote

_LONGEST: Final = 90
_BEFORE_PIPE: Final = re.compile(r"(\\*)\|")
_BACKTICKS: Final = re.compile("`+")


def plain(text: str) -> str:
    """``text`` on one line, without control characters, those that reverse the writing, and halves of characters."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text)


def shortened(text: str, longest: int = _LONGEST) -> str:
    """At most ``longest`` characters: the beginning and, of a path the more telling, the end."""
    if len(text) <= longest:
        return text
    tail = (longest - 1) * 2 // 3
    return f"{text[: longest - 1 - tail]}…{text[-tail:]}"


def code(text: str, longest: int = _LONGEST) -> str:
    """``text`` as a code span, also good for a cell: nothing in it is markup, HTML, or taken for a link."""
    shown = shortened(plain(text), longest) or " "
    shown = _BEFORE_PIPE.sub(r"\1\1\\|", shown)
    fence = "`" * (1 + max((len(run) for run in _BACKTICKS.findall(shown)), default=0))
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def command(*words: str) -> str:
    """A command line to copy, in a block of its own. The words are ours, not from outside."""
    return f"```sh\n{' '.join(words)}\n```"


def link(text: str, *path: str, **query: str) -> str:
    """A link within the UI (its second version); ``text`` is ours, the rest may be anything."""
    target = "/".join(quote(part, safe="") for part in path)
    asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    return f"[{text}](/v2/{target}{'?' if asked else ''}{asked})"


def embedded(uri: str, alternative: str) -> str:
    """A picture, given as a data URI of ours: Prefect's own picture artifacts print the whole URI below it."""
    return f"![{alternative}]({uri})"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], align: Literal["left", "right"] = "right") -> str:
    """A table whose first column is text and whose others are aligned as said; cells are markdown."""
    rule = [":--"] + [{"right": "--:", "left": ":--"}[align]] * (len(columns) - 1)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (columns, rule, *rows))
