"""Publish: the one committer on demand. It finishes what killed committers left, compacts, and tells the news."""

import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from prefect import State, flow
from prefect.states import Completed
from pydantic import BaseModel, ConfigDict, Field

from flows.announcing import announce_news
from flows.curation import COMMIT_WAIT_S
from flows.settings import Settings
from warehouse.commit import open_committer
from warehouse.compact import compact
from warehouse.lake import reading


class PublishParams(BaseModel):
    """Of which warehouse."""

    model_config = ConfigDict(extra="forbid")

    warehouse: Path | None = Field(None, description="Its folder; None: the worker's own default")


@flow(name="publish", log_prints=True)
def publish(params: PublishParams) -> dict[str, Any] | State[Any]:
    """Leave the warehouse with nothing half done and nothing untold; what was found to do. Raises ``NoWarehouse``."""
    settings = Settings.load(params.warehouse)
    with reading(settings.warehouse) as lake:
        before = lake.latest()
    with open_committer(settings.warehouse, COMMIT_WAIT_S) as lake:
        recovered = lake.latest() - before
        compacted = compact(lake, metadata.version("xtalker"))
        newest = lake.latest()
    told = announce_news(settings)
    if not recovered and compacted is None and not told:
        return Completed(name="Skipped", message=f"snapshot {newest} is whole, and all is announced")
    return {
        "warehouse": str(settings.warehouse),
        "snapshot_id": newest,
        "recovered_commits": recovered,
        "compacted": compacted is not None,
        "announced": told,
    }


if __name__ == "__main__":
    publish(PublishParams.model_validate_json(sys.argv[1] if len(sys.argv) > 1 else "{}"))
