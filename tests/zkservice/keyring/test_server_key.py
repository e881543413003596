"""The private key of a server's certificate, encrypted under the keyring: shown as before, open nowhere."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.zkservice.keyring.living import Lived, rotated
from tests.zkservice.keyring.making import TOY, by_file, program
from tests.zkservice.support import City, reopened
from tests.zkservice.test_server_certificate import NOT_SERVING, SERVING, Operator, ask, now, serial, shown
from zkservice.config import Settings
from zkservice.keyring import server_key
from zkservice.keyring.errors import KeyringError, KeyringReason
from zkservice.keyring.providers import provider_of
from zkservice.keyring.resealing import reseal

PASSWORD: Final = b"0" * 64


@dataclass
class Place:
    """A data folder whose settings name an operator's certificate and a provider."""

    operator: Operator
    folder: Path
    given: dict[str, Any]

    @property
    def key(self) -> Path:
        return self.operator.folder / "key.pem"

    def password(self) -> bytes:
        provider = provider_of(Settings(data=self.folder, **self.given))
        return server_key.password_of(self.folder / "keys", provider)

    def protected(self, octets: bytes) -> bytes:
        """Return what a private key's file holds when it was protected."""
        path = self.operator.folder / "making" / "protected.pem"
        path.write_bytes(octets)
        assert server_key.protect(path, self.password())
        return path.read_bytes()

    async def check(self, town: City, chain: bytes) -> None:
        """See that new connections are shown a certificate over gRPC and over HTTP, and are served."""
        self.operator.town = town
        await self.operator.until_shown(chain)
        port = town.ready.http_port
        assert port is not None
        assert await shown(self.operator.root, "localhost", port) == serial(chain)
        async with self.operator.channel() as channel:
            await ask(channel)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr("zkservice.server_certificate.SECONDS", 0.1)
    operator = Operator(tmp_path, None)  # type: ignore[arg-type] # the server comes later
    (tmp_path / "making").mkdir()
    operator.put(*operator.make(now()))
    folder = tmp_path / "server"
    folder.mkdir()
    shutil.copy(tmp_path / "making" / "ca.pem", folder / "ca.pem")
    given: dict[str, Any] = {
        "dev": False,
        "certificate": tmp_path / "chain.pem",
        "private_key": tmp_path / "key.pem",
        "http_port": 0,
        **by_file(tmp_path / "provider.key"),
    }
    return Place(operator, folder, given)


async def test_it_is_shown_under_traffic_after_rotations_and_restarts(place: Place) -> None:
    chain = (place.operator.folder / "chain.pem").read_bytes()
    async with reopened(place.folder, **place.given) as town:
        assert server_key.protect(place.key, place.password())
        assert b"BEGIN ENCRYPTED PRIVATE KEY" in place.key.read_bytes()
        await place.check(town, chain)
        key, chain = place.operator.make(now())
        place.operator.put(place.protected(key), chain)
        await place.check(town, chain)
        await place.operator.until_health(SERVING)
        await rotated(town, place.given)
    lived = Lived(place.folder, place.given)
    with lived.working() as work:
        assert reseal(work, settle=0).retired == 1
    async with reopened(place.folder, **place.given) as town:
        await place.check(town, chain)
        key, chain = place.operator.make(now())
        place.operator.put(key, chain)  # one that lies open is taken as well
        await place.check(town, chain)


async def test_one_of_another_keyring_is_not_taken_and_the_one_before_stays(place: Place) -> None:
    old = (place.operator.folder / "chain.pem").read_bytes()
    async with reopened(place.folder, **place.given) as town:
        place.operator.town = town
        key, chain = place.operator.make(now())
        own = place.protected(key)
        place.key.write_bytes(key)
        assert server_key.protect(place.key, PASSWORD)
        place.operator.put(chain=chain)
        await place.operator.until_health(NOT_SERVING)
        assert await place.operator.shown() == serial(old)
        place.operator.put(own)
        await place.check(town, chain)
        await place.operator.until_health(SERVING)


async def test_a_server_that_cannot_open_it_says_so_and_does_not_start(place: Place, tmp_path: Path) -> None:
    async with reopened(place.folder, **place.given):
        pass
    assert server_key.protect(place.key, place.password())
    other = by_file(tmp_path / "other.key")
    plain = {"key_provider": "plain", "key_file": None}
    assert await refused(place.folder, place.given | other) == KeyringReason.KEY_WRONG
    assert await refused(place.folder, place.given | plain) == KeyringReason.PROVIDER_MISSING
    new = tmp_path / "new"
    assert await refused(new, place.given) == KeyringReason.KEYRING_MISSING
    assert not any(each.stat().st_size for each in new.glob("*.sqlite3")), "nothing was begun"
    protected = place.key.read_bytes()
    place.key.write_bytes(place.operator.make(now())[0])
    assert server_key.protect(place.key, PASSWORD)
    assert await refused(place.folder, place.given) == KeyringReason.KEY_WRONG
    place.key.write_bytes(protected)
    async with reopened(place.folder, **place.given):
        pass


