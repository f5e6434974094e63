"""The flows against a real Prefect server on this machine."""

import json
from collections import Counter
from pathlib import Path

import pytest

from flows.events import MODEL_REGISTERED, SNAPSHOT_PUBLISHED
from tests.builders import moving_pattern, tone, write_media
from tests.flows import avatars
from tests.prefect.server import Server, announced, artifact, of_flow, run_flow
from warehouse.lake import reading
from warehouse.registry import aliases, versions
from warehouse.sql import query

pytestmark = pytest.mark.prefect


# `python -m flows.train WORDS`, twice, but with models that train in a second.
TRAIN_TINY_TWICE = """
import runpy, sys
from pathlib import Path
from tests.flows.avatars import tiny_models
with tiny_models(Path(sys.argv.pop(1))):
    for _ in range(2):
        runpy.run_module("flows.train", run_name="__main__")
"""


def test_the_flow_curates_publishes_and_leaves_nothing_to_do(server: Server, tmp_path: Path) -> None:
    videos, warehouse = tmp_path / "videos", tmp_path / "warehouse"
    videos.mkdir()
    for seed, name in enumerate(("a.mp4", "b.mp4")):
        write_media(videos / name, moving_pattern(50, seed=seed), sound=tone(2.0))
    (videos / "broken.mp4").write_bytes(b"not a video")

    run_flow(server, warehouse, "-m", "flows.curate", str(videos))
    rows = query(warehouse, "select path, reason from sources order by path").to_pylist()
    assert [(Path(r["path"]).name, r["reason"]) for r in rows] == [
        ("a.mp4", "no_face"),
        ("b.mp4", "no_face"),
        ("broken.mp4", "undecodable"),
    ]
    (run,) = server.ask("/flow_runs/filter", **of_flow("curate"))
    assert run["state"]["type"] == "COMPLETED"
    tasks = server.ask("/task_runs/filter", **of_flow("curate"))
    names = Counter(task["name"].split()[0] for task in tasks)
    assert names["plan"] == 1
    assert 1 <= names["batch"] <= 3
    assert "3 new" in artifact(server, "curation-summary")
    assert len(announced(server, SNAPSHOT_PUBLISHED, warehouse)) == 1

    run_flow(server, warehouse, "-m", "flows.curate", str(videos))
    assert len(announced(server, SNAPSHOT_PUBLISHED, warehouse)) == 1, "a run without news must not announce a snapshot"
    again = server.ask("/task_runs/filter", **of_flow("curate"))
    assert len(again) == len(tasks) + 1, "only the plan runs again"


def test_a_training_registers_a_version_and_tells_of_it_once(server: Server, tmp_path: Path) -> None:
    warehouse = avatars.curate(tmp_path / "warehouse", avatars.cast(tmp_path))
    words = json.dumps({"max_steps": 4, "copies": 0, "holdout": avatars.HELD_OUT, "devices": "cpu"})
    of_others = {run["id"] for run in server.ask("/flow_runs/filter", **of_flow("train"))}

    run_flow(server, warehouse, "-c", TRAIN_TINY_TWICE, str(tmp_path), words)
    with reading(warehouse) as lake:
        (version,) = versions(lake)
        assert not aliases(lake), "that is decided by the evaluate flow"
    (event,) = announced(server, MODEL_REGISTERED, warehouse)  # the same run again is no news
    payload = event["payload"]
    assert payload["version"] == version.version
    assert payload["snapshot"] == version.snapshot
    assert payload["data_minutes"] == pytest.approx(60 * version.train_hours, abs=0.01)
    assert f"{version.version}: 4 steps" in artifact(server, "training-summary")
    assert "(data:image/png;base64,iVBOR" in artifact(server, "training-curves")
    runs = [run for run in server.ask("/flow_runs/filter", **of_flow("train")) if run["id"] not in of_others]
    assert [run["state"]["type"] for run in runs] == ["COMPLETED"] * 2
    of_runs = {"flow_run_id": {"any_": [run["id"] for run in runs]}}
    logged = [entry["message"] for entry in server.ask("/logs/filter", logs=of_runs)]
    assert any("packing 4 clips" in line for line in logged)
    assert any("100% · step 4" in line for line in logged)
