"""The saved queries answer what their titles ask, on a warehouse whose every number was chosen."""

import re
from collections.abc import Iterator
from math import radians
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas.tables import TABLES
from tests.warehouse import lakes
from tests.warehouse.models import registered
from warehouse.commit import commit, open_committer
from warehouse.errors import UnknownName, WrongQuery
from warehouse.lake import Lake
from warehouse.saved import find_query, saved_queries
from warehouse.sql import Session, session

N = lakes.N_FRAMES
Row = dict[str, Any]


def commit_rows(lake: Lake, rows: dict[str, list[Row]]) -> None:
    made = {name: pa.Table.from_pylist(rows[name], schema=schema) for name, schema in TABLES.items()}
    assert commit(lake, lakes.staged(lake, made)) is not None


def rows_of(sources: str) -> dict[str, list[Row]]:
    """Three clips a source: the first refused for noise, all faces at rest, looking straight ahead, jaw shut."""
    rows = {name: table.to_pylist() for name, table in lakes.tables(list(sources), clips_each=3).items()}
    for motion in rows["motion"]:
        for name, width in (("expression", 50), ("jaw", 3), ("global_rotation", 3)):
            motion[name] = [0.0] * (N * width)
    for verdict in rows["verdicts"]:
        verdict["measured"] = 1.5 if verdict["gate"] == "snr_db" and not verdict["keep"] else 4.0
    return rows


def row(rows: list[Row], key: str) -> Row:
    return next(r for r in rows if next(iter(r.values())) == key)


def of_frame(width: int, **values: float) -> list[float]:
    """The same ``values``, named ``_<column>``, in every frame."""
    one = np.zeros(width)
    for name, value in values.items():
        one[int(name[1:])] = value
    return [float(x) for x in np.tile(one, N)]


def first_commit() -> dict[str, list[Row]]:
    """Anna (a) and Ben (b). In clip a-1 Anna smiles, her jaw is open, her head turned to her left."""
    rows = rows_of("ab")
    smiling = row(rows["motion"], "a-1")
    smiling["expression"] = of_frame(50, _42=0.9, _43=0.9)
    smiling["jaw"] = of_frame(3, _0=radians(10))
    smiling["global_rotation"] = of_frame(3, _1=radians(21))
    row(rows["speech"], "a-1").update(words=["Pam", "thinks."], word_probability=[0.25, 0.35])
    row(rows["clips"], "a-1")["transcript"] = "Pam thinks."
    row(rows["clips"], "b-1").update(recon_drift_mm=5.0, closure_rank=None)
    row(rows["clips"], "b-2").update(lip_voice_lag=-8.0, recon_jitter_excess=1.1)
    row(rows["sources"], "a").update(consent="signed", width=64, height=48, fps=25.0, rotation_deg=0)
    row(rows["sources"], "b").update(licence=None, width=64, height=48, fps=25.0, rotation_deg=90)
    return rows


