"""Drafts on a disk and in a store that is not one: the same contract."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from flows.drafts import Drafts, drafts_of
from warehouse.store import LocalStore


class Elsewhere:
    """A store whose files cannot be opened by path: a ``LocalStore`` that does not own up to it."""

    def __init__(self, folder: Path) -> None:
        self._disk = LocalStore(folder)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._disk, name)

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        with TemporaryDirectory() as folder:
            yield Path(folder)


@pytest.fixture(params=["disk", "elsewhere"])
def drafts(request: pytest.FixtureRequest, tmp_path: Path) -> Drafts:
    if request.param == "disk":
        return drafts_of(tmp_path)
    return Drafts(Elsewhere(tmp_path / "drafts"))  # type: ignore[arg-type]


def make(drafts: Drafts, **contents: int) -> tuple[str, ...]:
    """Drafts of so many bytes."""
    with drafts.workshop() as folder:
        for name, size in contents.items():
            (folder / name).write_bytes(name.encode() * size)
        return tuple(drafts.keep(folder / name) for name in contents)


def test_a_kept_draft_is_there_until_it_is_removed(drafts: Drafts) -> None:
    names = make(drafts, a=1, b=2)
    assert drafts.have([*names, "c"]) == {"a", "b"}
    with drafts.at_hand(["b", "a"]) as (b, a):
        assert (a.read_bytes(), b.read_bytes()) == (b"a", b"bb")
    drafts.remove(["a", "gone already"])
    assert drafts.have(names) == {"b"}


def test_nothing_is_there_before_the_first_run(drafts: Drafts) -> None:
    assert drafts.have(["a"]) == frozenset()
    assert drafts.sweep(timedelta(0)) == ()


def test_portions_are_no_larger_than_a_commit_may_be(drafts: Drafts) -> None:
    names = make(drafts, a=40, b=40, c=40, d=500, e=1)
    assert list(drafts.portions(names, 100)) == [("a", "b"), ("c",), ("d",), ("e",)]
    assert list(drafts.portions((), 100)) == []


def test_only_what_nobody_took_up_is_swept(drafts: Drafts, tmp_path: Path) -> None:
    make(drafts, old=1, new=1)
    month_ago = time.time() - 30 * 86_400
    os.utime(tmp_path / "drafts" / "old", (month_ago, month_ago))
    assert drafts.sweep(timedelta(days=14)) == ("old",)
    assert drafts.have(["old", "new"]) == {"new"}
