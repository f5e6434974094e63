"""Curves outlive a kill, forget what was undone, and become event files and a picture."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from models.training.curves import Curves, read_curves, recording
from models.training.progress import showing
from models.training.watch import StepReport
from tests.models.training.toy import RandomBatches, train_toy


def report(step: int, complaint: str | None = None) -> StepReport:
    loss = float("nan") if complaint else 1.0 / step
    return StepReport(step, {"total": loss, "lips": loss / 2}, 0.5, 1e-3, 2.0 * step, step / 20, 2.0, 0.5, complaint)


def test_a_resumed_run_has_one_curve(tmp_path: Path) -> None:
    killed = Curves(tmp_path)
    killed.began(0)
    for step in range(1, 8):
        killed.stepped(report(step))
    with (tmp_path / "curves.jsonl").open("a") as log:
        log.write('{"half a li')
    with recording(tmp_path) as curves:
        curves.began(5)
        for step in range(6, 21):
            curves.stepped(report(step, "loss is nan" if step == 9 else None))
        curves.validated(20, {"total": 0.1, "lips": 0.05})
    entries = read_curves(tmp_path / "curves.jsonl")
    assert [e["step"] for e in entries if e["of"] == "train"] == list(range(1, 21))
    assert (tmp_path / "curves.png").stat().st_size > 10_000
    assert list((tmp_path / "tensorboard").glob("events.out.tfevents.*"))


def test_shows_how_a_run_goes(tmp_path: Path) -> None:
    out = io.StringIO()
    with showing(Console(file=out, force_terminal=True, width=200)) as live:
        live.began(0)
        live.stepped(report(8, "loss is nan"))
        live.validated(8, {"total": 0.25})
        live.stepped(report(10))
    text = out.getvalue()
    assert "0.5/s" in text
    assert "75% busy" in text
    assert "step 8 changed nothing: loss is nan" in text
    assert "held out total 0.2500" in text
    assert "0:20 left" in text


@pytest.mark.slow
def test_watches_a_real_run(tmp_path: Path) -> None:
    with recording(tmp_path) as curves, showing(Console(file=io.StringIO())) as live:
        train_toy(tmp_path, batches=RandomBatches(range(4, 5)), watchers=(curves, live))
    entries = read_curves(tmp_path / "curves.jsonl")
    assert [e["step"] for e in entries if e["of"] == "held out"] == [4, 8, 12]
    assert [e["step"] for e in entries if e.get("complaint")] == [5]