async def test_a_provider_that_was_away_for_a_moment_is_asked_again(place: Place, tmp_path: Path) -> None:
    """The one who protects may do so beside a server that has never asked it for the password."""
    away = tmp_path / "away"
    body = f"import os\nif os.path.exists({str(away)!r}): sys.exit(1)\n{TOY}"
    command = [str(program(tmp_path / "provider.py", body))]
    place.given |= {"key_provider": "command", "key_command": command, "key_file": None}
    place.given |= {"http_port": None}  # whose listener asks at the start
    async with reopened(place.folder, **place.given) as town:
        place.operator.town = town
        key, chain = place.operator.make(now())
        protected = place.protected(key)
        away.touch()
        place.operator.put(protected, chain)
        await place.operator.until_health(NOT_SERVING)
        away.unlink()
        await place.operator.until_health(SERVING)
        assert await place.operator.shown() == serial(chain)


async def refused(folder: Path, given: dict[str, Any]) -> str:
    with pytest.raises(KeyringError) as caught:
        async with reopened(folder, **given):
            pass
    return caught.value.reason


def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


KINDS: Final[dict[str, tuple[Callable[[], PrivateKeyTypes], PrivateFormat]]] = {
    "EC, as OpenSSL wrote it once": (ec_key, PrivateFormat.TraditionalOpenSSL),
    "EC": (ec_key, PrivateFormat.PKCS8),
    "RSA": (lambda: rsa.generate_private_key(65537, 2048), PrivateFormat.PKCS8),
    "Ed25519": (ed25519.Ed25519PrivateKey.generate, PrivateFormat.PKCS8),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_lay_open_is_gone_and_what_is_there_opens(tmp_path: Path, kind: str) -> None:
    make, form = KINDS[kind]
    key, path = make(), tmp_path / "key.pem"
    octets = key.private_bytes(Encoding.PEM, form, NoEncryption())
    path.write_bytes(octets)
    link = tmp_path / "link.pem"
    link.symlink_to(path)
    with path.open("rb") as before:
        assert server_key.protect(link, PASSWORD)
        assert before.read() == bytes(len(octets)), "the octets that lay open are written over"
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["key.pem", "link.pem"]
    found, is_open = server_key.loaded(path.read_bytes(), lambda: PASSWORD)
    assert not is_open
    assert server_key.opened(found) == server_key.opened(key)
    kept = path.read_bytes()
    assert not server_key.protect(path, PASSWORD), "it was already"
    with pytest.raises(KeyringError) as caught:
        server_key.protect(path, b"1" * 64)
    assert caught.value.reason == KeyringReason.KEY_WRONG
    assert path.read_bytes() == kept


def test_it_is_laid_open_again(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(octets := server_key.opened(ec_key()))
    assert not server_key.lay_open(path, PASSWORD)
    assert server_key.protect(path, PASSWORD)
    with pytest.raises(KeyringError):
        server_key.lay_open(path, b"1" * 64)
    assert server_key.lay_open(path, PASSWORD)
    assert path.read_bytes() == octets


def test_what_was_laid_there_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A renewal that comes between reading and writing is no renewal that is lost."""
    path, renewed = tmp_path / "key.pem", tmp_path / "renewed.pem"
    path.write_bytes(server_key.opened(ec_key()))
    renewed.write_bytes(octets := server_key.opened(ec_key()))
    load = server_key.loaded

    def loaded(*given: Any) -> Any:
        if renewed.exists():
            renewed.rename(path)
        return load(*given)

    monkeypatch.setattr(server_key, "loaded", loaded)
    with pytest.raises(ValueError, match="meanwhile"):
        server_key.protect(path, PASSWORD)
    assert path.read_bytes() == octets
    assert [each.name for each in tmp_path.iterdir()] == ["key.pem"]


@pytest.mark.skipif(os.getuid() != 0, reason="not run: only root gives files away")
def test_a_file_stays_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(server_key.opened(ec_key()))
    os.chown(path, 12345, 12346)
    assert server_key.protect(path, PASSWORD)
    found = path.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (12345, 12346, 0o600)


def test_another_name_of_the_same_file_keeps_what_it_had(tmp_path: Path) -> None:
    path, other = tmp_path / "key.pem", tmp_path / "other.pem"
    octets = server_key.opened(ec_key())
    path.write_bytes(octets)
    other.hardlink_to(path)
    assert server_key.protect(path, PASSWORD)
    assert other.read_bytes() == octets


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\xff",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        b"x" * (server_key.MOST_OCTETS + 1),
        2 * server_key.opened(ec_key()),
        server_key.opened(ec_key()) + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ],
    ids=lambda octets: f"{len(octets)} octets",
)
def test_what_is_no_private_key_is_left_as_it_is(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(octets)
    with pytest.raises((ValueError, KeyringError)):
        server_key.protect(path, PASSWORD)
    assert path.read_bytes() == octets
