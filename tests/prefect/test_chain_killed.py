"""The chain's flows, killed at ten random points and run again, end where undisturbed ones do."""

import hashlib
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from flows.events import MODEL_PROMOTED, MODEL_REGISTERED, SNAPSHOT_PUBLISHED
from tests.prefect.dropped import TRAIN, drop_cast
from tests.prefect.server import Server, announced
from warehouse.lake import reading
from warehouse.registry import CHAMPION, aliases, decisions, versions
from warehouse.sql import query

pytestmark = [pytest.mark.prefect, pytest.mark.slow]

BEGINS = "the flow begins"
KILLS = {"watch": 3, "train": 4, "evaluate": 3}
LONGEST_S = 900.0  # of one flow on a machine that has other work


def test_killed_at_ten_points_it_ends_in_the_same_warehouse_and_lineage(server: Server, tmp_path: Path) -> None:
    landing, undisturbed, killed = (tmp_path / name for name in ("landing", "undisturbed", "killed"))
    landing.mkdir()
    drop_cast(landing)
    took_s = {flow: run(server, flow, landing, undisturbed) for flow in KILLS}
    chance = random.Random(4)
    for flow, times in KILLS.items():
        for _ in range(times):
            run(server, flow, landing, killed, kill_after_s=chance.uniform(0, took_s[flow]))
        run(server, flow, landing, killed)
    run(server, "publish", landing, killed)  # clears up after a committer that was killed when it had committed
    assert outcome(killed) == outcome(undisturbed)
    for event in (SNAPSHOT_PUBLISHED, MODEL_REGISTERED, MODEL_PROMOTED):
        assert announced(server, event, killed), f"nobody was told: {event}"


def run(server: Server, flow: str, landing: Path, warehouse: Path, kill_after_s: float | None = None) -> float:
    """Run a flow in a process of its own, which is killed so long after the flow began; the seconds it took."""
    params: dict[str, Any] = {"warehouse": str(warehouse)}
    params |= {"watch": {"landing": str(landing), "settle_s": 0}, "train": TRAIN}.get(flow, {})
    command = [sys.executable, "-m", "tests.prefect.chain", flow, json.dumps(params)]
    with (
        warehouse.with_suffix(".log").open("a") as log,
        subprocess.Popen(command, env=server.environment, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline().strip() == BEGINS, warehouse.with_suffix(".log").read_text()[-3000:]
        began = time.monotonic()
        try:
            process.wait(LONGEST_S if kill_after_s is None else kill_after_s)
        except subprocess.TimeoutExpired:
            process.kill()
        process.wait()
    if kill_after_s is None:
        assert process.returncode == 0, warehouse.with_suffix(".log").read_text()[-3000:]
    return time.monotonic() - began


def outcome(root: Path) -> dict[str, Any]:
    """What came of it, without what differs between two undisturbed runs: times, and the names made of them."""
    clips = query(root, "select path, clip_id, keep, split from clip_sources order by clip_id").to_pylist()
    with reading(root) as lake:
        known, decided, held = versions(lake), decisions(lake), aliases(lake)
        seen = lake.con.execute("SELECT version, clip_id, split FROM lake.model_clips ORDER BY ALL").fetchall()
    number = {version.version: index for index, version in enumerate(known)}
    return {
        "clips": clips,
        "weights": [_sha256(root / version.checkpoint / "model.safetensors") for version in known],
        "seen": [(number[version], clip_id, split) for version, clip_id, split in seen],
        "decisions": [(number[d.version], d.alias, d.kind, d.moved, d.previous) for d in decided],
        "champion": number[held[CHAMPION]],
        "staged": [path.name for path in (root / "staging").iterdir()],
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
