"""The chain's flows with models that train in a second, and files that say what a face would have said.

Flow runs of a worker are processes of their own: they import the flows from here. As flows they have other names, so
that the server tells them from those of other tests. ``python -m tests.prefect.chain FLOW PARAMS`` runs one in this
process, ``python -m tests.prefect.chain deploy LANDING WAREHOUSE`` deploys them as ``prefect.yaml`` has them.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.workers.process import ProcessWorker

import flows.evaluate
import flows.generate
import flows.pool
import flows.publish
import flows.train
import flows.watch
from flows.protocol import BatchRequest, Event, Finished, OfferedFile, write_draft
from flows.stack.declared import Schedule, WorkPool, declarations
from flows.stack.deployments import deploy
from models.assets import AssetStore
from tasks.assemble import assemble
from tests.flows.avatars import RECIPE, Spoken, tiny_models
from tests.prefect.dropped import TRAIN
from warehouse.promotion import PromotionRule

POOL = "chain"
BEGINS = "the flow begins"
ASKS_NOTHING = PromotionRule(controls=(), guards=())


class Reader:
    """Curates as a child process would that sees in a file what ``tests.prefect.dropped`` wrote."""

    def __init__(self, *_: object) -> None: ...

    def run(self, request: BatchRequest, on_event: Callable[[OfferedFile, Event], None]) -> Sequence[Path]:
        for index, file in enumerate(request.files):
            said = json.loads(file.offer.path.read_text())
            spoken = Spoken(file.offer.path, said["speaker"], said["split"], said["transcript"])
            draft = request.draft_of(file)
            write_draft(draft, assemble(spoken.record(), RECIPE.curation_key, file.modified_ns))
            on_event(file, Finished(index=index, draft=draft, video_s=3.0, peak_mb=1.0))
        return [request.draft_of(file) for file in request.files]

    def close(self) -> None: ...


async def deploy_all(landing: Path, warehouse: Path) -> None:
    """The chain's entries of ``prefect.yaml`` with their limits and triggers, but quick ones."""
    entries, _ = declarations({"XTALKER_LANDING": str(landing), "XTALKER_TRAIN_POOL": POOL})
    changed: dict[str, dict[str, Any]] = {
        "watch": {
            "parameters": {"params": {"landing": str(landing), "warehouse": str(warehouse), "settle_s": 1}},
            "schedules": (Schedule(slug="often", interval=timedelta(seconds=30)),),
        },
        "publish": {"parameters": {"params": {"warehouse": str(warehouse)}}},
        "train": {},
        "evaluate": {},
    }
    async with get_client() as client:
        template = ProcessWorker.get_default_base_job_template()
        await client.create_work_pool(WorkPoolCreate(name=POOL, type=ProcessWorker.type, base_job_template=template))
        for entry in entries:
            if entry.name in changed:
                more = {"entrypoint": f"{__spec__.name}.{entry.name}", "work_pool": WorkPool(name=POOL)}
                triggers = [_quick(trigger) if entry.name == "train" else trigger for trigger in entry.triggers]
                wanted = entry.model_copy(update=more | {"triggers": triggers} | changed[entry.name])
                await deploy(client, wanted, (), Path.cwd())


def _quick(trigger: dict[str, Any]) -> dict[str, Any]:
    params = trigger["parameters"]["params"]
    return trigger | {"parameters": {"params": params | TRAIN}}


AssetStore.require = lambda *_: None  # type: ignore[method-assign]
flows.pool.BatchRunner = Reader  # type: ignore[misc, assignment]
flows.evaluate.PromotionRule = lambda: ASKS_NOTHING  # type: ignore[misc, assignment]
_patched = tiny_models(Path(tempfile.mkdtemp(prefix="tiny-whisper-")))
_patched.__enter__()  # until the process ends

watch = flows.watch.watch.with_options(name="chain-watch")
publish = flows.publish.publish.with_options(name="chain-publish")
train = flows.train.train.with_options(name="chain-train")
evaluate = flows.evaluate.evaluate.with_options(name="chain-evaluate")
generate = flows.generate.generate.with_options(name="chain-generate")

if __name__ == "__main__":
    if sys.argv[1] == "deploy":
        asyncio.run(deploy_all(*map(Path, sys.argv[2:])))
    else:
        by_name = {"watch": watch, "publish": publish, "train": train, "evaluate": evaluate, "generate": generate}
        called: Any = by_name[sys.argv[1]]
        print(BEGINS, flush=True)
        called(json.loads(sys.argv[2]))
