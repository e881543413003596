"""W3C documents over a real server: claimed with the vault's secret, kept, shown; and what a liar gets."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

import bbs
import prover.w3c
from disclosure import IssuerKey, OfferLink, RefusedError, VerifierName, issuer_key_name
from disclosure.errors import DisclosureError
from disclosure.w3c import Expected, Feature, Signing, add_base_proof, read, verify, write
from disclosure.w3c.mapping import (
    MANDATORY,
    POINT_OCTETS,
    document_of,
    issue,
    issuer_key_name_of,
    options_of,
    pointers_of,
    presentation_header,
    schema_name_of,
)
from prover import Vault
from prover.client.w3c import W3cClient
from prover.errors import ClientError, ContentError, PresentingError
from prover.recovery import keys_of, words_of
from prover.w3c import HeldDocument
from tests.prover.conftest import Reopen
from tests.prover.making import refused
from tests.prover.town import Town
from tests.zkservice.support import PERMIT, VALUES, new_id
from verifier.w3c import CheckedDocument, check_document, new_nonce
from wire.client import ServiceError
from wire.published import Reader
from zkproto.v1 import issuance_pb2

SCHOOL = VerifierName("school")
TODAY = dt.date(2026, 3, 1)
EXPIRY = TODAY + dt.timedelta(days=PERMIT.validity_days)
SECRET = bbs.SecretKey.from_octets(bbs.keygen(bytes(32), suite=bbs.SHA_256), suite=bbs.SHA_256)
KEY = IssuerKey(
    issuer_key_name("police", str(bbs.SHA_256), SECRET.public_key()), str(bbs.SHA_256), SECRET.public_key()
)


@pytest.fixture
def client(town: Town) -> W3cClient:
    return W3cClient(town.endpoint, clock=town.city.clock)


@pytest.fixture
def vault(reopen: Reopen) -> Vault:
    return reopen()


def _checked(town: Town, vault: Vault, held: HeldDocument, *shown: str) -> CheckedDocument:
    nonce = new_nonce()
    document = vault.w3c.derive(held, shown, presentation_header(SCHOOL, nonce))
    channel = town.endpoint.channel()
    try:
        reader = Reader(channel, town.log)
        schema = reader.schema(schema_name_of(document))
        key = reader.issuer_key(issuer_key_name_of(document))
    finally:
        channel.close()
    return check_document(read(write(document)), SCHOOL, nonce, schema, key, town.city.clock())


def test_what_a_department_issued_is_shown_to_a_school(town: Town, client: W3cClient, vault: Vault) -> None:
    document, held = client.claim(town.offer(), vault, town.log)
    assert held.credential.values == VALUES
    assert vault.pending_claims() == []
    assert vault.w3c.said(document).values == {**VALUES, "fee": None}
    assert vault.w3c.said(document).expiry == held.credential.expiry
    checked = _checked(town, vault, document, "district", "fee")
    assert checked.bound
    assert checked.shown.values == {"district": VALUES["district"], "fee": None}


def test_a_document_outlives_the_process_and_is_its_vaults(
    town: Town, client: W3cClient, vault: Vault, reopen: Reopen
) -> None:
    document, _ = client.claim(town.offer(), vault, town.log)
    again = reopen()
    assert again.w3c.documents() == [document]
    assert _checked(town, again, again.w3c.document(document.id[:8]), "name").shown.values == {
        "name": VALUES["name"]
    }
    assert "blind" not in repr(document)
    assert str(document.blind) not in repr(document)
    again.w3c.remove(document.id)
    refused(ContentError, "CREDENTIAL_NOT_FOUND", vault.w3c.document, document.id)


def test_what_was_not_asked_for_is_not_shown(
    town: Town, client: W3cClient, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever selects too much, the vault reads what it would show before it gives it."""
    document, _ = client.claim(town.offer(), vault, town.log)
    monkeypatch.setattr(prover.w3c, "pointers_of", lambda held, asked: pointers_of(held, [*asked, "name"]))
    header = presentation_header(SCHOOL, new_nonce())
    refused(PresentingError, "OWN_PROOF_INVALID", vault.w3c.derive, document, ["district"], header)
    assert vault.w3c.derive(document, iter(["name"]), header)["proof"]


def test_two_documents_have_one_holder_and_do_not_show_it(
    town: Town, client: W3cClient, vault: Vault
) -> None:
    first, second = (client.claim(town.offer(), vault, town.log)[0] for _ in range(2))
    assert first.blind != second.blind
    octets = [read(each.document)["proof"]["proofValue"] for each in (first, second)]
    assert octets[0] != octets[1]
    assert vault.keys.w3c_secret() == keys_of(" ".join(words_of(vault.keys))).w3c_secret()


def test_a_claim_that_broke_off_is_gone_on_with(town: Town, client: W3cClient, vault: Vault) -> None:
    link = town.offer()
    claim = vault.begin_claim(link)
    document, held = client.claim(link, vault, town.log)
    assert vault.w3c.documents() == [document]
    assert [each.id for each in vault.credentials()] == [held.id]
    assert claim.id not in [each.id for each in vault.pending_claims()]
    refused(ServiceError, "OFFER_TAKEN", client.claim, link, vault, town.log)
    assert vault.w3c.documents() == [document]


