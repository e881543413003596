"""Who wraps the master key: what each provider takes, and how each fails without saying a secret."""

import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.zkservice.keyring.making import TOY, VARIABLE, by_file, key_file, program, set_variable
from zkservice.config import Settings
from zkservice.keyring.errors import KeyringError, KeyringReason
from zkservice.keyring.providers import KeyProvider, provider_of

MASTER, CONTEXT = bytes(range(32)), b"context of a place"
PLUGINS = "tests.zkservice.keyring.plugins"


def made(folder: Path, **given: Any) -> KeyProvider:
    provider = provider_of(Settings(data=folder, **given))
    assert provider is not None
    return provider


@pytest.fixture(params=["file", "environment", "command", "plugin", "environment-of-another-name"])
def given(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.delenv(VARIABLE, raising=False)
    match request.param:
        case "file":
            return by_file(tmp_path / "provider.key")
        case "environment":
            set_variable()
            return {"key_provider": "environment"}
        case "environment-of-another-name":
            monkeypatch.setenv("KMS_TOKEN", base64.b64encode(bytes(32)).decode())
            return {"key_provider": "environment", "key_variable": "KMS_TOKEN"}
        case "command":
            command = (str(program(tmp_path / "kms", TOY)), "--profile", "bank")
            return {"key_provider": "command", "key_command": command}
    options = {"key": bytes(32).hex()}
    return {"key_provider": "plugin", "key_plugin": f"{PLUGINS}:factory", "key_plugin_options": options}


def test_each_gives_back_what_it_wrapped_and_only_in_its_place(given: dict[str, Any], tmp_path: Path) -> None:
    provider = made(tmp_path, **given)
    assert isinstance(provider, KeyProvider)
    wrapped = provider.wrap(MASTER, CONTEXT)
    assert MASTER not in wrapped
    assert provider.unwrap(wrapped, CONTEXT) == MASTER
    with pytest.raises(KeyringError, match=r"does not open|failed") as caught:
        provider.unwrap(wrapped, b"another place")
    assert caught.value.reason == KeyringReason.KEY_WRONG
    assert MASTER.hex() not in repr(provider) + str(caught.value)


@pytest.mark.parametrize("changed", [0, 12, 20, -1])
def test_what_was_changed_or_cut_off_does_not_unwrap(tmp_path: Path, changed: int) -> None:
    provider = made(tmp_path, **by_file(tmp_path / "key"))
    wrapped = bytearray(provider.wrap(MASTER, CONTEXT))
    wrapped[changed] ^= 1
    for each in (bytes(wrapped), bytes(wrapped[:changed]), b""):
        with pytest.raises(KeyringError) as caught:
            provider.unwrap(each, CONTEXT)
        assert caught.value.reason == KeyringReason.KEY_WRONG


def test_two_wrappings_of_one_key_are_unlike(tmp_path: Path) -> None:
    provider = made(tmp_path, **by_file(tmp_path / "key"))
    assert provider.wrap(MASTER, CONTEXT) != provider.wrap(MASTER, CONTEXT)


def test_plain_is_no_provider(tmp_path: Path) -> None:
    assert provider_of(Settings(data=tmp_path)) is None


def test_a_variable_is_read_once_and_no_child_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    key = set_variable()
    provider = made(tmp_path, key_provider="environment")
    assert VARIABLE not in os.environ
    child = subprocess.run(
        [sys.executable, "-c", "import os; print(dict(os.environ))"], capture_output=True, check=True
    )
    assert base64.b64encode(key) not in child.stdout
    assert VARIABLE.encode() not in child.stdout
    assert provider.unwrap(provider.wrap(MASTER, CONTEXT), CONTEXT) == MASTER
    with pytest.raises(KeyringError, match=f"{VARIABLE} is not set"):
        provider_of(Settings(data=tmp_path, key_provider="environment"))


@pytest.mark.parametrize(
    "text", ["", "short", "=" * 44, "A" * 44, base64.b64encode(bytes(33)).decode(), "鑰" * 20]
)
def test_a_variable_that_holds_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(KeyringError) as caught:
        provider_of(Settings(data=tmp_path, key_provider="environment"))
    assert caught.value.reason == KeyringReason.PROVIDER_UNUSABLE
    assert not text or text not in str(caught.value)
    assert VARIABLE not in os.environ, "what was meant as a key is removed too"


@pytest.mark.parametrize("octets", [b"", bytes(31), bytes(33), bytes(64)])
def test_a_file_that_holds_no_key(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(octets)
    path.chmod(0o600)
    _unusable(tmp_path, "32 octets", key_provider="file", key_file=path)


def test_a_file_that_others_read_is_not_there_or_is_none(tmp_path: Path) -> None:
    path = key_file(tmp_path / "key")
    path.chmod(0o640)
    _unusable(tmp_path, "read by others", key_provider="file", key_file=path)
    _unusable(tmp_path, "No such file", key_provider="file", key_file=tmp_path / "none")
    _unusable(tmp_path, "is no file", key_provider="file", key_file=tmp_path)
    _unusable(tmp_path, "not set", key_provider="file")


def _unusable(folder: Path, match: str, **given: Any) -> None:
    with pytest.raises(KeyringError, match=match) as caught:
        provider_of(Settings(data=folder, **given))
    assert caught.value.reason == KeyringReason.PROVIDER_UNUSABLE


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("sys.exit(1)", KeyringReason.PROVIDER_FAILED),
        ("sys.exit(3)", KeyringReason.KEY_WRONG),
        ("print('secret-of-the-program')", KeyringReason.PROVIDER_FAILED),
        ("print('[]')", KeyringReason.PROVIDER_FAILED),
        ("print('{}')", KeyringReason.PROVIDER_FAILED),
        ("print('{\"octets\": 1}')", KeyringReason.PROVIDER_FAILED),
        ("print('{\"octets\": \"*\"}')", KeyringReason.PROVIDER_FAILED),
        ("give(b'')", KeyringReason.PROVIDER_FAILED),
        ("give(bytes(5000))", KeyringReason.PROVIDER_FAILED),
        ("print('[' * 100000)", KeyringReason.PROVIDER_FAILED),
        ("print('secret-of-the-program', file=sys.stderr); sys.exit(9)", KeyringReason.PROVIDER_FAILED),
        ("time.sleep(60)", KeyringReason.PROVIDER_FAILED),
        (
            "import subprocess; subprocess.Popen(['sleep', '60']); time.sleep(60)",
            KeyringReason.PROVIDER_FAILED,
        ),
    ],
    ids=[
        "fails", "not-its-own", "words", "list", "empty", "number", "no-base64", "nothing", "too-much",
        "deep", "stderr", "slow", "slow-with-a-child",
    ],
)  # fmt: skip
def test_a_program_that_does_not_do_its_part(tmp_path: Path, body: str, reason: KeyringReason) -> None:
    command, seconds = (str(program(tmp_path / "kms", body)),), 2.0 if "sleep" in body else 60.0
    provider = made(tmp_path, key_provider="command", key_command=command, key_command_seconds=seconds)
    with pytest.raises(KeyringError) as caught:
        provider.unwrap(bytes(60), CONTEXT)
    assert caught.value.reason == reason
    assert "secret" not in str(caught.value)


