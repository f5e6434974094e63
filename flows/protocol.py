"""What the batch runner and its child process say to each other: one JSON line a message, files for the rows."""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

import pyarrow as pa
from pydantic import BaseModel, Field, TypeAdapter

from flows.recipe import Recipe
from schemas.source import Offer
from schemas.tables import TABLES

DRAFT: Final = ".arrow"
DIED: Final = ".died"  # the draft of a source that ended its worker; no later run takes it up, it may do better
PARTIAL: Final = ".tmp-"  # how the name of a draft begins that is being written


class OfferedFile(BaseModel, frozen=True):
    """An offer and the state of its file when it was hashed."""

    offer: Offer
    sha256: str
    size_bytes: int
    modified_ns: int


class BatchRequest(BaseModel, frozen=True):
    """A micro-batch for the child: files, how to curate them, in which folder to put the rows."""

    files: tuple[OfferedFile, ...]
    recipe: Recipe
    drafts: Path

    def draft_of(self, file: OfferedFile) -> Path:
        """Where the rows of ``file`` go."""
        return self.drafts / draft_name(file, self.recipe)


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


def draft_name(file: OfferedFile, recipe: Recipe) -> str:
    """The same for the same file, offered and measured in the same way: who begins again finds what is done."""
    asked = f"{recipe.curation_key} {recipe.model_dump_json()} {file.model_dump_json()}"
    return f"{hashlib.sha256(asked.encode()).hexdigest()[:32]}{DRAFT}"


def write_draft(path: Path, tables: Mapping[str, pa.Table]) -> None:
    """Write one source's rows as Arrow streams, one after the other, in the order of ``TABLES``; whole or not at all,
    whoever else writes the same one."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=PARTIAL, delete=False) as sink:
        for name in TABLES:
            with pa.ipc.new_stream(sink, TABLES[name]) as writer:
                writer.write_table(tables[name])
        sink.flush()
        os.fsync(sink.fileno())
    Path(sink.name).replace(path)


def read_draft(path: Path) -> dict[str, pa.Table]:
    """The rows that ``write_draft`` wrote."""
    with pa.memory_map(str(path)) as source:
        return {name: pa.ipc.open_stream(source).read_all() for name in TABLES}
