"""The curate flow at scale, on a real server: few task runs, any runner, and deaths on the way."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from flows.batches import how_many
from tests.builders import moving_pattern, tone, write_media
from tests.flows.stand_ins import LETHAL
from tests.prefect.server import Server, announced, of_flow
from warehouse.errors import NoWarehouse
from warehouse.sql import query

pytestmark = pytest.mark.prefect

# The curate flow under another name, so that the server tells its runs from those of other tests: PARAMS, and the log
# and the pause of a child that answers at once, or nothing for the real one.
FLOW = """
import sys
import flows.pool
from flows.curate import CurateParams, curate
from models.assets import AssetStore
from tests.flows import stand_ins
name, params, *stand_in = sys.argv[1:]
if stand_in:
    command = stand_ins.command(stand_in[0], float(stand_in[1]))
    flows.pool.worker_command = lambda assets: command
    AssetStore.require = lambda store: None
if __name__ == "__main__":
    curate.with_options(name=name)(CurateParams.model_validate_json(params), return_state=True)
"""


@contextmanager
def flow(server: Server, name: str, tmp_path: Path, pause_s: float | None = 0.0, **params: Any) -> Iterator[Any]:
    """The flow's process, over ``tmp_path / "videos"``; ended with all that it started."""
    from flows.curate import CurateParams  # Prefect: seconds that collecting the tests is not to cost

    words = CurateParams.model_validate({"videos": [str(tmp_path / "videos")], "workers": 2, **params})
    stand_in = [] if pause_s is None else [str(tmp_path / "log"), str(pause_s)]
    process = subprocess.Popen(
        [sys.executable, "-c", FLOW, name, words.model_dump_json(), *stand_in],
        env=server.environment | {"XTALKER_WAREHOUSE": str(tmp_path / "warehouse")},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def run(server: Server, name: str, tmp_path: Path, pause_s: float | None = 0.0, **params: Any) -> dict[str, Any]:
    """The flow run, ended."""
    with flow(server, name, tmp_path, pause_s, **params) as process:
        assert process.wait(300) == 0
    runs = server.ask("/flow_runs/filter", **of_flow(name), sort="START_TIME_DESC")
    return dict(runs[0])


def videos(tmp_path: Path, count: int, *names: str) -> None:
    folder = tmp_path / "videos"
    folder.mkdir(exist_ok=True)
    for name in (*(f"{i:04}" for i in range(count)), *names):
        (folder / f"{name}.mp4").write_text(name)


def reasons(tmp_path: Path) -> Counter[str | None]:
    try:
        return Counter(r["reason"] for r in query(tmp_path / "warehouse", "select reason from sources").to_pylist())
    except NoWarehouse:
        return Counter()


def test_five_hundred_videos_are_less_than_fifty_task_runs(server: Server, tmp_path: Path) -> None:
    videos(tmp_path, 500)
    ended = run(server, "scale-500", tmp_path)
    assert ended["state"]["name"] == "Completed"
    assert reasons(tmp_path) == {"no_face": 500}
    assert server.ask("/task_runs/count", flows={"name": {"any_": ["scale-500"]}}) < 50


def test_so_many_files_a_run_and_then_nothing_is_left(server: Server, tmp_path: Path) -> None:
    videos(tmp_path, 3)
    states = [run(server, "scale-few", tmp_path, max_files=2)["state"] for _ in range(3)]
    assert [state["name"] for state in states] == ["Completed", "Completed", "Skipped"]
    assert "all 3 files" in states[2]["message"]
    assert reasons(tmp_path) == {"no_face": 3}
    assert len(announced(server, "warehouse.snapshot.published", tmp_path / "warehouse")) == 2


def test_a_wrong_call_fails_at_once_with_its_message(server: Server, tmp_path: Path) -> None:
    ended = run(server, "scale-wrong", tmp_path)
    assert (ended["state"]["type"], ended["run_count"]) == ("FAILED", 1)
    assert "no video there" in ended["state"]["message"]


def test_a_killed_child_costs_no_file(server: Server, tmp_path: Path) -> None:
    videos(tmp_path, 6, LETHAL)
    assert run(server, "scale-child", tmp_path)["state"]["type"] == "COMPLETED"
    assert reasons(tmp_path) == {"no_face": 7}
    begun = Counter((tmp_path / "log").read_text().split())
    assert {name: n for name, n in begun.items() if n > 1} == {f"{LETHAL}.mp4": 2}


@pytest.mark.parametrize("after", [3, 30])
def test_a_killed_flow_is_gone_on_from(server: Server, tmp_path: Path, after: int) -> None:
    videos(tmp_path, 60)
    log, workers = tmp_path / "log", 2
    with flow(server, f"scale-killed-{after}", tmp_path, pause_s=0.1) as process:
        wait_for(lambda: log.exists() and len(log.read_text().split()) >= after)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        time.sleep(1)  # its orphans find out
        begun = len(log.read_text().split())
        assert begun < 60, "the children go on without the flow"
    run(server, f"scale-killed-{after}", tmp_path)
    assert reasons(tmp_path) == {"no_face": 60}, "nothing lost"
    assert len(log.read_text().split()) <= 60 + workers, "nothing twice, but what was in the making"
    left = list((tmp_path / "warehouse" / "drafts").glob("*.arrow"))
    committed = -(-60 // how_many(60, workers))  # a batch whose flow died before it could remove its drafts
    assert len(left) <= workers + committed, "but for those in the making, which a later run sweeps away"


def test_dask_curates_the_same_and_outlives_a_killed_worker(server: Server, tmp_path: Path) -> None:
    pytest.importorskip("prefect_dask")
    folder = tmp_path / "videos"
    folder.mkdir()
    for seed in range(4):
        write_media(folder / f"{seed}.mp4", moving_pattern(50, seed=seed), sound=tone(2.0))
    with flow(server, "scale-dask", tmp_path, None, runner="dask") as process:
        child = wait_for(lambda: next(descendants(process.pid, "flows.worker"), None), 120)
        os.kill(parent_of(child), signal.SIGKILL)
        assert process.wait(300) == 0
    (ended,) = server.ask("/flow_runs/filter", **of_flow("scale-dask"))
    assert ended["state"]["type"] == "COMPLETED"
    assert reasons(tmp_path) == {"no_face": 4}


def test_a_runner_that_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.errors import RunnerMissing
    from flows.runners import RunnerKind, task_runner

    for kind in (RunnerKind.DASK, RunnerKind.RAY):
        monkeypatch.setitem(sys.modules, f"prefect_{kind.value}", None)
        with pytest.raises(RunnerMissing, match=rf"pip install 'xtalker\[{kind.value}\]'"):
            task_runner(kind, 2)


def test_ray_wants_a_cluster_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.errors import RunnerMissing
    from flows.runners import RunnerKind, task_runner

    monkeypatch.setitem(sys.modules, "prefect_ray", ModuleType("prefect_ray"))
    monkeypatch.delenv("XTALKER_RAY_ADDRESS", raising=False)
    with pytest.raises(RunnerMissing, match="XTALKER_RAY_ADDRESS"):
        task_runner(RunnerKind.RAY, 2)


def test_the_form_offers_choices_and_explains_every_field() -> None:
    from flows.curate import curate

    form = curate.parameters.definitions["CurateParams"]["properties"]  # type: ignore[index]
    assert all(field.get("description") for field in form.values())
    runner = form["runner"]
    named = runner if "enum" in runner else curate.parameters.definitions["RunnerKind"]  # type: ignore[index]
    assert named["enum"] == ["threads", "dask", "ray"]
    assert form["tier"]["enum"] == ["recipe", "pretrain", "strict"]


def wait_for(found: Any, patience_s: float = 60) -> Any:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {patience_s} s in vain")


def parent_of(pid: int) -> int:
    """By procfs: the fields after the command's name, which may hold spaces."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def descendants(pid: int, word: str) -> Iterator[int]:
    """Processes below ``pid`` whose command line holds ``word``."""
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and word in (entry / "cmdline").read_text():
                above = parent = int(entry.name)
                while parent > 1 and parent != pid:
                    parent = parent_of(parent)
                if parent == pid and above != pid:
                    yield above
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
