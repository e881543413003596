"""`zk tokens`, and commands that show a certificate, over a real server that takes no secrets."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jwt
import pytest

from tests.cli.running import Home, refused, register_issuers
from tests.zkservice.certifying import Authority
from zk.exits import Exit
from zk.local_server import LocalServer, launch, ready_line, stop


@dataclass
class Place:
    """A server that takes no secrets and has a port for certificates, and a home with departments at it."""

    home: Home
    authority: Authority
    certified: LocalServer

    def shown(self, folder: Path, uri: str) -> dict[str, str | None]:
        """Return the environment of whoever has a certificate."""
        key, certificate = self.authority.client(uri)
        for name, octets in (("client.key", key), ("client.pem", certificate)):
            (folder / name).write_bytes(octets)
        return {
            "ZK_CLIENT_CERTIFICATE": str(folder / "client.pem"), "ZK_CLIENT_KEY": str(folder / "client.key")
        }  # fmt: skip

    def elsewhere(self, folder: Path) -> Home:
        """Return a home without any secret, at the port for certificates."""
        return Home(folder / "elsewhere", self.certified).trusting()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder, authority = tmp_path_factory.mktemp("tokens"), Authority()
    settings = {
        "ZK_ACCEPT_SECRETS": "false", "ZK_CLIENT_PORT": "0", "ZK_PROCESSES": "0",
        "ZK_CLIENT_CA": str(authority.written(folder)),
    }  # fmt: skip
    log = folder / "server.log"
    with log.open("w") as errors:
        process = launch(
            ["serve", "--dev", "--data", folder / "data", "--port", "0", "--json"], errors, settings
        )
        try:
            ready = ready_line(process, log)
            server = LocalServer(ready["address"], folder / "data", process.pid)
            certified = LocalServer(ready["client_address"], folder / "data", process.pid)
            home = Home(folder / "home", server).trusting()
            register_issuers(home)
            yield Place(home, authority, certified)
        finally:
            assert stop(process) == 0


def test_commands_exchange_their_secrets_by_themselves(place: Place) -> None:
    """Everything that registers and issues has gone through tokens; the log has no secret."""
    place.home.issue("residence_permit")
    log = (place.home.server.data.parent / "server.log").read_text()
    assert "TokenService/CreateToken" in log
    secrets = [place.home.server.admin_token, *(place.home.path / "tokens").glob("*.token")]
    assert len(secrets) == 3
    for path in secrets:
        assert path.read_text().strip() not in log
    assert "eyJ" not in log


def test_a_token_is_made_for_other_programs(place: Place, tmp_path: Path) -> None:
    made = place.home.json("tokens", "create", "--department", "hrss")
    assert jwt.decode(made["token"], options={"verify_signature": False})["sub"] == made["name"]
    assert made["name"] == "departments/hrss"
    path = tmp_path / "token"
    made = place.home.json("tokens", "create", "--output", path, env=place.home.admin)
    assert (made["name"], "token" in made) == ("administrators/root", False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # What is a token already is used as it is, and makes no other one.
    done = place.home.zk("tokens", "create", "--secret-file", path, "--json")
    refused(done, Exit.REFUSED, "TOKEN_INVALID")


def test_keys_are_rotated_by_the_operator(place: Place) -> None:
    operator = place.home.server.data / "operator.token"
    before = place.home.json("tokens", "keys")["keys"]
    made = place.home.json("tokens", "rotate", "--secret-file", operator)["key"]
    found = place.home.json("tokens", "keys")["keys"]
    assert [each["kid"] for each in found] == [made["kid"], *(each["kid"] for each in before)]
    assert "signs since" in place.home.zk("tokens", "keys").out
    department = place.home.path / "tokens" / "hrss.token"
    done = place.home.zk("tokens", "rotate", "--secret-file", department, "--json")
    refused(done, Exit.REFUSED, "TOKEN_INVALID")
    place.home.json("tokens", "rotate", "--at-once", env=place.home.admin)
    assert len(place.home.json("tokens", "keys")["keys"]) == 1


def test_a_department_gets_another_secret(place: Place, tmp_path: Path) -> None:
    path = place.home.path / "tokens" / "hrss.token"
    before = tmp_path / "before"
    before.write_text(path.read_text())
    place.home.json("tokens", "replace", "hrss")
    assert path.read_text() != before.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    done = place.home.zk("tokens", "create", "--secret-file", before, "--json")
    refused(done, Exit.REFUSED, "TOKEN_INVALID")
    place.home.json("tokens", "create", "--department", "hrss")
    place.home.json("tokens", "replace", "hrss", "--admin-token-file", place.home.server.admin_token)
    place.home.json("tokens", "create", "--department", "hrss")


def test_a_certificate_does_without_any_secret(place: Place, tmp_path: Path) -> None:
    elsewhere, mine = place.elsewhere(tmp_path), place.shown(tmp_path, "zk:departments/hrss")
    arguments = ("issuer", "accumulator", "--department", "hrss")
    refused(elsewhere.zk(*arguments, "--json"), Exit.USAGE, "DEPARTMENT_NOT_HERE")
    elsewhere.json(*arguments, env=mine)
    other = ("issuer", "accumulator", "--department", "public-security", "--json")
    refused(elsewhere.zk(*other, env=mine), Exit.REFUSED, "TOKEN_INVALID")
    alone = {"ZK_CLIENT_CERTIFICATE": mine["ZK_CLIENT_CERTIFICATE"]}
    refused(elsewhere.zk(*arguments, "--json", env=alone), Exit.USAGE, "CLIENT_KEY_MISSING")


def test_an_operator_rotates_by_its_certificate(place: Place, tmp_path: Path) -> None:
    elsewhere, mine = place.elsewhere(tmp_path), place.shown(tmp_path, "zk:operators/night-shift")
    nothing = tmp_path / "nothing"
    nothing.write_text("")
    assert elsewhere.json("tokens", "rotate", "--secret-file", nothing, env=mine)["key"]["kid"]


def test_a_vault_shows_no_certificate_whatever_the_environment_says(place: Place, tmp_path: Path) -> None:
    """It would name its holder: on the port that demands one it is not let in."""
    elsewhere, mine = place.elsewhere(tmp_path), place.shown(tmp_path, "zk:departments/hrss")
    elsewhere.json("vault", "create")
    done = elsewhere.zk("vault", "trust-regulator", "nobody", "--yes", "--json", env=mine)
    refused(done, Exit.UNREACHABLE, "UNAVAILABLE")
