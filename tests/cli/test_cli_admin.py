"""Administrators at the command: proposals and approvals, at a real server that demands two persons."""

import json
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from disclosure.administration import secret_hash
from tests.cli.running import Done, Home, refused
from tests.zkservice.stored import change
from zk.exits import Exit
from zk.local_server import LocalServer, running_server

NAMES = ("--name-zh", "甲", "--name-en", "A")


@dataclass(frozen=True)
class Person:
    """Somebody with a home and a secret in a file."""

    home: Home
    token: Path

    def zk(self, *arguments: object, stdin: str = "") -> Done:
        return self.home.zk(*arguments, env={"ZK_ADMIN_TOKEN_FILE": str(self.token)}, stdin=stdin)

    def json(self, *arguments: object, code: int = 0) -> dict[str, object]:
        return self.home.json(*arguments, env={"ZK_ADMIN_TOKEN_FILE": str(self.token)}, code=code)

    def propose(self, *arguments: object) -> str:
        """Propose what a command would do; return the action's identifier."""
        proposed = self.json(*arguments, "--propose")["proposed"]
        assert isinstance(proposed, dict)
        assert proposed["state"] == "proposed"
        return str(proposed["action"]).removeprefix("actions/")

    def approve(self, action: str) -> dict[str, object]:
        return self.json("admin", "approve", action, "--yes")


@dataclass(frozen=True)
class Office:
    """Root, and two administrators."""

    data: Path
    root: Person
    ann: Person
    bob: Person
    new_home: Callable[[], Home]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with make_office(tmp_path_factory) as made:
        yield made


