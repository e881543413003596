"""W3C documents by commands: a department issues, the vault claims and shows in part, a school checks."""

import json
import os
import stat
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from disclosure import OfferLink, VerifierName
from disclosure.w3c import derive, open_base, read, write
from disclosure.w3c.mapping import issuer_of, pointers_of, presentation_header
from tests.cli.running import Home, refused, start
from verifier.nonces import LIFETIME
from wire.client import Endpoint, call
from zk.exits import Exit
from zkproto.v1 import issuance_pb2, issuance_pb2_grpc


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
    nonce = _nonce(school)
    _shown(vault, document_id, nonce, path, "district")
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
    whole = path.with_name("whole.json")
    path.rename(whole)
    path.write_text(json.dumps(document))
    done = school.zk("verifier", "w3c", "check", path, "--nonce", nonce, "--json")
    assert done.reason == "PROOF_INVALID"
    # What was refused has used nothing up.
    assert school.json("verifier", "w3c", "check", whole, "--nonce", nonce)["bound"]


def test_a_nonce_is_good_for_one_document(
    vault: Home, school: Home, document_id: str, tmp_path: Path, new_home: Callable[[], Home]
) -> None:
    nonce, path = _nonce(school), tmp_path / "shown.json"
    _shown(vault, document_id, nonce, path, "district")
    check = ("verifier", "w3c", "check", path, "--json", "--nonce")
    elsewhere = new_home()
    refused(elsewhere.zk(*check, nonce, "--as", "school-7"), Exit.REFUSED, "NONCE_UNKNOWN")
    kept = school.path / "nonces" / nonce
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert school.json(*check[:-2], "--nonce", nonce.upper())["bound"]
    assert not kept.exists()
    for written in (nonce, nonce.upper(), " ".join([nonce[:2], nonce[2:]])):
        refused(school.zk(*check, written), Exit.REFUSED, "NONCE_UNKNOWN")
    refused(school.zk(*check, "00" * 32), Exit.REFUSED, "NONCE_UNKNOWN")


def test_of_several_processes_one_takes_the_document(
    vault: Home, school: Home, document_id: str, tmp_path: Path
) -> None:
    nonce, path = _nonce(school), tmp_path / "shown.json"
    _shown(vault, document_id, nonce, path, "district")
    asked = ("verifier", "w3c", "check", path, "--nonce", nonce, "--json", "--home", school.path)
    processes = [start(*asked) for _ in range(3)]
    ended = [(each.communicate(timeout=120)[0], each.returncode) for each in processes]
    assert sorted(code for _, code in ended) == [Exit.OK, Exit.REFUSED, Exit.REFUSED]
    told = [json.loads(out)["error"]["reason"] for out, code in ended if code]
    assert told == ["NONCE_UNKNOWN"] * 2


def _unbound(link: OfferLink, school: Home, nonce: str, path: Path) -> None:
    """What whoever asks for no binding gets, shown to the school."""
    message = issuance_pb2.ClaimW3cCredentialRequest(
        offer=link.offer, claim_code=link.claim_code, request_id=str(uuid.uuid4())
    )
    channel = Endpoint.at(school.server.address, school.server.root).channel()
    try:
        answer = call(issuance_pb2_grpc.IssuanceServiceStub(channel).ClaimW3cCredential, message)
    finally:
        channel.close()
    document = read(answer.document)
    held = open_base(document, issuer_of(document))
    header = presentation_header(VerifierName("school-7"), bytes.fromhex(nonce))
    path.write_bytes(write(derive(held, pointers_of(held.document, ["district"]), header)))


def test_a_document_that_is_bound_to_nobody_is_accepted_only_if_that_is_said(
    issuer: Home, school: Home, tmp_path: Path
) -> None:
    nonce, path = _nonce(school), tmp_path / "shown.json"
    _unbound(OfferLink.parse(issuer.issue("residence_permit")), school, nonce, path)
    check = ("verifier", "w3c", "check", path, "--nonce", nonce)
    refused(school.zk(*check, "--json"), Exit.REFUSED, "DOCUMENT_UNBOUND")
    assert "--accept-unbound" in school.zk(*check).err
    assert school.json(*check, "--accept-unbound")["bound"] is False
    refused(school.zk(*check, "--accept-unbound", "--json"), Exit.REFUSED, "NONCE_UNKNOWN")


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


def test_an_expired_nonce_is_refused(vault: Home, school: Home, document_id: str, tmp_path: Path) -> None:
    nonce, path = _nonce(school), tmp_path / "shown.json"
    _shown(vault, document_id, nonce, path, "district")
    kept = school.path / "nonces" / nonce
    made = kept.stat().st_mtime
    aged = made - LIFETIME.total_seconds()
    os.utime(kept, (aged, aged))
    check = ("verifier", "w3c", "check", path, "--nonce", nonce, "--json")
    refused(school.zk(*check), Exit.REFUSED, "NONCE_UNKNOWN")
    os.utime(kept, (made, made))
    assert school.json(*check[:-1])["bound"]
    stale = school.path / "nonces" / _nonce(school)
    os.utime(stale, (aged, aged))
    _nonce(school)
    assert not stale.exists()


def test_a_document_is_removed_for_good(issuer: Home, new_home: Callable[[], Home]) -> None:
    home = new_home()
    home.json("vault", "create")
    ids = [home.json("vault", "w3c", "claim", issuer.issue("residence_permit"))["id"] for _ in range(2)]
    gone, other = ids
    credentials = home.json("vault", "list")["credentials"]
    refused(home.zk("vault", "w3c", "remove", gone, "--json", stdin="yes\n"), Exit.USAGE, "NOBODY_TO_ASK")
    assert home.zk("vault", "w3c", "remove", "zz", "--yes", "--json").reason == "CREDENTIAL_NOT_FOUND"
    assert len(home.json("vault", "w3c", "list")["documents"]) == len(ids)
    assert home.json("vault", "w3c", "remove", gone, "--yes") == {"id": gone, "removed": True}
    assert [each["id"] for each in home.json("vault", "w3c", "list")["documents"]] == [other]
    assert home.zk("vault", "w3c", "remove", gone, "--yes", "--json").reason == "CREDENTIAL_NOT_FOUND"
    assert home.json("vault", "list")["credentials"] == credentials
    told = home.zk("vault", "w3c", "remove", other[:10], "--yes").out
    assert "removed for good" in told
    assert "no W3C document" in home.zk("vault", "w3c", "list").out
