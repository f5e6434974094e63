"""New video in the landing folder leads to a promoted version, with a real server and a real worker and no other hand.

The parts that need minutes, faces and networks, are small: see ``tests.prefect.chain``.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from flows.events import MODEL_PROMOTED, MODEL_REGISTERED, SNAPSHOT_PUBLISHED
from schemas.units import SAMPLE_RATE
from tests.builders import speech_like, write_media
from tests.prefect.dropped import CLIP_S, drop, drop_cast
from tests.prefect.server import Server, announced, of_flow, run_flow
from warehouse.errors import NoWarehouse
from warehouse.lake import reading
from warehouse.registry import CHAMPION, aliases, decisions, versions
from warehouse.sql import query

pytestmark = pytest.mark.prefect

REPOSITORY = Path(__file__).resolve().parents[2]
FLOWS = [f"chain-{name}" for name in ("watch", "publish", "train", "evaluate")]
MODULE = "tests.prefect.chain"
PATIENCE_S = 600.0  # for a step of the chain on a machine that has other work
QUICK_S = 15.0  # from the event to the training's start, on a machine that imports the flow in
IMPORT_S = 5.0


@dataclass(frozen=True)
class Chain:
    """A deployed chain and a worker that runs it."""

    server: Server
    landing: Path
    warehouse: Path
    log: Path

    def wait(self, what: str, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: not within {PATIENCE_S:.0f} s\n{self.log.read_text()[-6000:]}")
            time.sleep(1.0)

    def runs(self, flow: str) -> list[dict[str, Any]]:
        """The runs of the chain's flow that began and ended, the first first; others were one too many at a time."""
        begun = {"start_time": {"is_null_": False}}
        found = self.server.ask("/flow_runs/filter", flow_runs=begun, **of_flow(f"chain-{flow}"))
        return sorted((run for run in found if run["end_time"]), key=lambda run: str(run["start_time"]))

    def champion(self) -> str | None:
        try:
            with reading(self.warehouse) as lake:
                return aliases(lake).get(CHAMPION)
        except NoWarehouse:
            return None

    def events(self, name: str) -> list[dict[str, Any]]:
        return announced(self.server, name, self.warehouse)


@pytest.fixture(scope="module")
def chain(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    folder = tmp_path_factory.mktemp("chain").resolve()
    landing, warehouse = folder / "landing", folder / "warehouse"
    landing.mkdir()
    environment = server.environment | {"PYTHONPATH": str(REPOSITORY), "PREFECT_WORKER_QUERY_SECONDS": "2"}
    deploy = [sys.executable, "-m", MODULE, "deploy", str(landing), str(warehouse)]
    done = subprocess.run(deploy, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr[-3000:]
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "chain", "--type", "process"]
    log = folder / "worker.log"
    with log.open("wb") as output:
        worker = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield Chain(server, landing, warehouse, log)
    finally:
        _end(worker)
        for deployment in server.ask("/deployments/filter", flows={"name": {"any_": FLOWS}}):
            server.delete(f"/deployments/{deployment['id']}")


def _end(worker: subprocess.Popen[bytes]) -> None:
    """The worker ends its runs when it is asked to; if it does not in time, it is killed."""
    worker.send_signal(signal.SIGINT)
    try:
        worker.wait(60)
    except subprocess.TimeoutExpired:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def test_files_that_are_dropped_become_a_champion(
    chain: Chain, record_testsuite_property: Callable[[str, object], None]
) -> None:
    drop_cast(chain.landing)
    chain.wait("a champion", lambda: chain.champion() is not None)
    chain.wait("the evaluation's end", lambda: bool(chain.runs("evaluate")))

    sources = query(chain.warehouse, "select path, count(*) as clips from clip_sources where keep group by 1")
    assert sorted(Path(p).name for p in sources["path"].to_pylist()) == sorted(p.name for p in chain.landing.iterdir())
    assert set(sources["clips"].to_pylist()) == {1}
    with reading(chain.warehouse) as lake:
        (version,), (decision,) = versions(lake), decisions(lake)
    assert version.version == decision.version == chain.champion()
    assert (chain.warehouse / "reports" / version.version / "report.html").is_file()

    (published,), (registered,), (promoted,) = map(chain.events, (SNAPSHOT_PUBLISHED, MODEL_REGISTERED, MODEL_PROMOTED))
    assert published["payload"]["clips_kept"] == 8
    assert published["payload"]["new_hours"] == pytest.approx(8 * CLIP_S / 3600)
    assert registered["payload"]["version"] == promoted["payload"]["version"] == version.version
    (training,) = chain.runs("train")
    assert training["state"]["name"] == "Completed"
    scheduled_s, waited_s = (
        _time(training[moment]) - _time(published["occurred"]) for moment in ("created", "start_time")
    )
    record_testsuite_property("event to training start, s", round(waited_s, 1))
    import_s = _import_s()
    print(f"event to training start: {waited_s:.1f} s, of which {scheduled_s:.1f} s until the run was made")
    assert waited_s <= QUICK_S * max(1.0, import_s / IMPORT_S), f"the flow is imported in {import_s:.1f} s"


def test_a_little_more_video_is_curated_and_not_trained_on(chain: Chain) -> None:
    before = len(chain.runs("train"))
    drop(chain.landing, "bob", 7)
    chain.wait("a second snapshot", lambda: len(chain.events(SNAPSHOT_PUBLISHED)) == 2)
    chain.wait("its training", lambda: len(chain.runs("train")) > before)
    state = chain.runs("train")[-1]["state"]
    assert (state["type"], state["name"]) == ("COMPLETED", "Skipped")
    assert "0.05 min new since snapshot" in state["message"]
    newest = chain.events(SNAPSHOT_PUBLISHED)[0]["payload"]
    assert (newest["clips_kept"], newest["new_hours"]) == (1, pytest.approx(CLIP_S / 3600))
    with reading(chain.warehouse) as lake:
        assert len(versions(lake)) == 1


def test_the_champion_speaks_by_a_flow_of_its_own(chain: Chain, tmp_path: Path) -> None:
    speech = write_media(tmp_path / "speech.mkv", sound=speech_like(SAMPLE_RATE), sound_rate=SAMPLE_RATE)
    params = {"audio": str(speech), "output": "motion.npz", "warehouse": str(chain.warehouse)}
    run_flow(chain.server, chain.warehouse, "-m", MODULE, "generate", json.dumps(params))
    (run,) = chain.runs("generate")
    assert run["state"]["type"] == "COMPLETED"
    assert (chain.warehouse / "performances" / "motion.npz").is_file()


def test_looks_that_find_nothing_say_so_and_leave_no_snapshot(chain: Chain) -> None:
    seen = len(chain.runs("watch"))
    with reading(chain.warehouse) as lake:
        before = lake.latest()
    chain.wait("another look", lambda: len(chain.runs("watch")) > seen + 1)
    assert chain.runs("watch")[-1]["state"]["name"] == "Skipped"
    with reading(chain.warehouse) as lake:
        assert lake.latest() == before


def _import_s() -> float:
    """How long this machine, with what else it does now, takes to import the training flow."""
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", "import flows.train"], cwd=REPOSITORY, check=True, timeout=PATIENCE_S)
    return time.monotonic() - begun


def _time(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
