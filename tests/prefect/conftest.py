from collections.abc import Iterator

import pytest

from tests.prefect.server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests: a start costs half a minute."""
    server = Server(tmp_path_factory.mktemp("prefect"))
    try:
        server.wait(240)
        yield server
    finally:
        server.stop()
