import datetime as dt
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from disclosure import (
    IssuerKey,
    KeyState,
    LocalizedText,
    OfferLink,
    Query,
    RefusedError,
    Schema,
)
from prover import (
    Claim,
    ContentError,
    HeldCredential,
    PassphraseError,
    Usage,
    Vault,
    VaultFileError,
    plan,
)
from tests.prover.conftest import Reopen
from tests.prover.making import (
    INSURANCE,
    INSURANCE_VALUES,
    NAME,
    NOW,
    NUMBER,
    PASSPHRASE,
    PURPOSE,
    RESIDENCE,
    RESIDENCE_VALUES,
    SCHOOL,
    SERVER,
    VERIFIER,
    add,
    begin,
    filled,
    flip,
    insurance,
    issuer,
    plain,
    prepared,
    receipt_of,
    refused,
    request,
    residence,
)

OFFER = OfferLink(SERVER, "offer-1", "claim-code-1")
OTHER_SCHEMA = replace(RESIDENCE, display_name=LocalizedText("居住证二", "Another"))


def everything(vault: Vault) -> tuple[list[HeldCredential], list[Claim], list[Usage]]:
    return vault.credentials(), vault.pending_claims(), vault.usages()


def test_what_is_put_in_comes_out_of_another_process(vault: Vault, reopen: Reopen) -> None:
    one, two = add(vault, residence()), add(vault, insurance())
    assert (one.credential.values, one.schema, one.issuer_key.state) == (
        RESIDENCE_VALUES,
        RESIDENCE,
        KeyState.ACTIVE,
    )
    assert one.received == NOW + dt.timedelta(seconds=1)
    assert reopen().credentials() == [one, two]
    assert reopen().credential(two.id[:8]) == two


def test_the_same_credential_is_kept_once(vault: Vault) -> None:
    one = add(vault, residence())
    assert add(vault, residence()) == one
    later = issuer("public-security").issue(RESIDENCE, RESIDENCE_VALUES, NOW.date() + dt.timedelta(days=1))
    assert vault.add(later, RESIDENCE, one.issuer_key).id != one.id
    assert len(vault.credentials()) == 2


def other_values(made: HeldCredential) -> HeldCredential:
    return replace(made, credential=replace(made.credential, values={**RESIDENCE_VALUES, "name": "另一人"}))


def other_key(made: HeldCredential) -> HeldCredential:
    return replace(made, issuer_key=issuer("public-security", number=1).key)


def longer_valid(made: HeldCredential) -> HeldCredential:
    expiry = made.credential.expiry + dt.timedelta(days=1)
    return replace(made, credential=replace(made.credential, expiry=expiry))


def other_schema(made: HeldCredential) -> HeldCredential:
    return replace(made, schema=OTHER_SCHEMA)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (other_values, "SIGNATURE_INVALID"),
        (longer_valid, "SIGNATURE_INVALID"),
        (other_schema, "SIGNATURE_INVALID"),
        (other_key, "ISSUER_KEY_UNKNOWN"),
    ],
)
def test_a_credential_that_does_not_hold_is_not_kept(
    vault: Vault, change: Callable[[HeldCredential], HeldCredential], reason: str
) -> None:
    claim = vault.begin_claim(OFFER)
    made = change(residence())
    refused(RefusedError, reason, add, vault, made)
    refused(RefusedError, reason, vault.finish_claim, claim.id, made.credential, made.schema, made.issuer_key)
    assert everything(vault) == ([], [claim], [])


def test_two_schemas_of_one_name_are_not_kept(vault: Vault) -> None:
    add(vault, residence())
    key = issuer("public-security")
    made = key.issue(OTHER_SCHEMA, RESIDENCE_VALUES)
    refused(ContentError, "SCHEMA_CHANGED", vault.add, made, OTHER_SCHEMA, key.key)
    assert len(vault.credentials()) == 1


def test_what_is_removed_is_gone(vault: Vault, reopen: Reopen) -> None:
    one, two = add(vault, residence()), add(vault, insurance())
    vault.remove(one.id[:6])
    assert reopen().credentials() == [two]
    refused(ContentError, "CREDENTIAL_NOT_FOUND", vault.remove, one.id)
    refused(ContentError, "CREDENTIAL_NOT_FOUND", vault.credential, one.id)


def test_an_identifier_has_to_be_the_only_one(vault: Vault) -> None:
    made = [
        vault.add(
            issuer("hrss").issue(INSURANCE, {**INSURANCE_VALUES, "base": number}),
            INSURANCE,
            issuer("hrss").key,
        )
        for number in range(17)
    ]
    first = {each.id[0] for each in made}
    assert len(first) < 17
    shared = next(each for each in first if sum(other.id.startswith(each) for other in made) > 1)
    refused(ContentError, "ID_AMBIGUOUS", vault.credential, shared)
    refused(ContentError, "ID_AMBIGUOUS", vault.remove, shared)
    refused(ContentError, "CREDENTIAL_NOT_FOUND", vault.credential, "")
    assert len(vault.credentials()) == 17


