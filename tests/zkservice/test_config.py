"""Settings and files: what wins, what is refused, who may read what, and what is kept from start to start."""

import datetime as dt
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import ValidationError

from tests.zkservice.support import reopened
from zkservice import tls
from zkservice.config import Settings
from zkservice.errors import StartError
from zkservice.keys import Keys, load_admin_token
from zkservice.storage.database import sqlite_file

NOW = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in os.environ if each.startswith("ZK_")]:
        monkeypatch.delenv(name)


def write(folder: Path, toml: str) -> None:
    (folder / "zk.toml").write_text(toml, encoding="utf-8")


def settings(folder: Path, **given: Any) -> Settings:
    return Settings(**{"data": folder} | given)


def test_arguments_over_environment_over_file_over_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings(tmp_path).offer_days == 30
    write(tmp_path, 'offer_days = 3\nport = 3\nmax_batch = 3\nlog_origin = "a/b"\n')
    monkeypatch.setenv("ZK_PORT", "2")
    monkeypatch.setenv("ZK_MAX_BATCH", "2")
    chosen = settings(tmp_path, max_batch=1)
    assert (chosen.max_batch, chosen.port, chosen.offer_days) == (1, 2, 3)
    assert (chosen.log_origin, chosen.crypto_threads) == ("a/b", 2)


def test_the_file_is_that_of_the_folder_which_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "port = 7\n")
    monkeypatch.setenv("ZK_DATA", str(tmp_path))
    assert (Settings().data, Settings().port) == (tmp_path, 7)


@pytest.mark.parametrize(
    ("given", "demanded"),
    [
        ({}, True),
        ({"dev": True}, False),
        ({"dev": True, "two_persons": True}, True),
        ({"two_persons": False}, False),
    ],
)
def test_two_persons_are_demanded_unless_it_is_said_or_developed(
    tmp_path: Path, given: dict[str, bool], demanded: bool
) -> None:
    assert settings(tmp_path, **given).demands_two_persons is demanded


@pytest.mark.parametrize(
    ("toml", "place"),
    [
        ("colour = 1", "colour"),
        ("port = -1", "port"),
        ("port = 65536", "port"),
        ('port = "eighty"', "port"),
        ('dev = "perhaps"', "dev"),
        ("drain_seconds = nan", "drain_seconds"),
        ("max_batch = 0", "max_batch"),
        ("max_message_octets = 1", "max_message_octets"),
        ('log_origin = "with space"', "log_origin"),
        ('log_origin = ""', "log_origin"),
        ('log_level = "loud"', "log_level"),
        ("port = ", "zk.toml"),
        ("[port]\nx = 1", "port"),
    ],
)
def test_a_bad_setting_is_refused_by_name(tmp_path: Path, toml: str, place: str) -> None:
    write(tmp_path, toml)
    with pytest.raises(ValidationError) as caught:
        settings(tmp_path)
    assert [".".join(map(str, each["loc"])) for each in caught.value.errors()] == [place]


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "zk.toml").write_bytes(b'host = "\xff"')
    with pytest.raises(ValidationError, match=r"zk\.toml"):
        settings(tmp_path)


@pytest.mark.parametrize(("name", "value"), [("ZK_PORT", "x"), ("ZK_MAX_BATCH", "5000"), ("ZK_DEV", "2")])
def test_a_bad_variable_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.removeprefix("ZK_").lower()):
        settings(tmp_path)


def test_an_unknown_argument_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="colour"):
        settings(tmp_path, colour=1)


@pytest.mark.parametrize("name", ["a%62", "a?b", "a#b", "a b", "ä"])
def test_a_folder_of_any_name_has_its_own_database(tmp_path: Path, name: str) -> None:
    assert sqlite_file(settings(tmp_path / name).database_url) == tmp_path / name / "service.sqlite3"


