"""The child process of the batch runner: ``python -m flows.worker ASSETS``, requests on stdin, events on stdout.

One child serves one recipe and keeps its models warm over many micro-batches. It has nothing to protect itself with:
time and memory are watched from outside (``flows.supervisor``), and if it dies, the source it was at gets a verdict.
"""

import contextlib
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from flows.protocol import EVENT, BatchRequest, Event, Finished, Ready, StageDone, Started, write_draft

OUT_OF_DISK = 74  # EX_IOERR: rows could not be written; no fault of the video


def main() -> int:
    assets = Path(sys.argv[1])
    # Libraries print to stdout as they please; events get a descriptor of their own.
    events = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    from flows.journey import curate_source
    from flows.kit import Kit, load_kit

    kit: Kit | None = None
    with contextlib.ExitStack() as closing:
        for line in sys.stdin:
            request = BatchRequest.model_validate_json(line)
            if kit is None:
                kit = load_kit(assets, request.recipe)
                closing.enter_context(kit.landmarker)
                _send(events, Ready())
            for index, file in enumerate(request.files):
                _send(events, Started(index=index))
                rows = curate_source(file, request.recipe, kit, _stage_clock(events, index))
                draft = request.draft_of(file)
                try:
                    write_draft(draft, rows.tables)
                except OSError as error:
                    print(f"cannot write {draft}: {error}", file=sys.stderr)
                    return OUT_OF_DISK
                peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                _send(events, Finished(index=index, draft=draft, video_s=rows.video_s, peak_mb=peak_mb))
    return 0


def _send(events: TextIO, event: Event) -> None:
    events.write(EVENT.dump_json(event).decode() + "\n")
    events.flush()


def _stage_clock(events: TextIO, index: int) -> Callable[[str], None]:
    """A callback for ``curate_source``: called when a stage ends, it reports the time since the call before."""
    last = time.process_time()

    def stage_done(stage: str) -> None:
        nonlocal last
        now = time.process_time()
        _send(events, StageDone(index=index, stage=stage, cpu_s=now - last))
        last = now

    return stage_done


if __name__ == "__main__":
    sys.exit(main())
