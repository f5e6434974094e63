"""The batch runner against children that crash, stall and overeat."""

import sys
import threading
import time
from pathlib import Path

import pytest

from flows.errors import RunnerClosed, WorkerCannotRun
from flows.protocol import BatchRequest, Event, Finished, OfferedFile, read_draft
from flows.recipe import load_recipe
from flows.supervisor import BatchRunner, Limits
from schemas.source import Offer

# A child that does to each file what the file's name says. It speaks the protocol by hand, which keeps it quick.
CHILD = """
import json, os, sys, time
from pathlib import Path
def send(**event):
    print(json.dumps(event), flush=True)
for line in sys.stdin:
    send(kind="ready")
    request = json.loads(line)
    for index, file in enumerate(request["files"]):
        send(kind="started", index=index)
        match Path(file["offer"]["path"]).stem:
            case "crash": os.kill(os.getpid(), 11)
            case "killed": os.kill(os.getpid(), 9)
            case "shot" if not Path("shot").exists(): Path("shot").touch(); os.kill(os.getpid(), 9)
            case "stall": time.sleep(60)
            case "overeat": hoard = bytearray(b"x") * (400 * 2**20); time.sleep(60)
            case "disk": sys.stderr.write("no space left\\n"); sys.exit(74)
        draft = Path(request["drafts"]) / (file["sha256"] + ".done")
        draft.touch()
        send(kind="finished", index=index, draft=str(draft), video_s=1.0, peak_mb=1.0)
"""


def batch(tmp_path: Path, *names: str) -> BatchRequest:
    files = tuple(
        OfferedFile(offer=Offer(tmp_path / f"{name}.mp4"), sha256=f"{i:064x}", size_bytes=1, modified_ns=0)
        for i, name in enumerate(names)
    )
    return BatchRequest(files=files, recipe=load_recipe(), drafts=tmp_path)


def runner(code: str = CHILD, **limits: float) -> BatchRunner:
    return BatchRunner((sys.executable, "-c", code), Limits(**limits))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fate", "reason", "limits"),
    [
        ("crash", "worker_crashed", {}),
        ("killed", "worker_crashed", {}),
        ("stall", "timed_out", {"stage_s": 2.0}),
        ("overeat", "out_of_memory", {"memory_mb": 300}),
    ],
)
def test_a_file_that_ends_its_worker_gets_a_verdict_and_the_rest_go_on(
    tmp_path: Path, fate: str, reason: str, limits: dict[str, float]
) -> None:
    heard: list[tuple[str, Event]] = []
    run = runner(**limits)
    drafts = run.run(batch(tmp_path, "a", fate, "b"), lambda f, e: heard.append((f.offer.path.stem, e)))
    run.close()
    assert [d.suffix for d in drafts] == [".done", ".died", ".done"]
    (verdict,) = read_draft(drafts[1])["verdicts"].to_pylist()
    assert (verdict["keep"], verdict["reason"]) == (False, reason)
    assert [name for name, e in heard if isinstance(e, Finished)] == ["a", fate, "b"]


def test_a_file_whose_worker_somebody_killed_is_tried_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = runner()
    drafts = run.run(batch(tmp_path, "a", "shot", "b"), lambda *_: None)
    run.close()
    assert [d.suffix for d in drafts] == [".done"] * 3


def test_a_batch_of_any_size_goes_through_the_pipe(tmp_path: Path) -> None:
    names = [f"{'long' * 50}-{i}" for i in range(300)]
    heard: list[str] = []
    run = runner()
    drafts = run.run(batch(tmp_path, *names), lambda f, _: heard.append(f.offer.path.stem))
    run.close()
    assert len(drafts) == 300
    assert list(dict.fromkeys(heard)) == names


def test_a_warm_child_serves_several_batches(tmp_path: Path) -> None:
    run = runner()
    run.run(batch(tmp_path, "a"), lambda *_: None)
    child = run._child
    run.run(batch(tmp_path, "b"), lambda *_: None)
    assert run._child is child
    run.close()


def test_a_listener_that_fails_does_not_spoil_the_next_batch(tmp_path: Path) -> None:
    def fails(*_: object) -> None:
        raise OSError("the store is gone")

    run = runner()
    with pytest.raises(OSError, match="store is gone"):
        run.run(batch(tmp_path, "a", "b", "c"), fails)
    heard: list[str] = []
    run.run(batch(tmp_path, "d", "e"), lambda f, _: heard.append(f.offer.path.stem))
    run.close()
    assert heard == ["d", "d", "e", "e"]


def test_a_child_that_cannot_start_is_the_environments_fault(tmp_path: Path) -> None:
    with pytest.raises(WorkerCannotRun, match="no such model"):
        runner("import sys; sys.exit('no such model')").run(batch(tmp_path, "a"), lambda *_: None)


def test_a_full_disk_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(WorkerCannotRun, match="no space left"):
        runner().run(batch(tmp_path, "disk"), lambda *_: None)


def test_closing_stops_a_run_under_way(tmp_path: Path) -> None:
    run = runner()
    threading.Timer(1.5, run.close).start()
    begun = time.monotonic()
    with pytest.raises(RunnerClosed):
        run.run(batch(tmp_path, "stall"), lambda *_: None)
    assert time.monotonic() - begun < 20
