"""The issue's table: what must be, what is aimed at, and what was measured."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_WIDTHS: Final = (64, 12, 12, 32, 6)


@dataclass(frozen=True, slots=True)
class Range:
    """Where a figure is to lie, ends included."""

    low: float = -math.inf
    high: float = math.inf

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Figure:
    """One row. ``low`` and ``high`` bound its 95 % interval; None where there is one measurement only."""

    name: str
    unit: str
    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    must: Range | None = None
    aim: Range | None = None
    digits: int = 2
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.must is None:
            return ""
        reached = (
            "aim" if self.aim is not None and self.value in self.aim else "must" if self.value in self.must else ""
        )
        if not reached:
            return "MISSED"
        deciding = self.aim if reached == "aim" else self.must
        unsure = deciding is not None and any(end is not None and end not in deciding for end in (self.low, self.high))
        return f"{reached}, within chance" if unsure else reached

    def __str__(self) -> str:
        interval = "" if self.low is None or self.high is None else f" [{self._n(self.low)}, {self._n(self.high)}]"
        cells = (
            self.name,
            self._range(self.must),
            self._range(self.aim),
            f"{self._n(self.value)} {self.unit}".strip() + interval,
            "" if self.n is None else str(self.n),
        )
        padded = "".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True))
        return f"{padded}{self.verdict}{'  ' if self.note else ''}{self.note}".rstrip()

    def _n(self, value: float) -> str:
        return f"{value:,.{self.digits}f}"

    def _range(self, wanted: Range | None) -> str:
        if wanted is None:
            return ""
        if math.isinf(wanted.low):
            return f"<= {wanted.high:g}"
        return f">= {wanted.low:g}" if math.isinf(wanted.high) else f"{wanted.low:g} .. {wanted.high:g}"


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    figures: tuple[Figure, ...]


def show(sections: Iterable[Section]) -> None:
    heads = ("", "must", "aim", "measured [95 %]", "n")
    print("".join(head.ljust(width) for head, width in zip(heads, _WIDTHS, strict=True)) + "reached")
    for section in sections:
        print(section.title)
        for figure in section.figures:
            print(f"  {figure}")
    print("within chance: reached, but the interval goes past the limit")
