"""What lies between two snapshots: counted as ``diff`` names it, the worst first, never more than asked for."""

from pathlib import Path

import pytest

from tests.warehouse import lakes
from warehouse.changes import change_between, examples_between, judged_between
from warehouse.commit import open_committer
from warehouse.errors import UnknownSnapshot
from warehouse.lake import Lake, reading
from warehouse.snapshots import diff


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, int]:
    """A warehouse of two sources, to which two more come and whose refused clips are then kept."""
    root = tmp_path_factory.mktemp("warehouse")
    with open_committer(root) as lake:
        before = lakes.curate(lake, ["s1", "s2"]).snapshot_id
        lakes.curate(lake, ["s3", "s4"], clips_each=3)
        after = lakes.regate(lake, keep=True).snapshot_id
    return root, before, after


def test_the_counts_are_those_of_the_diff(grown: tuple[Path, int, int]) -> None:
    root, before, after = grown
    with reading(root) as lake:
        change, named = change_between(lake, before, after), diff(lake, before, after)
        backwards = change_between(lake, after, before)
    assert (change.clips_added, change.clips_removed) == (len(named.clips_added), 0) == (6, 0)
    assert (change.now_kept, change.now_refused) == (len(named.now_kept), len(named.now_refused)) == (2, 0)
    assert (change.sources_added, change.sources_removed) == (len(named.sources_added), 0) == (2, 0)
    assert (change.before.clips, change.before.kept, change.after.clips, change.after.kept) == (4, 2, 10, 10)
    assert change.after.kept_hours == pytest.approx(10 * lakes.N_FRAMES / 25 / 3600)
    assert (backwards.clips_removed, backwards.now_refused) == (6, 2)


@pytest.mark.parametrize("before", [None, 0, 1])
def test_without_a_warehouse_before_everything_is_new(grown: tuple[Path, int, int], before: int | None) -> None:
    root, first, _ = grown
    with reading(root) as lake:
        change = change_between(lake, before, first)
        judged, total = judged_between(lake, before, first, 10)
    assert (change.before.clips, change.clips_added, change.sources_added) == (0, 4, 2)
    assert total == len(judged) == 4


def test_refused_clips_come_first_with_what_refused_them(grown: tuple[Path, int, int]) -> None:
    root, first, _ = grown
    with reading(root) as lake:
        judged, total = judged_between(lake, None, first, 3)
    assert [(j.clip_id, j.keep) for j in judged] == [("s1-0", False), ("s2-0", False), ("s1-1", True)]
    assert total == 4
    worst = judged[0]
    assert (worst.path, worst.reason, worst.gate) == ("/video/s1.mp4", "noisy", "snr_db")
    assert (worst.measured, worst.threshold, worst.face_px) == (1.5, 2.0, 1.0)
    assert judged[2].gate is None


def test_a_file_without_clips_is_one_row(tmp_path: Path) -> None:
    with open_committer(tmp_path) as lake:
        lakes.curate(lake, ["s1"])
        before = lake.latest()
        after = lakes.curate(lake, ["s2"], clips_each=0).snapshot_id
        judged, total = judged_between(lake, before, after, 10)
        assert [(j.path, j.clip_id, j.keep, j.reason) for j in judged] == [("/video/s2.mp4", None, False, "noisy")]
        assert total == 1
        assert examples_between(lake, before, after, 12) == []


def test_only_what_is_new_or_decided_otherwise_is_listed(grown: tuple[Path, int, int]) -> None:
    root, before, after = grown
    with reading(root) as lake:
        judged, _ = judged_between(lake, before, after, 100)
    assert {j.clip_id for j in judged} == {"s1-0", "s2-0"} | {f"s{s}-{c}" for s in (3, 4) for c in range(3)}


def test_examples_are_kept_and_refused_and_of_many_speakers(grown: tuple[Path, int, int]) -> None:
    root, _, _ = grown

    def shown(lake: Lake, at_most: int) -> list[tuple[str, bool]]:
        return [(e.clip_id, e.keep) for e in examples_between(lake, None, lake.latest() - 1, at_most)]

    with reading(root) as lake:
        assert [keep for _, keep in shown(lake, 4)] == [False, False, True, True]
        assert len({clip.split("-")[0] for clip, keep in shown(lake, 8) if keep}) == 4
        assert len(shown(lake, 100)) == 10
        (first, *_) = examples_between(lake, None, lake.latest() - 1, 1)
        assert (first.size_bytes, first.n_frames, first.image_width) == (10, lakes.N_FRAMES, 64)


def test_an_unknown_snapshot_is_refused(grown: tuple[Path, int, int]) -> None:
    root, before, _ = grown
    with reading(root) as lake, pytest.raises(UnknownSnapshot):
        change_between(lake, before, 99)
