"""What the batch runner and its child process say to each other: one JSON line a message, files for the rows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import BaseModel, Field, TypeAdapter

from flows.recipe import Recipe
from schemas.source import Offer
from schemas.tables import TABLES


class OfferedFile(BaseModel, frozen=True):
    """An offer and the state of its file when it was hashed."""

    offer: Offer
    sha256: str
    size_bytes: int
    modified_ns: int


class BatchRequest(BaseModel, frozen=True):
    """A micro-batch for the child: files, how to curate them, where to put the rows."""

    files: tuple[OfferedFile, ...]
    recipe: Recipe
    drafts: Path


class Ready(BaseModel, frozen=True):
    """The child's models are loaded. Whatever kills it before this is the environment's fault."""

    kind: Literal["ready"] = "ready"


class Started(BaseModel, frozen=True):
    kind: Literal["started"] = "started"
    index: int


class StageDone(BaseModel, frozen=True):
    """A stage has finished with (a part of) the source; ``cpu_s`` is the child's processor time in it."""

    kind: Literal["stage"] = "stage"
    index: int
    stage: str
    cpu_s: float


class Finished(BaseModel, frozen=True):
    """All rows of the source lie in ``draft``; ``peak_mb`` is the child's resident memory so far at its highest."""

    kind: Literal["finished"] = "finished"
    index: int
    draft: Path
    video_s: float
    peak_mb: float


Event = Annotated[Ready | Started | StageDone | Finished, Field(discriminator="kind")]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def write_draft(path: Path, tables: Mapping[str, pa.Table]) -> None:
    """Write one source's rows as Arrow streams, one after the other, in the order of ``TABLES``."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as sink:
        for name in TABLES:
            with pa.ipc.new_stream(sink, TABLES[name]) as writer:
                writer.write_table(tables[name])
    partial.replace(path)


def read_draft(path: Path) -> dict[str, pa.Table]:
    """The rows that ``write_draft`` wrote."""
    with pa.memory_map(str(path)) as source:
        return {name: pa.ipc.open_stream(source).read_all() for name in TABLES}
