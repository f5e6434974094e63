"""The contact sheet of a run: some of its clips, kept and refused, with the fitted head over the face."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Final

from flows.artifacts.markdown import code, embedded, table
from flows.artifacts.sheet_protocol import SheetAnswer, SheetRequest
from warehouse.changes import Example

MOST_TILES: Final = 12
BUDGET_S: Final = 20.0  # usually three
_LONGEST_NAME: Final = 40
_LIMIT_S: Final = 60.0  # with the start of the process and the reading of one last file


def draw_sheet(root: Path, examples: Sequence[Example]) -> SheetAnswer:
    """Draw them in a process of its own. If it dies, that is the answer for all of them: a file may be at fault, and
    the run has done its work."""
    if not examples:
        return _none_of(examples, "")
    request = SheetRequest(root=root, examples=tuple(examples), budget_s=BUDGET_S)
    command = [sys.executable, "-m", "flows.artifacts.sheet_worker"]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command, input=request.model_dump_json(), capture_output=True, text=True, timeout=_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return _none_of(examples, f"drawing took longer than {_LIMIT_S:g} s")
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        return _none_of(examples, f"the drawing process ended with {done.returncode}: {last[0]}")
    return SheetAnswer.model_validate_json(done.stdout)


def sheet_text(examples: Sequence[Example], answer: SheetAnswer) -> str:
    """The picture, which clip is which, and what could not be drawn."""
    if not examples:
        return "No clip came out of this run, so there is nothing to see."
    by_id = {example.clip_id: example for example in examples}
    parts = []
    if answer.picture is not None:
        rows = [[str(number), code(clip), _file(by_id[clip])] for number, clip in enumerate(answer.drawn, start=1)]
        parts += [
            embedded(answer.picture, "contact sheet"),
            "Left the frame, right the head that was fitted to it. With sound: `xtalker show CLIP -o clip.mp4`",
            table(("", "clip", "file"), rows, "left"),
        ]
    if answer.not_drawn:
        rows = [[code(clip), _file(by_id[clip]), code(why, 200)] for clip, why in answer.not_drawn.items()]
        parts += [f"### {len(rows)} not drawn", table(("clip", "file", "why"), rows, "left")]
    return "\n\n".join(parts)


def _file(example: Example) -> str:
    return code(PurePath(example.path).name, _LONGEST_NAME)


def _none_of(examples: Sequence[Example], why: str) -> SheetAnswer:
    return SheetAnswer(picture=None, drawn=(), not_drawn={example.clip_id: why for example in examples})
