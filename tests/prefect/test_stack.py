"""`xtalker up` as a user would run it: a server of its own, real workers, everything killed and started again."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from flows.events import ModelRegistered, SnapshotPublished
from flows.stack.api import Api
from flows.stack.declared import Declaration, declarations
from flows.stack.environment import MARK
from flows.stack.place import Place
from flows.stack.process import Process, marked

pytestmark = pytest.mark.prefect

PATIENCE_S = 600  # starting Prefect on a machine that is busy
VARIABLES = {"XTALKER_LANDING": "/landing", "XTALKER_TRAIN_POOL": "cpu"}
NEWS = {
    "train": SnapshotPublished(warehouse="/w", snapshot_id=7, new_hours=0.5, clips_kept=3),
    "evaluate": ModelRegistered(warehouse="/w", version="v7", snapshot=7, data_minutes=30, licence_class="attribution"),
}


class Stack:
    """A stack in a folder of its own, driven through the command line."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.place = Place(folder / "state")
        self.api = Api(f"http://127.0.0.1:{self.port}/api", None)
        self.folder = folder
        inherited = {name: word for name, word in os.environ.items() if not name.startswith(("PREFECT_", "XTALKER_"))}
        self.environment = inherited | {
            "XTALKER_STATE": str(self.place.root),
            "XTALKER_WAREHOUSE": str(folder / "warehouse"),
            "XTALKER_LANDING": str(folder / "landing"),
        }

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "flows.cli", *words]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=PATIENCE_S)

    def up(self) -> str:
        done = self.run("up", "--port", str(self.port), "--no-gpu")
        assert done.returncode == 0, done.stderr + "".join(log.read_text()[-2000:] for log in self.place.logs.iterdir())
        return done.stdout

    def status(self) -> Any:
        return json.loads(self.run("status", "--json").stdout)

    def send(self, method: str, path: str, body: Any) -> Any:
        url = f"http://127.0.0.1:{self.port}/api{path}"
        request = urllib.request.Request(
            url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method
        )
        while True:
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return json.loads(answer.read() or b"null")
            except urllib.error.HTTPError as error:
                if error.code != HTTPStatus.SERVICE_UNAVAILABLE:  # SQLite, locked for a moment
                    raise
                time.sleep(0.2)

    def deployment(self, name: str) -> Any:
        return self.api.ask(f"/deployments/name/{name}/{name}")

    def runs(self, name: str, *states: str) -> list[Any]:
        of_it: dict[str, Any] = {"flows": {"name": {"any_": [name]}}, "limit": 200}
        return [run for run in self.api.ask("/flow_runs/filter", of_it) if run["state"]["type"] in states]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("stack"))
    try:
        assert "It is up." in stack.up()
        yield stack
    finally:
        for left in [*stack.place.services().values(), *marked(MARK, str(stack.place.root))]:
            left.signal(signal.SIGKILL)


def until(true: Callable[[], Any], limit_s: float = PATIENCE_S) -> Any:
    deadline = time.monotonic() + limit_s
    while not (found := true()):
        assert time.monotonic() < deadline, "did not come to be"
        time.sleep(0.3)
    return found


def test_everything_is_there(stack: Stack) -> None:
    now = stack.status()
    assert now["well"]
    assert {pool["name"]: pool["workers_online"] for pool in now["pools"]} == {"cpu": 1, "gpu": 0}
    there = {one["name"]: (one["pool"], one["schedules"]) for one in now["deployments"]}
    assert there == {
        "curate/curate": ("cpu", ["(0 3 * * *: off)"]),
        "watch/watch": ("cpu", ["* * * * *"]),
        "publish/publish": ("cpu", []),
        "train/train": ("cpu", []),
        "evaluate/evaluate": ("cpu", []),
        "generate/generate": ("cpu", []),
        "tidy/tidy": ("cpu", ["30 4 * * *"]),
    }
    automations = {one["name"] for one in stack.api.ask("/automations/filter", {})}
    assert automations == {
        "crash-zombies",
        "crash-lost",
        "resume-crashed",
        "train-on-snapshot",
        "evaluate-new-version",
    }


def test_forms_have_descriptions_and_bounds(stack: Stack) -> None:
    for name in ("curate", "watch", "train", "evaluate", "generate", "tidy"):
        schema = stack.deployment(name)["parameter_openapi_schema"]
        (model,) = [one for title, one in schema["definitions"].items() if title == f"{name.capitalize()}Params"]
        for field, words in model["properties"].items():
            assert "description" in words or field == "seed", f"{name} does not explain {field}"


def test_other_web_pages_cannot_talk_to_the_server(stack: Stack) -> None:
    def may(origin: str) -> str | None:
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        url = f"http://127.0.0.1:{stack.port}/api/flow_runs/filter"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers, method="OPTIONS")) as answer:
                return answer.headers.get("access-control-allow-origin")
        except urllib.error.HTTPError as refused:
            return refused.headers.get("access-control-allow-origin")

    assert may("https://elsewhere.example") is None
    assert may(f"http://localhost:{stack.port}") == f"http://localhost:{stack.port}"


