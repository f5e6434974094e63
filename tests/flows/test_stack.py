"""The stack without a server: processes, the state folder, the environment, and what prefect.yaml declares."""

import ast
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.errors import StackError, WrongCall
from flows.settings import StackSettings
from flows.stack import keeper, process
from flows.stack.api import Api
from flows.stack.declared import PREFECT_YAML, Declaration, declarations
from flows.stack.environment import HEARTBEAT_S, MARK, stack_environment
from flows.stack.lifecycle import down, up
from flows.stack.place import Place, StackPlan, WorkerPlan
from flows.stack.process import Process, marked, start, started, stop
from flows.stack.report import status
from flows.stack.services import SERVER, Service, services
from flows.stack.wishes import Wishes

ROOT = PREFECT_YAML.parent
SLEEP = ("sleep", "60")
# Says that it is there, then ignores to be asked to end.
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=1); time.sleep(60)",
)
# Nobody answers on port 1.
PLAN = StackPlan("http://127.0.0.1:1/api", "127.0.0.1", 1, (WorkerPlan("cpu", 4), WorkerPlan("gpu", 1)))
VARIABLES = {"XTALKER_LANDING": "/landing", "XTALKER_TRAIN_POOL": "gpu"}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A state folder; whatever a test leaves running in its name is killed."""
    place = Place(tmp_path / "state").make()
    yield place
    for left in [*place.services().values(), *marked(MARK, str(place.root))]:
        left.signal(signal.SIGKILL)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING", "XTALKER_STATE"):
        monkeypatch.delenv(name, raising=False)


def run(command: tuple[str, ...], place: Place, service: str = "one") -> subprocess.Popen[bytes]:
    child = start(command, {MARK: str(place.root)}, place.log(service))
    place.write_process(service, child.pid)
    return child


def test_a_process_is_asked_to_end_and_reaped(place: Place) -> None:
    child = run(SLEEP, place)
    assert stop(place.services().values(), 5) == 0
    assert child.wait() == -signal.SIGTERM
    assert place.process("one") is None


def test_one_that_does_not_listen_is_killed(place: Place) -> None:
    child = run(STUBBORN, place)
    while not place.log("one").read_text():
        time.sleep(0.02)
    assert stop(place.services().values(), 0.2) == 1
    assert child.wait() == -signal.SIGKILL


def test_a_recycled_id_is_not_touched(place: Place) -> None:
    child = run(SLEEP, place)
    other = Process(child.pid, "another start")
    assert not other.alive
    assert stop([other], 0.1) == 0
    assert child.poll() is None, "the process that has the id now was stopped"


def test_a_process_waiting_to_be_reaped_is_gone(place: Place) -> None:
    child = subprocess.Popen(["true"])
    deadline = time.monotonic() + 5
    while started(child.pid) is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert started(child.pid) is None
    child.wait()


def test_orphans_are_found_by_their_mark(place: Place) -> None:
    shell = run(("sh", "-c", "sleep 60 & wait"), place)
    deadline = time.monotonic() + 5
    while len(marked(MARK, str(place.root))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    shell.kill()
    shell.wait()
    (orphan,) = marked(MARK, str(place.root))
    assert orphan.pid != shell.pid


def test_a_child_can_be_interrupted_though_its_parent_ignores_it(place: Place) -> None:
    """As under `xtalker up &` in a script: Prefect's worker ends gently by SIGINT only."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        child = run(SLEEP, place)
    finally:
        signal.signal(signal.SIGINT, before)
    child.send_signal(signal.SIGINT)
    assert child.wait(5) == -signal.SIGINT


def test_down_ends_services_and_orphans(place: Place) -> None:
    children = [run(SLEEP, place, name) for name in (SERVER, keeper.KEEPER, "worker-cpu")]
    orphan = start(SLEEP, {MARK: str(place.root)}, place.log("run"))
    assert down(StackSettings.load(place.root)) == 4
    assert all(child.wait(1) == -signal.SIGTERM for child in [*children, orphan])
    assert down(StackSettings.load(place.root)) == 0


def test_the_plan_comes_back(place: Place) -> None:
    assert place.plan() is None
    place.write_plan(PLAN)
    assert place.plan() == PLAN
    assert place.root.stat().st_mode & 0o077 == 0, "others may look into the database"


@pytest.mark.parametrize("left", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "started": "1970"}'])
def test_files_cut_off_by_a_crash_mean_that_nothing_runs(place: Place, left: str) -> None:
    (place.root / "stack.json").write_text(left)
    (place.root / "processes" / "server.json").write_text(left)
    assert place.plan() is None
    assert place.services() == {}


