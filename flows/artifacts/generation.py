"""What a performance leaves to be seen, under the keys ``generation-...``."""

from typing import Final

import numpy as np

from flows.artifacts.markdown import code, embedded
from flows.artifacts.pictures import jpeg_uri
from flows.artifacts.shelf import leave_text, tag_run, this_run
from flows.artifacts.snapshots import model_tag
from flows.performing import VIDEO, Made
from tasks.media.container import UndecodableMedia
from tasks.media.glimpse import glimpse

_STILLS: Final = 4
_STILL_PX: Final = 320


def leave_generation(made: Made) -> None:
    """Leave the summary and, of a film, some pictures out of it. Raises httpx's errors."""
    leave_text("generation-summary", made_text(made), f"{made.duration_s:.1f} s by {made.model}")
    if made.path.suffix == VIDEO:
        leave_text("generation-stills", stills_text(made), "Out of the film, evenly spaced")
    tag_run(model_tag(made.model))


def made_text(made: Made) -> str:
    """Where it lies, how long it is, who made it."""
    notes = "".join(f"\n- {code(note, 400)}" for note in made.notes)
    return (
        f"{code(str(made.path), 200)}\n\n{made.duration_s:.1f} s by {code(made.model)}\n{notes}\n\nLeft by {this_run()}"
    )


def stills_text(made: Made) -> str:
    """Pictures side by side, or why there are none: the file may be moved as soon as it is there."""
    try:
        starts = np.linspace(0, made.n_frames, _STILLS, endpoint=False).astype(int)
        strip = [glimpse(made.path, int(start), max(made.n_frames // _STILLS, 1), _STILL_PX).rgb for start in starts]
    except (OSError, UndecodableMedia) as error:
        return f"The film cannot be shown: {code(str(error), 200)}"
    return embedded(jpeg_uri(np.concatenate(strip, axis=1)), "stills")
