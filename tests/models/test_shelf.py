"""Heads of the user's own on the shelf: they come back as they were, and a warehouse's word is no path."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from models.head.model import UnreadableHeadModel, load_open_head
from models.head.shelf import HeadShelf, UnknownHeadModel
from tests.models.flame.dressed import dressed_head


def test_a_head_comes_back_as_it_was(tmp_path: Path) -> None:
    shelf, head = HeadShelf.beside(tmp_path), dressed_head()
    shelf.put(head)
    again = shelf.head(head.name)
    for field in fields(head):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(head, field.name))
    assert [p.name for p in (tmp_path / "heads").iterdir()] == [f"{head.name}.npz"]


def test_the_open_head_is_always_there() -> None:
    assert HeadShelf(None).head("open-head@1") is load_open_head()


@pytest.mark.parametrize("name", ["flame2020@00000000", "../heads/flame2020@0123abcd", "flame2020", ""])
def test_other_names_are_not_there(tmp_path: Path, name: str) -> None:
    shelf = HeadShelf(tmp_path / "heads")
    shelf.put(dressed_head())
    for of_it in (shelf, HeadShelf(None)):
        with pytest.raises(UnknownHeadModel, match="xtalker curate"):
            of_it.head(name)


def test_a_file_of_another_name_or_cut_short_is_no_head(tmp_path: Path) -> None:
    shelf, head = HeadShelf(tmp_path), dressed_head()
    place = shelf.put(head)
    shelf.put(replace(head, name="flame2020@ffffffff")).replace(place)
    with pytest.raises(UnreadableHeadModel, match="ffffffff"):
        shelf.head(head.name)
    place.write_bytes(place.read_bytes()[:1000])
    with pytest.raises(UnreadableHeadModel):
        shelf.head(head.name)
