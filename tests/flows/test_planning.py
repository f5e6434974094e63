"""The preview of a run: counts, lengths by header, and figures whose origin is said."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.curation import Plan, commit_batch
from flows.history import LAST, PastRun, past_runs, remember
from flows.planning import CLIP_S, KEPT_SHARE, WORKER_S_PER_S, Estimate, estimate_for, preview
from flows.protocol import BatchRequest, write_draft
from flows.recipe import load_recipe
from tasks.assemble import assemble
from tests.builders import moving_pattern, write_media
from tests.flows.records import offered, record, voice

PLAIN = Estimate(0.5, "a guess", 0.8, 2.0, "another")
RECIPE = load_recipe()


def past(curated_s: float, wall_s: float, workers: int = 2) -> PastRun:
    return PastRun(began=datetime.now(UTC), wall_s=wall_s, workers=workers, curated_s=curated_s)


def test_lengths_come_from_headers_and_where_they_say_nothing_from_the_size(tmp_path: Path) -> None:
    video = write_media(tmp_path / "a.mp4", moving_pattern(100))
    silent = tmp_path / "b.mp4"
    silent.write_bytes(b"x" * (video.stat().st_size // 2))
    seen = preview(Plan((offered(video), offered(silent)), (), 3, 0), PLAIN, workers=8)
    assert (seen.offered, seen.new, seen.already_there, seen.not_probed, seen.workers) == (5, 2, 3, 1, 2)
    assert seen.video_s == pytest.approx(6.0, abs=0.1)
    assert seen.curation_s == pytest.approx(1.5, abs=0.05)
    assert (seen.kept_s, seen.clips) == (pytest.approx(4.8, abs=0.1), 3)
    text = "\n".join(seen.lines())
    assert "1 files guessed from their size" in text
    assert "a guess" in text


def test_nothing_new_needs_no_time() -> None:
    seen = preview(Plan((), (), 7), PLAIN, workers=2)
    assert (seen.curation_s, seen.clips) == (0, 0)
    assert seen.lines()[-1] == "nothing to curate"


def test_without_a_history_the_figures_are_of_another_machine(tmp_path: Path) -> None:
    estimate = estimate_for(tmp_path / "nowhere")
    assert (estimate.worker_s_per_s, estimate.kept_share, estimate.clip_s) == (WORKER_S_PER_S, KEPT_SHARE, CLIP_S)
    assert "another machine" in estimate.speed_basis


def test_former_runs_tell_the_speed(tmp_path: Path) -> None:
    for run in (past(100, 100), past(100, 50), past(1, 1000)):
        remember(tmp_path, run)
    with (tmp_path / "runs.jsonl").open("a") as file:
        file.write('{"began": "2026-')  # and then the machine went down
    estimate = estimate_for(tmp_path)
    assert estimate.worker_s_per_s == pytest.approx(2 * 150 / 200), "a second of video tells nothing of speed"
    assert "last 2 runs" in estimate.speed_basis


def test_old_runs_are_forgotten(tmp_path: Path) -> None:
    for n in range(LAST + 5):
        remember(tmp_path, past(10.0 + n, 10))
    assert [run.curated_s for run in past_runs(tmp_path)] == [10.0 + n for n in range(5, LAST + 5)]


def test_what_was_kept_here_tells_what_will_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.planning.ENOUGH_S", 1.0)
    warehouse, drafts = tmp_path / "warehouse", []
    for name, noise in (("kept", {}), ("refused", {"snr_db": -5.0})):
        path = tmp_path / f"{name}.mp4"
        path.write_text(name)
        file = offered(path)
        request = BatchRequest(files=(file,), recipe=RECIPE, drafts=tmp_path)
        rows = assemble(record(file, RECIPE, voice(len(name)), **noise), RECIPE.curation_key, 0)
        duration = rows["sources"].schema.get_field_index("duration_s")
        rows["sources"] = rows["sources"].set_column(duration, "duration_s", [[5.0]])
        write_draft(request.draft_of(file), rows)
        drafts.append(request.draft_of(file))
    commit_batch(warehouse, drafts, (), RECIPE)
    estimate = estimate_for(warehouse)
    assert (estimate.kept_share, estimate.clip_s) == (pytest.approx(0.3), pytest.approx(3.0))
    assert "30%" in estimate.kept_basis
