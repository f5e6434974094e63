"""What is asked of the process that draws a contact sheet, and what it answers."""

from pathlib import Path

from pydantic import BaseModel

from warehouse.changes import Example


class SheetRequest(BaseModel, frozen=True):
    """Draw these clips of the warehouse at ``root``; what is not drawn after ``budget_s`` is left out."""

    root: Path
    examples: tuple[Example, ...]
    budget_s: float


class SheetAnswer(BaseModel, frozen=True):
    """``drawn`` clips are the picture's, in the order of its numbers; the others say why they are not."""

    picture: str | None  # a data URI
    drawn: tuple[str, ...]
    not_drawn: dict[str, str]  # by clip