def test_a_program_is_given_no_shell_and_an_absolute_path(tmp_path: Path) -> None:
    kms = program(tmp_path / "kms", TOY)
    plain = tmp_path / "plain"
    plain.write_text("")
    for command in ((), ("kms",), ("./kms",), (str(tmp_path / "none"),), (str(plain),), (str(tmp_path),)):
        _unusable(tmp_path, "program", key_provider="command", key_command=command)
    odd = (str(kms), "; touch", str(tmp_path / "touched"), "$(id)")
    provider = made(tmp_path, key_provider="command", key_command=odd)
    assert provider.unwrap(provider.wrap(MASTER, CONTEXT), CONTEXT) == MASTER
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    "plugin",
    [
        "", "nothing", "none.such:factory", f"{PLUGINS}:none", f"{PLUGINS}:not_callable",
        f"{PLUGINS}:raising", f"{PLUGINS}:nothing", f"{PLUGINS}:unnamed", f"{PLUGINS}:factory",
    ],
)  # fmt: skip
def test_a_module_that_is_no_provider(tmp_path: Path, plugin: str) -> None:
    with pytest.raises(KeyringError) as caught:
        provider_of(Settings(data=tmp_path, key_provider="plugin", key_plugin=plugin))
    assert caught.value.reason == KeyringReason.PROVIDER_UNUSABLE
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_a_module_raises_or_gives_is_not_repeated(tmp_path: Path) -> None:
    provider = made(tmp_path, key_provider="plugin", key_plugin=f"{PLUGINS}:odd")
    for act in (provider.wrap, provider.unwrap):
        with pytest.raises(KeyringError) as caught:
            act(MASTER, CONTEXT)
        assert caught.value.reason == KeyringReason.PROVIDER_FAILED
        assert "secret" not in str(caught.value)


def test_settings_show_no_options(tmp_path: Path) -> None:
    chosen = Settings(data=tmp_path, key_plugin_options={"pin": "123456"})
    assert "123456" not in repr(chosen)


def test_settings_come_from_the_environment_and_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZK_KEY_COMMAND", '["/bin/kms", "--profile", "x"]')
    (tmp_path / "zk.toml").write_text('key_plugin_options = { region = "a" }\nkey_provider = "command"\n')
    chosen = Settings(data=tmp_path)
    assert chosen.key_command == ("/bin/kms", "--profile", "x")
    assert (chosen.key_provider, chosen.key_plugin_options) == ("command", {"region": "a"})
