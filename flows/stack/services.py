"""The command lines of a stack."""

import sys
from dataclasses import dataclass
from typing import Final

from flows.stack.place import StackPlan, WorkerPlan

SERVER: Final = "server"


@dataclass(frozen=True, slots=True)
class Service:
    """A process of a stack."""

    name: str
    command: tuple[str, ...]
    is_client: bool  # of the server: waits until it answers


def services(plan: StackPlan) -> list[Service]:
    """What runs on this machine, in the order of starting."""
    served = [Service(SERVER, server_command(plan), False)] if plan.host is not None else []
    return served + [Service(worker.service, worker_command(worker), True) for worker in plan.workers]


def server_command(plan: StackPlan) -> tuple[str, ...]:
    return (*_PREFECT, "server", "start", "--host", str(plan.host), "--port", str(plan.port))


def worker_command(worker: WorkerPlan) -> tuple[str, ...]:
    """A worker that makes its pool if it is not there."""
    start = (*_PREFECT, "worker", "start", "--pool", worker.pool, "--type", "process")
    return (*start, "--name", worker.name, "--limit", str(worker.runs))


_PREFECT = (sys.executable, "-m", "prefect")
