"""Watch a landing place: video that is new there, and whole, is curated; each file once, whatever its end.

``python -m flows.watch '{"landing": "/data/landing"}'`` looks once.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any, Literal

from prefect import State, flow
from prefect.states import Completed, Failed
from pydantic import BaseModel, ConfigDict, Field

from flows.announcing import announce_news
from flows.arrivals import LANDING, Arrival, arrivals, note_seen, write_manifest
from flows.curate import CurateParams, carry_out
from flows.errors import WrongCall
from flows.landing import open_landing
from flows.settings import Settings
from models.assets import AssetError


class WatchParams(BaseModel):
    """Where new video is put."""

    model_config = ConfigDict(extra="forbid")

    landing: str = Field(
        description="A folder, or s3://bucket/prefix, with a MANIFEST.csv if rights or speakers are known"
    )
    warehouse: Path | None = Field(None, description="Its folder; None: the worker's own default")
    recipe: Path | None = Field(None, description="A recipe YAML on the worker's disk; None: the default one")
    tier: Literal["recipe", "pretrain", "strict"] = Field(
        "recipe", description="pretrain keeps more, strict keeps better; recipe: the one that the recipe names"
    )
    settle_s: float = Field(20.0, ge=0, le=3600, description="A file is taken when it has not changed for so long")
    max_files: int = Field(500, ge=1, description="At a time; the next look takes others")
    workers: int | None = Field(None, ge=1, le=4096, description="Child processes at a time; None: one a core")


@flow(name="watch", log_prints=True)
def watch(params: WatchParams) -> dict[str, Any] | State[Any]:
    """Curate what has arrived; what ``xtalker curate --json`` prints.

    What killed runs left to be announced is announced, whatever has arrived.
    """
    settings = Settings.load(params.warehouse)
    told = announce_news(settings)
    try:
        landing = open_landing(params.landing, settings.warehouse / LANDING)
        arrived = arrivals(landing, settings.warehouse, params.settle_s, params.max_files)
        done = _curate(arrived, params) if arrived else None
    except (WrongCall, AssetError) as error:
        return Failed(message=str(error))
    note_seen(settings.warehouse, arrived)
    if done is not None and done["snapshot_id"] is not None:
        return done
    late = f"; announced: {', '.join(told)}" if told else ""
    return Completed(name="Skipped", message=f"nothing new in {params.landing}{late}")


def _curate(arrived: tuple[Arrival, ...], params: WatchParams) -> dict[str, Any]:
    """As the curate flow does, with the rights that the manifests state."""
    with tempfile.TemporaryDirectory(prefix="xtalker-arrivals-") as folder:
        manifest = Path(folder) / "arrivals.parquet"
        write_manifest([arrival.offer for arrival in arrived], manifest)
        return carry_out(
            CurateParams(
                videos=[str(manifest)], **params.model_dump(include={"warehouse", "recipe", "tier", "workers"})
            )
        )


if __name__ == "__main__":
    watch(WatchParams.model_validate_json(sys.argv[1]))