def test_only_one_starts_or_stops_at_a_time(place: Place) -> None:
    with place.locked(), pytest.raises(StackError, match="another xtalker"), place.locked():
        pass


def test_a_log_is_cut_while_it_is_written(place: Place) -> None:
    log = place.log("one")
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * 100)
        keeper.cut(log, 200)
        assert log.stat().st_size == 100
        keeper.cut(log, 99)
        writer.write(b"goes on")
    assert log.read_bytes() == b"goes on"
    assert log.with_suffix(".log.1").read_bytes() == b"x" * 100


def test_the_keeper_starts_again_what_died_and_waits_for_the_server(place: Place) -> None:
    one, client = (keeper.Kept(Service(name, SLEEP, is_client=name == "client")) for name in ("one", "client"))
    nobody = Api(PLAN.api_url, None)
    keeper.tend(place, [one, client], nobody)
    first = place.process("one")
    keeper.tend(place, [one, client], nobody)
    assert place.process("one") == first is not None
    assert place.process("client") is None, "a client was started without a server"

    stop([first], 5)
    deadline = time.monotonic() + 10
    while (second := place.process("one")) is None and time.monotonic() < deadline:
        keeper.tend(place, [one], nobody)
        time.sleep(0.02)
    assert second not in (None, first)


def test_a_service_that_dies_at_once_is_started_ever_more_slowly(place: Place) -> None:
    one, nobody = (
        keeper.Kept(Service("one", ("false",), is_client=False), began=time.monotonic()),
        Api(PLAN.api_url, None),
    )
    delays = []
    for _ in range(8):
        keeper.tend(place, [one], nobody)
        assert one.child is None, "started before its delay was over"
        one.began = time.monotonic() - one.delay_s
        keeper.tend(place, [one], nobody)
        delays.append(one.delay_s)
        assert one.child is not None
        one.child.wait()
    assert delays == [2, 4, 8, 16, 32, 60, 60, 60]


