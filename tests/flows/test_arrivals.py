"""A landing folder, or bucket, under a program that writes into it: what is taken, when, and how often."""

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import fs

from flows.arrivals import Arrival, arrivals, note_seen, write_manifest
from flows.errors import NoLanding
from flows.landing import BucketLanding, FolderLanding, Landing, open_landing
from flows.offers import gather
from schemas.source import Offer
from tests.warehouse.lakes import staged, tables
from warehouse.commit import commit, open_committer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture(params=["folder", "bucket"])
def landing(request: pytest.FixtureRequest, tmp_path: Path, folder: Path) -> Landing:
    """``folder`` as it is, or as a bucket that is called ``in``."""
    if request.param == "folder":
        return FolderLanding(folder)
    return BucketLanding(fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem()), "in", tmp_path / "mirror")


def put(path: Path, content: str | None = None) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(content or path.name)
    return path


def taken(
    landing: Landing, warehouse: Path, meanwhile: Callable[[], object] = lambda: None, at_most: int = 9
) -> list[Arrival]:
    return list(arrivals(landing, warehouse, 5.0, at_most, lambda _: meanwhile()))


def names(found: list[Arrival]) -> list[str]:
    return [arrival.offer.path.name for arrival in found]


def curate(found: list[Arrival], warehouse: Path) -> None:
    """Commit their files as sources, as curation would."""
    rows = tables([f"source{n}" for n in range(len(found))])
    for column, values in {
        "path": [str(a.offer.path) for a in found],
        "size_bytes": [a.offer.path.stat().st_size for a in found],
        "modified_ns": [a.offer.path.stat().st_mtime_ns for a in found],
    }.items():
        at = rows["sources"].schema.get_field_index(column)
        field = rows["sources"].schema.field(at)
        rows["sources"] = rows["sources"].set_column(at, field, pa.array(values, field.type))
    with open_committer(warehouse) as lake:
        commit(lake, staged(lake, rows))


def test_a_file_is_taken_once(landing: Landing, folder: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    for name in ("a.mp4", "sub/b.mkv", "notes.txt", ".c.mp4"):
        put(folder / name)
    found = taken(landing, warehouse)
    assert sorted(names(found)) == ["a.mp4", "b.mkv"]
    assert [a.offer.path.read_text() for a in found] == names(found)
    curate(found, warehouse)
    waits: list[float] = []
    assert arrivals(landing, warehouse, 5.0, 9, waits.append) == ()
    assert not waits, "where nothing is new nobody waits"
    put(folder / "d.mp4")
    assert names(taken(landing, warehouse)) == ["d.mp4"]


def test_a_file_that_grows_is_left_until_it_is_whole(landing: Landing, folder: Path, tmp_path: Path) -> None:
    growing = put(folder / "growing.mp4", "begun")
    put(folder / "whole.mp4")
    assert names(taken(landing, tmp_path / "w", lambda: growing.write_text("begun, and more"))) == ["whole.mp4"]
    assert sorted(names(taken(landing, tmp_path / "w"))) == ["growing.mp4", "whole.mp4"]


def test_a_copy_that_was_given_its_originals_date_counts_by_what_changes(folder: Path, tmp_path: Path) -> None:
    """As by ``cp -p`` into a file that has its full length from the beginning: only the time tells."""
    path = put(folder / "a.mp4", "....")
    os.utime(path, ns=(10**9, 10**9))
    assert names(taken(FolderLanding(folder), tmp_path / "w", lambda: path.write_text("...x"))) == []
    assert names(taken(FolderLanding(folder), tmp_path / "w", lambda: path.unlink())) == []


def test_no_more_than_asked_for_and_the_oldest_first(landing: Landing, folder: Path, tmp_path: Path) -> None:
    for age, name in enumerate(("new.mp4", "older.mp4", "oldest.mp4")):
        os.utime(put(folder / name), ns=(10**15 - age * 10**12,) * 2)
    assert names(taken(landing, tmp_path / "w", at_most=2)) == ["oldest.mp4", "older.mp4"]


def test_a_manifest_gives_rights_also_while_some_of_its_files_are_still_to_come(
    landing: Landing, folder: Path, tmp_path: Path
) -> None:
    put(folder / "a.mp4")
    manifest = put(folder / "MANIFEST.csv", "file,speaker,licence\na.mp4,ann,CC0-1.0\nlater.mp4,bob,CC0-1.0\n")
    (found,) = taken(landing, tmp_path / "w")
    assert (found.offer.subject_id, found.offer.licence) == ("ann", "CC0-1.0")
    assert not taken(landing, tmp_path / "w", lambda: manifest.write_text("file,spea")), "it is being written"


def test_offers_survive_the_way_to_curation(tmp_path: Path) -> None:
    offers = (
        Offer(put(tmp_path / 'a, "b"\n.mp4').resolve(), "made", None, "CC0-1.0"),
        Offer(put(tmp_path / "c").resolve()),
    )
    write_manifest(offers, tmp_path / "m.parquet")
    assert gather([str(tmp_path / "m.parquet")]) == offers


def test_a_file_with_another_date_and_the_same_bytes_is_looked_at_once(folder: Path, tmp_path: Path) -> None:
    landing, warehouse = FolderLanding(folder), tmp_path / "warehouse"
    path = put(folder / "a.mp4")
    curate(taken(landing, warehouse), warehouse)
    os.utime(path, ns=(10**9, 10**9))
    found = taken(landing, warehouse)
    assert names(found) == ["a.mp4"]
    note_seen(warehouse, found)  # curation found nothing to do
    assert not taken(landing, warehouse)
    put(path, "other")
    assert names(taken(landing, warehouse)) == ["a.mp4"]


def test_a_missing_landing_place_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoLanding, match="make it, or name"):
        open_landing(str(tmp_path / "nowhere"), tmp_path).look()
    store = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    with pytest.raises(NoLanding, match="no bucket 'nowhere'"):
        BucketLanding(store, "nowhere/x", tmp_path).look()


def test_an_empty_prefix_of_a_bucket_has_nothing(tmp_path: Path, folder: Path) -> None:
    store = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    assert not BucketLanding(store, "in/later", tmp_path / "mirror").look().videos