def test_a_database_password_is_not_shown(tmp_path: Path) -> None:
    chosen = settings(tmp_path, database="postgresql://u:hunter2@host/db")
    assert chosen.database_url == "postgresql://u:hunter2@host/db"
    assert "hunter2" not in f"{chosen!r} {chosen}"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_files_are_their_owners_only_and_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with reopened(folder) as town:
        first = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in {".key", ".pem"}}
        first |= {"admin": (folder / "admin.token").read_bytes()}
        assert (folder / "log.vkey").read_text().strip() == town.ready.verifier_key
        assert mode(folder) == 0o700
        for name in ("ca.key", "server.key", "admin.token", "keys/master.key"):
            assert mode(folder / name) == 0o600, name
        for path in folder.glob("service.sqlite3*"):
            assert mode(path) & 0o077 == 0 or mode(folder) == 0o700
        assert mode(folder / "log.vkey") == 0o644
    master = (folder / "keys" / "master.key").read_bytes()
    async with reopened(folder) as town:
        again = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in {".key", ".pem"}}
        again |= {"admin": (folder / "admin.token").read_bytes()}
        assert again == first
        assert (folder / "log.vkey").read_text().strip() == town.ready.verifier_key
    assert (folder / "keys" / "master.key").read_bytes() == master


@pytest.mark.parametrize("name", ["admin.token", "keys/master.key"])
@pytest.mark.parametrize("extra", [0o040, 0o004, 0o020])
async def test_a_secret_that_others_can_read_is_refused(tmp_path: Path, name: str, extra: int) -> None:
    async with reopened(tmp_path):
        pass
    (tmp_path / name).chmod(0o600 | extra)
    with pytest.raises(StartError, match="can be read by others; run chmod 600"):
        async with reopened(tmp_path):
            pass
    (tmp_path / name).chmod(0o600)
    async with reopened(tmp_path):
        pass


