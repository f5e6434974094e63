"""The suffix decides; what cannot be written is refused before anything is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.export.arrays import read_npz
from models.export.content import UnreadableMotion
from models.export.formats import Format, UnknownFormat, WrongHeadModel, export, format_of
from models.head.model import NoNamedActions, load_open_head
from tests.models.export.performances import FLOAT_FIELDS, lively
from tests.models.flame.dressed import dressed_head

HEAD = load_open_head()


def test_an_npz_comes_back_whole(tmp_path: Path) -> None:
    performance = lively(HEAD)
    again = read_npz(export(performance, HEAD, tmp_path / "head.npz").path)
    assert (again.head_model, again.n_frames) == (performance.head_model, performance.n_frames)
    for name in FLOAT_FIELDS:
        np.testing.assert_array_equal(getattr(again, name), getattr(performance, name))
    with np.load(tmp_path / "head.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["betas"], performance.shape)
        np.testing.assert_array_equal(file["leye_pose"], performance.eyes[:, :3])
        np.testing.assert_array_equal(file["global_orient"], performance.global_rotation)


def test_an_npz_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "head.npz"
    np.savez(path, shape=np.zeros(3))
    with pytest.raises(UnreadableMotion):
        read_npz(path)
    np.savez(path, **{name: np.array([{}], dtype=object) for name in (*FLOAT_FIELDS, "head_model")})
    with pytest.raises(UnreadableMotion):
        read_npz(path)
    path.write_bytes(b"")
    with pytest.raises(UnreadableMotion):
        read_npz(path)


def test_suffixes_are_formats_in_any_case() -> None:
    assert format_of(Path("A.GLB")) is Format.GLB
    assert format_of(Path("a.b.usda")) is Format.USDA


@pytest.mark.parametrize("name", ["head.fbx", "head", "head.mp4"])
def test_an_unknown_suffix_says_what_is_known(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnknownFormat, match=r"\.glb, \.usda, \.csv, \.npz"):
        export(lively(HEAD), HEAD, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_another_heads_performance_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongHeadModel, match="flame2023"):
        export(replace(lively(HEAD), head_model="flame2023"), HEAD, tmp_path / "head.glb")


def test_a_head_without_actions_has_no_table_of_them(tmp_path: Path) -> None:
    with pytest.raises(NoNamedActions, match="flame2020@0123abcd has no ARKit actions"):
        export(lively(dressed_head()), dressed_head(), tmp_path / "head.csv")


def test_only_the_finished_file_is_left(tmp_path: Path) -> None:
    export(lively(HEAD), HEAD, tmp_path / "new" / "head.csv")
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["head.csv"]
