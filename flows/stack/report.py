"""How a stack is: what runs here, and what the server knows of pools, deployments and their last runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.settings import StackSettings
from flows.stack.api import Api
from flows.stack.keeper import KEEPER
from flows.stack.place import Place, StackPlan
from flows.stack.process import resident_mb
from flows.stack.services import services


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """A process of this machine."""

    name: str
    pid: int | None  # None: it does not run
    memory_mb: float | None
    log: Path


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """A work pool of the server."""

    name: str
    status: str
    workers_online: int


@dataclass(frozen=True, slots=True)
class RunStatus:
    """A flow run."""

    name: str
    state: str
    expected: str  # ISO 8601; when it was to start


@dataclass(frozen=True, slots=True)
class DeploymentStatus:
    """A deployment of the server."""

    name: str  # flow/deployment
    pool: str | None
    paused: bool
    schedules: tuple[str, ...]
    last_run: RunStatus | None


@dataclass(frozen=True, slots=True)
class StackStatus:
    """All of it."""

    state: Path
    ui: str | None
    healthy: bool
    services: tuple[ServiceStatus, ...] = ()
    pools: tuple[PoolStatus, ...] = ()
    deployments: tuple[DeploymentStatus, ...] = field(default=())

    @property
    def well(self) -> bool:
        """Whether the server answers and everything runs that is to run here."""
        return self.healthy and all(service.pid is not None for service in self.services)


def status(settings: StackSettings) -> StackStatus:
    """Look at the processes and ask the server."""
    place = Place(settings.state)
    plan = place.plan()
    if plan is None:
        return StackStatus(settings.state, None, False)
    api = Api(plan.api_url, settings.auth)
    here = _services(place, plan)
    if not api.healthy():
        return StackStatus(settings.state, plan.ui_url, False, here)
    return StackStatus(settings.state, plan.ui_url, True, here, _pools(api), _deployments(api))


def _services(place: Place, plan: StackPlan) -> tuple[ServiceStatus, ...]:
    found = []
    for name in (KEEPER, *(service.name for service in services(plan))):
        process = place.process(name)
        pid = process.pid if process else None
        found.append(ServiceStatus(name, pid, resident_mb(pid) if pid else None, place.log(name)))
    return tuple(found)


def _pools(api: Api) -> tuple[PoolStatus, ...]:
    found = []
    for pool in sorted(api.ask("/work_pools/filter", {}), key=_by_name):
        workers = api.ask(f"/work_pools/{pool['name']}/workers/filter", {})
        online = sum(worker["status"] == "ONLINE" for worker in workers)
        found.append(PoolStatus(pool["name"], pool["status"], online))
    return tuple(found)


def _deployments(api: Api) -> tuple[DeploymentStatus, ...]:
    flows = {flow["id"]: flow["name"] for flow in api.ask("/flows/filter", {})}
    found = []
    for deployment in sorted(api.ask("/deployments/filter", {}), key=_by_name):
        begun = {
            "sort": "EXPECTED_START_TIME_DESC",
            "limit": 1,
            "deployments": {"id": {"any_": [deployment["id"]]}},
            "flow_runs": {"state": {"type": {"not_any_": ["SCHEDULED"]}}},
        }
        found.append(
            DeploymentStatus(
                f"{flows[deployment['flow_id']]}/{deployment['name']}",
                deployment["work_pool_name"],
                deployment["paused"],
                tuple(_in_words(schedule) for schedule in deployment["schedules"]),
                _run(api.ask("/flow_runs/filter", begun)),
            )
        )
    return tuple(found)


def _in_words(schedule: dict[str, Any]) -> str:
    when = schedule["schedule"]
    words = when.get("cron") or when.get("rrule") or f"every {when['interval']:g} s"
    return words if schedule["active"] else f"({words}: off)"


def _run(found: Sequence[dict[str, Any]]) -> RunStatus | None:
    if not found:
        return None
    return RunStatus(found[0]["name"], found[0]["state_name"], found[0]["expected_start_time"])


def _by_name(record: dict[str, Any]) -> str:
    return str(record["name"])
