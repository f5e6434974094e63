"""A stack's start and end."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from flows.errors import StackError
from flows.settings import StackSettings
from flows.stack.api import Api
from flows.stack.declared import PREFECT_YAML
from flows.stack.environment import MARK, stack_environment
from flows.stack.keeper import KEEPER
from flows.stack.place import Place, StackPlan
from flows.stack.process import Process, environment_of, marked, start, stop
from flows.stack.services import SERVER
from flows.stack.wishes import CPU, GPU, POOLS, Wishes, plan_of

_START_S: Final = 300.0
_JOIN_S: Final = 120.0
_GENTLE_S: Final = 20.0
_POLL_S: Final = 0.2
_FLOW_RUN: Final = "PREFECT__FLOW_RUN_ID"  # in the environment of its process and of the children it has


def up(settings: StackSettings, wishes: Wishes, say: Callable[[str], None]) -> StackPlan:
    """Start what does not run and make what is missing on the server; the stack is well when this returns.

    Raises ``StackError``, and ``WrongCall`` for wishes that cannot be.
    """
    place = Place(settings.state).make()
    with place.locked():
        plan = plan_of(wishes, settings, place)
        train_pool = settings.train_pool or (GPU if any(worker.pool == GPU for worker in plan.workers) else CPU)
        environment, api = stack_environment(settings, plan, train_pool), Api(plan.api_url, settings.auth)
        _end_outdated(place, plan)
        place.write_plan(plan)
        if "://" not in settings.landing:
            Path(settings.landing).mkdir(parents=True, exist_ok=True)
        if place.process(KEEPER) is None:
            command = (sys.executable, "-m", "flows.stack.keeper", str(place.root))
            place.write_process(KEEPER, start(command, environment, place.log(KEEPER)).pid)
        _wait_for_server(api, plan, place, say)
        _provision(sorted({*POOLS, train_pool}), environment)
        _wait_for_workers(api, plan, place)
    return plan


def down(settings: StackSettings) -> int:
    """Stop everything of this stack on this machine; how many processes that were.

    Flow runs that are cut off are scheduled, so that they go on when a worker is there again.
    """
    place, ended = Place(settings.state), set[Process]()

    def end(processes: Iterable[Process | None]) -> None:
        there = [process for process in processes if process is not None]
        stop(there, _GENTLE_S)
        ended.update(there)

    if not place.root.exists():
        return 0
    with place.locked():
        services, plan = place.services(), place.plan()
        server = services.pop(SERVER, None)
        end([services.pop(KEEPER, None)])  # or it would start the others again
        runs = _flow_runs(place)
        end(services.values())
        end(process for process in marked(MARK, str(place.root)) if process != server)
        if plan is not None:
            _schedule_again(Api(plan.api_url, settings.auth), runs)
        end([server])
        end(marked(MARK, str(place.root)))
    return len(ended)


def _flow_runs(place: Place) -> set[str]:
    """The ids of those that have a process here."""
    found = (environment_of(process.pid).get(_FLOW_RUN) for process in marked(MARK, str(place.root)))
    return {run for run in found if run}


def _schedule_again(api: Api, runs: set[str]) -> None:
    if not api.healthy():  # it was killed: the automations find them when it is back
        return
    for run in runs:
        if api.ask(f"/flow_runs/{run}")["state"]["type"] in ("PENDING", "RUNNING"):
            state = {"type": "SCHEDULED", "message": "cut off by `xtalker down`"}
            api.ask(f"/flow_runs/{run}/set_state", {"state": state, "force": True})


def _wait_for_server(api: Api, plan: StackPlan, place: Place, say: Callable[[str], None]) -> None:
    if plan.host is None:
        if not api.wait(_JOIN_S, lambda: False):
            raise StackError(f"no Prefect server answers at {plan.api_url} (PREFECT_API_URL)")
        return
    if not api.healthy():
        say("starting the Prefect server: half a minute the first time")
    if not api.wait(_START_S, lambda: place.process(KEEPER) is None):
        raise StackError(f"the server does not answer; see {place.log(SERVER)} and {place.log(KEEPER)}")


def _provision(pools: Sequence[str], environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "flows.stack.provision", str(PREFECT_YAML), *pools]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)  # noqa: S603 - an argument list
    if done.returncode != 0:
        raise StackError(f"not all could be set up on the server:\n{done.stderr.strip()[-2000:]}")


def _wait_for_workers(api: Api, plan: StackPlan, place: Place) -> None:
    deadline = time.monotonic() + _JOIN_S
    for worker in plan.workers:
        while not any(
            known["name"] == worker.name and known["status"] == "ONLINE"
            for known in api.ask(f"/work_pools/{worker.pool}/workers/filter", {})
        ):
            if time.monotonic() > deadline:
                raise StackError(f"the worker of {worker.pool} does not report; see {place.log(worker.service)}")
            time.sleep(_POLL_S)


def _end_outdated(place: Place, plan: StackPlan) -> None:
    """End the keeper of another plan, and the workers that are not in the new one."""
    before = place.plan()
    if before == plan:
        return
    kept = {worker.service for worker in plan.workers if before is not None and worker in before.workers}
    services = place.services()
    stop([process for name, process in services.items() if name == KEEPER], _GENTLE_S)
    stop([process for name, process in services.items() if name not in {KEEPER, SERVER, *kept}], _GENTLE_S)
