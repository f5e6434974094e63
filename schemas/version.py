"""A model version: what was trained, on what, how good it is, and which names it has gone by."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from schemas.licence import LicenceClass

MODEL_ROW: Final = "model"  # the row of a metric that says how good the model itself is
_PRESET: Final = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """What a training says about its result; the rest of a ``ModelVersion`` follows from its data and its files."""

    preset: str
    n_parameters: int
    code_version: str
    parent: str | None = None  # the version it was fine-tuned from

    def __post_init__(self) -> None:
        if not _PRESET.fullmatch(self.preset):
            raise ValueError(f"preset {self.preset!r}: wanted small letters, digits and dashes; it names a folder")


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A registered model. ``version`` is its preset and the beginning of its checkpoint's hash."""

    version: str
    preset: str
    snapshot: int
    selection: str  # JSON of the ``Selection`` that named its clips
    train_hours: float
    licence_class: LicenceClass  # the most restrictive of its data's and its parent's
    parent: str | None
    n_parameters: int
    code_version: str
    created: datetime
    checkpoint: str  # folder, relative to the warehouse
    checkpoint_sha256: str


@dataclass(frozen=True, slots=True)
class ModelMetric:
    """One number of an evaluation: of the model (``MODEL_ROW``), of a control such as ``mean motion``, or of another
    version, named by its own, on the same clips. ``low`` and ``high`` bound its 95 % interval over ``n`` clips."""

    split: str
    span: str
    metric: str
    row: str
    value: float
    low: float
    high: float
    n: int


class DecisionKind(StrEnum):
    PROMOTE = "promote"
    FORCE = "force"  # a person overruled the rule
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether an alias was moved to ``version`` or stayed at ``previous``, and why.

    ``measured`` is the relative improvement that decided, ``threshold`` what was wanted of it; None where nothing was
    compared.
    """

    alias: str
    number: int  # of this alias's decisions, from 1
    kind: DecisionKind
    version: str
    previous: str | None
    moved: bool
    reason: str
    split: str | None
    span: str | None
    metric: str | None
    measured: float | None
    threshold: float | None
    set_at: datetime
