"""The process that keeps server and workers alive, and their logs short: ``python -m flows.stack.keeper STATE``.

It holds nothing of its own: services are known by the files in the state folder, write their logs themselves, and live
on if the keeper is killed; the next one finds them.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from flows.errors import StackError
from flows.settings import StackSettings, child_environment
from flows.stack.api import Api
from flows.stack.place import Place
from flows.stack.process import start
from flows.stack.roll_call import call_the_roll
from flows.stack.services import Service, services

KEEPER = "keeper"
LOG_BYTES = 5_000_000  # a log that has grown past this becomes NAME.log.1
_TICK_S = 0.5
_ROLL_CALL_S = 600.0  # longer than any clock it starts, or those would never run out
_MIN_DELAY_S, _MAX_DELAY_S = 1.0, 60.0


@dataclass(slots=True)
class Kept:
    """A service and how its starts went. The delay between starts doubles until it has lived for a minute."""

    service: Service
    child: subprocess.Popen[bytes] | None = None
    began: float = -inf
    delay_s: float = field(default=_MIN_DELAY_S)


def tend(place: Place, kept: Sequence[Kept], api: Api) -> bool:
    """Start what does not run, workers only while the server answers, and cut logs that have grown.

    True if something was started.
    """
    any_started = False
    for one in kept:
        name = one.service.name
        if one.child is not None and one.child.poll() is not None:
            _say(f"{name} ended with {one.child.returncode}")
            if time.monotonic() - one.began > _MAX_DELAY_S:
                one.delay_s = _MIN_DELAY_S
            one.child = None
        due = time.monotonic() - one.began >= one.delay_s
        if due and place.process(name) is None and (not one.service.is_client or api.healthy()):
            one.began, one.delay_s = time.monotonic(), min(_MAX_DELAY_S, 2 * one.delay_s)
            one.child = start(one.service.command, child_environment(), place.log(name))
            place.write_process(name, one.child.pid)
            any_started = True
            _say(f"{name} started as process {one.child.pid}")
    for log in place.logs.glob("*.log"):
        cut(log, LOG_BYTES)
    return any_started


def cut(log: Path, limit: int) -> None:
    """Move what a log holds to ``NAME.log.1`` if it is more than ``limit`` bytes; its writer, who appends, goes on."""
    if log.stat().st_size > limit:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)


def _call_the_roll(api: Api) -> None:
    try:
        call_the_roll(api)
    except StackError as error:  # there is another one soon
        _say(f"no roll call: {error}")


def _say(words: str) -> None:
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {words}", flush=True)


def main() -> None:
    settings = StackSettings.load(Path(sys.argv[1]))
    place = Place(settings.state)
    plan = place.plan()
    if plan is None:
        raise SystemExit(f"{place.root} has no plan: start it with `xtalker up`")
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    kept, api = [Kept(service) for service in services(plan)], Api(plan.api_url, settings.auth)
    called = -inf
    while not stopped.wait(_TICK_S):
        if tend(place, kept, api):
            called = -inf  # runs may have been lost with what was lost
        if time.monotonic() - called >= _ROLL_CALL_S and api.healthy():
            called = time.monotonic()
            _call_the_roll(api)


if __name__ == "__main__":
    main()