def test_the_environment_is_private_and_absolute(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XTALKER_WAREHOUSE", "here/warehouse")
    monkeypatch.setenv("XTALKER_LANDING", "s3://bucket/in")
    monkeypatch.setenv("PREFECT_WORKER_QUERY_SECONDS", "7")
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "user:word")
    made = stack_environment(StackSettings.load(place.root), PLAN, "gpu")
    assert made["XTALKER_WAREHOUSE"] == str(Path.cwd() / "here/warehouse")
    assert made["XTALKER_LANDING"] == "s3://bucket/in"
    assert made["PREFECT_HOME"] == made[MARK] == str(place.root)
    assert made["PREFECT_WORKER_QUERY_SECONDS"] == "7", "the user's own word was overruled"
    assert made["PREFECT_SERVER_API_AUTH_STRING"] == "user:word", "a client's password does not close the server"
    assert made["DO_NOT_TRACK"] == "1"
    assert made["PREFECT_SERVER_ANALYTICS_ENABLED"] == made["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] == "false"
    assert made["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:1,http://localhost:1"
    assert made["XTALKER_TRAIN_POOL"] == "gpu"


def test_services_bind_to_loopback_and_take_their_share() -> None:
    server, cpu, gpu = services(PLAN)
    assert server.command[-4:] == ("--host", "127.0.0.1", "--port", "1")
    assert not server.is_client
    assert cpu.command[cpu.command.index("--limit") + 1] == "4"
    assert gpu.command[gpu.command.index("--pool") + 1] == "gpu"
    joined = StackPlan("http://10.0.0.5:4200/api", None, None, (WorkerPlan("cpu", 4),))
    assert [service.name for service in services(joined)] == ["worker-cpu"]


def test_a_taken_port_is_named_with_a_way_out(place: Place) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StackError, match=f"{port}.*--port.*PREFECT_API_URL"):
            up(StackSettings.load(place.root), Wishes(port=port, gpu=False), print)
    assert place.plan() is None


def test_a_public_server_wants_a_password(place: Place) -> None:
    with pytest.raises(WrongCall, match="PREFECT_API_AUTH_STRING"):
        up(StackSettings.load(place.root), Wishes(host="0.0.0.0", port=free_port(), gpu=False), print)


def test_a_server_that_is_to_be_joined_wants_an_address(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "file:///etc/passwd")
    with pytest.raises(WrongCall, match="http://HOST:PORT/api"):
        up(StackSettings.load(place.root), Wishes(gpu=False), print)
    assert place.services() == {}


def test_a_stack_with_a_server_does_not_join_another(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write_plan(PLAN)
    run(SLEEP, place, SERVER)
    monkeypatch.setenv("PREFECT_API_URL", "http://10.0.0.5:4200/api")
    with pytest.raises(WrongCall, match="xtalker down"):
        up(StackSettings.load(place.root), Wishes(), print)
    assert place.plan() == PLAN


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_status_of_what_was_never_started(tmp_path: Path) -> None:
    now = status(StackSettings.load(tmp_path))
    assert not now.well
    assert now.ui is None
    assert list(tmp_path.iterdir()) == []


def test_status_tells_what_died(place: Place) -> None:
    place.write_plan(PLAN)
    run(SLEEP, place, "worker-cpu")
    now = status(StackSettings.load(place.root))
    assert {one.name: one.pid is not None for one in now.services} == {
        "keeper": False,
        "server": False,
        "worker-cpu": True,
        "worker-gpu": False,
    }
    assert not now.healthy
    assert not now.well


def declared() -> list[Declaration]:
    return declarations(VARIABLES)[0]


def test_every_deployment_of_the_program_is_declared() -> None:
    assert [one.full_name for one in declared()] == [
        f"{name}/{name}" for name in ("curate", "watch", "publish", "train", "evaluate", "generate", "tidy")
    ]


@pytest.mark.parametrize("one", declared(), ids=lambda one: one.name)
def test_every_entrypoint_is_a_flow_of_one_parameter(one: Declaration) -> None:
    module, _, name = one.entrypoint.rpartition(".")
    tree = ast.parse((ROOT / module.replace(".", "/")).with_suffix(".py").read_text())
    (function,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    assert [argument.arg for argument in function.args.args] == ["params"]
    assert set(one.parameters) <= {"params"}
    (called,) = [node for node in function.decorator_list if isinstance(node, ast.Call)]
    words = {word.arg: word.value for word in called.keywords}
    assert ast.unparse(called.func) == "flow"
    assert ast.literal_eval(words["name"]) == name, "a deployment is looked for by the name of its function"


@pytest.mark.parametrize("one", declared(), ids=lambda one: one.name)
def test_every_deployment_is_described_and_watched(one: Declaration) -> None:
    assert one.description.endswith(".")
    assert "xtalker" in one.tags
    assert one.work_pool.job_variables["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == str(HEARTBEAT_S)


def test_training_goes_to_the_pool_that_is_there() -> None:
    pools = {one.name: one.work_pool.name for one in declared()}
    assert {name for name, pool in pools.items() if pool == "gpu"} == {"train", "evaluate"}
    assert {one.work_pool.name for one in declarations(VARIABLES | {"XTALKER_TRAIN_POOL": "cpu"})[0]} == {"cpu"}


def test_what_runs_alone_and_what_waits() -> None:
    limits = {one.name: one.concurrency_limit for one in declared()}
    assert {name: limit.collision_strategy for name, limit in limits.items() if limit is not None} == {
        "watch": "CANCEL_NEW",
        "train": "ENQUEUE",
        "evaluate": "ENQUEUE",
        "tidy": "CANCEL_NEW",
    }


def test_a_change_of_an_entry_changes_its_digest() -> None:
    (tidy,) = [one for one in declared() if one.name == "tidy"]
    assert tidy.digest == tidy.model_copy().digest
    assert tidy.model_copy(update={"tags": ("other",)}).digest != tidy.digest


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("deployments: [", "cannot be read"),
        ("deployments: [{name: a}]", "entrypoint"),
        ("other: 1", "cannot be read"),
        ("deployments: [{name: '{{ $NOT_SET }}'}]", "NOT_SET"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "prefect.yaml"
    path.write_text(text)
    with pytest.raises(StackError, match=told):
        declarations(VARIABLES, path)


def test_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="checkout"):
        declarations(VARIABLES, tmp_path / "prefect.yaml")


def test_memory_of_a_process() -> None:
    import os

    assert (process.resident_mb(os.getpid()) or 0) > 1
    assert process.resident_mb(2**22 + 1) is None


def test_status_is_plain_json(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    from flows.commands.stack import run_status

    place.write_plan(PLAN)
    assert run_status(place.root, as_json=True) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["well"] is False
    assert told["ui"] == "http://127.0.0.1:1"
