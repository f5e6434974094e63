"""FLAME files of all kinds give one model; what is not FLAME is refused in words."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.flame.read import FlameEdition, read_flame
from models.head.model import UnreadableHeadModel
from tests.models.flame.files import SMALL, random_model, write_npz, write_python2_pickle


@pytest.fixture(scope="module")
def model() -> dict[str, Any]:
    return random_model()


def test_pickle_and_npz_give_the_same_model(tmp_path: Path, model: dict[str, Any]) -> None:
    old = read_flame(write_python2_pickle(tmp_path / "generic_model.pkl", model), **SMALL)
    new = read_flame(write_npz(tmp_path / "flame2020.npz", model), **SMALL)
    assert old.name == new.name
    assert old.name.startswith("flame2020@")
    for field in ("template", "faces", "shape_basis", "expression_basis", "pose_basis", "joint_regressor", "weights"):
        np.testing.assert_array_equal(getattr(old, field), getattr(new, field))


def test_directions_are_cut_where_they_should_be(tmp_path: Path, model: dict[str, Any]) -> None:
    arrays = read_flame(write_npz(tmp_path / "flame2023.npz", model), **SMALL)
    directions = model["shapedirs"].astype(np.float32)
    np.testing.assert_array_equal(arrays.shape_basis[:, :, :12], directions[:, :, :12])
    np.testing.assert_array_equal(arrays.expression_basis[:, :, :7], directions[:, :, 20:27])
    assert not arrays.shape_basis[:, :, 12:].any()
    assert not arrays.expression_basis[:, :, 7:].any()


def test_four_hundred_directions_become_a_hundred_and_fifty(tmp_path: Path, model: dict[str, Any]) -> None:
    directions = np.zeros((5023, 3, 400), np.float32)
    directions[7, 1] = np.arange(400)
    arrays = read_flame(write_npz(tmp_path / "flame2023.npz", model | {"shapedirs": directions}))
    np.testing.assert_array_equal(arrays.shape_basis[7, 1], np.arange(100))
    np.testing.assert_array_equal(arrays.expression_basis[7, 1], np.arange(300, 350))


@pytest.mark.parametrize(
    ("stem", "edition"),
    [
        ("generic_model", FlameEdition.FLAME2020),
        ("flame2023_no_jaw", FlameEdition.FLAME2023),
        ("flame2023_Open", FlameEdition.FLAME2023_OPEN),
    ],
)
def test_the_file_name_tells_the_edition(
    tmp_path: Path, model: dict[str, Any], stem: str, edition: FlameEdition
) -> None:
    assert read_flame(write_npz(tmp_path / f"{stem}.npz", model), **SMALL).name.split("@")[0] == edition


def test_the_name_holds_the_content(tmp_path: Path, model: dict[str, Any]) -> None:
    moved = model | {"v_template": model["v_template"] + 1e-3}
    names = {
        read_flame(write_npz(tmp_path / f"{n}.npz", m), FlameEdition.FLAME2020, **SMALL).name
        for n, m in enumerate((model, moved))
    }
    assert len(names) == 2
    with pytest.raises(UnreadableHeadModel, match="say which of flame2020, flame2023"):
        read_flame(tmp_path / "0.npz", **SMALL)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"posedirs": None}, "lacks 'posedirs'"),
        ({"v_template": np.zeros((6890, 3))}, r"v_template is float64\[6890, 3\]"),
        ({"shapedirs": np.zeros((5023, 3, 20))}, "0 expressions, wanted 7"),
        ({"kintree_table": np.array([[-1, 0, 1, 2, 3], range(5)])}, "kintree_table has parents"),
        ({"f": np.full((9976, 3), 5023)}, "a vertex that is not there"),
        ({"weights": np.ones((5023, 5))}, "do not sum to one"),
        ({"v_template": np.full((5023, 3), np.nan)}, "not finite"),
    ],
)
def test_what_is_not_flame_is_refused(tmp_path: Path, model: dict[str, Any], change: Any, said: str) -> None:
    changed = {key: value for key, value in (model | change).items() if value is not None}
    with pytest.raises(UnreadableHeadModel, match=said) as refused:
        read_flame(write_npz(tmp_path / "flame2020.npz", changed), **SMALL)
    assert "https://flame.is.tue.mpg.de" in str(refused.value)


def test_files_that_would_run_or_swell_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "generic_model.pkl"
    path.write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
    with pytest.raises(UnreadableHeadModel, match=r"posix\.system"):
        read_flame(path)
    with path.open("wb") as file:
        file.truncate(300 << 20)
    with pytest.raises(UnreadableHeadModel, match="300 MB"):
        read_flame(path)
    np.savez_compressed(tmp_path / "flame2020.npz", v_template=np.zeros(3 << 17, np.float64))
    assert (tmp_path / "flame2020.npz").stat().st_size < 1 << 20
    monkeypatch.setattr("models.flame.read._LARGEST_FILE", 1 << 20)
    with pytest.raises(UnreadableHeadModel, match="unpacked"):
        read_flame(tmp_path / "flame2020.npz")
    np.savez(tmp_path / "flame2020.npz", v_template=np.array([print], object))
    with pytest.raises(UnreadableHeadModel):
        read_flame(tmp_path / "flame2020.npz")
    path.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(UnreadableHeadModel, match="holds a list"):
        read_flame(path)
    with pytest.raises(UnreadableHeadModel):
        read_flame(tmp_path / "absent.pkl")
