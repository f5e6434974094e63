"""``xtalker generate``."""

import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from flows.commands.refusals import told
from flows.performing import Request, generate
from flows.settings import Settings


def run(request: Request, warehouse: Path | None) -> int:
    settings = Settings.load(warehouse)
    began = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with told(), Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("listening", total=None)
        made = generate(
            settings.warehouse,
            settings.assets,
            request,
            lambda doing, n, of: bar.update(task, description=doing, completed=n, total=of),
        )
    for note in made.notes:
        print(note, file=sys.stderr)
    print(f"{made.path}: {made.duration_s:.1f} s by {made.model}, in {time.monotonic() - began:.1f} s")
    return 0
