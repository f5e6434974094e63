"""The issue's table of the reconstruction: what must be, what is aimed at, ours and the rival's."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_WIDTHS: Final = (50, 8, 8, 16, 14)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, ours with its standard error over clips; ``more`` says that more is better."""

    name: str
    unit: str
    must: float
    aim: float
    ours: float
    rival: float
    error: float = 0.0
    more: bool = False
    digits: int = 2

    @property
    def reached(self) -> str:
        for name, limit in (("aim", self.aim), ("must", self.must)):
            if self.ours >= limit if self.more else self.ours <= limit:
                return name
        return "MISSED"

    def __str__(self) -> str:
        digits = 3 if self.unit == "" else self.digits
        ours = f"{self.ours:.{digits}f}" + (f" ± {self.error:.{digits}f}" if self.error else "")
        cells = (self.name, f"{self.must:g}", f"{self.aim:g}", ours, f"{self.rival:.{digits}f}")
        return "".join(cell.ljust(w) for cell, w in zip(cells, _WIDTHS, strict=True)) + f"{self.reached:8}{self.unit}"


def show(rows: Iterable[Row]) -> None:
    heads = ("", "must", "aim", "ours", "Adam per frame")
    print("".join(head.ljust(width) for head, width in zip(heads, _WIDTHS, strict=True)) + " reached")
    for row in rows:
        print(row)
