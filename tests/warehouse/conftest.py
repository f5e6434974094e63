"""Warehouses to test with: on this machine alone, and, marked slow, over PostgreSQL and S3."""

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.warehouse.cluster import HOW_TO_GET_MOTO, HOW_TO_GET_POSTGRES, SECRETS, Cluster, postgres_binaries
from warehouse.commit import open_committer
from warehouse.lake import CATALOGUE, Lake


class Backend(Protocol):
    """Where the warehouses of a test are."""

    def make(self, root: Path) -> Path:
        """A place for a new warehouse."""

    def copy(self, source: Path, target: Path) -> Path:
        """A whole warehouse again."""

    def lose_catalogue(self, root: Path) -> None:
        """As if it had never been."""


class Embedded:
    """SQLite and local files."""

    def make(self, root: Path) -> Path:
        return root

    def copy(self, source: Path, target: Path) -> Path:
        return Path(shutil.copytree(source, target))  # keeps the files' times

    def lose_catalogue(self, root: Path) -> None:
        (root / CATALOGUE).unlink()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One for all tests: its servers take seconds to start."""
    binaries = postgres_binaries()
    if binaries is None:
        pytest.skip(HOW_TO_GET_POSTGRES)
    if importlib.util.find_spec("moto") is None:
        pytest.skip(HOW_TO_GET_MOTO)
    with pytest.MonkeyPatch.context() as environment:
        for name, secret in SECRETS.items():
            environment.setenv(name, secret)
        servers = Cluster(binaries)
        yield servers
        servers.stop()


@pytest.fixture(scope="session", params=["embedded", pytest.param("cluster", marks=pytest.mark.slow)])
def backend(request: pytest.FixtureRequest) -> Backend:
    if request.param == "embedded":
        return Embedded()
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster


@pytest.fixture
def place(backend: Backend, tmp_path: Path) -> Path:
    """Where to make a warehouse."""
    return backend.make(tmp_path / "lake")


@pytest.fixture
def lake(place: Path) -> Iterator[Lake]:
    """A fresh lake, open for committing."""
    with open_committer(place, threads=1) as opened:
        yield opened