def test_a_schedule_made_and_edited_through_the_api_fires_and_stays(stack: Stack) -> None:
    tidy = stack.deployment("tidy")["id"]
    every_2_s = {"schedule": {"interval": 2}, "active": True}
    (schedule,) = stack.send("POST", f"/deployments/{tidy}/schedules", [every_2_s])
    until(lambda: stack.runs("tidy", "COMPLETED"))

    hourly = {"schedule": {"interval": 3600}, "active": False}
    stack.send("PATCH", f"/deployments/{tidy}/schedules/{schedule['id']}", hourly)
    assert "already" in stack.up()
    (told,) = [one for one in stack.status()["deployments"] if one["name"] == "tidy/tidy"]
    assert sorted(told["schedules"]) == ["(every 3600 s: off)", "30 4 * * *"], "`up` undid what was edited"
    assert told["last_run"] is not None


def test_an_event_starts_a_training_with_what_it_tells(stack: Stack) -> None:
    news = NEWS["train"]
    event = {
        "occurred": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "id": "00000000-0000-4000-8000-000000000007",
        "event": "warehouse.snapshot.published",
        "resource": {"prefect.resource.id": "warehouse.snapshot.7"},
        "payload": news.model_dump(mode="json"),
    }
    stack.send("POST", "/events", [event])
    (run,) = until(lambda: stack.runs("train", "RUNNING", "COMPLETED", "FAILED"))
    assert run["parameters"] == {"params": {"warehouse": "/w", "snapshot": 7, "min_new_minutes": 10}}


def test_tidy_deletes_what_is_old_and_no_more(stack: Stack) -> None:
    old = len(stack.runs("tidy", "COMPLETED"))
    stack.send(
        "POST",
        f"/deployments/{stack.deployment('tidy')['id']}/create_flow_run",
        {"parameters": {"params": {"keep_days": 0}}},
    )

    def tidied() -> list[Any]:
        return stack.api.ask("/artifacts/filter", {"artifacts": {"key": {"any_": ["tidied-runs"]}}})

    (artifact,) = until(tidied)
    rows = {row["flow"]: row["runs deleted"] for row in json.loads(artifact["data"])}
    assert rows["tidy"] >= old > 0
    until(lambda: stack.runs("tidy", "COMPLETED"))
    assert len(stack.runs("tidy", "COMPLETED")) < old + 1


@pytest.mark.parametrize("lost", [("worker-cpu",), ("server",), ("keeper", "server", "worker-cpu")], ids="+".join)
def test_what_is_killed_comes_back_with_the_same_database(stack: Stack, lost: tuple[str, ...]) -> None:
    before = stack.deployment("tidy")
    killed: dict[str, Process] = {name: stack.place.services()[name] for name in lost}
    for process in killed.values():
        os.kill(process.pid, signal.SIGKILL)
    if "keeper" in lost:
        assert stack.run("status").returncode == 1
        stack.up()
    else:  # the keeper does it
        until(lambda: all(stack.place.process(name) not in (None, process) for name, process in killed.items()))
    until(lambda: stack.status()["well"])
    until(lambda: {pool["workers_online"] for pool in stack.status()["pools"] if pool["name"] == "cpu"} == {1})
    after = stack.deployment("tidy")
    assert after["id"] == before["id"]
    assert {one["id"] for one in after["schedules"]} == {one["id"] for one in before["schedules"]}


def test_down_leaves_no_process(stack: Stack) -> None:
    done = stack.run("down")
    assert done.returncode == 0, done.stderr
    assert marked(MARK, str(stack.place.root)) == []
    assert stack.place.services() == {}
    assert not stack.api.healthy()
    assert "nothing runs here" in stack.run("down").stdout


def declared() -> list[Declaration]:
    return declarations(VARIABLES)[0]


@pytest.mark.parametrize("one", declared(), ids=lambda one: one.name)
def test_declared_parameters_fit_the_flow(one: Declaration) -> None:
    from prefect.flows import load_flow_from_entrypoint

    flow: Any = load_flow_from_entrypoint(one.entrypoint, use_placeholder_flow=False)
    assert f"{flow.name}/{one.name}" == one.full_name
    if one.parameters:
        flow.validate_parameters(one.parameters)
    for trigger in one.triggers:
        flow.validate_parameters(filled(trigger["parameters"], NEWS[one.name]))


def filled(parameters: Any, news: SnapshotPublished | ModelRegistered) -> Any:
    """As the server fills them when the event has come."""
    from prefect.server.events.actions import RunDeployment
    from prefect.utilities.schema_tools.hydration import HydrationContext, hydrate

    RunDeployment._upgrade_v1_templates(parameters)
    context = {"event": {"payload": news.model_dump(mode="json")}}
    return hydrate(parameters, HydrationContext(render_jinja=True, jinja_context=context, raise_on_error=True))