def test_an_answer_that_was_lost_is_asked_for_again(town: Town, client: W3cClient, vault: Vault) -> None:
    """The service has bound the claim's document to a commitment: the vault's next one is the same."""
    link = town.offer()
    claim = vault.begin_claim(link)
    message = issuance_pb2.ClaimW3cCredentialRequest(
        offer=link.offer, claim_code=link.claim_code, request_id=claim.request_id
    )
    message.commitment, lost = vault.w3c.commit(claim.request_id)
    town.call(town.city.issuance.ClaimW3cCredential, message)
    document, held = client.claim(link, vault, town.log)
    assert document.blind == lost.blind
    assert _checked(town, vault, document, "name").bound
    assert [each.id for each in vault.credentials()] == [held.id]


def test_a_claim_that_another_has_bound_gives_the_vault_nothing(
    town: Town, client: W3cClient, vault: Vault
) -> None:
    link = town.offer()
    claim = vault.begin_claim(link)
    message = issuance_pb2.ClaimW3cCredentialRequest(
        offer=link.offer, claim_code=link.claim_code, request_id=claim.request_id
    )
    town.call(town.city.issuance.ClaimW3cCredential, message)
    refused(ServiceError, "REQUEST_ID_REUSED", client.claim, link, vault, town.log)
    assert vault.w3c.documents() == []
    assert town.client().claim(link, vault, town.log).credential.values == VALUES


def test_commitments_of_two_claims_have_nothing_in_common(vault: Vault) -> None:
    first, second = new_id(), new_id()
    one, again, other = (vault.w3c.commit(each) for each in (first, first, second))
    assert one[0][:POINT_OCTETS] == again[0][:POINT_OCTETS] != other[0][:POINT_OCTETS]
    assert one[1].blind == again[1].blind != other[1].blind
    parts = [octets[at : at + 32] for octets, _ in (one, again, other) for at in (48, 80, 112)]
    assert len(set(parts)) == len(parts)


def test_a_link_to_elsewhere_or_with_a_wrong_code_gives_nothing(
    town: Town, client: W3cClient, vault: Vault
) -> None:
    link = town.offer()
    refused(ClientError, "LINK_ELSEWHERE", client.claim, replace(link, server="elsewhere:1"), vault, town.log)
    wrong = OfferLink(link.server, link.id, "x" * 43)
    refused(ServiceError, "NOT_FOUND", client.claim, wrong, vault, town.log)
    assert vault.w3c.documents() == []


def _documents(vault: Vault) -> dict[str, Any]:
    """What a service could answer instead, signed by the department's key where it may be."""
    commitment, secrets = vault.w3c.commit(new_id())
    foreign = issue(PERMIT, KEY, SECRET, VALUES, EXPIRY, commitment)
    document = document_of(PERMIT, VALUES, EXPIRY, KEY.public_key)
    options = options_of(KEY.public_key)
    binding = Signing(Feature.ANONYMOUS_HOLDER_BINDING, commitment)
    tagged = {**options, "created": "2026-01-01T00:00:00Z"}
    partly = {**document, "credentialSubject": {"attributes": {"name": "王小明"}}}
    late = document_of(PERMIT, VALUES, EXPIRY + dt.timedelta(days=9), KEY.public_key)
    other = replace(PERMIT, validity_days=PERMIT.validity_days + 1)
    made = {
        "good": foreign,
        "bound to nobody": issue(PERMIT, KEY, SECRET, VALUES, EXPIRY),
        "bound to another": issue(PERMIT, KEY, SECRET, VALUES, EXPIRY, vault.w3c.commit(new_id())[0]),
        "changed": {**foreign, "validUntil": foreign["validUntil"].replace("23:59:59", "23:59:58")},
        "known by a moment": add_base_proof(document, tagged, MANDATORY, SECRET, binding),
        "more in each presentation": add_base_proof(
            document, options, (*MANDATORY, "/credentialSubject/attributes/name"), SECRET, binding
        ),
        "less than everything": add_base_proof(partly, options, MANDATORY, SECRET, binding),
        "known by its last day": add_base_proof(late, options, MANDATORY, SECRET, binding),
        "another schema": issue(other, KEY, SECRET, VALUES, EXPIRY, commitment),
    }
    return {"secrets": secrets, **made}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("bound to nobody", "SIGNATURE_INVALID"),
        ("bound to another", "SIGNATURE_INVALID"),
        ("changed", "SIGNATURE_INVALID"),
        ("known by a moment", "DOCUMENT_INVALID"),
        ("more in each presentation", "SIGNATURE_INVALID"),
        ("less than everything", "ATTRIBUTE_MISSING"),
        ("known by its last day", "EXPIRY_INVALID"),
        ("another schema", "DOCUMENT_INVALID"),
    ],
)
def test_what_would_tell_its_holder_apart_is_not_kept(vault: Vault, name: str, reason: str) -> None:
    made = _documents(vault)
    with pytest.raises(DisclosureError) as caught:
        vault.w3c.add(write(made[name]), made["secrets"], PERMIT, KEY, TODAY)
    assert caught.value.reason == reason
    assert vault.w3c.documents() == []
    assert vault.w3c.add(write(made["good"]), made["secrets"], PERMIT, KEY, TODAY).schema == PERMIT


def test_whoever_steals_a_document_cannot_show_it(vault: Vault) -> None:
    made = _documents(vault)
    held = vault.w3c.add(write(made["good"]), made["secrets"], PERMIT, KEY, TODAY)
    stolen = replace(held, blind=held.blind + 1)
    header = presentation_header(SCHOOL, new_nonce())
    refused(RefusedError, "SIGNATURE_INVALID", vault.w3c.derive, stolen, ["name"], header)
    shown = vault.w3c.derive(held, ["name"], header)
    expected = Expected(Feature.ANONYMOUS_HOLDER_BINDING, header)
    assert verify(shown, KEY.public_key, expected).pseudonym is None
