"""``xtalker generate``."""

import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from flows.errors import CannotPerform, WrongCall
from flows.performing import Request, generate
from flows.settings import Settings
from models.avatar.protocol import UnknownSpeech
from models.controls.emotion import NoNamedActions
from models.controls.keys import BadControl
from models.controls.sentence import UnreadableSentenceModel
from models.encode import EncodingFailed
from models.export.formats import WrongHeadModel
from models.presets import UnknownHeadModel
from models.training.checkpoint import UnreadableCheckpoint
from tasks.draw import DrawingProcessDied
from tasks.media.hearing import CannotListen
from tasks.media.picture import UnreadablePicture
from tasks.portrait import NoFaceInImage, SeveralFaces

_REFUSALS = (
    CannotListen,
    DrawingProcessDied,
    EncodingFailed,
    NoFaceInImage,
    NoNamedActions,
    SeveralFaces,
    UnknownHeadModel,
    UnknownSpeech,
    UnreadableCheckpoint,
    UnreadablePicture,
    UnreadableSentenceModel,
    WrongHeadModel,
)


def run(request: Request, warehouse: Path | None) -> int:
    settings = Settings.load(warehouse)
    began = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("listening", total=None)
            made = generate(
                settings.warehouse,
                settings.assets,
                request,
                lambda doing, n, of: bar.update(task, description=doing, completed=n, total=of),
            )
    except BadControl as error:
        raise WrongCall(str(error)) from error
    except _REFUSALS as error:
        raise CannotPerform(str(error)) from error
    for note in made.notes:
        print(note, file=sys.stderr)
    print(f"{made.path}: {made.duration_s:.1f} s by {made.model}, in {time.monotonic() - began:.1f} s")
    return 0
