"""A fresh lake, open for committing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from warehouse.commit import open_committer
from warehouse.lake import Lake


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with open_committer(tmp_path, threads=1) as opened:
        yield opened
