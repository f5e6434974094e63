"""What the flows tell each other: an event's name and what it says. The warehouse is the record, an event only news."""

from typing import Final

from pydantic import BaseModel

SNAPSHOT_PUBLISHED: Final = "warehouse.snapshot.published"
MODEL_REGISTERED: Final = "model.version.registered"
MODEL_PROMOTED: Final = "model.version.promoted"


class SnapshotPublished(BaseModel, frozen=True):
    """There are new clips."""

    warehouse: str  # its folder
    snapshot_id: int
    new_hours: float  # of kept clips that this snapshot has and the one announced before it had not
    clips_kept: int  # of those


class ModelRegistered(BaseModel, frozen=True):
    """There is a new version of the avatar."""

    warehouse: str
    version: str
    snapshot: int
    data_minutes: float
    licence_class: str


class ModelPromoted(BaseModel, frozen=True):
    """An alias stands for another version."""

    warehouse: str
    version: str
    alias: str
    previous: str | None
    reason: str


def announce(event: str, resource_id: str, name: str, news: BaseModel) -> None:
    """Tell the Prefect server; automations listen for ``event`` on resources whose id begins like ``resource_id``."""
    from prefect.events import emit_event  # seconds to import

    emit_event(
        event=event,
        resource={"prefect.resource.id": resource_id, "prefect.resource.name": name},
        payload=news.model_dump(mode="json"),
    )
