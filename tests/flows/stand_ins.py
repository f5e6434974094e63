"""Doubles of the batch runner that answer at once: what they say of a file is that nobody is in it.

``python -m tests.flows.stand_ins LOG PAUSE_S`` is the child process, with the protocol of ``flows.worker``; it writes
the names of the files that it took up into a log, and waits so long at each.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.batches import Workplace
from flows.protocol import EVENT, BatchRequest, Event, Finished, OfferedFile, Ready, StageDone, Started, write_draft
from flows.recipe import Recipe
from flows.supervisor import Limits
from schemas.record import SourceRecord
from schemas.source import Offer, source_id_of
from schemas.verdict import Reason, Verdict
from tasks.assemble import assemble

VIDEO_S = 2.0  # that each file is said to have
LETHAL = "lethal"  # a file of that name kills the first child that begins with it


def command(log: Path, pause_s: float = 0.0) -> tuple[str, ...]:
    """In place of what ``flows.supervisor.worker_command`` gives."""
    return (sys.executable, "-m", "tests.flows.stand_ins", str(log), str(pause_s))


def files(folder: Path, count: int, size_bytes: int = 1000) -> tuple[OfferedFile, ...]:
    """Offers that no file stands behind, each with other bytes."""
    return tuple(
        OfferedFile(offer=Offer(folder / f"{i:06}.mp4"), sha256=f"{i:064x}"[::-1], size_bytes=size_bytes, modified_ns=i)
        for i in range(count)
    )


def place(warehouse: Path, at_once: int = 1) -> Workplace:
    return Workplace(warehouse=warehouse, assets=warehouse / "no assets", limits=Limits(), at_once=at_once)


def write_refusal(request: BatchRequest, file: OfferedFile) -> Path:
    """The draft of a file in which nobody is."""
    source_id = source_id_of(file.sha256)
    verdict = Verdict(source_id, "stand_in", False, Reason.NO_FACE, None, None, "stand_in@1")
    record = SourceRecord(source_id, file.sha256, file.size_bytes, file.offer, None, (verdict,), ())
    draft = request.draft_of(file)
    write_draft(draft, assemble(record, request.recipe.curation_key, file.modified_ns))
    return draft


class InstantPool:
    """In place of a ``RunnerPool``, in this process; remembers what it was asked to curate, and breaks at ``fatal``."""

    def __init__(self, fatal: OfferedFile | None = None) -> None:
        self.asked: list[OfferedFile] = []
        self.fatal = fatal

    @contextmanager
    def runner(self) -> Iterator["InstantPool"]:
        yield self

    def run(self, request: BatchRequest, heard: Callable[[OfferedFile, Event], None]) -> None:
        for index, file in enumerate(request.files):
            if file == self.fatal:
                raise ConnectionResetError("the process is gone")
            self.asked.append(file)
            heard(file, StageDone(index=index, stage="observe", cpu_s=0.5))
            draft = write_refusal(request, file)
            heard(file, Finished(index=index, draft=draft, video_s=VIDEO_S, peak_mb=100.0 + index))

    def close(self) -> None:
        pass


def curated(recipe: Recipe, warehouse: Path, some: tuple[OfferedFile, ...]) -> None:
    """Have ``some`` in the warehouse, as another run would."""
    from flows.curation import commit_batch

    request = BatchRequest(files=some, recipe=recipe, drafts=warehouse.parent)
    commit_batch(warehouse, [write_refusal(request, file) for file in some], (), recipe)


def main(log: Path, pause_s: float) -> None:
    for line in sys.stdin:
        _say(Ready())
        request = BatchRequest.model_validate_json(line)
        for index, file in enumerate(request.files):
            _say(Started(index=index))
            with log.open("a") as names:
                names.write(f"{file.offer.path.name}\n")
            time.sleep(pause_s)
            if file.offer.path.stem == LETHAL:
                _die_once(file.offer.path)
            _say(Finished(index=index, draft=write_refusal(request, file), video_s=VIDEO_S, peak_mb=1.0))


def _die_once(path: Path) -> None:
    mark = path.with_suffix(".killed")
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)


def _say(event: Event) -> None:
    sys.stdout.write(EVENT.dump_json(event).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
