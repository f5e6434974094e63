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

# Who performs, and how.
ImageOption = Annotated[Path | None, typer.Option(help="A picture of the face that is to speak.")]
IdentityOption = Annotated[str | None, typer.Option(help="A clip of the warehouse whose person is to speak.")]
EmotionOption = Annotated[str | None, typer.Option(help="happy:0.7, or happy:0@0s,happy:1@2s; mixes with commas.")]
EmotionCurveOption = Annotated[Path | None, typer.Option(help="CSV with time_s and a column for each emotion.")]
PoseOption = Annotated[str | None, typer.Option(help="natural, still, presenter, clip:ID, or a CSV of angles.")]
PromptOption = Annotated[str | None, typer.Option(help='"cheerful, lively nods, slow push-in"')]
ModelOption = Annotated[str | None, typer.Option(help="champion, default, a version. Default: champion if any.")]
StepsOption = Annotated[int | None, typer.Option(min=1, help="Of the sampler. Default: the model's own.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Same seed, same performance.")]


def finish(command: Callable[[], int]) -> None:
    """Run a command; a wrong call ends with its message and code 2, other domain errors with code 1."""
    from flows.commands import guarded

    sys.exit(guarded(command))
