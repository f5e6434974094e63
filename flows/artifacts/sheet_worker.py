"""The process that draws a contact sheet: ``python -m flows.artifacts.sheet_worker``, a request on stdin, the answer
on stdout. It decodes files nobody vouches for, so it is not the flow's own process, and it limits itself.
"""

import os
import resource
import sys
import time
from pathlib import Path
from typing import Final

from flows.artifacts.pictures import jpeg_uri
from flows.artifacts.sheet_protocol import SheetAnswer, SheetRequest
from flows.settings import Settings
from models.head.model import UnreadableHeadModel
from models.head.shelf import HeadShelf, UnknownHeadModel
from tasks.contacts import ContactConfig, Tile, Undrawable, draw_pair, page
from tasks.media.container import UndecodableMedia
from warehouse.changes import Example
from warehouse.lake import Lake, reading
from warehouse.read import load_motion

_MEMORY_BYTES: Final = 4 * 2**30  # of address space, most of it libraries
_LAKE_MEMORY: Final = "512MB"


def main() -> int:
    # Libraries print to stdout as they please; the answer gets a descriptor of its own.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    request = SheetRequest.model_validate_json(sys.stdin.read())
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    with answer:
        answer.write(draw(request).model_dump_json())
    return 0


def draw(request: SheetRequest) -> SheetAnswer:
    """The sheet of all that can be drawn in time. Raises what ``warehouse.lake.reading`` does."""
    until = time.monotonic() + request.budget_s
    config = ContactConfig()
    tiles: dict[str, Tile] = {}
    not_drawn: dict[str, str] = {}
    with reading(request.root, threads=1, memory_limit=_LAKE_MEMORY) as lake:
        for example in request.examples:
            if time.monotonic() > until:
                not_drawn[example.clip_id] = f"the others took {request.budget_s:g} s"
                continue
            try:
                tiles[example.clip_id] = _tile(lake, example, config)
            except (OSError, Undrawable, UndecodableMedia) as error:
                not_drawn[example.clip_id] = str(error)
    picture = jpeg_uri(page(list(tiles.values()), config)) if tiles else None
    return SheetAnswer(picture=picture, drawn=tuple(tiles), not_drawn=not_drawn)


def _tile(lake: Lake, example: Example, config: ContactConfig) -> Tile:
    path = Path(example.path)
    if not path.is_file():
        raise Undrawable("the file is not there any more, or not on this machine")
    if path.stat().st_size != example.size_bytes:
        raise Undrawable("the file has changed since it was curated")
    size = (example.image_width, example.image_height)
    motion = load_motion(lake, example.clip_id)
    try:
        head = HeadShelf.beside(Settings.load().assets).head(motion.head_model)
    except (UnknownHeadModel, UnreadableHeadModel) as error:
        raise Undrawable(str(error)) from error
    pair = draw_pair(path, example.start_frame, size, motion, head, config)
    caption = f"kept, {example.n_frames / 25:.1f} s" if example.keep else f"refused: {example.reason}"
    return Tile(pair, caption, example.keep)


if __name__ == "__main__":
    sys.exit(main())