def test_wrong_passphrase(path: Path, vault: Vault) -> None:
    add(vault, residence())
    for passphrase in ("", PASSPHRASE + " ", PASSPHRASE.upper(), "x" * 2000):
        refused(PassphraseError, "PASSPHRASE_WRONG", Vault.open, path, passphrase)
    assert len(vault.credentials()) == 1


def test_another_passphrase(path: Path, vault: Vault) -> None:
    kept = add(vault, residence())
    with sqlite3.connect(path) as connection:
        (old,) = connection.execute("SELECT octets FROM header").fetchone()
    connection.close()
    refused(PassphraseError, "PASSPHRASE_TOO_SHORT", vault.change_passphrase, "short")
    vault.change_passphrase("another passphrase")
    assert vault.credentials() == [kept]
    refused(PassphraseError, "PASSPHRASE_WRONG", Vault.open, path, PASSPHRASE)
    with Vault.open(path, "another passphrase") as again:
        assert again.credentials() == [kept]
    for each in path.parent.iterdir():
        assert old not in each.read_bytes(), each.name


def test_nothing_but_the_header_can_be_read(path: Path, vault: Vault, reopen: Reopen) -> None:
    filled(vault)
    vault.begin_claim(OFFER)
    usage = begin(vault)
    vault.finish_usage(usage.id, receipt=receipt_of(usage))
    vault.finish_usage(begin(vault, 2).id, reason="REQUEST_EXPIRED")
    # Nothing here is so short that random octets would hold it by chance.
    secret = [
        NAME, NUMBER, "370102", "Lixia District", "历下区", str(VERIFIER), SCHOOL.zh, PURPOSE.en, SERVER,
        "claim-code-1", "ticket-1", "residence_permit", "social_insurance", "district", "credential",
        "answered", "refused", "REQUEST_EXPIRED", usage.request_id, "c2sp.org", "zk-disclosure/schema",
    ]  # fmt: skip
    octets = [each.encode() for each in secret] + [
        RESIDENCE.digest, residence().credential.signature, usage.answer.usage_tag,
        usage.holder_note[:32], plain(usage.presentation).credentials[0].proof[:32],
    ]  # fmt: skip
    files = {each.name: each.read_bytes() for each in path.parent.iterdir()}
    assert set(files) == {"my.vault", "my.vault-wal", "my.vault-shm"}
    for name, content in files.items():
        for each in octets:
            assert each not in content, (name, each)
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT id, sealed FROM record").fetchall()
        tables = connection.execute("SELECT name, sql FROM sqlite_schema").fetchall()
    connection.close()
    assert {name for name, _ in tables} == {"header", "record"}
    assert len(rows) == 5
    assert all(len(name) == 16 and len(sealed) % 512 == 0 for name, sealed in rows)
    assert len(reopen().usages()) == 2


def test_a_changed_record_is_refused_and_nothing_is_lost(path: Path, vault: Vault, reopen: Reopen) -> None:
    filled(vault)
    before = everything(vault)
    connection = sqlite3.connect(path, isolation_level=None)
    name, sealed = connection.execute("SELECT id, sealed FROM record").fetchone()
    for place in [*range(0, len(sealed), 97), len(sealed) - 1]:
        connection.execute("UPDATE record SET sealed = ? WHERE id = ?", (flip(sealed, place), name))
        refused(VaultFileError, "VAULT_DAMAGED", vault.credentials)
        refused(VaultFileError, "VAULT_DAMAGED", add, vault, insurance(1))
        refused(VaultFileError, "VAULT_DAMAGED", vault.begin_claim, OFFER)
    connection.execute("UPDATE record SET sealed = ? WHERE id = ?", (sealed, name))
    moved = flip(name, 3)
    connection.execute("UPDATE record SET id = ? WHERE id = ?", (moved, name))
    refused(VaultFileError, "VAULT_DAMAGED", vault.credentials)
    connection.execute("UPDATE record SET id = ? WHERE id = ?", (name, moved))
    connection.close()
    assert everything(reopen()) == before


