"""`zk keys`, as an operator gives it: beside a running server, and to a folder whose server is stopped."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.cli.running import Done, refused, zk
from zk.exits import Exit
from zk.local_server import running_server


@dataclass
class Folder:
    """A data folder whose settings are in its zk.toml."""

    path: Path

    def key(self, name: str) -> Path:
        made = self.path.parent / name
        if not made.exists():
            made.write_bytes(secrets.token_bytes(32))
            made.chmod(0o600)
        return made

    def provide(self, name: str) -> None:
        text = f'key_provider = "file"\nkey_file = "{self.key(name)}"\n'
        (self.path / "zk.toml").write_text(text)

    def zk(self, *arguments: object) -> Done:
        return zk("keys", *arguments, "--data", self.path, "--json")

    def json(self, *arguments: object) -> Any:
        done = self.zk(*arguments)
        assert done.code == Exit.OK, done
        return done.json


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    done = zk(
        "ledger", "init", "--data", tmp_path / "data", "--origin", "zk-disclosure.example/log", "--json"
    )
    assert done.code == Exit.OK, done
    return Folder(tmp_path / "data")


def test_a_year_of_an_operator(folder: Folder, tmp_path: Path) -> None:
    assert folder.json("status")["provider"] == "plain"
    refused(folder.zk("rotate", "master"), Exit.REFUSED, "PROVIDER_MISSING")
    refused(folder.zk("wrap"), Exit.REFUSED, "PROVIDER_MISSING")
    refused(folder.zk("backup", tmp_path / "never"), Exit.REFUSED, "PROVIDER_MISSING")
    assert not (tmp_path / "never").exists()
    master = (folder.path / "keys" / "master.key").read_bytes()
    folder.provide("one.key")
    assert folder.json("wrap") == {"provider": "file", "current": 1, "generations": [1]}
    assert not (folder.path / "keys" / "master.key").exists()
    with running_server(folder.path, tmp_path / "server.log"):
        assert folder.json("rotate", "master") == {"current": 2}
        found = folder.json("status")
        assert [each["state"] for each in found["generations"]] == ["former", "current"]
        assert [each["sealing"] for each in found["servers"].values()] == [2]
        done = folder.json("reseal", "--settle", 1)
        assert (done["values"] >= 1, done["retired"]) == (True, 1)
    assert folder.json("reseal") == {"values": 0, "retired": None}
    log = folder.json("rotate", "log")
    assert log["rotation"] == "begun"
    taken = folder.json("backup", tmp_path / "keyring")
    assert taken["generations"] == [2]
    backup = zk("ledger", "backup", tmp_path / "database", "--data", folder.path, "--json")
    assert backup.code == Exit.OK, backup
    drilled = folder.json("drill", tmp_path / "database", tmp_path / "keyring")
    assert (drilled["log_keys"], drilled["generations"]) == (2, {"2": drilled["values"]})
    _rewrapped(folder, tmp_path)
    refused(folder.zk("drill", tmp_path / "database", tmp_path / "keyring"), Exit.REFUSED, "KEY_WRONG")
    octets = b"".join(each.read_bytes() for each in tmp_path.rglob("*") if each.is_file())
    assert master not in octets
    assert (folder.path.parent / "server.log").read_text().count("another generation of the master key") == 1


def _rewrapped(folder: Folder, tmp_path: Path) -> None:
    file = tmp_path / "new.toml"
    for text in ("", "port = 7", 'key_provider = "file"\nport = 7\n', "not toml"):
        file.write_text(text)
        refused(folder.zk("rewrap", file), Exit.USAGE, "FILE_UNUSABLE")
    file.write_text(f'key_provider = "file"\nkey_file = "{folder.key("two.key")}"\n')
    assert folder.json("rewrap", file)["generations"] == [2]
    refused(folder.zk("status"), Exit.REFUSED, "KEY_WRONG")
    folder.provide("two.key")
    assert folder.json("status")["current"] == 2


def test_a_lost_folder_comes_back_from_both_backups(folder: Folder, tmp_path: Path) -> None:
    folder.provide("one.key")
    with running_server(folder.path, tmp_path / "server.log"):
        folder.json("rotate", "master")
        folder.json("backup", tmp_path / "keyring")
        done = zk("ledger", "backup", tmp_path / "database", "--data", folder.path, "--json")
        assert done.code == Exit.OK, done
    again = Folder(tmp_path / "again")
    done = zk("ledger", "restore", tmp_path / "database", "--data", again.path, "--json")
    assert done.code == Exit.OK, done
    refused(again.zk("restore", tmp_path / "keyring"), Exit.REFUSED, "PROVIDER_MISSING")
    again.provide("other.key")
    refused(again.zk("restore", tmp_path / "keyring"), Exit.REFUSED, "KEY_WRONG")
    again.provide("one.key")
    changed = json.loads((tmp_path / "keyring" / "keyring.json").read_bytes())
    kept = (tmp_path / "keyring" / "keyring.json").read_bytes()
    changed["current"] = 1
    (tmp_path / "keyring" / "keyring.json").write_text(json.dumps(changed, indent=2) + "\n")
    refused(again.zk("restore", tmp_path / "keyring"), Exit.NOT_VERIFIED, "BACKUP_CHANGED")
    (tmp_path / "keyring" / "keyring.json").write_bytes(kept)
    assert again.json("restore", tmp_path / "keyring")["generations"] == [1, 2]
    refused(again.zk("restore", tmp_path / "keyring"), Exit.REFUSED, "KEYRING_EXISTS")
    assert again.json("status")["current"] == 2


def test_the_private_key_of_a_certificate_is_protected(folder: Folder, tmp_path: Path) -> None:
    path = tmp_path / "server.key"
    octets = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    path.write_bytes(octets)
    refused(folder.zk("protect", path), Exit.REFUSED, "PROVIDER_MISSING")
    folder.provide("one.key")
    folder.json("wrap")
    for unusable in (tmp_path / "none", tmp_path, folder.key("one.key")):
        refused(folder.zk("protect", unusable), Exit.USAGE, "FILE_UNUSABLE")
    assert path.read_bytes() == octets
    assert folder.json("protect", path) == {"file": str(path), "changed": True}
    protected = path.read_bytes()
    assert protected.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert folder.json("protect", path) == {"file": str(path), "changed": False}
    assert folder.json("protect", "--open", path) == {"file": str(path), "changed": True}
    assert folder.json("protect", "--open", path) == {"file": str(path), "changed": False}
    assert path.read_bytes() == octets, "the way back"
    folder.json("protect", path)
    protected = path.read_bytes()
    folder.provide("two.key")
    refused(folder.zk("protect", path), Exit.REFUSED, "KEY_WRONG")
    assert path.read_bytes() == protected


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    nowhere = Folder(tmp_path / "none")
    refused(nowhere.zk("status"), Exit.REFUSED, "KEYRING_MISSING")
    refused(nowhere.zk("rotate", "everything"), Exit.USAGE, "USAGE")


def test_the_other_keys_are_rotated_by_the_commands_that_they_have(tmp_path: Path) -> None:
    log = zk("keys", "rotate", "log", "--data", tmp_path / "none", "--json")
    refused(log, Exit.REFUSED, "LOG_NOT_BEGUN")
    issuer = zk("keys", "rotate", "issuer", "--home", tmp_path / "home", "--json")
    refused(issuer, Exit.USAGE, "DEPARTMENT_UNCLEAR")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_is_said_names_no_key(folder: Folder, lang: str) -> None:
    folder.provide("one.key")
    for command in (["wrap"], ["status"], ["rotate", "master"], ["reseal", "--settle", "0"]):
        done = zk("keys", *command, "--data", folder.path, "--lang", lang)
        assert done.code == Exit.OK, done
        assert folder.key("one.key").read_bytes().hex() not in done.out + done.err


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZK_KEY_PROVIDER", raising=False)
