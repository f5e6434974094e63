"""Micro-batches: how many there are, what is in them, and that one begun again does only what is missing."""

from itertools import pairwise
from pathlib import Path

import pytest

from flows.batches import Batch, batches, curate_batch, how_many
from flows.drafts import drafts_of
from flows.protocol import draft_name
from flows.recipe import load_recipe
from tests.flows.stand_ins import VIDEO_S, InstantPool, curated, files, place

RECIPE = load_recipe()


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "warehouse"


def batch(tmp_path: Path, count: int, **changes: bool) -> Batch:
    return Batch(number=1, files=files(tmp_path, count), recipe=RECIPE, **({"retry_failed": False} | changes))


@pytest.mark.parametrize("workers", [1, 2, 8, 16, 40])
def test_five_hundred_videos_are_less_than_fifty_task_runs(workers: int) -> None:
    assert how_many(500, workers) + 1 < 50  # the plan is one too


@pytest.mark.parametrize("workers", [1, 64, 1000])
def test_a_million_clips_are_less_than_ten_thousand_task_runs(workers: int) -> None:
    assert how_many(1_000_000, workers) + 1 < 10_000
    assert how_many(1_000_000, workers) >= 1000, "a batch that is not committed for long is not seen for long"


def test_small_runs_use_every_worker() -> None:
    assert [how_many(n, 8) for n in (0, 1, 5, 8, 20, 100)] == [0, 1, 5, 8, 20, 32]
    assert how_many(500, 200) == 200


def test_more_files_never_make_fewer_batches() -> None:
    for workers in (1, 3, 16, 100):
        assert all(a <= b for a, b in pairwise(how_many(n, workers) for n in range(3000)))


@pytest.mark.parametrize(("count", "workers"), [(1, 4), (7, 2), (33, 2), (500, 2), (2000, 16)])
def test_batches_keep_every_file_in_order(tmp_path: Path, count: int, workers: int) -> None:
    offered = files(tmp_path, count)
    made = batches(offered, RECIPE, workers)
    assert [f for b in made for f in b.files] == list(offered)
    assert [b.number for b in made] == list(range(1, how_many(count, workers) + 1))
    sizes = [len(b.files) for b in made]
    assert max(sizes) - min(sizes) <= 1


def test_large_files_do_not_make_more_batches_but_smaller_ones(tmp_path: Path) -> None:
    small, large = files(tmp_path, 450), files(tmp_path, 50, size_bytes=500_000_000)
    made = batches((*small, *large), RECIPE, workers=2)
    assert len(made) <= how_many(500, 2)
    assert max(sum(f.size_bytes > 1000 for f in b.files) for b in made) <= 3
    assert max(len(b.files) for b in made) <= 2 * 500 / how_many(500, 2) + 1


def test_a_batch_tells_what_it_took_and_where_the_rows_are(tmp_path: Path, warehouse: Path) -> None:
    wanted, heard = batch(tmp_path, 3), []
    done = curate_batch(wanted, place(warehouse), InstantPool(), lambda *what: heard.append(what))
    assert done.drafts == tuple(draft_name(f, RECIPE) for f in wanted.files)
    assert drafts_of(warehouse).have(done.drafts) == set(done.drafts)
    assert (done.video_s, done.stage_cpu_s, done.peak_worker_mb) == (3 * VIDEO_S, {"observe": 1.5}, 102.0)
    assert len(heard) == 6


def test_a_batch_begun_again_does_only_what_is_missing(tmp_path: Path, warehouse: Path) -> None:
    wanted = batch(tmp_path, 5)
    with pytest.raises(ConnectionResetError):
        curate_batch(wanted, place(warehouse), InstantPool(fatal=wanted.files[3]))
    again = InstantPool()
    done = curate_batch(wanted, place(warehouse), again)
    assert again.asked == list(wanted.files[3:])
    assert len(done.drafts) == 5
    assert done.video_s == 2 * VIDEO_S


def test_drafts_of_other_settings_are_not_taken_up(tmp_path: Path, warehouse: Path) -> None:
    wanted, pool = batch(tmp_path, 2), InstantPool()
    curate_batch(wanted, place(warehouse), pool)
    strict = wanted.model_copy(update={"recipe": RECIPE.model_copy(update={"tier": "strict"})})
    curate_batch(strict, place(warehouse), pool)
    assert pool.asked == [*wanted.files, *wanted.files]


def test_what_another_run_has_committed_meanwhile_is_not_curated(tmp_path: Path, warehouse: Path) -> None:
    wanted, pool = batch(tmp_path, 4), InstantPool()
    curated(RECIPE, warehouse, wanted.files[:3])
    done = curate_batch(wanted, place(warehouse), pool)
    assert pool.asked == [wanted.files[3]]
    assert (len(done.drafts), done.already_there) == (1, 3)


def test_a_batch_is_all_that_another_machine_needs(tmp_path: Path, warehouse: Path) -> None:
    wanted, where = batch(tmp_path, 2), place(warehouse)
    assert Batch.model_validate_json(wanted.model_dump_json()) == wanted
    assert type(where).model_validate_json(where.model_dump_json()) == where