def test_a_changed_header_is_refused_and_nothing_is_lost(path: Path, vault: Vault, reopen: Reopen) -> None:
    kept = add(vault, residence())
    connection = sqlite3.connect(path, isolation_level=None)
    (header,) = connection.execute("SELECT octets FROM header").fetchone()
    for place in (0, 33, 70, 80, 100, len(header) - 1):
        connection.execute("UPDATE header SET octets = ?", (flip(header, place),))
        refused(PassphraseError, "PASSPHRASE_WRONG", Vault.open, path, PASSPHRASE)
    connection.execute("UPDATE header SET octets = ?", (header,))
    connection.close()
    assert reopen().credentials() == [kept]


def test_a_record_of_another_vault_is_refused(path: Path, vault: Vault, tmp_path: Path) -> None:
    with Vault.create(tmp_path / "other.vault", PASSPHRASE) as other:
        add(other, residence())
    connection = sqlite3.connect(tmp_path / "other.vault")
    row = connection.execute("SELECT id, sealed FROM record").fetchone()
    connection.close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("INSERT INTO record VALUES (?, ?)", row)
    connection.close()
    refused(VaultFileError, "VAULT_DAMAGED", vault.credentials)


def test_a_record_of_a_later_version_is_named_so(vault: Vault) -> None:
    name = bytes(16)
    with vault._store.writing() as transaction:
        transaction.put(name, vault.keys.seal_record(name, b"\x00\x00\x00\x01\x80"))
    refused(VaultFileError, "VERSION_UNKNOWN", vault.usages)


def test_a_claim_goes_on_under_its_request_id_until_it_is_ended(vault: Vault, reopen: Reopen) -> None:
    claim = vault.begin_claim(OFFER)
    assert reopen().pending_claims() == [claim]
    again = reopen().begin_claim(OFFER)
    assert (again.id, again.request_id) == (claim.id, claim.request_id)
    another = reopen().begin_claim(OfferLink(SERVER, "offer-2", "claim-code-2"))
    assert another.request_id != claim.request_id

    made = residence()
    held = reopen().finish_claim(claim.id, made.credential, made.schema, made.issuer_key)
    stored = reopen().pending_claims()[0]
    assert (stored.id, stored.request_id, stored.credential) == (claim.id, claim.request_id, held.id)
    assert reopen().finish_claim(claim.id, made.credential, made.schema, made.issuer_key) == held
    reopen().end_claim(claim.id)
    reopen().end_claim(claim.id)
    assert everything(reopen()) == ([held], [another], [])
    ended = (claim.id, made.credential, made.schema, made.issuer_key)
    refused(ContentError, "CLAIM_NOT_FOUND", vault.finish_claim, *ended)


def test_a_claim_takes_the_code_that_was_given_last(vault: Vault) -> None:
    wrong = vault.begin_claim(OfferLink(SERVER, OFFER.id, "mistyped"))
    right = vault.begin_claim(OFFER)
    assert vault.pending_claims() == [right]
    assert (right.request_id, right.link.claim_code) == (wrong.request_id, OFFER.claim_code)


def test_two_processes_write_one_after_the_other(path: Path, vault: Vault, reopen: Reopen) -> None:
    with Vault.open(path, PASSPHRASE, patience=dt.timedelta(milliseconds=20)) as second:
        with vault._store.writing():
            refused(VaultFileError, "VAULT_BUSY", add, second, residence())
            assert second.credentials() == []
        one = add(second, residence())
        two = add(vault, insurance())
    assert {each.id for each in reopen().credentials()} == {one.id, two.id}


def test_a_vault_is_made_once(path: Path, vault: Vault) -> None:
    kept = add(vault, residence())
    refused(VaultFileError, "VAULT_EXISTS", Vault.create, path, "another passphrase")
    refused(VaultFileError, "VAULT_NOT_FOUND", Vault.open, path.parent / "none", PASSPHRASE)
    refused(PassphraseError, "PASSPHRASE_TOO_SHORT", Vault.create, path.parent / "new", "short")
    assert not (path.parent / "new").exists()
    assert vault.credentials() == [kept]


def test_what_is_shown_of_values_hides_them(vault: Vault) -> None:
    usage = begin(filled(vault))
    shown = repr([vault, vault.keys, vault.credentials(), vault.begin_claim(OFFER), usage, prepared(vault)])
    for secret in (NAME, NUMBER, "856400", "claim-code-1", "ticket-1", usage.request_id, PASSPHRASE):
        assert secret not in shown


def test_the_state_of_the_issuers_key_is_kept(vault: Vault, reopen: Reopen) -> None:
    made = residence()
    key: IssuerKey = replace(made.issuer_key, state=KeyState.VERIFY_ONLY)
    schema: Schema = made.schema
    vault.add(made.credential, schema, key)
    assert reopen().credentials()[0].issuer_key == key
    assert plan(request(Query("home", RESIDENCE.name, ())), vault.credentials(), NOW).missing == ()
