"""Deployments as ``prefect.yaml`` declares them, without undoing what people edited in the UI.

The version of a deployment is ``<digest of its entry>.<digest of the program>``. While the entry is the one that was
deployed, schedules, parameters, limits and triggers on the server are left alone: they may have been edited there.
"""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentUpdate
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.events import DeploymentTriggerTypes
from prefect.exceptions import ObjectNotFound
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema
from pydantic import TypeAdapter

from flows.stack.declared import Declaration, Schedule

_TRIGGER: TypeAdapter[DeploymentTriggerTypes] = TypeAdapter(DeploymentTriggerTypes)


async def deploy(client: PrefectClient, wanted: Declaration, steps: Sequence[Any], program: Path) -> str:
    """Make or update one deployment; says what was done. Raises whatever importing its flow raises."""
    version = f"{wanted.digest}.{program_digest(program)}"
    there = await _find(client, wanted.full_name)
    if there is not None and there.version == version:
        return "is there"
    flow: Flow[..., Any] = load_flow_from_entrypoint(wanted.entrypoint, use_placeholder_flow=False)
    schema = parameter_schema(flow).model_dump(exclude_unset=True)
    if there is not None and (there.version or "").startswith(wanted.digest):
        update = DeploymentUpdate(version=version, parameter_openapi_schema=schema)
        await client.update_deployment(there.id, update)
        return "updated to this program"
    limit = wanted.concurrency_limit
    deployment_id = await client.create_deployment(  # of the same name: replaces it
        flow_id=await client.create_flow_from_name(flow.name),
        name=wanted.name,
        version=version,
        entrypoint=wanted.entrypoint,
        description=wanted.description,
        tags=list(wanted.tags),
        work_pool_name=wanted.work_pool.name,
        job_variables=wanted.work_pool.job_variables,
        parameters=wanted.parameters,
        parameter_openapi_schema=schema,
        enforce_parameter_schema=True,
        pull_steps=list(steps),
        schedules=[_schedule(schedule) for schedule in wanted.schedules],
        concurrency_limit=limit.limit if limit else None,
        concurrency_options=(
            ConcurrencyOptions(collision_strategy=ConcurrencyLimitStrategy(limit.collision_strategy)) if limit else None
        ),
    )
    await client.delete_resource_owned_automations(f"prefect.deployment.{deployment_id}")
    for trigger in map(_TRIGGER.validate_python, wanted.triggers):
        trigger.set_deployment_id(deployment_id)
        await client.create_automation(trigger.as_automation())
    return "made" if there is None else "made anew: its entry in prefect.yaml has changed"


@cache
def program_digest(root: Path) -> str:
    """Changes with the program's source."""
    sources = hashlib.sha256()
    for package in ("flows", "tasks", "models", "schemas", "warehouse"):
        for path in sorted((root / package).rglob("*.py")):
            sources.update(path.read_bytes())
    return sources.hexdigest()[:8]


async def _find(client: PrefectClient, name: str) -> DeploymentResponse | None:
    try:
        return await client.read_deployment_by_name(name)
    except ObjectNotFound:
        return None


def _schedule(declared: Schedule) -> DeploymentScheduleCreate:
    schedule: CronSchedule | IntervalSchedule
    if declared.cron is not None:
        schedule = CronSchedule(cron=declared.cron, timezone=declared.timezone)
    else:
        assert declared.interval is not None, "checked when it was read"
        schedule = IntervalSchedule(interval=declared.interval, timezone=declared.timezone)
    return DeploymentScheduleCreate(schedule=schedule, active=declared.active, slug=declared.slug)
