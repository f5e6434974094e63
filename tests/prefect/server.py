"""A real Prefect server on this machine, and what tests ask it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

PATIENCE_S = 60.0  # for an answer, on a machine that has other work


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
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.loads(answer.read())

    def delete(self, path: str) -> None:
        urllib.request.urlopen(urllib.request.Request(self.api + path, method="DELETE"), timeout=PATIENCE_S).close()

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def run_flow(server: Server, warehouse: Path, *python: str) -> None:
    done = subprocess.run(
        [sys.executable, *python],
        env=server.environment | {"XTALKER_WAREHOUSE": str(warehouse)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def of_flow(name: str) -> dict[str, Any]:
    return {"flows": {"name": {"any_": [name]}}, "limit": 50}


def artifact(server: Server, key: str) -> str:
    """The data of the newest artifact of that name."""
    found = server.ask("/artifacts/filter", artifacts={"key": {"any_": [key]}}, sort="CREATED_DESC", limit=1)
    return str(found[0]["data"])


def announced(server: Server, event: str, warehouse: Path, patience_s: float = 15) -> list[Any]:
    """The events of that name about that warehouse; they reach the server's store with a delay."""
    deadline = time.monotonic() + patience_s
    wanted = {"event": {"name": [event]}, "occurred": {"since": "2020-01-01T00:00:00Z"}}
    while True:
        events: list[Any] = server.ask("/events/filter", filter=wanted, limit=50)["events"]
        found = [event for event in events if event["payload"]["warehouse"] == str(warehouse)]
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.5)
