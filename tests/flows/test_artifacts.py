"""What a person sees of a run, as plain functions of records: no server, no warehouse."""

import base64
import json
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from flows.artifacts.clips import clip_rows, clips_described
from flows.artifacts.counts import gate_rows, speed_rows
from flows.artifacts.markdown import code, embedded, link, plain, shortened, table
from flows.artifacts.pictures import MOST_BYTES, jpeg_uri, png_uri, svg_uri
from flows.artifacts.scores import score_tables
from flows.artifacts.sheet import draw_sheet, sheet_text
from flows.artifacts.sheet_protocol import SheetAnswer
from flows.artifacts.snapshots import models_text, snapshot_tag, snapshot_text
from flows.report import CurationReport
from schemas.licence import LicenceClass
from schemas.version import ModelMetric, ModelVersion
from warehouse.changes import Change, Example, Holdings, Judged

PARSER = MarkdownIt("commonmark").enable("table")
HOSTILE = (
    "<img src=x onerror=alert(1)>.mp4",
    "a | b | c.mp4",
    "`rm -rf`.mp4",
    "``two`` and `.mp4`",
    "[click](http://evil.example) www.evil.example.mp4",
    "ends with a backslash\\",
    "*bold* _it_ ~~gone~~ #1 &lt; <!-- -->",
)


def example(**changes: object) -> Example:
    known = {"clip_id": "c" * 20, "keep": True, "reason": None, "path": "/v/a.mp4", "size_bytes": 1, "start_frame": 0}
    return Example(**known | {"n_frames": 75, "image_width": 64, "image_height": 64} | changes)


def cells(markdown: str) -> list[list[Token]]:
    """The contents of a table's cells, row by row, the heading first."""
    rows: list[list[Token]] = []
    inside = False
    for token in PARSER.parse(markdown):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("td_open", "th_open"):
            inside = True
        elif token.type == "inline" and inside:
            rows[-1].append(token)
            inside = False
    return rows


# --- names from outside


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_in_a_cell_is_that_name_and_nothing_else(name: str) -> None:
    _, (first, second) = cells(table(("file", "n"), [[code(name), "7"]]))
    assert [token.type for token in first.children or []] == ["code_inline"]
    assert (first.children or [])[0].content == name
    assert second.content == "7"


def test_pipes_behind_backslashes_do_not_open_a_cell() -> None:
    _, row = cells(table(("file", "n"), [[code(r"a\|b\\|c"), "7"]]))
    assert [token.content for token in row][1:] == ["7"]


def test_control_characters_do_not_reach_the_page() -> None:
    assert plain("a\nb\tc\x00d") == "a b c\N{REPLACEMENT CHARACTER}d"
    assert plain("gpj\u202e.exe") == "gpj\N{REPLACEMENT CHARACTER}.exe"
    json.dumps(plain("half \udcff")).encode("utf-8")
    assert plain("half \udcff").encode("utf-8")
    assert "\n" not in code("| a |\n| --- |")


def test_a_long_name_keeps_its_beginning_and_its_end() -> None:
    assert shortened("a" * 50 + "/take3.mp4", 21).endswith("/take3.mp4")
    assert len(shortened("b" * 500, 21)) == 21
    assert shortened("short") == "short"


def test_links_stay_within_the_ui() -> None:
    assert link("x", "runs", tags="a b:snapshot-1") == "[x](/v2/runs?tags=a%20b%3Asnapshot-1)"
    assert link("x", "runs", "flow-run", "../../) [y](http://evil") == (
        "[x](/v2/runs/flow-run/..%2F..%2F%29%20%5By%5D%28http%3A%2F%2Fevil)"
    )


def test_a_tag_holds_no_comma_for_prefect_parts_at_it() -> None:
    assert snapshot_tag(Path("/data/a,b"), 7) == "a b:snapshot-7"


# --- counts


def report() -> CurationReport:
    return CurationReport(
        offered=12,
        sources=Counter(curated=8, refused=2),
        source_reasons=Counter(no_face=2),
        clips_kept=15,
        clips_refused=5,
        clip_reasons=Counter(noisy=4, poor_fit=1),
        gates={
            "min_face_px": Counter({True: 20}),
            "min_snr_db": Counter({True: 16, False: 4}),
            "max_recon_nme_p95": Counter({True: 18, False: 2}),
        },
        curated_s=100.0,
        stage_cpu_s={"observe": 30.0, "speech": 10.0},
    )


