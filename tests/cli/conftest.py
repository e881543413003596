"""One real server process for all tests, and homes at it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.running import Home, register_issuers
from zk.local_server import LocalServer, running_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    folder = tmp_path_factory.mktemp("server")
    with running_server(folder / "data", folder / "server.log") as started:
        yield started


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory, server: LocalServer) -> Callable[[], Home]:
    """Make homes that trust the server's log key."""
    return lambda: Home(tmp_path_factory.mktemp("home") / "zk", server).trusting()


@pytest.fixture(scope="session")
def issuer(new_home: Callable[[], Home]) -> Home:
    """A home with two departments."""
    home = new_home()
    register_issuers(home)
    return home


@pytest.fixture(scope="session")
def school(issuer: Home, new_home: Callable[[], Home]) -> Home:
    """A home with a registered verifier, at a server where what it asks for is registered."""
    home = new_home()
    home.json(
        "verifier", "register", "school-7", "--name-zh", "第七小学", "--name-en", "School 7", env=home.admin
    )
    return home


@pytest.fixture(scope="session")
def holder(issuer: Home, new_home: Callable[[], Home]) -> Home:
    """A home with a vault that holds both credentials."""
    home = new_home()
    home.json("vault", "create")
    for item in ("residence_permit", "social_insurance"):
        home.json("vault", "claim", issuer.issue(item))
    return home


@pytest.fixture
def home(new_home: Callable[[], Home]) -> Home:
    """A home of this test alone."""
    return new_home()


@pytest.fixture
def empty(tmp_path: Path, server: LocalServer) -> Home:
    """A home in which nothing is pinned."""
    return Home(tmp_path / "empty", server)
