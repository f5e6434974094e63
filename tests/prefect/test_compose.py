"""The services of docker-compose.yml, run as processes with the commands and environments that compose would give them:
a real PostgreSQL with the two databases, the server with API auth, the deployments, a worker, the health checks."""

import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.compose import ROOT, SECRETS, read
from tests.prefect.postgres import Postgres, binaries

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.skipif(binaries() is None, reason="no PostgreSQL here: apt-get install postgresql"),
]
PATIENCE_S = 300


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Stack:
    """The file's services on this machine: hosts become the loopback, folders of the containers those in ``home``."""

    def __init__(self, home: Path) -> None:
        self.services = read(SECRETS)["services"]
        self._home, self._running = home, list[subprocess.Popen[bytes]]()
        self.port, database = free_port(), free_port()
        self._replaced = {
            "http://server:4200": f"http://127.0.0.1:{self.port}",
            "127.0.0.1:4200": f"127.0.0.1:{self.port}",
            "0.0.0.0": "127.0.0.1",
            "/app/": f"{ROOT}/",
        } | {f"/{name}": str(home / name) for name in ("state", "warehouse", "landing", "outputs", "scratch")}
        self._ports = {"4200": str(self.port), "5432": str(database)}
        for name in ("state", "warehouse", "landing", "outputs", "scratch"):
            (home / name).mkdir()
        folder = binaries()
        assert folder is not None
        environment = self.services["database"]["environment"]
        self.postgres = Postgres(folder, database, environment, ROOT / "deploy" / "databases.sql")

    def _here(self, word: str) -> str:
        word = self._ports.get(word, "127.0.0.1" if word == "database" else word)
        # In one pass: this machine's paths may have the names of the container's in them.
        return re.sub("|".join(map(re.escape, self._replaced)), lambda found: self._replaced[found[0]], word)

    def environment(self, name: str) -> dict[str, str]:
        """What compose gives, and no more of this machine's than a program needs to start."""
        given = {key: self._here(str(value)) for key, value in self.services[name]["environment"].items()}
        return given | {
            "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
            "HOME": str(self._home),
            "LANG": "C.UTF-8",
        }

    def command(self, words: list[str]) -> list[str]:
        return [sys.executable if word == "python" else self._here(str(word)) for word in words]

    def log(self, name: str) -> Path:
        return self._home / f"{name}.log"

    def start(self, name: str) -> subprocess.Popen[bytes]:
        service = self.services[name]
        with self.log(name).open("wb") as log:
            process = subprocess.Popen(
                self.command(service["command"]),
                env=self.environment(name),
                cwd=self._here(service.get("working_dir", str(self._home))),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._running.append(process)
        return process

    def check(self, name: str) -> bool:
        """The service's own health check."""
        words = self.command(self.services[name]["healthcheck"]["test"][1:])
        return subprocess.run(words, env=self.environment(name), capture_output=True, timeout=60).returncode == 0

    def wait(self, name: str, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not self.check(name):
            assert process.poll() is None, self.log(name).read_text()[-3000:]
            assert time.monotonic() < deadline, self.log(name).read_text()[-3000:]
            time.sleep(1)

    def ask(self, path: str, auth: str | None, body: dict[str, Any] | None = None) -> Any:
        headers = {"Content-Type": "application/json"}
        if auth is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(auth.encode()).decode()
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api{path}", data, headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    def stop(self) -> None:
        for process in reversed(self._running):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.postgres.stop()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("compose"))
    try:
        stack.wait("server", stack.start("server"))
        yield stack
    finally:
        stack.stop()


def test_each_database_has_its_owner_and_nobody_else(stack: Stack) -> None:
    prefect, catalogue = SECRETS["PREFECT_DB_PASSWORD"], SECRETS["CATALOGUE_DB_PASSWORD"]
    assert stack.postgres.ask("CREATE TABLE t (); DROP TABLE t", "catalogue", catalogue, "catalogue").returncode == 0
    assert "permission denied" in stack.postgres.ask("SELECT 1", "catalogue", catalogue, "prefect").stderr
    assert "permission denied" in stack.postgres.ask("SELECT 1", "prefect", prefect, "catalogue").stderr
    assert "authentication failed" in stack.postgres.ask("SELECT 1", "prefect", catalogue, "prefect").stderr


def test_the_server_keeps_its_state_in_postgresql(stack: Stack) -> None:
    tables = stack.postgres.ask(
        "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'",
        "prefect",
        SECRETS["PREFECT_DB_PASSWORD"],
        "prefect",
    )
    assert int(tables.stdout) > 20
    assert not list(stack._home.glob("state/*.db"))


@pytest.mark.parametrize("auth", [None, "curator:wrong"])
def test_nobody_gets_in_without_the_password(stack: Stack, auth: str | None) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        stack.ask("/deployments/filter", auth, {})
    assert refused.value.code == 401


def test_the_ui_asks_the_address_that_browsers_reach(stack: Stack) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.port}/ui-settings", timeout=20) as answer:
        settings = json.loads(answer.read())
    assert settings["api_url"] == f"http://127.0.0.1:{stack.port}/api"
    assert settings["auth"] == "BASIC"


def test_deployments_are_made_and_a_worker_runs_them(stack: Stack) -> None:
    auth = SECRETS["PREFECT_AUTH_STRING"]
    assert stack.start("deploy").wait(timeout=PATIENCE_S) == 0, stack.log("deploy").read_text()[-3000:]
    deployments = {one["name"]: one for one in stack.ask("/deployments/filter", auth, {})}
    assert {"curate", "watch", "train", "generate", "tidy"} <= deployments.keys()
    assert {one["name"] for one in stack.ask("/work_pools/filter", auth, {})} >= {"cpu", "gpu"}

    assert not stack.check("cpu-worker"), "healthy before it runs"
    stack.wait("cpu-worker", stack.start("cpu-worker"))
    run = stack.ask(f"/deployments/{deployments['tidy']['id']}/create_flow_run", auth, {"parameters": {"params": {}}})
    deadline = time.monotonic() + PATIENCE_S
    while (state := stack.ask(f"/flow_runs/{run['id']}", auth)["state"])["type"] in ("SCHEDULED", "PENDING", "RUNNING"):
        assert time.monotonic() < deadline, stack.log("cpu-worker").read_text()[-3000:]
        time.sleep(1)
    assert state["type"] == "COMPLETED", state
