"""New secrets that are only proposed: the one that counts stays until the service has taken the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from disclosure.administration import new_secret
from tests.cli.running import refused
from tests.cli.test_cli_admin import NAMES, Office, Person, make_office
from tests.zkservice.stored import change
from zk.exits import Exit


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with make_office(tmp_path_factory) as made:
        yield made


@pytest.fixture
def tax(office: Office, request: pytest.FixtureRequest) -> Person:
    """A department whose token is in Ann's other home; each test has its own."""
    name = _department(request)
    tax = Person(office.new_home(), office.ann.token)
    office.bob.approve(tax.propose("issuer", "register", name, *NAMES))
    return tax


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return _department(request)


def _department(request: pytest.FixtureRequest) -> str:
    return "d-" + str(request.node.name).removeprefix("test_")[:20].replace("_", "-").strip("-")


def _files(person: Person, name: str) -> tuple[Path, Path]:
    path = person.home.path / "tokens" / f"{name}.token"
    return path, path.with_suffix(".new")


def _replacing(person: Person, name: str) -> str:
    return person.propose("tokens", "replace", name, "--admin-token-file", person.token)


def _counts(person: Person, name: str) -> None:
    person.home.json("issuer", "accumulator", "--department", name)


def test_until_it_is_approved_the_one_before_counts(office: Office, tax: Person, name: str) -> None:
    path, waiting = _files(tax, name)
    before = path.read_text()
    command = ("tokens", "replace", name, "--admin-token-file", tax.token, "--propose")
    said = tax.zk(*command)
    assert f"The new secret waits in {waiting}." in said.out
    proposed = tax.json(*command)
    assert proposed["secret_file"] == str(waiting)
    fresh = waiting.read_text()
    assert (path.read_text(), fresh == before) == (before, False)
    _counts(tax, name)
    action = proposed["proposed"]
    assert isinstance(action, dict)
    office.bob.approve(str(action["action"]))
    _counts(tax, name)
    assert (path.read_text(), waiting.exists()) == (fresh, False)
    refused(tax.home.zk("tokens", "create", "--secret-file", _written(tax, before), "--json"),
            Exit.REFUSED, "TOKEN_INVALID")  # fmt: skip


def _written(person: Person, secret: str) -> Path:
    path = person.home.path / "elsewhere"
    path.write_text(secret)
    return path


@pytest.mark.parametrize("end", ["rejected", "expired"])
def test_what_is_never_approved_takes_nothing_away(office: Office, end: str) -> None:
    tax, name = Person(office.new_home(), office.ann.token), f"d-{end}"
    office.bob.approve(tax.propose("issuer", "register", name, *NAMES))
    path, waiting = _files(tax, name)
    before = path.read_text()
    action = _replacing(tax, name)
    if end == "rejected":
        office.bob.json("admin", "reject", action)
    else:
        change(office.data, "update admin_action set expires = 1 where id = ?", action)
        refused(office.bob.zk("admin", "approve", action, "--yes", "--json"), Exit.REFUSED, "ACTION_EXPIRED")
    _counts(tax, name)
    assert path.read_text() == before
    fresh = waiting.read_text()
    office.bob.approve(_replacing(tax, name))  # proposed anew it is the same new one
    _counts(tax, name)
    assert path.read_text() == fresh


def test_what_the_service_never_heard_of_takes_nothing_away(tax: Person, name: str) -> None:
    path, waiting = _files(tax, name)
    before = path.read_text()
    away = ("--propose", "--server", "localhost:1", "--json")
    command = ("tokens", "replace", name, "--admin-token-file", tax.token)
    refused(tax.zk(*command, *away), Exit.UNREACHABLE, "UNAVAILABLE")
    assert (path.read_text(), waiting.exists()) == (before, True)
    gone = tax.home.zk("issuer", "accumulator", "--department", name, "--server", "localhost:1", "--json")
    refused(gone, Exit.UNREACHABLE, "UNAVAILABLE")
    assert (path.read_text(), waiting.exists()) == (before, True)
    _counts(tax, name)


def test_an_approved_name_that_there_is_already_takes_nothing_away(
    office: Office, tax: Person, name: str
) -> None:
    path, _ = _files(tax, name)
    before = path.read_text()
    action = tax.propose("issuer", "register", name, *NAMES, "--replace")
    failed = office.bob.json("admin", "approve", action, "--yes", code=Exit.REFUSED)
    assert failed["reason"] == "ALREADY_EXISTS"
    _counts(tax, name)
    assert path.read_text() == before


def test_what_stands_beside_and_is_anothers_or_nobodys_is_not_used(
    office: Office, tax: Person, name: str
) -> None:
    path, waiting = _files(tax, name)
    before = path.read_text()
    for other in (office.bob.token.read_text(), f"{new_secret()}\n"):
        waiting.write_text(other)
        path.write_text(f"{new_secret()}\n")
        done = tax.home.zk("issuer", "accumulator", "--department", name, "--json")
        refused(done, Exit.REFUSED, "TOKEN_INVALID")
        assert (path.read_text() == other, waiting.read_text()) == (False, other)
    path.write_text(before)
    _counts(tax, name)


def test_a_regulators_access_counts_until_the_next(office: Office) -> None:
    homes = [office.new_home() for _ in range(2)]
    shares = [home.json("regulator", "share", "new", "audit")["public_file"] for home in homes]
    ann = Person(homes[0], office.ann.token)
    ann.json("regulator", "combine-keys", "audit", *shares)
    office.bob.approve(ann.propose("regulator", "register", "audit", *NAMES))
    office.bob.approve(ann.propose("regulator", "access", "audit"))
    path = ann.home.path / "regulators" / "audit.token"
    before, action = path.read_text(), ann.propose("regulator", "access", "audit")
    ann.home.json("regulator", "view")
    assert path.read_text() == before
    office.bob.approve(action)
    ann.home.json("regulator", "view")
    assert path.read_text() != before
