"""Files, folders, globs and manifests become offers."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.errors import NothingOffered, UnreadableManifest
from flows.offers import gather


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.mp4", "a.MPG", "notes.txt", "sub/c.webm"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path


def names(*arguments: object) -> list[str]:
    return [o.path.name for o in gather([str(a) for a in arguments])]


def test_a_folder_offers_its_media_files_in_order(folder: Path) -> None:
    assert names(folder) == ["a.MPG", "b.mp4", "c.webm"]


def test_a_file_is_offered_whatever_its_suffix(folder: Path) -> None:
    assert names(folder / "notes.txt") == ["notes.txt"]


def test_a_glob_offers_what_it_matches(folder: Path) -> None:
    assert names(f"{folder}/**/*.webm") == ["c.webm"]


def test_each_file_is_offered_once(folder: Path) -> None:
    assert names(folder / "b.mp4", folder) == ["b.mp4", "a.MPG", "c.webm"]


def test_a_folders_manifest_describes_its_files(folder: Path) -> None:
    (folder / "MANIFEST.csv").write_text("file,speaker,dataset,licence\nb.mp4,ann,TALKS,CC BY 4.0\n")
    described = {o.path.name: o for o in gather([str(folder)])}["b.mp4"]
    assert (described.subject_id, described.dataset, described.licence) == ("ann", "TALKS", "CC BY 4.0")
    assert described.consent is None


def test_a_parquet_manifest_travels_with_its_rights(folder: Path) -> None:
    table = pa.table({"path": ["b.mp4"], "subject_id": [7], "consent": ["signed"]})
    pq.write_table(table, folder / "list.parquet")
    (offer,) = gather([str(folder / "list.parquet")])
    assert (offer.path, offer.subject_id, offer.consent) == ((folder / "b.mp4").resolve(), "7", "signed")


@pytest.mark.parametrize("argument", ["nowhere.mp4", "*.nothing"])
def test_an_argument_that_names_nothing_is_a_wrong_call(folder: Path, argument: str) -> None:
    with pytest.raises(NothingOffered, match="no video there"):
        gather([str(folder / argument)])


@pytest.mark.parametrize(
    ("text", "message"), [("name\nx\n", "needs a column 'path'"), ("path\ngone.mp4\n", "gone.mp4")]
)
def test_a_manifest_must_name_files_that_are_there(folder: Path, text: str, message: str) -> None:
    (folder / "list.csv").write_text(text)
    with pytest.raises(UnreadableManifest, match=message):
        gather([str(folder / "list.csv")])
