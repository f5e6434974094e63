"""What every command shares: options, and how a command ends."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

WarehouseOption = Annotated[
    Path | None,
    typer.Option("--warehouse", "-w", help="Its folder. Default: $XTALKER_WAREHOUSE, else .xtalker/warehouse"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


def finish(command: Callable[[], int]) -> None:
    """Run a command; a wrong call ends with its message and code 2, other domain errors with code 1."""
    from flows.commands import guarded

    sys.exit(guarded(command))
