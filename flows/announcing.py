"""Tell the Prefect server what is new in a warehouse, once.

What a server was told last is a variable of that server, beside its automations: workers without a common disk agree
on it, and a new server is told anew. It is written after the event was sent, so a flow killed between the two tells
again; whoever listens looks into the warehouse, and finds nothing to do. A flow killed before it told anything leaves
its news to the next one that calls ``announce_news``: the watch, every minute.
"""

import hashlib
from pathlib import Path

from prefect.events.worker import EventsWorker
from prefect.variables import Variable
from pydantic import BaseModel

from flows.events import MODEL_PROMOTED, MODEL_REGISTERED, SNAPSHOT_PUBLISHED, SnapshotPublished, announce
from flows.news import last_move, promoted, registered, snapshot_news, undecided_version
from flows.settings import Settings
from schemas.version import Decision, ModelVersion
from warehouse.errors import NoWarehouse
from warehouse.lake import reading


def announce_news(settings: Settings) -> list[str]:
    """Announce all that this server does not know: the newest snapshot, a version that nobody has decided on, the last
    move of the champion's alias, whoever moved it. What was announced, in words; nothing where there is no warehouse.
    """
    try:
        with reading(settings.warehouse) as lake:
            version, move = undecided_version(lake), last_move(lake)
    except NoWarehouse:
        return []
    said = []
    if (published := announce_snapshot(settings)) is not None:
        said.append(f"snapshot {published.snapshot_id}")
    if version is not None and announce_version(settings, version):
        said.append(f"version {version.version}")
    if move is not None and announce_promotion(settings, move):
        said.append(f"champion {move.version}")
    return said


def announce_snapshot(settings: Settings) -> SnapshotPublished | None:
    """Announce the newest snapshot that brought data, if the server does not know of it; what was said."""
    root = settings.warehouse
    try:
        news = snapshot_news(root, _told(root, SNAPSHOT_PUBLISHED))
    except NoWarehouse:
        return None
    if news is None:
        return None
    number = news.published.snapshot_id
    _tell(
        root, SNAPSHOT_PUBLISHED, news.commit_id, f"warehouse.snapshot.{number}", f"snapshot {number}", news.published
    )
    return news.published


def announce_version(settings: Settings, version: ModelVersion) -> bool:
    """Announce a version, unless it is the last that was; whether it was."""
    root, name = settings.warehouse, version.version
    if _told(root, MODEL_REGISTERED) == name:
        return False
    label = f"{name} on snapshot {version.snapshot}"
    _tell(root, MODEL_REGISTERED, name, f"model.version.{name}", label, registered(root, version))
    return True


def announce_promotion(settings: Settings, decision: Decision) -> bool:
    """Announce that an alias moved, unless that is the last move that was announced; whether it was."""
    root, move = settings.warehouse, f"{decision.alias} {decision.number}"
    if _told(root, MODEL_PROMOTED) == move:
        return False
    label = f"{decision.version} is {decision.alias}"
    _tell(root, MODEL_PROMOTED, move, f"model.version.{decision.version}", label, promoted(root, decision))
    return True


def _told(root: Path, event: str) -> str | None:
    """What this server was told last of the warehouse at ``root``."""
    found = Variable.get(_variable(root, event))
    return str(found["told"]) if isinstance(found, dict) else None


def _tell(root: Path, event: str, what: str, resource_id: str, name: str, news: BaseModel) -> None:
    announce(event, resource_id, f"{name} of {root.name}", news)
    EventsWorker.instance().drain()  # has sent it, or given up; then the server is away and the next line raises
    Variable.set(_variable(root, event), {"warehouse": str(root), "told": what}, overwrite=True)


def _variable(root: Path, event: str) -> str:
    return f"told_{event.replace('.', '_')}_{hashlib.sha256(str(root).encode()).hexdigest()[:12]}"
