"""Processes that outlive the command that started them: who they are, whether they live, how they end."""

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PROC = Path("/proc")
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Process:
    """A process by its id and the moment it started: another with a recycled id is never taken for it."""

    pid: int
    started: str

    @property
    def alive(self) -> bool:
        return started(self.pid) == self.started

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it and, if it leads one, to its process group; nothing if it is gone."""
        if not self.alive:
            return
        try:
            if os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)
        except ProcessLookupError:  # gone since
            return


def started(pid: int) -> str | None:
    """When the process of that id started, in words that tell two processes apart; None if none runs."""
    if not _PROC.joinpath("self").exists():
        return _started_by_ps(pid)
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else f"{_boot()}:{fields[19]}"


def start(command: Sequence[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start ``command`` as a session of its own that appends all it says to ``log``.

    The log can be cut while the process writes: it appends.
    """
    # A signal that is ignored stays ignored in children, and a shell's `&` ignores SIGINT: Prefect's worker then
    # cannot be stopped gently.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with log.open("ab") as out:
            return subprocess.Popen(  # noqa: S603 - an argument list of our own
                command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
    finally:
        signal.signal(signal.SIGINT, before)


def stop(processes: Iterable[Process], patience_s: float) -> int:
    """Ask them to end, wait, and kill those that did not; how many had to be killed."""
    waiting = [process for process in processes if process.alive]
    for process in waiting:
        process.signal(signal.SIGTERM)
    waiting = _left(waiting, patience_s)
    for process in waiting:
        process.signal(signal.SIGKILL)
    _left(waiting, patience_s)
    return len(waiting)


def marked(name: str, value: str) -> list[Process]:
    """Every process but this one whose environment was given ``name=value`` when it started; needs procfs.

    So processes are found whose parent was killed, and those that no file tells of.
    """
    ids = [int(folder.name) for folder in _PROC.glob("[0-9]*")]
    found = [pid for pid in ids if pid != os.getpid() and environment_of(pid).get(name) == value]
    return [Process(pid, began) for pid in found if (began := started(pid)) is not None]


def environment_of(pid: int) -> dict[str, str]:
    """What a process was started with; nothing if it has ended or is another user's."""
    try:
        words = (_PROC / str(pid) / "environ").read_text(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return {}
    return dict(word.partition("=")[::2] for word in words)


def resident_mb(pid: int) -> float | None:
    """Memory that it holds, in megabytes; None where that cannot be told."""
    try:
        pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _left(processes: list[Process], patience_s: float) -> list[Process]:
    deadline = time.monotonic() + patience_s
    while (left := [process for process in processes if process.alive]) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return left


@cache
def _boot() -> str:
    """Start times count from the boot of the machine."""
    path = _PROC / "sys/kernel/random/boot_id"
    return path.read_text().strip() if path.exists() else ""


def _started_by_ps(pid: int) -> str | None:
    said = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True)  # noqa: S603, S607
    state, _, began = said.stdout.strip().partition(" ")
    return began.strip() if state and "Z" not in state else None
