"""Old run records are deleted from Prefect's database, through its API. The warehouse and the models are never touched.

With a flow run go its task runs, logs and artifacts. Events cannot be deleted by a client: the server drops them itself
after ``PREFECT_SERVER_EVENTS_RETENTION_PERIOD``, by default a week. ``python -m flows.tidy '{"keep_days": 7}'``.
"""

import sys
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from prefect import State, flow
from prefect.artifacts import create_table_artifact
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.states import Completed
from pydantic import BaseModel, ConfigDict, Field

PAGE: Final = 100


class TidyParams(BaseModel):
    """What is old."""

    model_config = ConfigDict(extra="forbid")

    keep_days: float = Field(30, ge=0, le=3650, description="Runs that ended longer ago than this are deleted")


@flow(name="tidy", log_prints=True)
def tidy(params: TidyParams) -> dict[str, Any] | State[Any]:
    """Delete what is old and final; what was deleted. A run that has not ended stays, however old."""
    before = datetime.now(UTC) - timedelta(days=params.keep_days)
    deleted: Counter[str] = Counter()
    artifacts = 0
    with get_client(sync_client=True) as client:
        while page := _page(client, before):
            artifacts += _delete_artifacts(client, [run.id for run in page])
            for run in page:
                deleted[_delete(client, run)] += 1
    if not deleted:
        return Completed(name="Skipped", message=f"no run ended before {before:%Y-%m-%d %H:%M} UTC")
    create_table_artifact(
        [{"flow": name, "runs deleted": n} for name, n in sorted(deleted.items())],
        key="tidied-runs",
        description=f"Runs that ended before {before:%Y-%m-%d %H:%M} UTC, and {artifacts} artifacts of theirs",
    )
    return {"flow_runs": deleted.total(), "artifacts": artifacts, "before": before.isoformat()}


def _page(client: SyncPrefectClient, before: datetime) -> list[FlowRun]:
    old = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(TERMINAL_STATES))),
        end_time=FlowRunFilterEndTime(before_=before),
    )
    return client.read_flow_runs(flow_run_filter=old, limit=PAGE)


def _delete_artifacts(client: SyncPrefectClient, runs: list[UUID]) -> int:
    theirs = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=runs))
    n = 0
    while page := client.read_artifacts(artifact_filter=theirs, limit=PAGE):
        for artifact in page:
            client.delete_artifact(artifact.id)
        n += len(page)
    return n


def _delete(client: SyncPrefectClient, run: FlowRun) -> str:
    """The name of its flow."""
    name = client.read_flow(run.flow_id).name
    with suppress(ObjectNotFound):  # somebody else has deleted it meanwhile
        client.delete_flow_run(run.id)
    return name


if __name__ == "__main__":
    tidy(TidyParams.model_validate_json(sys.argv[1] if len(sys.argv) > 1 else "{}"))
