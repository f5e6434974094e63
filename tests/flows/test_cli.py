"""The command line: quick help, wrong calls with the fix in the message, answers in every format."""

import csv
import io
import json
import time
from pathlib import Path

import pytest

from flows.curation import commit_batch
from flows.protocol import write_draft
from flows.recipe import load_recipe
from tasks.assemble import assemble
from tests.flows.command_line import started, xtalker
from tests.flows.records import offered, record, voice


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse of two sources, one of them refused."""
    folder, recipe = tmp_path_factory.mktemp("cli"), load_recipe()
    drafts = []
    for name, scores in (("kept.mp4", {}), ("noisy.mp4", {"snr_db": 3.0})):
        path = folder / name
        path.write_text(name)
        file = offered(path)
        drafts.append(folder / f"{name}.arrow")
        rows = assemble(record(file, recipe, voice(len(name)), **scores), recipe.curation_key, file.modified_ns)
        write_draft(drafts[-1], rows)
    commit_batch(folder / "warehouse", drafts, (), recipe)
    return folder / "warehouse"


def test_help_is_quick_and_teaches() -> None:
    started("--help")  # once, for the bytecode
    begun = time.monotonic()
    done = started("--help")
    assert time.monotonic() - begun < 5  # under a second on a quiet machine; a loaded one must not fail the test
    for command in [
        "curate",
        "regate",
        "sql",
        "why",
        "show",
        "snapshots",
        "verify",
        "rebuild",
        "recipe",
        "sample",
        "train",
        "models",
        "generate",
        "evaluate",
        "assets",
    ]:
        assert command in done.stdout


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        (("curate", "nowhere.mp4"), "no video there"),
        (("curate", ".", "--recipe", "gone.yaml"), "gone.yaml"),
        (("sql", "select 1", "-w", "nowhere"), "`xtalker curate` makes one"),
        (("regate", "--tier", "best"), "pretrain"),
        (("regate", "-w", "nowhere"), "no warehouse"),
        (("synth", "-o", "heads", "--clips", "1", "--size", "65"), "--size: Input should be a multiple of 2"),
        (("frobnicate",), "No such command"),
    ],
)
def test_a_wrong_call_ends_with_2_and_the_fix(arguments: tuple[str, ...], fix: str) -> None:
    done = xtalker(*arguments)
    assert done.returncode == 2
    assert fix in done.stderr


def test_a_started_program_ends_as_its_command_did() -> None:
    done = started("sql", "select 1", "-w", "nowhere")
    assert (done.returncode, "`xtalker curate` makes one" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("query", "fix"),
    [
        ("select * from nothing", "nothing"),
        ("drop table clips", "only SELECT"),
        ("select 1; select 2", "one statement"),
    ],
)
def test_wrong_sql_ends_with_2(warehouse: Path, query: str, fix: str) -> None:
    done = xtalker("sql", query, "-w", warehouse)
    assert (done.returncode, fix in done.stderr) == (2, True)


def test_an_unknown_snapshot_ends_with_2(warehouse: Path) -> None:
    done = xtalker("sql", "select 1", "-w", warehouse, "--at", 99)
    assert (done.returncode, "no snapshot 99" in done.stderr) == (2, True)


def test_sql_answers_in_three_formats(warehouse: Path) -> None:
    question = ("sql", "select reason, snr_db, [1, 2] as l from clips order by snr_db", "-w", warehouse, "-f")
    rows = json.loads(xtalker(*question, "json").stdout)
    assert rows == [{"reason": "noisy", "snr_db": 3.0, "l": [1, 2]}, {"reason": None, "snr_db": 40.0, "l": [1, 2]}]
    assert [r["reason"] for r in csv.DictReader(io.StringIO(xtalker(*question, "csv").stdout))] == ["noisy", ""]
    assert "noisy" in xtalker(*question, "table").stdout


def test_why_shows_measured_and_threshold_of_every_gate(warehouse: Path) -> None:
    done = xtalker("why", "noisy.mp4", "-w", warehouse)
    assert "refused: noisy" in done.stdout
    (line,) = (text for text in done.stdout.splitlines() if text.startswith("min_snr_db"))
    assert line.split()[:5] == ["min_snr_db", "3", "10", "no", "noisy"]
    verdicts = json.loads(xtalker("why", "kept.mp4", "-w", warehouse, "--json").stdout)["verdicts"]
    assert {v["gate"] for rows in verdicts.values() for v in rows} >= {"min_snr_db", "near_duplicate"}


def test_upkeep_says_what_it_found(warehouse: Path) -> None:
    assert "all as it was committed" in xtalker("verify", "-w", warehouse).stdout
    (snapshot,) = json.loads(xtalker("snapshots", "-w", warehouse, "--json").stdout)
    assert snapshot["rows"]["clips"] == 2


def test_the_printed_recipe_is_a_recipe(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(xtalker("recipe").stdout)
    assert load_recipe(path) == load_recipe()


def test_assets_say_what_is_missing_and_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XTALKER_ASSETS", str(tmp_path))
    listed = {line.split()[0]: line for line in xtalker("assets", "list").stdout.splitlines()}
    assert "missing" in listed["face-landmarker"]
    assert "here" in listed["open-head"]
    done = xtalker("assets", "verify")
    assert done.returncode == 1
    assert "face_landmarker.task" in done.stdout
    assert "piper" not in done.stdout, "what only the demo's sample needs may be absent"
    refused = xtalker("curate", Path(__file__).parent, "-w", tmp_path / "w")
    assert refused.returncode != 0


def test_saved_queries_are_asked_by_name(warehouse: Path) -> None:
    listed = xtalker("sql", "@").stdout
    assert "@why_refused" in listed
    assert "Why was this file refused?" in listed
    done = xtalker("sql", "@why_refused", "--set", "file=noisy.mp4", "-w", warehouse, "-f", "json")
    assert [row["reason"] for row in json.loads(done.stdout)] == ["noisy"]
    own = "select count(*) as n from sources where ends_with(path, $end)"
    done = xtalker("sql", own, "--set", "end=kept.mp4", "-w", warehouse, "-f", "json")
    assert json.loads(done.stdout) == [{"n": 1}]


@pytest.mark.parametrize(
    ("words", "fix"),
    [
        (["@why_refusd"], "there is why_refused"),
        (["@why_refused"], "wants file, not none"),
        (["@why_refused", "--set", "noisy.mp4"], "want NAME=VALUE"),
        (["@new_since", "--set", "snapshot=two"], "a number for snapshot"),
    ],
)
def test_a_wrong_call_of_a_saved_query_says_the_fix(warehouse: Path, words: list[str], fix: str) -> None:
    done = xtalker("sql", *words, "-w", warehouse)
    assert done.returncode == 2
    assert fix in done.stderr
