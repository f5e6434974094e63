"""How faces rest, blink and stray when nobody asks them to, by figures from fits (``models/data/MOUTHS.md``)."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from schemas.arrays import Float32

_TABLE: Final = Path(__file__).parent.parent / "data" / "faces.tsv"


@dataclass(frozen=True, slots=True)
class Faces:
    """Per ARKit action, in the head's order: A actions, W ways to stray."""

    actions: tuple[str, ...]
    rest: Float32  # [A] mean over people
    rest_sd: Float32  # [A] between people
    blink: Float32  # [A] what comes with a blink at its height
    wander: Float32  # [W, A] slow deviations, one standard deviation each


@cache
def load_faces() -> Faces:
    """The figures, read once per process."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, delimiter="\t")
    numbers = np.array([[float(x) for x in row[1:]] for row in rows], np.float32)
    first_wander = header.index("wander_1") - 1
    return Faces(
        actions=tuple(row[0] for row in rows),
        rest=numbers[:, 0],
        rest_sd=numbers[:, 1],
        blink=numbers[:, 2],
        wander=np.ascontiguousarray(numbers[:, first_wander:].T),
    )
