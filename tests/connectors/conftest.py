"""A department at a real server, and a PostgreSQL server beside it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.cli.running import Home, register_issuers
from zk.local_server import running_server


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    with postgres.running(options="-c log_statement=all") as server:
        yield server.url


@pytest.fixture
def department(tmp_path: Path) -> Iterator[Home]:
    with running_server(tmp_path / "data", tmp_path / "server.log") as server:
        home = Home(tmp_path / "home", server).trusting()
        register_issuers(home)
        yield home
