"""The summary counts what was committed and warns of gates that decide nothing."""

from collections import Counter

import pytest

from flows.batches import BatchDone
from flows.report import CurationReport


@pytest.mark.parametrize(
    ("kept", "refused", "said"),
    [(21, 0, "kept every candidate"), (0, 21, "kept none"), (20, 0, None), (20, 1, None)],
)
def test_a_gate_that_decides_nothing_is_worth_a_warning(kept: int, refused: int, said: str | None) -> None:
    report = CurationReport(gates={"min_snr_db": Counter({True: kept, False: refused})})
    assert [w for w in report.warnings if said and said in w and "min_snr_db" in w] if said else not report.warnings


def test_speed_is_video_curated_over_wall_time() -> None:
    report = CurationReport(video_s=400, wall_s=100)
    for number in (1, 2):
        report.add_batch(BatchDone((), 1, 150.0, {"observe": 20.0}, 900.0 + number))
    assert report.speed == 3.0
    assert (report.stage_cpu_s, report.peak_worker_mb, report.already_there) == ({"observe": 40.0}, 902.0, 2)


def test_what_the_next_run_will_take_is_not_new() -> None:
    (line, *_) = CurationReport(offered=9, already_there=2, left_over=3).lines()
    assert "4 new, 3 left for the next run" in line


@pytest.mark.parametrize(("seconds", "said"), [(90.0, "1.5 min in"), (5400.0, "1.50 h in")])
def test_lengths_are_said_in_a_unit_that_shows_them(seconds: float, said: str) -> None:
    assert any(said in line for line in CurationReport(offered=1, video_s=seconds).lines())


def test_the_summary_names_every_reason() -> None:
    report = CurationReport(offered=3, sources=Counter(curated=1, refused=2), source_reasons=Counter(no_face=2))
    assert any("2 no_face" in line for line in report.lines())