def test_gates_are_counted_and_what_refused_most_is_first() -> None:
    rows = gate_rows(report())
    assert [(r["of a"], r["gate"], r["reason"]) for r in rows] == [
        ("clip", "min_snr_db", "noisy"),
        ("clip", "max_recon_nme_p95", "poor_fit"),
        ("file", "any", "no_face"),
        ("clip", "min_face_px", "small_face"),
    ]
    noisy, poor_fit, no_face, small_face = rows
    counts = ("measured", "kept", "refused", "refused, %", "decided")
    assert [noisy[c] for c in counts] == [20, 16, 4, "20.0", 4]
    assert [poor_fit[c] for c in counts] == [20, 18, 2, "10.0", 1]
    assert [no_face[c] for c in counts] == [10, 8, 2, "20.0", 2]
    assert small_face["refused"] == 0


def test_a_stage_costs_so_much_a_frame_and_a_second_of_video() -> None:
    whole, observe, speech = speed_rows(report())
    assert (whole["CPU, s"], whole["share, %"]) == ("40.0", "100.0")
    assert list(observe.values()) == ["observe", "30.0", "12.00", "300", "75.0"]  # 30 s over 100 s of 25 frames
    assert speech["stage"] == "speech"


def test_a_run_that_curated_nothing_new_has_no_speed() -> None:
    assert [list(row.values()) for row in speed_rows(CurationReport())] == [["all stages", "0.0", None, None, ""]]


# --- clips


def judged(**changes: object) -> Judged:
    known = {"path": "/v/a.mp4", "clip_id": "0123456789abcdef", "keep": True, "reason": None, "gate": None}
    scores = {
        "measured": None,
        "threshold": None,
        "face_px": 211.4,
        "snr_db": 15.02,
        "dnsmos_ovrl": 3.0,
        "recon_nme": 1,
    }
    return Judged(**known | scores | changes)


def test_a_refused_clip_says_by_what() -> None:
    refused = judged(keep=False, reason="noisy", gate="min_snr_db", measured=6.636, threshold=10.0)
    (row, file, kept) = clip_rows([refused, judged(clip_id=None, keep=False, reason="no_face"), judged()])
    assert (row["file"], row["verdict"], row["against"]) == ("a.mp4", "noisy", "6.64 / 10")
    assert (file["clip"], file["verdict"], file["against"]) == ("none", "no_face", "")
    assert (kept["clip"], kept["verdict"], kept["face, px"], kept["SNR, dB"]) == ("0123456789", "kept", "211", "15")


def test_what_is_not_shown_is_said_with_the_query_for_all() -> None:
    assert "**112 more**" in clips_described(200, 312, None, 21)
    said = clips_described(2, 2, 9, 11)
    assert "more**" not in said
    assert '--at 11 "from clip_sources anti join (from clips at (version => 9)) using (clip_id, keep)"' in said


# --- snapshots and models


def test_the_change_of_a_snapshot_is_a_table() -> None:
    change = Change(Holdings(10, 20, 15, 1.5), Holdings(12, 2400, 18, 1.75), 2, 0, 2380, 0, 1, 3)
    text = snapshot_text(Path("/data/<b>house"), 4, 9, change)
    rows = [[cell.content for cell in row] for row in cells(text)[:5]]
    assert rows[0] == ["", "before (4)", "after (9)", "change"]
    assert rows[2] == ["clips", "20", "2,400", "+2,380"]
    assert rows[4] == ["kept hours", "1.500", "1.750", "+0.250"]
    assert "**2,380 added**" in text
    assert "1 refused before and kept now, 3 kept before and refused now" in text
    assert "html" not in {t.type[:4] for token in PARSER.parse(text) for t in (token, *(token.children or []))}


def version(name: str, snapshot: int) -> ModelVersion:
    return ModelVersion(
        name, "small", snapshot, "{}", 0.5, LicenceClass.PUBLIC_DOMAIN, None, 1000, "0.1.0",
        datetime(2026, 1, 2, 3, 4, tzinfo=UTC), f"models/{name}", "0" * 64,
    )  # fmt: skip


