"""``xtalker up``, ``down``, ``status`` and ``worker``."""

import json
import os
import signal
import time
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import NoReturn

from flows.commands.ask import print_table
from flows.errors import StackError
from flows.settings import StackSettings
from flows.stack import lifecycle
from flows.stack.api import Api
from flows.stack.environment import stack_environment
from flows.stack.keeper import KEEPER
from flows.stack.place import Place, StackPlan, WorkerPlan
from flows.stack.report import StackStatus, status
from flows.stack.roll_call import call_the_roll
from flows.stack.services import worker_command
from flows.stack.wishes import Wishes

_TICK_S = 0.5


def run_up(state: Path | None, wishes: Wishes, foreground: bool) -> int:
    settings = StackSettings.load(state)
    was_well = status(settings).well
    plan = lifecycle.up(settings, wishes, print)
    print("It is up already." if was_well else "It is up.")
    print(f"  UI     {plan.ui_url}")
    print(f"  state  {settings.state}  (logs in {Place(settings.state).logs})")
    print(f"  video  put it into {settings.landing}")
    if foreground:
        print("  stop   Ctrl-C", flush=True)
        return _attend(settings)
    print("  stop   xtalker down")
    return 0


def run_down(state: Path | None) -> int:
    stopped = lifecycle.down(StackSettings.load(state))
    print(f"stopped {stopped} processes" if stopped else "nothing runs here")
    return 0


def run_status(state: Path | None, as_json: bool) -> int:
    """Exit code 1 if something that is to run does not."""
    now = status(StackSettings.load(state))
    if as_json:
        print(json.dumps(asdict(now) | {"well": now.well}, indent=2, default=str))
    else:
        _print(now)
    return 0 if now.well else 1


def run_worker(state: Path | None, pool: str, runs: int) -> NoReturn:
    """Become a worker of ``pool``: this process is replaced by it, and its signals are the worker's."""
    settings = StackSettings.load(state)
    if settings.api_url is None:
        raise StackError("a worker wants PREFECT_API_URL: the address of the server whose work it is to do")
    Place(settings.state).make()
    print(f"waiting for {settings.api_url}", flush=True)
    api = Api(settings.api_url, settings.auth)
    while not api.healthy():
        time.sleep(_TICK_S)
    call_the_roll(api)
    worker = WorkerPlan(pool, runs)
    plan = StackPlan(settings.api_url, None, None, (worker,))
    command = worker_command(worker)
    os.execve(command[0], command, stack_environment(settings, plan, settings.train_pool or pool))  # noqa: S606


def _attend(settings: StackSettings) -> int:
    """Show the logs until Ctrl-C or TERM, then stop all; exit code 1 if the keeper was killed."""
    place, stopped = Place(settings.state), False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    read: dict[Path, int] = {}
    while not stopped and place.process(KEEPER) is not None:
        time.sleep(_TICK_S)
        for log in sorted(place.logs.glob("*.log")):
            size = log.stat().st_size
            begin = read.get(log, size)
            with log.open(errors="replace") as text:
                text.seek(begin if begin <= size else 0)  # smaller than it was: the keeper has cut it
                for line in text:
                    print(f"{log.stem}: {line}", end="", flush=True)
                read[log] = text.tell()
    lifecycle.down(settings)
    return 0 if stopped else 1


def _print(now: StackStatus) -> None:
    if now.ui is None:
        print(f"nothing was started in {now.state}; `xtalker up` does")
        return
    print(f"server  {now.ui}  {'answers' if now.healthy else 'does not answer'}")
    print(f"state   {now.state}\n")
    print_table(
        ("process", "id", "MB", "log"),
        (
            [one.name, one.pid or "does not run", one.memory_mb and round(one.memory_mb), one.log]
            for one in now.services
        ),
    )
    if now.healthy:
        print()
        print_table(("pool", "status", "workers"), ([one.name, one.status, one.workers_online] for one in now.pools))
        print()
        print_table(
            ("deployment", "pool", "schedule", "last run", "state", "at"),
            (
                [
                    one.name,
                    one.pool,
                    "paused" if one.paused else "  ".join(one.schedules),
                    *(
                        (one.last_run.name, one.last_run.state, one.last_run.expected[:16])
                        if one.last_run
                        else ("", "", "")
                    ),
                ]
                for one in now.deployments
            ),
        )
