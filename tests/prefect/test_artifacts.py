"""What runs leave in the UI, through a real Prefect server on this machine."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from flows.curation import commit_batch
from flows.protocol import write_draft
from flows.recipe import load_recipe
from models.head.model import load_open_head
from tasks.assemble import assemble
from tests.builders import moving_pattern, write_media
from tests.flows import avatars
from tests.flows.records import N_FRAMES, offered, record, voice
from tests.prefect.server import Server, of_flow, run_flow

pytestmark = pytest.mark.prefect

HOSTILE = "<img src=x> | `rm` [a](http:evil).mp4"
RECIPE = load_recipe()

LEAVE = """
import sys
from prefect import flow
from flows.artifacts.curation import leave_curation, newest_snapshot
from flows.report import CurationReport
from flows.settings import Settings

@flow(name="leaves " + sys.argv[1])
def leave():
    settings = Settings.load()
    before = None if sys.argv[2] == "none" else int(sys.argv[2])
    report = CurationReport(offered=2, snapshot_id=newest_snapshot(settings.warehouse))
    leave_curation(settings, report, before)

leave()
"""

TRAIN_AND_EVALUATE = """
import runpy, sys
from pathlib import Path
from tests.flows.avatars import tiny_models
with tiny_models(Path(sys.argv[1])):
    for flow, words in zip(("train", "evaluate"), sys.argv[2:]):
        sys.argv = [flow, words]
        runpy.run_module(f"flows.{flow}", run_name="__main__")
"""


def left_by(server: Server, flow: str) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """The newest run of that flow, and its artifacts' data by key."""
    runs = server.ask("/flow_runs/filter", **of_flow(flow), sort="START_TIME_DESC")
    found = server.ask("/artifacts/filter", artifacts={"flow_run_id": {"any_": [runs[0]["id"]]}}, limit=50)
    return runs[0], {a["key"]: a for a in found if a["key"]}


def picture_in(markdown: str) -> np.ndarray:
    (encoded,) = re.findall(r"\(data:image/\w+;base64,([^)]*)\)", markdown)
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(encoded), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture


def curate(warehouse: Path, *paths: Path) -> None:
    drafts = []
    for number, path in enumerate(paths):
        file = offered(path)
        made = record(file, RECIPE, voice(number))
        (clip,) = made.clips
        ahead = np.tile(np.float32([0, 0, -0.9]), (N_FRAMES, 1))
        still = np.zeros((N_FRAMES, 50), np.float32)
        calm = replace(clip.motion, head_model=load_open_head().name, translation=ahead, expression=still)
        made = replace(made, clips=(replace(clip, motion=calm),))
        drafts.append(warehouse.parent / f"{number}.arrow")
        write_draft(drafts[-1], assemble(made, RECIPE.curation_key, file.modified_ns))
    commit_batch(warehouse, drafts, (), RECIPE)


def test_a_curation_leaves_tables_pictures_and_links(server: Server, tmp_path: Path) -> None:
    warehouse = tmp_path / "left<b>"
    seen, gone = tmp_path / HOSTILE, tmp_path / "gone.mp4"
    write_media(seen, moving_pattern(N_FRAMES + 5, 288, 360))
    gone.write_text("was here")
    curate(warehouse, seen, gone)
    gone.unlink()
    run_flow(server, warehouse, "-c", LEAVE, "once", "none")
    run, left = left_by(server, "leaves once")
    assert left.keys() == {
        "curation-summary", "curation-gates", "curation-clips", "curation-speed", "curation-sheet", "curation-snapshot",
    }  # fmt: skip
    assert all(artifact["description"] for artifact in left.values())

    sheet = left["curation-sheet"]["data"]
    assert picture_in(sheet).std() > 10
    assert f"``{HOSTILE}``".replace("|", r"\|") in sheet, "a name in a code span is no markup"
    assert "### 1 not drawn" in sheet
    assert "not there any more" in sheet
    rows = json.loads(left["curation-clips"]["data"])
    assert sorted(row["file"][-4:] for row in rows) == [".mp4", ".mp4"]
    snapshot = left["curation-snapshot"]["data"]
    assert f"/v2/runs/flow-run/{run['id']}" in snapshot
    (tag,) = run["tags"]
    assert tag.startswith("left<b>:snapshot-")
    assert "tags=left%3Cb%3E%3Asnapshot-" in snapshot
    assert "**2 added**" in snapshot


def test_a_run_without_news_leaves_only_its_summary(server: Server, tmp_path: Path) -> None:
    run_flow(server, tmp_path / "none", "-c", LEAVE, "nothing", "none")
    run, left = left_by(server, "leaves nothing")
    assert left.keys() == {"curation-summary"}
    assert run["tags"] == []


def test_a_training_and_its_evaluation_are_seen_and_found_from_each_other(server: Server, tmp_path: Path) -> None:
    warehouse = avatars.curate(tmp_path / "drawn", avatars.cast(tmp_path))
    train = {"max_steps": 3, "copies": 0, "holdout": avatars.HELD_OUT, "devices": "cpu"}
    evaluate = {"films": 0}
    run_flow(server, warehouse, "-c", TRAIN_AND_EVALUATE, str(tmp_path), json.dumps(train), json.dumps(evaluate))
    trained, left = left_by(server, "train")
    assert left.keys() == {"training-summary", "training-curves", "training-evaluation"}
    assert picture_in(left["training-curves"]["data"]).shape[1] > 600
    assert "shuffled" in left["training-evaluation"]["data"]
    evaluated, left = left_by(server, "evaluate")
    assert left.keys() == {"evaluation-summary", "evaluation-plots"}
    assert "champion" in left["evaluation-summary"]["data"]
    assert left["evaluation-plots"]["data"].count("data:image/svg+xml;base64,") == 2
    assert len(trained["tags"]) == 2
    assert set(trained["tags"]) == set(evaluated["tags"])


def test_a_film_that_was_moved_away_is_told(tmp_path: Path) -> None:
    from flows.artifacts.generation import stills_text  # Prefect: seconds that collecting the tests is not to cost
    from flows.performing import Made

    film = write_media(tmp_path / "film.mp4", moving_pattern(40))
    assert picture_in(stills_text(Made(film, 40, "default", ()))).shape == (96, 4 * 128, 3)
    film.unlink()
    assert "cannot be shown" in stills_text(Made(film, 40, "default", ()))
