"""The curation flow against a real Prefect server on this machine."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders import moving_pattern, tone, write_media
from warehouse.sql import query

pytestmark = pytest.mark.server


class Server:
    """A server of its own, with its own state, on a free port of the loopback."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.api = f"http://127.0.0.1:{port}/api"
        self.environment = os.environ | {
            "PREFECT_HOME": str(home),
            "PREFECT_API_URL": self.api,
            "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }
        command = [str(Path(sys.executable).with_name("prefect")), "server", "start", "--port", str(port)]
        command += ["--host", "127.0.0.1"]
        self.log = home / "server.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def wait(self, limit_s: float) -> None:
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.ask("/health")
                return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.3)
        raise AssertionError(f"the server did not come up:\n{self.log.read_text()[-3000:]}")

    def ask(self, path: str, **body: Any) -> Any:
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(self.api + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    home = tmp_path / "prefect"
    home.mkdir()
    server = Server(home)
    try:
        server.wait(120)
        yield server
    finally:
        server.stop()


def curate(server: Server, warehouse: Path, videos: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flows.curate", str(videos)],
        env=server.environment | {"XTALKER_WAREHOUSE": str(warehouse)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_the_flow_curates_publishes_and_leaves_nothing_to_do(server: Server, tmp_path: Path) -> None:
    videos, warehouse = tmp_path / "videos", tmp_path / "warehouse"
    videos.mkdir()
    for seed, name in enumerate(("a.mp4", "b.mp4")):
        write_media(videos / name, moving_pattern(50, seed=seed), sound=tone(2.0))
    (videos / "broken.mp4").write_bytes(b"not a video")

    curate(server, warehouse, videos)
    rows = query(warehouse, "select path, reason from sources order by path").to_pylist()
    assert [(Path(r["path"]).name, r["reason"]) for r in rows] == [
        ("a.mp4", "no_face"),
        ("b.mp4", "no_face"),
        ("broken.mp4", "undecodable"),
    ]
    (run,) = server.ask("/flow_runs/filter", limit=10)
    assert run["state"]["type"] == "COMPLETED"
    tasks = server.ask("/task_runs/filter", limit=50)
    names = Counter(task["name"].split("-")[0] for task in tasks)
    assert names["plan"] == 1
    assert 1 <= names["curate_batch"] == names["commit_batch"] <= 3
    artifacts = server.ask("/artifacts/filter", limit=10)
    assert any("3 new" in a["data"] for a in artifacts if a["key"] == "curation-summary")
    assert published(server) == 1

    curate(server, warehouse, videos)
    assert published(server) == 1, "a run without news must not announce a snapshot"
    assert len(server.ask("/task_runs/filter", limit=50)) == len(tasks) + 1, "only the plan runs again"


def published(server: Server, patience_s: float = 15) -> int:
    """How many snapshots were announced; events reach the server's store with a delay."""
    deadline = time.monotonic() + patience_s
    wanted = {"event": {"name": ["warehouse.snapshot.published"]}, "occurred": {"since": "2020-01-01T00:00:00Z"}}
    while True:
        found = server.ask("/events/filter", filter=wanted, limit=10)["events"]
        if found or time.monotonic() > deadline:
            return len(found)
        time.sleep(0.5)
