"""One real server process for all tests, and homes at it."""

import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.city import FATHER, LOAN, MOTHER, POLICIES, REGULATOR, City, answered
from tests.cli.running import Home, refused, register_issuers
from zk.exits import Exit
from zk.local_server import LocalServer, running_server

Fresh = Callable[[], Path]


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
    for policy in ("school", "bank"):
        home.json("verifier", "policy", "register", POLICIES / f"{policy}.yaml", env=home.admin)
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


# a city of the composite form, at a server of its own


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    return lambda: tmp_path_factory.mktemp("party") / "zk"


@pytest.fixture(scope="session")
def city(fresh: Fresh) -> Iterator[City]:
    folder = fresh().parent
    with running_server(folder / "data", folder / "server.log") as server:
        yield City.at(server, folder / "city")


@pytest.fixture(scope="session")
def regulator(city: City, second_officer: Home, fresh: Fresh) -> Home:
    """The first officer of the regulator, whose key is registered."""
    home = Home(fresh(), city.home.server).trusting()
    made = [each.json("regulator", "share", "new", REGULATOR) for each in (home, second_officer)]
    assert {stat.S_IMODE(Path(each["share_file"]).stat().st_mode) for each in made} == {0o600}
    home.json("regulator", "combine-keys", REGULATOR, *(each["public_file"] for each in made))
    names = ["--name-zh", "金融监管局", "--name-en", "Financial Regulator"]
    home.json("regulator", "register", REGULATOR, *names, env=home.admin)
    return home


@pytest.fixture(scope="session")
def second_officer(city: City, fresh: Fresh) -> Home:
    """The other officer of the same regulator, at a machine of its own."""
    return Home(fresh(), city.home.server).trusting()


@pytest.fixture(scope="session")
def mother(city: City, fresh: Fresh) -> Home:
    """A vault with everything that the loan and the enrolment by household ask for."""
    return city.holder(fresh(), MOTHER, "child_registration@1", "household@2", *LOAN)


@pytest.fixture(scope="session")
def father(city: City, mother: Home, fresh: Fresh) -> Home:
    """The other parent's vault: the same child, and what the other way to enrol asks for."""
    items = ("child_registration@1", "residence_permit@2", "social_insurance@2")
    return city.holder(fresh(), FATHER, *items)


@pytest.fixture(scope="session")
def city_school(city: City, fresh: Fresh) -> Home:
    return city.verifier(fresh(), "school-1")


@pytest.fixture(scope="session")
def bank(city: City, regulator: Home, fresh: Fresh) -> Home:
    return city.verifier(fresh(), "bank-1", "loan")


@pytest.fixture(scope="session")
def loan(bank: Home, mother: Home) -> dict[str, Any]:
    """What the bank has verified of the first parent."""
    untrusted, _ = answered(bank, "loan", mother)
    assert "does not trust" in refused(untrusted, Exit.REFUSED, "NOTHING_FITS").err
    mother.json("vault", "trust-regulator", REGULATOR, "--yes")
    said, done = answered(bank, "loan", mother)
    assert said.code == 0, said
    assert done.code == 0, done
    assert said.json["escrowed"]["insurance"] == ["id_commit"]
    return done.json
