"""W3C documents by commands: a department issues, the vault claims and shows in part, a school checks."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import Home, refused
from zk.exits import Exit


@pytest.fixture(scope="module")
def vault(issuer: Home, new_home: Callable[[], Home]) -> Home:
    home = new_home()
    home.json("vault", "create")
    home.json("vault", "w3c", "claim", issuer.issue("residence_permit"))
    return home


@pytest.fixture(scope="module")
def document_id(vault: Home) -> str:
    (listed,) = vault.json("vault", "w3c", "list")["documents"]
    assert listed["schema"].endswith("residence_permit@1")
    found: str = listed["id"]
    return found


def _nonce(school: Home) -> str:
    made: str = school.json("verifier", "w3c", "nonce")["nonce"]
    return made


def _shown(vault: Home, document_id: str, nonce: str, path: Path, *shown: str) -> dict[str, Any]:
    asked = [part for each in shown for part in ("--show", each)]
    where = ("--to", "school-7", "--nonce", nonce, "--out", path, "--yes")
    return vault.json("vault", "w3c", "derive", document_id[:10], *asked, *where)


def test_a_school_checks_what_a_vault_shows(
    vault: Home, school: Home, document_id: str, tmp_path: Path
) -> None:
    nonce, path = _nonce(school), tmp_path / "shown.json"
    _shown(vault, document_id, nonce, path, "district")
    checked = school.json("verifier", "w3c", "check", path, "--nonce", nonce)
    assert checked["bound"] is True
    assert list(checked["values"]) == ["district"]
    kept = vault.json("vault", "show", vault.json("vault", "list")["credentials"][0]["id"])
    assert checked["values"]["district"] == kept["values"]["district"]
    assert checked["expiry"] == kept["expiry"]
    del kept["values"]["district"]
    hidden = {str(value) for value in kept["values"].values() if value is not None}
    text = path.read_text("utf-8").split('"credentialSubject"')[1]
    assert not [each for each in hidden if f'"{each}"' in text]
    told = school.zk("verifier", "w3c", "check", path, "--nonce", nonce).out
    assert "The document holds" in told
    assert "bound to its holder's vault" in told


def test_what_was_shown_once_is_no_good_for_anything_else(
    vault: Home, school: Home, document_id: str, tmp_path: Path
) -> None:
    nonce, path = _nonce(school), tmp_path / "shown.json"
    _shown(vault, document_id, nonce, path, "district")
    for given, reason in (
        (_nonce(school), "REQUEST_MISMATCH"),
        ("zz", "VALUE_INVALID"),
        ("00", "VALUE_INVALID"),
    ):
        done = school.zk("verifier", "w3c", "check", path, "--nonce", given, "--json")
        assert done.code != 0
        assert done.reason == reason
    document = json.loads(path.read_text("utf-8"))
    document["credentialSubject"]["attributes"]["district"] += "x"
    path.write_text(json.dumps(document))
    done = school.zk("verifier", "w3c", "check", path, "--nonce", nonce, "--json")
    assert done.reason == "PROOF_INVALID"


def test_nothing_is_shown_without_a_yes(vault: Home, school: Home, document_id: str, tmp_path: Path) -> None:
    path = tmp_path / "shown.json"
    asked = ("--show", "district", "--to", "school-7", "--nonce", _nonce(school), "--out", path)
    done = vault.zk("vault", "w3c", "derive", document_id, *asked, "--json", stdin="no\n")
    refused(done, Exit.USAGE, "NOBODY_TO_ASK")
    assert "verifiers/school-7" in done.err
    assert not path.exists()


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (("--show", "income"), "ATTRIBUTE_UNKNOWN"),
        (("--show", "district", "--nonce", "zz"), "VALUE_INVALID"),
        (("--show", "district", "--nonce", "00"), "VALUE_INVALID"),
        (("--show", "district", "--to", "A B"), "NAME_INVALID"),
    ],
)
def test_what_is_unclear_is_refused(
    vault: Home, document_id: str, more: tuple[str, ...], reason: str
) -> None:
    said = {"--to": "school-7", "--nonce": "00" * 32} | dict(zip(more[::2], more[1::2], strict=True))
    options = [part for pair in said.items() for part in pair]
    done = vault.zk("vault", "w3c", "derive", document_id, *options, "--yes", "--json")
    assert done.code != 0
    assert done.reason == reason


def test_a_document_that_is_not_there_is_not_found(vault: Home) -> None:
    options = ("--show", "district", "--to", "school-7", "--nonce", "00" * 32, "--yes", "--json")
    assert vault.zk("vault", "w3c", "derive", "ff", *options).reason == "CREDENTIAL_NOT_FOUND"


def test_an_empty_vault_says_so(home: Home) -> None:
    home.json("vault", "create")
    assert "no W3C document" in home.zk("vault", "w3c", "list").out
