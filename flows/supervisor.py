"""The batch runner: drives one warm child process through micro-batches, with limits on its time and memory.

``BatchRunner`` is what both drivers use: ``xtalker curate`` directly, and the Prefect flow from its tasks. A source
that crashes the child, stalls it or eats its memory gets a verdict, and the rest of its batch goes on in a new child.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from flows.errors import RunnerClosed, WorkerCannotRun
from flows.protocol import DIED, EVENT, BatchRequest, Event, Finished, OfferedFile, Ready, write_draft
from flows.settings import child_environment
from schemas.config import StageConfig
from schemas.record import SourceRecord
from schemas.source import source_id_of
from schemas.verdict import Reason, Verdict
from tasks.assemble import assemble

VERSION = "1"
_POLL_S = 0.25
_SENT_FILES = 64  # at a time: what a pipe takes whole, so that no write waits for a child that does not read


class Limits(StageConfig):
    """What one child process may use."""

    start_s: float = Field(300, gt=0, description="seconds to load the models")
    stage_s: float = Field(900, gt=0, description="seconds without a finished stage before a source has timed out")
    memory_mb: int = Field(3072, gt=0, description="resident memory of the child")


@dataclass(frozen=True, slots=True)
class _Death:
    reason: Reason
    measured: float | None
    threshold: float | None
    detail: str
    by_another: bool = False  # killed, and not by the supervisor


def worker_command(assets: Path) -> tuple[str, ...]:
    """The command line of a child whose models lie in ``assets``."""
    return (sys.executable, "-m", "flows.worker", str(assets))


class BatchRunner:
    """One child process and its supervision; not for several threads at once. ``close`` it."""

    def __init__(self, command: Sequence[str], limits: Limits) -> None:
        self._command = command
        self._limits = limits
        self._child: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._ready = False
        self._unread = b""
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the runner

    def close(self) -> None:
        """End the child, from any thread; a ``run`` under way then raises ``RunnerClosed``."""
        self._closed = True
        child = self._child
        if child is not None:
            _kill(child)

    def run(self, request: BatchRequest, on_event: Callable[[OfferedFile, Event], None]) -> tuple[Path, ...]:
        """Curate every file of the batch; the drafts, in the order of the files.

        ``on_event`` hears what happens as it happens. Raises ``WorkerCannotRun``.
        """
        drafts: list[Path] = []
        begun_again = -1
        while len(drafts) < len(request.files):
            rest = request.files[len(drafts) : len(drafts) + _SENT_FILES]
            try:
                death = self._drive(request.model_copy(update={"files": rest}), drafts, on_event)
            except BaseException:
                self._stop()  # what the child still says is of this batch, and the next one must not hear it
                raise
            if death is None:
                continue
            if death.by_another and begun_again != len(drafts):
                begun_again = len(drafts)  # somebody killed the child, which says nothing of the file it was at
                continue
            if not self._ready:
                raise WorkerCannotRun(f"the curation worker did not start:\n{self._log_tail(20)}")
            file = request.files[len(drafts)]
            drafts.append(_obituary(file, death, request))
            on_event(file, Finished(index=len(drafts) - 1, draft=drafts[-1], video_s=0.0, peak_mb=0.0))
        return tuple(drafts)

    def _drive(
        self, request: BatchRequest, drafts: list[Path], on_event: Callable[[OfferedFile, Event], None]
    ) -> _Death | None:
        """Send ``request`` to the child and collect drafts until it is done (None) or the child has died."""
        child = self._child or self._spawn()
        assert child.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has died already, and its events will say of what
            child.stdin.write(request.model_dump_json().encode() + b"\n")
            child.stdin.flush()
        wanted = len(drafts) + len(request.files)
        for event in self._events(child):
            if isinstance(event, _Death):
                self._stop()
                return event
            if isinstance(event, Ready):
                self._ready = True
                continue
            on_event(request.files[event.index], event)
            if isinstance(event, Finished):
                drafts.append(event.draft)
                if len(drafts) == wanted:
                    return None
        raise AssertionError("unreachable: _events ends with a death")

    def _spawn(self) -> subprocess.Popen[bytes]:
        self._unread, self._ready = b"", False
        self._child = subprocess.Popen(  # noqa: S603 - a fixed argument list
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=child_environment(**_ONE_THREAD),
            start_new_session=True,
        )
        return self._child

    def _events(self, child: subprocess.Popen[bytes]) -> Iterator[Event | _Death]:
        """Events as they come; each restarts the clock. The last item is the child's death, should it die."""
        assert child.stdout is not None
        descriptor = child.stdout.fileno()
        heard = time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while True:
                if selector.select(_POLL_S):
                    data = os.read(descriptor, 1 << 16)
                    if not data:
                        yield self._cause_of_death(child)
                        return
                    *lines, self._unread = (self._unread + data).split(b"\n")
                    for line in lines:
                        heard = time.monotonic()
                        yield EVENT.validate_json(line)
                memory_mb = _resident_mb(child.pid)
                if memory_mb > self._limits.memory_mb:
                    yield _Death(Reason.OUT_OF_MEMORY, memory_mb, self._limits.memory_mb, "megabytes resident")
                    return
                patience_s, silence_s = self._patience_s, time.monotonic() - heard
                if silence_s > patience_s:
                    yield _Death(Reason.TIMED_OUT, silence_s, patience_s, "seconds without a finished stage")
                    return

    @property
    def _patience_s(self) -> float:
        return self._limits.stage_s if self._ready else self._limits.start_s

    def _cause_of_death(self, child: subprocess.Popen[bytes]) -> _Death:
        from flows.worker import OUT_OF_DISK

        code = child.wait()
        if self._closed:
            raise RunnerClosed("curation was stopped; run again to go on")
        if code == OUT_OF_DISK:
            self._stop()
            raise WorkerCannotRun(self._log_tail(3))
        said = f"worker ended with {code}: {self._log_tail(1)}"
        return _Death(Reason.WORKER_CRASHED, float(code), 0.0, said, by_another=code == -signal.SIGKILL)

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        assert child.stdin is not None
        assert child.stdout is not None
        _kill(child)
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()
        child.stdout.close()

    def _log_tail(self, n_lines: int) -> str:
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - 8192))
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        self._log.seek(0, os.SEEK_END)
        return "\n".join(lines[-n_lines:])


# A worker is one core's worth of work; threads inside it would only fight the other workers.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")


def _kill(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _resident_mb(pid: int) -> float:
    try:
        with open(f"/proc/{pid}/statm") as statm:  # noqa: PTH123 - procfs
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except (FileNotFoundError, ProcessLookupError):  # gone, or a system without procfs: death is noticed elsewhere
        return 0.0


def _obituary(file: OfferedFile, death: _Death, request: BatchRequest) -> Path:
    """The draft of a source whose curation killed or stalled the child: nothing of it but the verdict."""
    source_id = source_id_of(file.sha256)
    verdict = Verdict(
        source_id, "worker", False, death.reason, death.measured, death.threshold, f"worker@{VERSION}", death.detail
    )
    record = SourceRecord(source_id, file.sha256, file.size_bytes, file.offer, None, (verdict,), ())
    path = request.draft_of(file).with_suffix(DIED)
    write_draft(path, assemble(record, request.recipe.curation_key, file.modified_ns))
    return path
