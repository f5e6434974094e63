"""A roll call: it starts the clocks of lost runs that the server has forgotten.

The server holds events in memory for seconds before it acts on them. When it is killed together with flow runs, as when
a machine goes down, nothing tells it that those runs were to be watched, and they would stand as running for ever. The
automations take a roll call for the last sign of life: who does not give another in time is marked as crashed.
"""

import uuid
from datetime import UTC, datetime
from typing import Any, Final

from flows.stack.api import Api

TAG: Final = "xtalker"  # of every deployment in prefect.yaml: others' runs beat at a rate of their own
CALLED: Final = {"RUNNING": "xtalker.roll-call.running", "PENDING": "xtalker.roll-call.pending"}  # by type of state


def call_the_roll(api: Api) -> None:
    """Call every flow run of ours that is under way, as the server believes. Raises ``StackError``."""
    under_way = {"state": {"type": {"any_": list(CALLED)}}, "tags": {"all_": [TAG]}}
    runs = api.ask("/flow_runs/filter", {"flow_runs": under_way})
    if runs:
        api.ask("/events", [_call(run) for run in runs])


def _call(run: dict[str, Any]) -> dict[str, Any]:
    tags = [{"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"} for tag in run["tags"]]
    return {
        "id": str(uuid.uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": CALLED[run["state"]["type"]],
        "resource": {"prefect.resource.id": f"prefect.flow-run.{run['id']}", "prefect.resource.name": run["name"]},
        "related": tags,
    }
