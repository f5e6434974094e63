"""Every store does the same: files whole or not at all, folders whole or not at all."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.conftest import Backend, Embedded
from warehouse.config import load_config
from warehouse.errors import StoreUnreachable
from warehouse.s3 import S3Store, open_s3
from warehouse.store import LocalStore, Store, open_store


@pytest.fixture
def store(place: Path) -> Store:
    return open_store(place).sub("deep/inside")


def test_a_file_comes_back_as_it_went(store: Store) -> None:
    assert (store.names(), store.folders()) == ([], [])
    store.write("b", b"two")
    store.write("a/x", b"one")
    store.write("a/x", b"three")
    assert store.names() == ["a/x", "b"]
    assert store.sub("a").names() == ["x"]
    assert store.sub("a").read("x") == store.read("a/x") == b"three"
    assert store.size_bytes("a/x") == 5
    assert abs(store.modified("a/x").timestamp() - time.time()) < 600
    with store.open("a/x") as file:
        file.seek(2)
        assert file.read() == b"ree"
    store.remove(["b", "not there"])
    assert store.names() == ["a/x"]


def test_what_is_not_there_is_a_file_not_found(store: Store) -> None:
    for ask in (store.open, store.read, store.size_bytes, store.modified):
        with pytest.raises(FileNotFoundError):
            ask("not there")
    store.remove_folder("not there")
    store.discard_unfinished(0)


def test_a_second_name_outlives_the_first(store: Store) -> None:
    store.write("one", b"1")
    store.sub("other").link(store.url("one"), "two")
    store.remove(["one"])
    assert store.read("other/two") == b"1"


def test_a_folder_appears_whole(store: Store) -> None:
    with store.workspace() as work:
        (work / "in").mkdir()
        (work / "in" / "x").write_bytes(b"1")
        (work / "y").write_bytes(b"2")
        assert store.folders() == []
        store.publish(work, "done")
    assert store.folders() == ["done"]
    assert store.sub("done").names() == ["in/x", "y"]
    with store.workspace() as work:
        (work / "y").write_bytes(b"other")
        store.publish(work, "done")
    assert store.read("done/y") == b"2"  # what is there stays
    folder = store.local_folder("done", lambda _: None)
    assert (folder / "in" / "x").read_bytes() == b"1"
    store.remove_folder("done")
    assert (store.folders(), store.names()) == ([], [])


def test_a_folder_whose_writer_died_is_none_and_is_cleared_away(
    backend: Backend, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def dies(*arguments: Any) -> None:
        calls.append(arguments)
        raise KeyboardInterrupt

    store.write("beside", b"")
    if isinstance(backend, Embedded):
        monkeypatch.setattr(os, "fsync", dies)
    else:
        monkeypatch.setattr(S3Store, "_upload", dies)
    with store.workspace() as work:
        (work / "x").write_bytes(b"1")
        with pytest.raises(KeyboardInterrupt):
            store.publish(work, "half")
    monkeypatch.undo()
    assert calls
    assert store.folders() == []
    store.discard_unfinished(3600)
    store.discard_unfinished(-5)  # a server's clock is not quite ours
    assert store.names() == ["beside"]


@pytest.mark.slow
def test_an_object_store_out_of_reach_says_what_to_see_to(tmp_path: Path) -> None:
    (tmp_path / "warehouse.toml").write_text(
        'store = "s3://bucket/x"\nendpoint = "http://127.0.0.1:1"\nregion = "eu-north-1"\n'
    )
    store = open_s3(load_config(tmp_path), LocalStore(tmp_path))
    with pytest.raises(StoreUnreachable, match=r"s3://bucket/x: (?s:.*)AWS_ACCESS_KEY_ID"):
        store.read("a")
