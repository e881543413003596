"""Tokens that departments and regulators make: two administrators register their hash, and know nothing."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from disclosure.administration import new_secret, secret_hash
from tests.cli.running import Home, refused
from tests.cli.test_cli_admin import NAMES, Office, make_office
from zk.exits import Exit


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with make_office(tmp_path_factory) as made:
        yield made


def made(home: Home, *command: str) -> tuple[str, str]:
    """Make a token; return it and the hash that was printed."""
    told = home.json(*command)
    path = Path(str(told["token_file"]))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    token = path.read_text().strip()
    assert told["token_hash"] == secret_hash(token).hex()
    assert token not in str(told)
    return token, str(told["token_hash"])


def nobody_has(office: Office, token: str) -> None:
    """No administrator's home, and nothing that the service keeps, holds a token."""
    folders = [
        office.data,
        office.data.parent,
        *(each.home.path for each in (office.root, office.ann, office.bob)),
    ]
    files = [each for folder in folders for each in folder.rglob("*") if each.is_file()]
    assert files
    assert not [each for each in files if token.encode() in each.read_bytes()]


def test_a_department_brings_the_hash_alone(office: Office) -> None:
    home = office.new_home()
    token, hashed = made(home, "issuer", "token", "tax")
    assert made(home, "issuer", "token", "tax") == (token, hashed), "asked again it is the same one"
    before = set(office.ann.home.path.rglob("*"))
    command = ("issuer", "register", "tax", *NAMES, "--token-hash", hashed)
    refused(office.ann.zk(*command, "--json"), Exit.REFUSED, "SECOND_PERSON_REQUIRED")
    action = office.ann.propose(*command)
    shown = office.bob.zk("admin", "show", action)
    assert hashed in shown.out
    office.bob.approve(action)
    assert set(office.ann.home.path.rglob("*")) == before, "the proposer keeps nothing"
    home.json("issuer", "accumulator", "--department", "tax")
    nobody_has(office, token)


def test_another_token_of_the_departments_takes_the_place_of_the_one_before(office: Office) -> None:
    home = office.new_home()
    _, hashed = made(home, "issuer", "token", "health")
    office.bob.approve(office.ann.propose("issuer", "register", "health", *NAMES, "--token-hash", hashed))
    path = home.path / "tokens" / "health.token"
    before = path.read_text()
    token, hashed = made(home, "issuer", "token", "health", "--replace")
    assert path.read_text() == before, "the one that counts stays until the other does"
    action = office.ann.propose("tokens", "replace", "health", "--token-hash", hashed)
    home.json("issuer", "accumulator", "--department", "health")
    assert path.read_text() == before
    office.bob.approve(action)
    home.json("issuer", "accumulator", "--department", "health")
    assert path.read_text().strip() == token
    assert not path.with_suffix(".new").exists()
    nobody_has(office, token)


def test_a_regulator_brings_the_hash_alone(office: Office) -> None:
    homes = [office.new_home() for _ in range(2)]
    shares = [home.json("regulator", "share", "new", "audit")["public_file"] for home in homes]
    home = homes[0]
    home.json("regulator", "combine-keys", "audit", *shares)
    registering = ("regulator", "register", "audit", *NAMES)
    action = home.json(*registering, "--propose", env={"ZK_ADMIN_TOKEN_FILE": str(office.ann.token)})[
        "proposed"
    ]["action"]
    office.bob.approve(str(action))
    token, hashed = made(home, "regulator", "token", "audit")
    office.bob.approve(office.ann.propose("regulator", "access", "audit", "--token-hash", hashed))
    home.json("regulator", "view")
    nobody_has(office, token)


@pytest.mark.parametrize("hashed", ["", "12", "zz" * 32, "ab" * 33, f"{'ab' * 31} b", "٣" * 64])
@pytest.mark.parametrize(
    "command",
    [("issuer", "register", "x", *NAMES), ("tokens", "replace", "x"), ("regulator", "access", "x")],
    ids=lambda each: each[0],
)
def test_what_is_no_hash_is_refused(office: Office, command: tuple[str, ...], hashed: str) -> None:
    refused(office.ann.zk(*command, "--token-hash", hashed, "--json"), Exit.USAGE, "HASH_INVALID")


def test_the_hash_of_a_secret_that_somebody_has_is_refused(office: Office) -> None:
    """An administrator who brings its own secret's hash for a department would be two persons."""
    own = secret_hash(office.ann.token.read_text().strip()).hex()
    action = office.ann.propose("issuer", "register", "mine", *NAMES, "--token-hash", own)
    failed = office.bob.json("admin", "approve", action, "--yes", code=Exit.REFUSED)
    assert failed["state"] == "failed"
    known = [each["department"] for each in office.ann.json("issuer", "list")["departments"]]  # type: ignore[attr-defined]
    assert "departments/mine" not in known


def test_a_department_that_brought_its_hash_proposes_and_its_proposer_does_not_approve(
    office: Office,
) -> None:
    """The service cannot know who made the token: whoever proposed it stays no second person."""
    home = office.new_home()
    _, hashed = made(home, "issuer", "token", "land")
    office.bob.approve(office.ann.propose("issuer", "register", "land", *NAMES, "--token-hash", hashed))
    action = str(home.json("issuer", "key", "--department", "land", "--propose")["proposed"]["action"])
    refused(office.ann.zk("admin", "approve", action, "--yes", "--json"), Exit.REFUSED, "SAME_PERSON")
    office.bob.approve(action.removeprefix("actions/"))


def test_a_hash_is_no_token(office: Office) -> None:
    home = office.new_home()
    _, hashed = made(home, "issuer", "token", "water")
    office.bob.approve(office.ann.propose("issuer", "register", "water", *NAMES, "--token-hash", hashed))
    path = home.path / "tokens" / "water.token"
    for wrong in (hashed, new_secret()):
        path.write_text(f"{wrong}\n")
        done = home.zk("issuer", "accumulator", "--department", "water", "--json")
        refused(done, Exit.REFUSED, "TOKEN_INVALID")