@pytest.mark.parametrize(
    "octets",
    [b"", b"\n", b"short\n", b"x" * 31, b"a token with spaces in it, and so on", "令牌".encode() * 9],
)
def test_an_admin_token_that_is_none_is_refused(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "admin.token"
    path.write_bytes(octets)
    path.chmod(0o600)
    with pytest.raises(StartError, match="holds no token"):
        load_admin_token(tmp_path)


@pytest.mark.parametrize("octets", [b"", bytes(31), bytes(33)])
def test_a_master_key_of_another_length_is_refused(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(octets)
    path.chmod(0o600)
    with pytest.raises(StartError, match="not a master key"):
        Keys.load(tmp_path)


def test_what_is_sealed_opens_under_its_label_only(tmp_path: Path) -> None:
    keys = Keys.load(tmp_path)
    sealed = keys.seal("one", b"secret")
    assert Keys.load(tmp_path).open("one", sealed) == b"secret"
    for label, octets in (("two", sealed), ("one", sealed[:-1]), ("one", b""), ("one", sealed[:-1] + b"x")):
        with pytest.raises(StartError):
            keys.open(label, octets)
    assert keys.token("a", "bc") != keys.token("ab", "c"), "parts are framed"
    assert keys.fingerprint(b"x") != Keys(bytes(32)).fingerprint(b"x")


def credentials(
    folder: Path, now: dt.datetime = NOW, host: str = "localhost"
) -> tuple[bytes, x509.Certificate]:
    chosen = settings(folder, dev=True, public_host=host)
    key, chain = tls.server_credentials(chosen, now)
    return key, x509.load_pem_x509_certificates(chain)[0]


def test_the_dev_certificate_is_kept_and_renewed_before_it_ends(tmp_path: Path) -> None:
    key, certificate = credentials(tmp_path)
    authority = (tmp_path / "ca.pem").read_bytes()
    assert credentials(tmp_path, NOW + dt.timedelta(days=360)) == (key, certificate)
    later = NOW + dt.timedelta(days=370)
    new_key, renewed = credentials(tmp_path, later)
    assert new_key != key
    assert renewed.not_valid_after_utc > later + dt.timedelta(days=360)
    assert (tmp_path / "ca.pem").read_bytes() == authority, "clients keep trusting what they trust"
    renewed.verify_directly_issued_by(x509.load_pem_x509_certificate(authority))


def test_the_dev_certificate_is_for_the_name_that_clients_use(tmp_path: Path) -> None:
    for host in ("zk.example.org", "192.0.2.7", "::1"):
        _, certificate = credentials(tmp_path, host=host)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert host in [str(each.value) for each in names]
        assert credentials(tmp_path, host=host)[1] == certificate


@pytest.mark.parametrize("crash", ["server.pem", "server.key", "torn", "ca.pem", "ca.key"])
def test_a_crash_while_certificates_are_made_is_mended(tmp_path: Path, crash: str) -> None:
    """Of files that are written one after another, any may be the old one, or half of the new one."""
    credentials(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    credentials(other)
    if crash == "torn":
        path = tmp_path / "server.pem"
        path.write_bytes(path.read_bytes()[:100])
    elif crash.startswith("ca"):
        (tmp_path / crash).unlink()
    else:
        (tmp_path / crash).write_bytes((other / crash).read_bytes())
    key, certificate = credentials(tmp_path)
    assert load_pem_private_key(key, None).public_key() == certificate.public_key()
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes()))


def test_a_damaged_authority_is_told(tmp_path: Path) -> None:
    credentials(tmp_path)
    (tmp_path / "ca.key").write_bytes(b"-----BEGIN nothing")
    (tmp_path / "server.key").unlink()
    with pytest.raises(StartError, match="delete both"):
        credentials(tmp_path)


def test_certificates_are_the_operators_or_nobodys(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="--dev"):
        tls.server_credentials(settings(tmp_path), NOW)
    missing = settings(tmp_path, certificate=tmp_path / "no.pem", private_key=tmp_path / "no.key")
    with pytest.raises(StartError, match="cannot be read"):
        tls.server_credentials(missing, NOW)
    for half in ({"certificate": tmp_path / "a.pem"}, {"private_key": tmp_path / "a.key"}):
        with pytest.raises(StartError, match="both"):
            tls.server_credentials(settings(tmp_path, dev=True, **half), NOW)


async def test_an_operators_certificate_serves(tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    credentials(made, dt.datetime.now(dt.UTC))
    given: dict[str, Any] = {
        "dev": False, "certificate": made / "server.pem", "private_key": made / "server.key"
    }  # fmt: skip
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "ca.pem").write_bytes((made / "ca.pem").read_bytes())
    async with reopened(folder, **given) as town:
        await town.furnish()


@pytest.mark.parametrize("which", ["certificate", "private_key"])
async def test_a_certificate_that_is_none_is_told(tmp_path: Path, which: str) -> None:
    made = tmp_path / "made"
    made.mkdir()
    credentials(made, dt.datetime.now(dt.UTC))
    given: dict[str, Any] = {"certificate": made / "server.pem", "private_key": made / "server.key"}
    given[which].write_bytes(b"nothing")
    with pytest.raises(StartError, match="is no certificate in PEM"):
        async with reopened(tmp_path / "data", dev=False, **given):
            pass


def test_a_certificate_for_another_key_is_told(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        credentials(tmp_path / name)
    chosen = settings(
        tmp_path, certificate=tmp_path / "a" / "server.pem", private_key=tmp_path / "b" / "server.key"
    )
    with pytest.raises(StartError, match="is not for the private key"):
        tls.server_credentials(chosen, NOW)


async def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    async with reopened(tmp_path / "a") as town:
        port = int(town.ready.address.rpartition(":")[2])
        with pytest.raises(StartError, match=f"127.0.0.1:{port} cannot be listened on"):
            async with reopened(tmp_path / "b", port=port):
                pass
    async with reopened(tmp_path / "b"):
        pass
