"""Planning and committing, on rows made here: what is new, what is there, what repeats something else."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.curation import Plan, commit_batch, plan
from flows.protocol import OfferedFile, write_draft
from flows.recipe import Recipe, load_recipe
from flows.regate import regate
from schemas.source import Offer
from tasks.assemble import assemble
from tests.flows.records import offered, record, voice
from warehouse.errors import NoWarehouse
from warehouse.lake import reading
from warehouse.snapshots import Snapshot, list_snapshots
from warehouse.sql import query

RECIPE = load_recipe()


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "warehouse"


def video(tmp_path: Path, name: str, content: str | None = None) -> Path:
    path = tmp_path / name
    path.write_text(content or name)
    return path


def curate(
    warehouse: Path,
    *files: OfferedFile,
    sounds: dict[str, np.ndarray] | None = None,
    faces: dict[str, np.ndarray] | None = None,
    recipe: Recipe = RECIPE,
    **scores: float,
) -> Snapshot:
    drafts = []
    for file in files:
        sound = (sounds or {}).get(file.offer.path.name, voice(int(file.sha256[:6], 16)))
        drafts.append(warehouse.parent / f"{file.sha256}.arrow")
        face = (faces or {}).get(file.offer.path.name)
        rows = assemble(record(file, recipe, sound, face, **scores), recipe.curation_key, file.modified_ns)
        write_draft(drafts[-1], rows)
    snapshot, _ = commit_batch(warehouse, drafts, (), recipe)
    assert snapshot is not None
    return snapshot


def planned(warehouse: Path, *paths: Path, recipe: Recipe = RECIPE, **options: Any) -> Plan:
    return plan(warehouse, [Offer(p) for p in paths], recipe, **options)


def states(warehouse: Path) -> dict[str, tuple[str, str | None]]:
    rows = query(warehouse, "select path, status, reason from sources").to_pylist()
    return {Path(r["path"]).name: (r["status"], r["reason"]) for r in rows}


def test_everything_is_new_to_no_warehouse(tmp_path: Path, warehouse: Path) -> None:
    a, b = video(tmp_path, "a.mp4"), video(tmp_path, "b.mp4")
    todo = planned(warehouse, a, b)
    assert [f.offer.path for f in todo.new] == [a, b]
    assert not warehouse.exists()


def test_what_was_curated_is_not_planned_again(tmp_path: Path, warehouse: Path) -> None:
    a, b = video(tmp_path, "a.mp4"), video(tmp_path, "b.mp4")
    curate(warehouse, offered(a))
    todo = planned(warehouse, a, b)
    assert ([f.offer.path for f in todo.new], todo.already_there) == ([b], 1)


def test_a_known_file_is_not_read_again(tmp_path: Path, warehouse: Path) -> None:
    a = video(tmp_path, "a.mp4")
    curate(warehouse, offered(a))
    stat = a.stat()
    a.write_text("A.mp4")  # the same size, and below the same time: only a new hash would tell
    os.utime(a, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert planned(warehouse, a).already_there == 1


def test_a_changed_file_is_new(tmp_path: Path, warehouse: Path) -> None:
    a = video(tmp_path, "a.mp4")
    curate(warehouse, offered(a))
    a.write_text("something else")
    assert len(planned(warehouse, a).new) == 1


def test_other_settings_measure_again_other_gates_do_not(tmp_path: Path, warehouse: Path) -> None:
    a = video(tmp_path, "a.mp4")
    curate(warehouse, offered(a))
    settings = RECIPE.model_dump()
    stricter = Recipe.model_validate(settings | {"tier": "strict"})
    assert planned(warehouse, a, recipe=stricter).already_there == 1
    looser = Recipe.model_validate(settings | {"tracks": settings["tracks"] | {"max_gap_frames": 11}})
    assert len(planned(warehouse, a, recipe=looser).new) == 1


def test_a_copy_is_a_duplicate_once(tmp_path: Path, warehouse: Path) -> None:
    a, b = video(tmp_path, "a.mp4", "same"), video(tmp_path, "b.mp4", "same")
    todo = planned(warehouse, a, b)
    assert ([f.offer.path for f in todo.new], [d.file.offer.path for d in todo.duplicates]) == ([a], [b])
    curate(warehouse, *todo.new)
    commit_batch(warehouse, (), todo.duplicates, RECIPE)
    assert states(warehouse) == {"a.mp4": ("curated", None), "b.mp4": ("refused", "duplicate")}
    again = planned(warehouse, a, b)
    assert (again.new, again.duplicates, again.already_there) == ((), (), 2)


def test_a_run_may_be_given_so_many_files_and_the_next_takes_others(tmp_path: Path, warehouse: Path) -> None:
    a, b, c, copy = (video(tmp_path, f"{n}.mp4", text) for n, text in zip("abcd", ("a", "b", "c", "a"), strict=True))
    first = planned(warehouse, a, b, c, copy, max_files=2)
    assert ([f.offer.path for f in first.new], first.duplicates, first.left_over) == ([a, b], (), 2)
    curate(warehouse, *first.new)
    second = planned(warehouse, a, b, c, copy, max_files=2)
    assert ([f.offer.path for f in second.new], second.already_there, second.left_over) == ([c], 2, 0)
    assert [d.file.offer.path for d in second.duplicates] == [copy]


def test_the_same_speech_in_another_file_is_refused_and_the_first_stays(tmp_path: Path, warehouse: Path) -> None:
    a, b, c = (offered(video(tmp_path, f"{n}.mp4")) for n in "abc")
    sound = voice(1)
    louder = (sound * 1.7 + np.random.default_rng(0).normal(0, 1e-3, sound.shape)).astype(np.float32)
    curate(warehouse, a, sounds={"a.mp4": sound})
    curate(warehouse, b, c, sounds={"b.mp4": louder, "c.mp4": voice(2)})
    assert states(warehouse) == {
        "a.mp4": ("curated", None),
        "b.mp4": ("refused", "near_duplicate"),
        "c.mp4": ("curated", None),
    }
    rows = query(warehouse, "select keep, measured, threshold from verdicts where gate = 'near_duplicate'").to_pylist()
    assert sorted(r["keep"] for r in rows) == [False, True, True]
    (refused,) = (r for r in rows if not r["keep"])
    assert refused["measured"] < refused["threshold"]


def test_a_mirror_image_of_someone_known_is_refused(tmp_path: Path, warehouse: Path) -> None:
    files = [offered(video(tmp_path, f"{n}.mp4")) for n in "abcde"]
    rng = np.random.default_rng(0)
    person = rng.normal(size=90)
    faces = {f"{n}.mp4": (person + rng.normal(0, 0.3, 90)).astype(np.float32) for n in "abce"}
    faces["d.mp4"] = (0.3 * rng.normal(size=90) - person).astype(np.float32)
    for commit in (files[:3], files[3:4], files[4:]):
        curate(warehouse, *commit, faces=faces)
    assert {name for name, (status, _) in states(warehouse).items() if status == "refused"} == {"d.mp4"}
    assert states(warehouse)["d.mp4"] == ("refused", "mirrored")
    rows = query(warehouse, "select keep, measured from verdicts where gate = 'mirrored'").to_pylist()
    assert [r["keep"] for r in sorted(rows, key=lambda r: r["measured"])] == [False, True]
    regate(warehouse, Recipe.model_validate(RECIPE.model_dump() | {"tier": "strict"}))
    assert states(warehouse)["d.mp4"] == ("refused", "mirrored")


def test_a_face_is_not_held_against_what_was_measured_otherwise(tmp_path: Path, warehouse: Path) -> None:
    files = [offered(video(tmp_path, f"{n}.mp4")) for n in "abcd"]
    face = np.random.default_rng(0).normal(size=90).astype(np.float32)
    faces = {"a.mp4": face, "b.mp4": face, "c.mp4": face, "d.mp4": -face}
    curate(warehouse, *files[:3], faces=faces)
    otherwise = Recipe.model_validate(RECIPE.model_dump() | {"evidence": {"keyframes": 5}})
    curate(warehouse, files[3], faces=faces, recipe=otherwise)
    assert states(warehouse)["d.mp4"] == ("curated", None)


def test_regate_decides_again_and_back(tmp_path: Path, warehouse: Path) -> None:
    a, b = offered(video(tmp_path, "a.mp4")), offered(video(tmp_path, "b.mp4"))
    curate(warehouse, a)
    curate(warehouse, b, snr_db=15.0)
    before = query(warehouse, "select * from clips order by clip_id")
    strict = Recipe.model_validate(RECIPE.model_dump() | {"tier": "strict"})
    snapshot, clips = regate(warehouse, strict)
    assert snapshot is not None
    assert sorted(clips["reason"].to_pylist(), key=str) == [None, "noisy"]
    assert states(warehouse)["b.mp4"] == ("refused", "noisy")
    thresholds = query(warehouse, "select distinct threshold from verdicts where gate = 'min_snr_db'").to_pylist()
    assert thresholds == [{"threshold": 20.0}]
    regate(warehouse, RECIPE)
    assert query(warehouse, "select * from clips order by clip_id").equals(before)


def test_regate_takes_what_could_not_be_measured_as_it_was_judged(tmp_path: Path, warehouse: Path) -> None:
    curate(warehouse, offered(video(tmp_path, "a.mp4")), sync_left_ms=None, sync_drift_ms=None)
    judged = "select keep, measured from verdicts where gate = 'max_sync_offset_ms'"
    assert query(warehouse, "select sync_left_ms from clips").to_pylist() == [{"sync_left_ms": None}]
    assert query(warehouse, judged).to_pylist() == [{"keep": True, "measured": None}]
    strict = Recipe.model_validate(RECIPE.model_dump() | {"tier": "strict"})
    assert regate(warehouse, strict)[1]["keep"].to_pylist() == [True]
    assert query(warehouse, judged).to_pylist() == [{"keep": True, "measured": None}]


def test_regate_without_a_change_makes_no_snapshot(tmp_path: Path, warehouse: Path) -> None:
    curate(warehouse, offered(video(tmp_path, "a.mp4")))
    assert regate(warehouse, RECIPE)[0] is None


def test_regate_keeps_a_near_duplicate_refused(tmp_path: Path, warehouse: Path) -> None:
    a, b = offered(video(tmp_path, "a.mp4")), offered(video(tmp_path, "b.mp4"))
    curate(warehouse, a, b, sounds={"a.mp4": voice(1), "b.mp4": voice(1)})
    regate(warehouse, Recipe.model_validate(RECIPE.model_dump() | {"tier": "strict"}))
    assert states(warehouse)["b.mp4"] == ("refused", "near_duplicate")


def test_regate_needs_a_warehouse(warehouse: Path) -> None:
    with pytest.raises(NoWarehouse):
        regate(warehouse, RECIPE)


def test_a_run_appears_in_the_history(tmp_path: Path, warehouse: Path) -> None:
    curate(warehouse, offered(video(tmp_path, "a.mp4")))
    with reading(warehouse) as lake:
        (snapshot,) = list_snapshots(lake)
    assert snapshot.kind == "curate"
    assert snapshot.rows["clips"] == 1
    assert snapshot.recipe["tier"] == "pretrain"