@contextmanager
def make_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Start a server that demands two persons, and make two administrators."""
    with started(tmp_path_factory) as (server, new_home):
        root = Person(new_home(), server.admin_token)
        ann, bob = (_person(new_home(), name) for name in ("ann", "bob"))
        root.json("admin", "add", "ann", *NAMES, "--hash", _hash(ann))
        root.approve(ann.propose("admin", "add", "bob", *NAMES, "--hash", _hash(bob)))
        yield Office(server.data, root, ann, bob, new_home)


@contextmanager
def started(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[LocalServer, Callable[[], Home]]]:
    """Start a server that demands two persons; give it and what makes homes that trust it."""
    folder = tmp_path_factory.mktemp("admin")
    data = folder / "data"
    data.mkdir(mode=0o700)
    (data / "zk.toml").write_text("two_persons = true\n", "utf-8")
    with running_server(data, folder / "server.log") as server:

        def new_home() -> Home:
            return Home(tmp_path_factory.mktemp("home") / "zk", server).trusting()

        yield server, new_home


def _person(home: Home, name: str) -> Person:
    made = home.json("admin", "secret", name)
    path = Path(str(made["secret_file"]))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert made["secret_hash"] == secret_hash(path.read_text().strip()).hex()
    return Person(home, path)


def _hash(person: Person) -> str:
    return secret_hash(person.token.read_text().strip()).hex()


def test_a_verifier_is_registered_by_two(office: Office) -> None:
    command = ("verifier", "register", "school-1", *NAMES)
    done = office.ann.zk(*command, "--json")
    refused(done, Exit.REFUSED, "SECOND_PERSON_REQUIRED")
    assert "--propose" in done.err
    assert "zk admin approve" in done.err
    action = office.ann.propose(*command)
    waiting = office.bob.json("admin", "actions")["actions"]
    assert action in json.dumps(waiting)
    shown = office.bob.zk("admin", "show", action)
    assert "verifier_id = 'school-1'" in shown.out
    assert "verifier.display_name.en = 'A'" in shown.out
    key = office.ann.json("verifier", "register", "school-1", *NAMES, "--propose")["proposed"]
    assert isinstance(key, dict)
    own = office.ann.zk("admin", "approve", action, "--yes", "--json")
    refused(own, Exit.REFUSED, "SAME_PERSON")
    assert office.bob.approve(action)["state"] == "done"
    again = office.bob.json("admin", "approve", str(key["action"]), "--yes", code=Exit.REFUSED)
    assert (again["state"], again["reason"]) == ("failed", "ALREADY_EXISTS")


def test_nobody_approves_what_was_not_shown(office: Office) -> None:
    action = office.ann.propose("verifier", "register", "school-2", *NAMES)
    refused(office.bob.zk("admin", "approve", action, "--json"), Exit.USAGE, "NOBODY_TO_ASK")
    shown = office.bob.json("admin", "show", action)
    other = office.bob.zk("admin", "approve", action, "--yes", "--digest", "0" * 64, "--json")
    refused(other, Exit.NOT_VERIFIED, "ACTION_MISMATCH")
    digest = shown["digest"]
    done = office.bob.json("admin", "approve", f"actions/{action}", "--yes", "--digest", digest)
    assert done["state"] == "done"


def test_a_department_and_its_key(office: Office) -> None:
    police = Person(office.new_home(), office.ann.token)
    action = police.propose("issuer", "register", "public-security")
    token = police.home.path / "tokens" / "public-security.token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert token.read_text().strip() not in json.dumps(office.bob.json("admin", "show", action))
    office.bob.approve(action)
    police.home.json("issuer", "schema", "residence_permit@1")
    refused(police.home.zk("issuer", "key", "--json"), Exit.REFUSED, "SECOND_PERSON_REQUIRED")
    action = police.propose("issuer", "key")
    shown = office.bob.json("admin", "show", action)
    assert shown["proposer"] == "departments/public-security"
    own = office.ann.zk("admin", "approve", action, "--yes", "--json")
    refused(own, Exit.REFUSED, "SAME_PERSON")
    office.bob.approve(action)
    listed = police.home.json("issuer", "list")["departments"]
    (key,) = listed[0]["issuer_keys"]
    for word, state in (("verify-only", "verify-only"), ("retire", "retired")):
        office.bob.approve(police.propose("issuer", "key", word, key["issuer_key"]))
        (found,) = police.home.json("issuer", "list")["departments"][0]["issuer_keys"]
        assert found["state"] == state
    office.bob.approve(police.propose("issuer", "identifies", "public-security", "person"))
    assert police.home.json("issuer", "list")["departments"][0]["identifies"] == ["person"]


def test_a_regulator_and_its_access(office: Office) -> None:
    homes = [office.new_home() for _ in range(2)]
    shares = [home.json("regulator", "share", "new", "finance")["public_file"] for home in homes]
    ann = Person(homes[0], office.ann.token)
    ann.json("regulator", "combine-keys", "finance", *shares)
    office.bob.approve(ann.propose("regulator", "register", "finance", *NAMES))
    office.bob.approve(ann.propose("regulator", "access", "finance"))
    ann.home.json("regulator", "view")  # with the token that it has made itself


def test_a_secret_is_replaced_by_its_owner(office: Office) -> None:
    dora = _person(office.new_home(), "dora")
    office.bob.approve(office.ann.propose("admin", "add", "dora", *NAMES, "--hash", _hash(dora)))
    before = dora.token.read_text()
    refused(dora.zk("admin", "secret", "dora", "--json"), Exit.USAGE, "SECRET_EXISTS")
    dora.json("admin", "secret", "dora", "--replace")
    assert dora.token.read_text() != before
    dora.json("admin", "actions")
    lost = _person(office.new_home(), "dora")
    office.bob.approve(office.ann.propose("admin", "secret", "dora", "--hash", _hash(lost)))
    refused(dora.zk("admin", "actions", "--json"), Exit.REFUSED, "TOKEN_INVALID")
    lost.json("admin", "actions")
    office.bob.approve(office.ann.propose("admin", "remove", "dora"))
    refused(lost.zk("admin", "actions", "--json"), Exit.REFUSED, "TOKEN_INVALID")
    listed = office.ann.json("admin", "list")["administrators"]
    assert isinstance(listed, list)
    assert {each["administrator"]: each["active"] for each in listed} == {
        "administrators/ann": True,
        "administrators/bob": True,
        "administrators/dora": False,
    }


def test_nobody_proposes_an_administrator_whose_secret_they_have(office: Office) -> None:
    own = ("admin", "add", "zoe", *NAMES, "--propose", "--json")
    waiting = office.bob.json("admin", "actions")["actions"]
    refused(office.ann.zk(*own), Exit.USAGE, "HASH_MISSING")
    assert not list(office.ann.home.path.glob("administrators/zoe.*")), "none is made at the proposer's"
    said = office.ann.zk(*own[:-1])
    assert "zk admin secret zoe" in said.err
    path = _person(office.ann.home, "zoe").token  # nor is one taken that is there
    refused(office.ann.zk(*own), Exit.USAGE, "HASH_MISSING")
    assert path.exists()
    assert office.bob.json("admin", "actions")["actions"] == waiting


def test_root_makes_the_first_one_at_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    with started(tmp_path_factory) as (server, new_home):
        root = Person(new_home(), server.admin_token)
        refused(root.zk("admin", "add", "ann", *NAMES, "--propose", "--json"), Exit.USAGE, "HASH_MISSING")
        root.json("admin", "add", "ann", *NAMES)
        ann = Person(root.home, root.home.path / "administrators" / "ann.secret")
        ann.json("admin", "actions")
        refused(root.zk("admin", "add", "bob", *NAMES, "--json"), Exit.REFUSED, "SECOND_PERSON_REQUIRED")


def test_a_new_secret_whose_answer_was_lost_is_found_again(office: Office) -> None:
    eve = _person(office.new_home(), "eve")
    office.bob.approve(office.ann.propose("admin", "add", "eve", *NAMES, "--hash", _hash(eve)))
    before = eve.token.read_text()
    eve.json("admin", "secret", "eve", "--replace")
    fresh = eve.token.read_text()
    eve.token.with_suffix(".new").write_text(fresh)
    eve.token.write_text(before)
    eve.json("admin", "secret", "eve", "--replace")
    assert eve.token.read_text() == fresh


def test_what_is_rejected_is_not_done(office: Office) -> None:
    action = office.ann.propose("verifier", "register", "school-3", *NAMES)
    assert office.ann.json("admin", "reject", action)["state"] == "rejected"
    refused(office.bob.zk("admin", "approve", action, "--yes", "--json"), Exit.REFUSED, "ACTION_DECIDED")
    lines = office.bob.zk("admin", "actions", "--all").out.splitlines()
    assert [line for line in lines if action in line and "rejected by administrators/ann" in line]


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("admin", "show", "nothing"), Exit.REFUSED, "NOT_FOUND"),
        (("admin", "add", "x", *NAMES, "--hash", "12"), Exit.USAGE, "HASH_INVALID"),
        (("admin", "secret", "ann", "--hash", "zz" * 32), Exit.USAGE, "HASH_INVALID"),
        (("admin", "secret", "A B"), Exit.USAGE, "NAME_INVALID"),
        (("issuer", "identifies", "nowhere", "person", "--propose"), Exit.REFUSED, "NOT_FOUND"),
    ],
)
def test_what_cannot_be(office: Office, arguments: tuple[str, ...], code: Exit, reason: str) -> None:
    refused(office.ann.zk(*arguments, "--json"), code, reason)


def test_every_step_is_checked_against_the_ledger(office: Office) -> None:
    """Last, since it changes what the service has: an action that was taken away is missed, and so is one of
    which something else is said."""
    action = office.ann.propose("verifier", "register", "school-4", *NAMES)
    office.bob.approve(action)
    waiting = office.ann.propose("verifier", "register", "school-5", *NAMES)
    verified = office.bob.json("admin", "list", "--verify")["verified"]
    assert isinstance(verified, dict)
    assert verified["records"] > verified["actions"] >= 2
    assert "Everything holds" in office.bob.zk("admin", "list", "--verify").out
    statement = "update admin_action set {} where id = ?"
    calling = "method = 'zkproto.v1.CatalogService/{}'"
    for wrong, right in (
        ("decider = 'administrators/root'", "decider = 'administrators/bob'"),
        ("decider = 'administrators/ann'", "decider = 'administrators/bob'"),
        ("state = 'failed', reason = 'NOT_FOUND'", "state = 'done', reason = ''"),
        ("state = 'rejected'", "state = 'done'"),
        ("proposer = 'administrators/root'", "proposer = 'administrators/ann'"),
        (calling.format("UpdateVerifier"), calling.format("CreateVerifier")),
    ):
        change(office.data, statement.format(wrong), action)
        done = office.bob.zk("admin", "list", "--verify", "--json")
        refused(done, Exit.NOT_VERIFIED, "ACTION_DIFFERS")
        change(office.data, statement.format(right), action)
    office.bob.json("admin", "list", "--verify")
    change(office.data, "delete from admin_action_record where action = ?", waiting)
    change(office.data, "delete from admin_action where id = ?", waiting)
    refused(office.bob.zk("admin", "list", "--verify", "--json"), Exit.NOT_VERIFIED, "ACTIONS_MISSING")


def test_an_administrator_is_renamed(office: Office) -> None:
    called = ("--name-zh", "安安", "--name-en", "Anna")
    own = office.ann.json("admin", "rename", "ann", *called)
    assert own["display_name"] == {"zh": "安安", "en": "Anna"}
    done = office.bob.zk("admin", "rename", "ann", *NAMES, "--json")
    refused(done, Exit.REFUSED, "SECOND_PERSON_REQUIRED")
    action = office.bob.propose("admin", "rename", "ann", *NAMES)
    decided = office.root.json("admin", "approve", action, "--yes")
    assert decided["state"] == "done"
    listed = office.ann.json("admin", "list")["administrators"]
    assert {"zh": "甲", "en": "A"} in [each["display_name"] for each in listed]  # type: ignore[attr-defined]
    refused(office.ann.zk("admin", "rename", "nobody", *called, "--json"), Exit.REFUSED, "NOT_FOUND")