def test_models_are_told_apart_by_the_snapshot_they_saw() -> None:
    assert "None was trained here yet" in models_text([], None, 9)
    text = models_text([version("small-a", 4), version("small-b", 9)], "small-a", 9)
    _, newest, older = cells(text)
    assert [cell.content for cell in newest] == ["`small-b`", "**9**", "30.0", "public-domain", "2026-01-02 03:04"]
    assert older[0].content == "`small-a` (champion)"
    assert "None has seen" not in text
    assert "None has seen snapshot 10 yet" in models_text([version("small-a", 4)], None, 10)


def metric(name: str, row: str, value: float) -> ModelMetric:
    return ModelMetric("unseen speakers", "speech span", name, row, value, value - 0.5, value + 0.5, 8)


def test_scores_stand_beside_the_champion_and_the_rows_that_must_lose() -> None:
    rows = {"model": 2.0, "small-old": 2.5, "ground truth": 0.0, "shuffled audio": 4.0, "nearest in sound": 3.0}
    metrics = [metric("LVE", row, value) for row, value in rows.items()]
    heads, lve = cells(score_tables(metrics, "small-old"))
    assert [cell.content for cell in heads][:3] == ["metric", "model", "champion before"]
    said = [cell.content.replace("\u00a0", " ") for cell in lve]
    assert said == ["LVE, mm ↓", "**2** (1.5 … 2.5)", "2.5", "0", "4", "3", ""]
    assert "champion" not in score_tables(metrics, "small-unmeasured")
    assert score_tables([], None) == "Nothing was measured."


# --- pictures


def decoded(uri: str) -> np.ndarray | None:
    return cv2.imdecode(np.frombuffer(base64.b64decode(uri.partition(",")[2]), np.uint8), cv2.IMREAD_COLOR)


def test_a_picture_fits_into_its_bound_whatever_it_shows() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1300, 1000, 3), np.uint8)
    uri = jpeg_uri(noise)
    assert len(uri) <= MOST_BYTES
    picture = decoded(uri)
    assert picture is not None
    assert picture.shape[0] < 1300
    red = decoded(jpeg_uri(np.broadcast_to(np.uint8([250, 10, 10]), (40, 60, 3))))
    assert red is not None
    assert red[20, 30].tolist()[2] > 200


def test_a_file_that_is_no_picture_is_none(tmp_path: Path) -> None:
    assert png_uri(tmp_path / "absent.png") is None
    (tmp_path / "large.png").write_bytes(b"x" * MOST_BYTES)
    assert png_uri(tmp_path / "large.png") is None
    assert svg_uri("<svg>" + "x" * MOST_BYTES) is None


def test_the_sheet_tells_what_is_drawn_and_what_is_not() -> None:
    shown = example(clip_id="a" * 20, path="/v/a | <b>.mp4")
    gone = example(clip_id="b" * 20, path="/v/gone.mp4")
    uri = jpeg_uri(np.zeros((8, 8, 3), np.uint8))
    text = sheet_text([shown, gone], SheetAnswer(picture=uri, drawn=("a" * 20,), not_drawn={"b" * 20: "not | there"}))
    assert text.startswith(embedded(uri, "contact sheet"))
    _, first, _, missing = cells(text)
    assert [cell.content for cell in first] == ["1", f"`{'a' * 20}`", "`a | <b>.mp4`"]
    assert missing[2].content == "`not | there`"
    assert "### 1 not drawn" in text


def test_without_clips_there_is_nothing_to_see() -> None:
    answer = draw_sheet(Path("/nowhere"), [])
    assert answer == SheetAnswer(picture=None, drawn=(), not_drawn={})
    assert "nothing to see" in sheet_text([], answer)


def test_a_drawing_process_that_dies_is_told_and_breaks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash = tmp_path / "python"
    crash.write_text("#!/bin/sh\ncat >/dev/null\necho 'corrupted size | <b>' >&2\nkill -SEGV $$\n")
    crash.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(crash))
    answer = draw_sheet(tmp_path, [example()])
    assert answer.picture is None
    assert answer.not_drawn == {"c" * 20: "the drawing process ended with -11: corrupted size | <b>"}
    monkeypatch.setattr("flows.artifacts.sheet._LIMIT_S", 0.3)
    crash.write_text("#!/bin/sh\nexec sleep 20\n")
    assert "took longer" in draw_sheet(tmp_path, [example()]).not_drawn["c" * 20]