def second_commit() -> dict[str, list[Row]]:
    """Cara (c): of another language, sounds better; c-0 repeats a-1. One file again (d), one that crashed (e)."""
    rows = rows_of("c")
    row(rows["sources"], "c").update(consent="signed", width=64, height=48, fps=50.0, rotation_deg=0)
    for clip in rows["clips"]:
        clip.update(language="fr", dnsmos_ovrl=3.2, speaker_id="cara")
    row(rows["clips"], "c-0")["reason"] = "near_duplicate"
    row(rows["clips"], "c-2")["n_frames"] = 2 * N
    row(rows["clips"], "c-1")["split"] = "test"
    repeated = next(v for v in rows["verdicts"] if v["subject_id"] == "c-0" and not v["keep"])
    repeated.update(gate="near_duplicate", reason="near_duplicate", measured=0.125, threshold=0.25)
    repeated["detail"] = "1.2 s of it are heard in clip a-1 too"
    for name, reason, detail in (
        ("d", "duplicate", "the same bytes as /video/a.mp4"),
        ("e", "worker_crashed", "exit -11"),
    ):
        of_file = {"path": f"/video/{name}.mov", "status": "refused", "reason": reason, "size_bytes": 2_500_000}
        rows["sources"].append({"source_id": name, "sha256": f"{name}hash", "duration_s": None} | of_file)
        refusal = lakes.verdict(name, name, "ingest", False)
        rows["verdicts"].append(refusal | {"reason": reason, "detail": detail, "measured": None, "threshold": None})
    return rows


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Snapshot 2: Anna and Ben. Snapshot 3: a model of them. Snapshot 4: Cara."""
    folder = tmp_path_factory.mktemp("queries")
    with open_committer(folder / "lake") as lake:
        commit_rows(lake, first_commit())
    registered(folder / "lake", folder / "checkpoints", "model")
    with open_committer(folder / "lake") as lake:
        commit_rows(lake, second_commit())
    with session(folder / "lake") as opened:
        yield opened


PARAMETERS = {"clip_id": "a-0", "file": "a.mp4", "snapshot": 2, "version": "small"}


def ask(opened: Session, name: str, **parameters: Any) -> list[Row]:
    saved = find_query(name)
    return opened.query(saved.sql, {key: (PARAMETERS | parameters)[key] for key in saved.parameters}).to_pylist()


def columns(rows: list[Row], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(r[name] for name in names) for r in rows]


@pytest.mark.parametrize("name", saved_queries())
def test_every_query_runs_on_an_empty_warehouse_and_says_what_it_is(empty: Session, name: str) -> None:
    saved = saved_queries()[name]
    assert re.fullmatch(r"-- .{10,118}\n(-- .*\n)*[^-](.*\n)+", saved.sql), "a title, what the columns mean, then SQL"
    assert all(f"${parameter}" in saved.title for parameter in saved.parameters)
    assert max(map(len, saved.sql.splitlines())) <= 125
    ask(empty, name, snapshot=1)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    root = tmp_path_factory.mktemp("empty")
    with open_committer(root):
        pass
    with session(root) as opened:
        yield opened


def test_curators_have_their_questions_answered() -> None:
    assert len(saved_queries()) >= 20


# What is asked, for which columns, and the answer: each follows from the rows made above.
ANSWERS: list[tuple[str, str, list[tuple[Any, ...]]]] = [
    ("why_refused", "subject gate reason measured threshold", [("a-0", "snr_db", "noisy", 1.5, 2.0)]),
    ("offer_again", "path reason mb detail", [("/video/e.mov", "worker_crashed", 2.5, "exit -11")]),
    (
        "duplicates",
        "kind path clip_id bit_error_rate repeats",
        [
            ("duplicate", "/video/d.mov", None, None, "/video/a.mp4"),
            ("near_duplicate", "/video/c.mp4", "c-0", 0.125, "/video/a.mp4"),
        ],
    ),
    (
        "speakers_per_split",
        "speaker_id leak split clips",
        [
            ("cara", True, "test", 1),
            ("cara", True, "train", 1),
            ("made/a", False, "train", 2),
            ("made/b", False, "train", 2),
        ],
    ),
    (
        "rights_missing",
        "licence consent missing sources clips models",
        [(None, None, "licence, consent", 1, 2, 1), ("CC0-1.0", "signed", "", 2, 4, 1)],
    ),
    ("new_since_model", "speaker_id known split clips", [("cara", False, "train", 1), ("cara", False, "test", 1)]),
    (
        "quality_bands",
        "language band clips speakers snr_db",
        [("en", "below 2.5", 4, 2, 15.0), ("fr", "3 to 3.5", 2, 1, 15.0)],
    ),
    (
        "history",
        "snapshot kind sources clips tier code",
        [
            (2, "curate", 2, 6, "pretrain", "test"),
            (3, "model", 0, 0, None, "test"),
            (4, "curate", 3, 3, "pretrain", "test"),
        ],
    ),
    (
        "source_formats",
        "file_type fps rotation_deg sources kept",
        [("mov", None, None, 2, 0.0), ("mp4", 25.0, 0, 1, 1.0), ("mp4", 25.0, 90, 1, 1.0), ("mp4", 50.0, 0, 1, 1.0)],
    ),
    ("head_pose_coverage", "yaw_deg pitch_deg frames share", [(0, 0, 25, 0.8333), (20, 0, 5, 0.1667)]),
    (
        "kept_and_refused",
        "unit outcome n",
        [
            ("clip", "kept", 6),
            ("clip", "noisy", 2),
            ("clip", "near_duplicate", 1),
            ("source", "curated", 3),
            ("source", "duplicate", 1),
            ("source", "worker_crashed", 1),
        ],
    ),
    ("languages", "language clips speakers probability", [("en", 4, 2, 0.9), ("fr", 2, 1, 0.9)]),
    ("hours_per_licence", "licence consent clips sources", [("CC0-1.0", "signed", 4, 2), (None, None, 2, 1)]),
    (
        "hours_per_speaker",
        "speaker_id split clips snr_db",
        [
            ("cara", "test", 1, 15.0),
            ("cara", "train", 1, 15.0),
            ("made/a", "train", 2, 15.0),
            ("made/b", "train", 2, 15.0),
        ],
    ),
    ("new_since", "clip_id keep reason", [("c-0", False, "near_duplicate"), ("c-1", True, None), ("c-2", True, None)]),
    (
        "gates_of_clip",
        "gate keep measured threshold",
        [("snr_db", False, 1.5, 2.0), ("duration_s", True, 4.0, 2.0), ("duration_s", True, 4.0, 2.0)],
    ),
    (
        "model_lineage",
        "snapshot split path licence clips known",
        [(2, "train", "/video/a.mp4", "CC0-1.0", 2, True), (2, "train", "/video/b.mp4", None, 2, True)],
    ),
    ("model_leaderboard", "metric value n aliases snapshot", [("LVE", 1.0, 7, None, 2)]),
]


@pytest.mark.parametrize(("name", "names", "answer"), ANSWERS, ids=[name for name, _, _ in ANSWERS])
def test_the_answer(asked: Session, name: str, names: str, answer: list[tuple[Any, ...]]) -> None:
    assert columns(ask(asked, name), *names.split()) == answer


def test_the_nearest_to_a_threshold_come_first(asked: Session) -> None:
    rows = ask(asked, "borderline")
    # of the gate snr_db: 1.5 twice and 4.0 six times, around a threshold of 2.0
    spread = float(np.std([1.5] * 2 + [4.0] * 6))
    assert columns(rows[:3], "clip_id", "gate", "keep", "distance") == [
        ("a-0", "snr_db", False, round(0.5 / spread, 3)),
        ("b-0", "snr_db", False, round(0.5 / spread, 3)),
        ("a-1", "snr_db", True, round(2.0 / spread, 3)),
    ]
    assert len(rows) == 8, "each clip once, for its nearest gate; one gate that all pass alike tells nothing"


def test_hardest_gates_count_what_they_alone_refuse(asked: Session) -> None:
    assert ask(asked, "hardest_gates")[0] == {"gate": "snr_db", "reason": "noisy", "refused": 2, "alone": 2}


def test_expressions_go_by_the_open_heads_names_in_its_order(asked: Session) -> None:
    head = Path(__file__).parents[2] / "models" / "data" / "open_head.npz"
    with np.load(head) as stored:
        names = [str(name) for name in stored["expression_names"]]
    assert re.findall(r"'(\w+)'", saved_queries()["expression_coverage"].sql) == names
    rows = ask(asked, "expression_coverage")
    assert columns(rows[:3], "action", "mean", "most", "used", "clips") == [
        ("mouthSmileLeft", 0.15, 0.9, 0.1667, 1),
        ("mouthSmileRight", 0.15, 0.9, 0.1667, 1),
        ("browDownLeft", 0.0, 0.0, 0.0, 0),
    ]
    assert len(rows) == 50


@pytest.mark.parametrize("name", ["mouth_shapes", "emotion_coverage"])
def test_actions_are_meant_by_their_numbers(name: str) -> None:
    """``e[i + 43]`` is an action of its own; a head with another order would read another face."""
    head = Path(__file__).parents[2] / "models" / "data" / "open_head.npz"
    with np.load(head) as stored:
        names = [str(one) for one in stored["expression_names"]]
    meant = {
        "pucker": "mouthPucker", "funnel": "mouthFunnel", "smile": "mouthSmile", "stretch": "mouthStretch",
        "press": "mouthPress", "roll": "mouthRoll", "happy": "mouthSmile", "angry": "browDown",
        "disgusted": "noseSneer", "sad": "browInnerUp mouthFrown", "surprised": "browInnerUp browOuterUp",
        "fear": "eyeWide",
    }  # fmt: skip
    terms = re.findall(r"((?:\(?e\[i \+ \d+\](?: \+ )?)+)\)?(?: / \d)? AS (\w+)", saved_queries()[name].sql)
    assert len(terms) == 6
    for term, column in terms:
        actions = {names[int(number) - 1] for number in re.findall(r"\+ (\d+)\]", term)}
        assert actions == {one for one in names if one.startswith(tuple(meant[column].split()))}, column


def test_emotions_and_mouths_are_read_from_the_motion(asked: Session) -> None:
    emotions = ask(asked, "emotion_coverage")
    assert columns(emotions[:2], "emotion", "clips", "share", "strongest") == [
        ("happy", 1, 0.1667, "a-1"),
        ("angry", 0, 0, None),
    ]
    shapes = {r["shape"]: (r["frames"], r["clips"]) for r in ask(asked, "mouth_shapes")}
    assert len(shapes) == 9
    assert {shape: found for shape, found in shapes.items() if found[0]} == {
        "jaw shut": (25, 5),
        "jaw open": (5, 1),
        "smiling": (5, 1),
    }


def test_words_ask_for_the_mouths_of_their_letters(asked: Session) -> None:
    rows = {
        r["viseme"]: (r["words"], r["different_words"], r["clips"], r["speakers"])
        for r in ask(asked, "viseme_coverage")
    }
    assert rows["lips shut"] == (1, 1, 1, 1)  # Pam
    assert rows["tongue between teeth"] == (1, 1, 1, 1)  # thinks
    assert rows["rounded"] == (5, 1, 5, 3)  # two, in the five other clips
    assert rows["lip on teeth"] == (0, 0, 0, 0)
    assert len(rows) == 11


def test_the_least_sure_transcript_comes_first(asked: Session) -> None:
    first, second, *_ = columns(ask(asked, "doubtful_transcripts"), "clip_id", "probability", "transcript", "unsure")
    assert first == ("a-1", 0.3, "Pam thinks.", "Pam thinks.")
    assert second == ("a-2", 0.63, "one two", "")


def test_longest_first_and_shortest_last(asked: Session) -> None:
    rows = columns(ask(asked, "longest_and_shortest"), "which", "clip_id", "seconds")
    assert rows[0] == ("longest", "c-2", 0.4)
    assert len(rows) == 6, "each clip once"


def test_storage_counts_rows_and_bytes_of_every_table(asked: Session) -> None:
    rows = {r["table_name"]: r for r in ask(asked, "storage")}
    assert {name: r["row_count"] for name, r in rows.items()} == {
        "sources": 5, "clips": 9, "verdicts": 32, "motion": 9, "speech": 9
    }  # fmt: skip
    assert all(r["shards"] == 2 and r["mb"] > 0 for r in rows.values())


def test_scores_and_fits_cover_every_candidate(asked: Session) -> None:
    percentiles = {r["score"]: r for r in ask(asked, "score_percentiles")}
    assert percentiles["snr_db"]["median"] == 15.0
    assert percentiles["dnsmos_ovrl"]["n"] == 9
    assert percentiles["dnsmos_ovrl"]["high"] == pytest.approx(3.2)
    assert percentiles["closure_rank"]["n"] == 8, "what was not measured does not count"
    worst = ask(asked, "worst_reconstructions")
    assert [r["clip_id"] for r in worst][2:] == ["a-1", "a-2", "c-1", "c-2"]
    assert {(r["clip_id"], r["worst"]) for r in worst[:2]} <= {
        ("b-1", "recon_drift_mm"),
        ("b-2", "lip_voice_lag"),
        ("b-2", "recon_jitter_excess"),
    }
    assert worst[2]["drift"] == 1.0
    assert ask(asked, "lips_and_voice")[0]["clip_id"] == "b-2"
    assert ask(asked, "lips_and_voice")[0]["late_ms"] == -320


def test_every_question_has_an_answer_here() -> None:
    text = Path(__file__).read_text()
    assert not [name for name in saved_queries() if f'"{name}"' not in text]


def test_a_name_that_is_none_gets_the_nearest() -> None:
    with pytest.raises(UnknownName, match="there is hours_per_speaker"):
        find_query("hours_per_speakers")
    with pytest.raises(UnknownName, match="there are borderline, "):
        find_query("zzz")


def test_parameters_are_asked_for_by_name_and_kind() -> None:
    assert find_query("new_since").values({"snapshot": "2"}) == {"snapshot": 2}
    assert find_query("gates_of_clip").values({"clip_id": "12"}) == {"clip_id": "12"}
    for saved, said, complaint in (
        ("gates_of_clip", {}, "wants clip_id, not none"),
        ("languages", {"clip_id": "a"}, "wants no values, not clip_id"),
        ("new_since", {"snapshot": "yesterday"}, "a number for snapshot"),
    ):
        with pytest.raises(WrongQuery, match=complaint):
            find_query(saved).values(said)
