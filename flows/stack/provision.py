"""Work pools, deployments and automations on a server: ``python -m flows.stack.provision PREFECT_YAML POOL...``.

A program of its own, so that ``xtalker up`` does not hold what Prefect and the flows bring along. It says what it did,
a line each, and ends with 1 if a deployment could not be made; the others are made all the same.
"""

import asyncio
import sys
from pathlib import Path

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists
from prefect.workers.process import ProcessWorker

from flows.settings import child_environment
from flows.stack.automations import automate
from flows.stack.declared import declarations
from flows.stack.deployments import deploy


async def provision(prefect_yaml: Path, pools: list[str]) -> list[str]:
    """Make what is missing; the names of deployments that could not be made."""
    wanted, steps = declarations(child_environment(), prefect_yaml)
    failed = []
    async with get_client() as client:
        for pool in pools:
            await _make_pool(client, pool)
        for one in wanted:
            try:
                print(f"deployment {one.name} {await deploy(client, one, steps, prefect_yaml.parent)}", flush=True)
            except Exception as error:
                # A flow that cannot be imported, for whatever reason, must not keep the others from running.
                failed.append(one.name)
                print(f"deployment {one.name} could not be made: {type(error).__name__}: {error}", file=sys.stderr)
        await automate(client)
    return failed


async def _make_pool(client: PrefectClient, name: str) -> None:
    try:
        template = ProcessWorker.get_default_base_job_template()
        await client.create_work_pool(WorkPoolCreate(name=name, type=ProcessWorker.type, base_job_template=template))
    except ObjectAlreadyExists:
        return
    print(f"work pool {name} made", flush=True)


if __name__ == "__main__":
    sys.exit(1 if asyncio.run(provision(Path(sys.argv[1]), sys.argv[2:])) else 0)
