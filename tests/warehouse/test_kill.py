"""Kill the committer anywhere: nothing lost, nothing twice, and no reader sees half a snapshot."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.warehouse.conftest import Backend, Embedded
from tests.warehouse.killed import ADDED, MODEL_POINTS, POINTS, REPLACED
from tests.warehouse.lakes import contents, contents_at, curate, curate_at
from tests.warehouse.models import registered
from warehouse.commit import open_committer, recover
from warehouse.lake import Lake, Layout
from warehouse.registry import versions
from warehouse.snapshots import list_snapshots
from warehouse.store import UNFINISHED
from warehouse.verify import verify


@pytest.fixture(scope="module")
def before(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = backend.make(tmp_path_factory.mktemp("before") / "lake")
    curate_at(root, ["a", REPLACED], clips_each=3)
    return root


@pytest.fixture(scope="module")
def killed(
    backend: Backend, before: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Path:
    """A folder of warehouses, each left by a committer killed at the point that is its name; for the tests to come."""
    folder = tmp_path_factory.mktemp("killed")
    calls = [
        item.callspec.params
        for item in request.session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
    ]
    kind = "embedded" if isinstance(backend, Embedded) else "cluster"
    wanted = {params["index"] for params in calls if "index" in params and params["backend"] == kind}
    roots = [backend.copy(before, folder / str(index)) for index in sorted(wanted)]
    command = [sys.executable, "-m", "tests.warehouse.killed", *map(str, roots)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return folder


ESSENTIAL = {("link", 4), ("COMMIT", 1), ("after COMMIT", 1)}


@pytest.mark.parametrize(
    "index",
    [
        pytest.param(index, id=f"{point[0]}-{point[1]}", marks=() if point in ESSENTIAL else pytest.mark.slow)
        for index, point in enumerate(POINTS)
    ],
)
def test_killed_at(index: int, killed: Path, before: Path) -> None:
    root = killed / str(index)
    point = POINTS[index][0]
    committed = contents_at(root) != contents_at(before)
    assert committed == (point in {"after COMMIT", "remove_folder"})
    with open_committer(root) as lake:
        if point == "publish":  # nothing was staged yet: the run offers it again
            curate(lake, [REPLACED, ADDED], key="k2", snr_db=30.0)
        assert len(list_snapshots(lake)) == 2
        assert not recover(lake)
        rows = contents(lake)
    assert [row["clip_id"] for row in rows["clips"]] == ["a-0", "a-1", "a-2", "b-0", "b-1", "c-0", "c-1"]
    assert {row["curation_key"] for row in rows["sources"] if row["source_id"] in {REPLACED, ADDED}} == {"k2"}
    assert not Layout.of(root).staging.folders()
    assert verify(root).ok


MODEL_ESSENTIAL = {("COMMIT", 1)}


@pytest.mark.parametrize(
    "index",
    [
        pytest.param(index, id=f"{point[0]}-{point[1]}", marks=() if point in MODEL_ESSENTIAL else pytest.mark.slow)
        for index, point in enumerate(MODEL_POINTS, len(POINTS))
    ],
)
def test_killed_while_registering_at(index: int, killed: Path, tmp_path: Path) -> None:
    root, (point, _) = killed / str(index), MODEL_POINTS[index - len(POINTS)]
    assert bool(contents_at(root)["models"]) == (point == "after COMMIT")
    with open_committer(root) as lake:
        assert len(versions(lake)) == (point != "copyfile")  # what was staged is finished, what was not is not
    version = registered(root, tmp_path, "model").version
    rows = contents_at(root)
    assert [row["version"] for row in rows["models"]] == [version]
    assert [row["clip_id"] for row in rows["model_clips"]] == ["a-1", "a-2", "b-1", "b-2"]
    assert len(rows["model_metrics"]) == 3
    report = verify(root)
    assert report.ok
    assert not report.leftovers


def test_a_worker_killed_while_staging_leaves_nothing_that_counts(lake: Lake) -> None:
    half = lake.layout.root / "staging" / f"{UNFINISHED}half"
    (half / "clips").mkdir(parents=True)
    (half / "clips" / "unnamed.parquet").write_bytes(b"PAR1")
    assert not recover(lake)
    assert half.exists()  # the worker may still be alive
    os.utime(half, (0, 0))
    assert not recover(lake)
    assert not half.exists()


COMMITTING = """
import sys
from pathlib import Path
from tests.warehouse.lakes import curate_at
root, first = Path(sys.argv[1]), int(sys.argv[2])
for i in range(first, first + 1000):
    curate_at(root, [f"s{i:04d}", f"s{i - 1:04d}"])
    print(i, flush=True)
"""


@pytest.mark.slow
def test_killed_at_any_moment(place: Path) -> None:
    rng, done = random.Random(0), 0
    for _ in range(12):
        process = subprocess.Popen(
            [sys.executable, "-c", COMMITTING, str(place), str(done + 1)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(rng.random() * 1.5)
        process.send_signal(signal.SIGKILL)
        process.wait()
        with open_committer(place) as lake:
            assert all(s.rows["clips"] == 4 for s in list_snapshots(lake))
        ids = [row["source_id"] for row in contents_at(place)["sources"]]
        assert ids == [f"s{i:04d}" for i in range(len(ids))]
        done = len(ids) - 1
        rows = contents_at(place)
        assert len(rows["clips"]) == len(rows["motion"]) == len(rows["speech"]) == 2 * len(ids)
        assert verify(place).ok


READING = """
import sys, time
from pathlib import Path
from warehouse.lake import reading
seen = set()
with reading(Path(sys.argv[1])) as lake:
    print("ready", flush=True)
    while 5 not in seen:
        counts = lake.con.execute(
            "SELECT (SELECT count(*) FROM lake.sources), (SELECT count(*) FROM lake.clips), "
            "(SELECT count(*) FROM lake.motion), (SELECT len(list(fingerprint)) FROM lake.speech)"
        ).fetchone()
        assert counts[1] == counts[2] == counts[3] == 2 * counts[0], counts
        seen.add(counts[0])
"""


@pytest.mark.slow
def test_a_reader_in_another_process_sees_whole_snapshots(lake: Lake) -> None:
    curate(lake, ["s1"])
    command = [sys.executable, "-c", READING, str(lake.layout.root)]
    reader = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert reader.stdout is not None
    reader.stdout.readline()
    for i in range(2, 6):
        curate(lake, [f"s{i}"])
    _, errors = reader.communicate(timeout=60)
    assert reader.returncode == 0, errors.decode()


@pytest.mark.slow
def test_processes_that_commit_at_once_wait_for_each_other(place: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from tests.warehouse.lakes import staged, tables\n"
        "from warehouse.commit import commit, open_committer\n"
        "with open_committer(Path(sys.argv[1]), wait_s=60) as lake:\n"
        "    commit(lake, staged(lake, tables([sys.argv[2]])))\n"
    )
    commands = [[sys.executable, "-c", script, str(place), name] for name in "abc"]
    for process in [subprocess.Popen(command) for command in commands]:
        assert process.wait() == 0
    rows = contents_at(place)
    assert [row["source_id"] for row in rows["sources"]] == ["a", "b", "c"]
    assert len(rows["clips"]) == len(rows["motion"]) == 6
