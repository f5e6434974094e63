"""Write a performance in the format that a file's name asks for."""

import os
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from models.export.arkit import to_arkit_csv
from models.export.arrays import to_npz
from models.export.content import Content
from models.export.gltf import to_glb
from models.export.usd import to_usda
from models.head.model import HeadModel
from schemas.performance import Performance


class Format(StrEnum):
    """Formats of motion and meshes; the value is the file's suffix."""

    GLB = ".glb"
    USDA = ".usda"
    ARKIT_CSV = ".csv"
    NPZ = ".npz"


class UnknownFormat(ValueError):
    """A file's suffix names no format that a performance can be written in."""


class WrongHeadModel(ValueError):
    """A performance belongs to another head model."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A written file. ``notes`` say in words what the format could not hold."""

    path: Path
    notes: tuple[str, ...]


def export(performance: Performance, head: HeadModel, path: Path) -> Exported:
    """Write ``performance`` to ``path``, whose suffix decides the format; the file appears only when complete.

    Raises ``UnknownFormat``, ``WrongHeadModel`` and, for ``.csv``, ``models.head.model.NoNamedActions``.
    """
    kind = format_of(path)
    if performance.head_model != head.name:
        raise WrongHeadModel(f"the performance was made for {performance.head_model}, the head model is {head.name}")
    content = _content(kind, performance, head)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".export-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content.data)
        Path(temporary).chmod(0o644)  # as any new file; a temporary one is for its owner alone
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return Exported(path, content.notes)


def format_of(path: Path) -> Format:
    """The format a file's name asks for. Raises ``UnknownFormat``."""
    try:
        return Format(path.suffix.lower())
    except ValueError as error:
        known = ", ".join((".mp4", *Format))
        raise UnknownFormat(f"{path.name}: a performance can be written as {known}, not as {path.suffix!r}") from error


def _content(kind: Format, performance: Performance, head: HeadModel) -> Content:
    match kind:
        case Format.GLB:
            return to_glb(performance, head)
        case Format.USDA:
            return to_usda(performance, head)
        case Format.ARKIT_CSV:
            return to_arkit_csv(performance, head)
        case Format.NPZ:
            return to_npz(performance, head)
        case _:
            assert_never(kind)
