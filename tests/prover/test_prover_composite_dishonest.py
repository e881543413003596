"""The composite form against a service that alters the real one's answers on their way to the vault."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

import bbs
import tlog
from disclosure import OfferLink, RefusedError
from disclosure.composite import (
    CommitmentQuery,
    CompositeRequest,
    EscrowQuery,
    IssuanceTerms,
    NotEqual,
    Operand,
    PseudonymQuery,
    VerifierScope,
    check_commitment,
    issue_composite,
)
from prover import ClientError, UsageState, Vault
from tests.disclosure.composite.world import INSURANCE, PERMIT, PERMIT_2, VALUES
from tests.disclosure.world import asked_by
from tests.prover.composite_town import NUMBER, CompositeTown, yes
from tests.prover.making import flip, refused
from tests.prover.proxy import Proxy, proxied
from tests.zkservice.publishing import new_regulator
from tests.zkservice.revoking import new_handles
from tests.zkservice.support import new_id
from wire.client import ServiceError
from wire.composite import issued_to
from wire.convert import schema_of, schema_to
from zkproto.v1 import catalog_pb2, issuance_pb2, presentation_pb2, publication_pb2, revocation_pb2
from zkproto.v1.states_pb2 import States

Claimed = issuance_pb2.ClaimCompositeCredentialResponse


@pytest.fixture
def proxy(composite: CompositeTown, tmp_path: Any) -> Iterator[Proxy]:
    with proxied(composite, tmp_path) as made:
        yield made


def through(link: Any, proxy: Proxy) -> Any:
    """Return a link to the same offer, or exchange, by way of the proxy."""
    return type(link)(proxy.endpoint.server, link.id, link.secret)


@pytest.fixture
def link(composite: CompositeTown, proxy: Proxy) -> OfferLink:
    made: OfferLink = through(composite.offer(person=new_id().encode()), proxy)
    return made


def test_it_hands_on_honestly_what_is_not_altered(
    composite: CompositeTown, proxy: Proxy, vault: Vault, link: OfferLink
) -> None:
    assert proxy.client(composite).claim(link, vault, composite.log).schema == PERMIT
    error = refused(ServiceError, "OFFER_TAKEN", proxy.client(composite).claim, link, vault, composite.log)
    assert isinstance(error, ServiceError)


def other_witness(composite: CompositeTown, message: Claimed) -> None:
    """A true witness, of another handle."""
    office = composite.office(PERMIT)
    (handle,) = new_handles(1)
    epoch = composite.town.run(office.epoch(message.epoch))
    message.witness = office.witness(handle, epoch).to_octets_secret()


def false_witness(composite: CompositeTown, message: Claimed) -> None:
    """One of the credential's handle, for an epoch before: C does not belong to it."""
    office = composite.office(PERMIT)
    old = composite.town.run(office.epoch(0))
    message.witness = office.witness(int.from_bytes(message.handle), old).to_octets_secret()


def no_witness(_: CompositeTown, message: Claimed) -> None:
    message.accumulator, message.epoch, message.witness = "", 0, b""


def other_accumulator(composite: CompositeTown, message: Claimed) -> None:
    message.accumulator = composite.office(INSURANCE).name


def other_value(_: CompositeTown, message: Claimed) -> None:
    (name,) = [each for each in message.values if each.attribute == "name"]
    name.value.text = "另一人"


def less_values(_: CompositeTown, message: Claimed) -> None:
    del message.values[0]


def other_handle(_: CompositeTown, message: Claimed) -> None:
    message.handle = new_handles(1)[0].to_bytes(32)


def longer_valid(_: CompositeTown, message: Claimed) -> None:
    message.expiry.year += 1


def other_signature(_: CompositeTown, message: Claimed) -> None:
    message.signature = flip(message.signature, 60)


def malformed_witness(_: CompositeTown, message: Claimed) -> None:
    message.witness = message.witness[:-1]


ANSWERS: dict[str, tuple[Callable[[CompositeTown, Claimed], None], type[Exception], str]] = {
    "a witness of another handle": (other_witness, RefusedError, "SIGNATURE_INVALID"),
    "a witness of another epoch": (false_witness, RefusedError, "EPOCH_UNKNOWN"),
    "no witness": (no_witness, RefusedError, "SIGNATURE_INVALID"),
    "an accumulator of another department": (other_accumulator, ClientError, "ANSWER_INVALID"),
    "another value": (other_value, RefusedError, "SIGNATURE_INVALID"),
    "a value less": (less_values, ClientError, "ANSWER_INVALID"),
    "another handle": (other_handle, RefusedError, "SIGNATURE_INVALID"),
    "a longer life": (longer_valid, RefusedError, "SIGNATURE_INVALID"),
    "another signature": (other_signature, RefusedError, "SIGNATURE_INVALID"),
    "a witness that is none": (malformed_witness, ClientError, "ANSWER_INVALID"),
}


@pytest.mark.parametrize("lie", ANSWERS)
def test_what_does_not_hold_is_not_kept_and_the_claim_goes_on_once_it_does(
    composite: CompositeTown, proxy: Proxy, vault: Vault, link: OfferLink, lie: str
) -> None:
    change, kind, reason = ANSWERS[lie]
    proxy.change("ClaimCompositeCredential", Claimed, lambda message: change(composite, message))
    client = proxy.client(composite)
    refused(kind, reason, client.claim, link, vault, composite.log)
    assert vault.composite.credentials() == []
    (claim,) = vault.composite.claims()
    proxy.alter.clear()
    held = client.claim(link, vault, composite.log)
    assert held.schema == PERMIT
    sent = [request for method, request in proxy.asked if method == "ClaimCompositeCredential"]
    assert len(set(sent)) == 1
    assert claim.answer in sent[0]


def test_a_witness_at_an_epoch_of_its_own_is_not_kept(
    composite: CompositeTown, proxy: Proxy, vault: Vault, link: OfferLink
) -> None:
    """Of a value that nobody else has the witness would be true as well, and tag its holder."""
    office = composite.office(PERMIT)
    newest = composite.town.run(office.epoch())
    private = newest.followed_by(newest.position, newest.time + 1)

    def at_private(message: Claimed) -> None:
        message.epoch = private.number

    proxy.change("ClaimCompositeCredential", Claimed, at_private)
    proof = composite.town.run(_numbered(composite)).proof
    unlogged = revocation_pb2.Epoch(octets=private.octets, proof=proof)
    proxy.instead["GetEpoch"] = lambda _: unlogged.SerializeToString()
    refused(
        tlog.VerificationError, "INCLUSION_INVALID", proxy.client(composite).claim, link, vault, composite.log
    )
    assert vault.composite.credentials() == []


def test_an_expiry_of_ones_own_is_not_kept(
    composite: CompositeTown, proxy: Proxy, vault: Vault, link: OfferLink
) -> None:
    """The department itself signs it, to know its holder again by it."""

    def signed(request: bytes, answered: bytes) -> bytes:
        asked, true = issuance_pb2.ClaimCompositeCredentialRequest(), Claimed()
        asked.ParseFromString(request)
        true.ParseFromString(answered)
        (claim,) = vault.composite.claims()
        key, secret = next(
            (each.key, each.secret)
            for each in composite.keys("public-security")
            if each.key.name == claim.issuer_key.name
        )
        commitment = check_commitment(claim.terms, asked.commitment, PERMIT, key)
        later = composite.city.today + dt.timedelta(days=1000)
        issued = issue_composite(commitment, PERMIT, key, secret, VALUES[PERMIT.name], later)
        office = composite.office(PERMIT)
        epoch = composite.town.run(office.epoch())
        witness = office.witness(issued.handle, epoch)
        return issued_to(issued, PERMIT, (office.accumulator, epoch.number, witness)).SerializeToString()

    proxy.alter["ClaimCompositeCredential"] = signed
    refused(RefusedError, "EXPIRY_INVALID", proxy.client(composite).claim, link, vault, composite.log)
    assert vault.composite.credentials() == []


def test_terms_of_another_schema_than_the_offers_are_not_answered(
    composite: CompositeTown, proxy: Proxy, vault: Vault, link: OfferLink
) -> None:
    def other(message: issuance_pb2.Offer) -> None:
        message.schema = str(PERMIT_2.name)

    proxy.change("GetOffer", issuance_pb2.Offer, other)
    refused(ClientError, "ANSWER_INVALID", proxy.client(composite).claim, link, vault, composite.log)
    assert vault.composite.claims() == []
    assert "ClaimCompositeCredential" not in dict(proxy.asked)


def test_nothing_is_committed_to_under_a_schema_that_is_not_on_the_ledger(
    composite: CompositeTown, proxy: Proxy, vault: Vault, link: OfferLink
) -> None:
    proxy.change("GetSchema", catalog_pb2.Schema, longer)
    args = (link, vault, composite.log)
    refused(tlog.VerificationError, "INCLUSION_INVALID", proxy.client(composite).claim, *args)
    assert (vault.composite.claims(), vault.composite.credentials()) == ([], [])


def longer(message: catalog_pb2.Schema) -> None:
    """Another schema under the name, whole in itself, with the proof of the true one."""
    true = schema_of(message)
    other = schema_to(replace(true, validity_days=true.validity_days + 1))
    message.validity_days, message.digest = other.validity_days, other.digest


REQUESTS: dict[str, Callable[[CompositeRequest], CompositeRequest]] = {
    "of another department": lambda asked: asked_by(asked, type(asked.verifier)("public-security")),
    "for other terms": lambda asked: replace(
        asked,
        issuance=IssuanceTerms(asked.issuance.schema, asked.issuance.issuer_key, False)
        if asked.issuance
        else None,
    ),
    "for no issuance": lambda asked: replace(asked, issuance=None),
    "with another query": lambda asked: _branch(
        asked, queries=(*asked.branches[0].queries, replace(asked.branches[0].queries[0], id="more"))
    ),
    "with another branch": lambda asked: replace(
        asked, branches=(*asked.branches, replace(asked.branches[0], id="more"))
    ),
    "with a predicate": lambda asked: _branch(
        asked, predicates=(NotEqual(Operand(_query(asked), "months"), 1),)
    ),
    "with a pseudonym": lambda asked: _branch(
        asked, pseudonyms=(PseudonymQuery("me", VerifierScope("label")),)
    ),
    "with an escrow": lambda asked: _branch(
        asked, escrows=(EscrowQuery("who", Operand(_query(asked), "number"), bytes(32)),)
    ),
    "with a commitment": lambda asked: _branch(
        asked, commitments=(CommitmentQuery("months", Operand(_query(asked), "months")),)
    ),
}


def _query(asked: CompositeRequest) -> str:
    return asked.branches[0].queries[0].id


def _branch(asked: CompositeRequest, **changes: Any) -> CompositeRequest:
    return replace(asked, branches=(replace(asked.branches[0], **changes),))


@pytest.mark.parametrize("lie", REQUESTS)
def test_a_department_that_asks_for_more_than_an_issuance_needs_gets_nothing(
    composite: CompositeTown, proxy: Proxy, vault: Vault, lie: str
) -> None:
    composite.claimed(vault, person=new_id().encode())
    link = through(composite.offer(INSURANCE, required={"number": NUMBER}), proxy)

    def other(message: issuance_pb2.Offer) -> None:
        message.request = REQUESTS[lie](CompositeRequest.from_bytes(message.request)).canonical

    proxy.change("GetOffer", issuance_pb2.Offer, other)
    told = list[object]()

    def agrees(consent: object) -> bool:
        told.append(consent)
        return True

    client = proxy.client(composite)
    refused(ClientError, "OFFER_REQUEST_INVALID", client.claim, link, vault, composite.log, agrees)
    assert (told, vault.composite.claims()) == ([], [])
    proxy.alter.clear()
    assert client.claim(link, vault, composite.log, yes).schema == INSURANCE


def test_a_schema_that_is_not_on_the_ledger_is_not_answered_under(
    composite: CompositeTown, proxy: Proxy, vault: Vault
) -> None:
    composite.claimed(vault, person=new_id().encode())
    asked, _ = composite.ask(composite.small())
    proxy.change("GetSchema", catalog_pb2.Schema, longer)
    args = (asked, vault, composite.log)
    refused(tlog.VerificationError, "INCLUSION_INVALID", proxy.client(composite).plan, *args)


def test_a_table_that_is_not_on_the_ledger_is_not_proven_with(
    composite: CompositeTown, proxy: Proxy, vault: Vault
) -> None:
    composite.claimed(vault, person=new_id().encode())
    asked, _ = composite.ask(composite.small())

    def other(message: publication_pb2.Table) -> None:
        message.owner = "departments/hrss"

    proxy.change("GetTable", publication_pb2.Table, other)
    refused(
        tlog.VerificationError, "INCLUSION_INVALID", proxy.client(composite).plan, asked, vault, composite.log
    )


def test_an_older_list_than_the_vault_has_seen_is_not_presented_at(
    composite: CompositeTown, proxy: Proxy, vault: Vault
) -> None:
    composite.claimed(vault, person=new_id().encode())
    asked, _ = composite.ask(composite.small())
    old = composite.town.run(_numbered(composite, 1))
    composite.town.run(composite.office(PERMIT).revoke(*new_handles(1)))
    composite.client().catch_up_all(vault, composite.log)

    def is_old(message: States) -> None:
        message.epochs[0].CopyFrom(old)

    proxy.change("ReadStates", States, is_old)
    proxy.instead["GetEpoch"] = lambda _: old.SerializeToString()
    client = proxy.client(composite)
    plan = client.plan(asked, vault, composite.log)
    later = replace(plan, now=plan.now - dt.timedelta(minutes=1))
    refused(bbs.InputError, "EPOCH_MISMATCH", client.ready, later, vault, composite.log)


async def _numbered(composite: CompositeTown, number: int | None = None) -> Any:
    asked = revocation_pb2.GetEpochRequest(accumulator=composite.office(PERMIT).name, number=number)
    return await composite.town.city.revocation.GetEpoch(asked)


def test_a_joint_scope_of_a_member_whose_key_is_not_on_the_ledger_is_not_shown(
    composite: CompositeTown, proxy: Proxy
) -> None:
    _, link = composite.ask()

    def other(message: catalog_pb2.Verifier) -> None:
        if message.name == "verifiers/bank":
            message.public_key = flip(message.public_key, 3)

    proxy.change("GetVerifier", catalog_pb2.Verifier, other)
    client = proxy.client(composite)
    refused(tlog.VerificationError, "INCLUSION_INVALID", client.fetch, through(link, proxy), composite.log)
    proxy.alter.clear()
    assert isinstance(client.fetch(through(link, proxy), composite.log).request, CompositeRequest)


def test_a_regulators_key_that_is_not_on_the_ledger_is_not_escrowed_to(
    composite: CompositeTown, proxy: Proxy, vault: Vault
) -> None:
    composite.stock(vault)
    vault.composite.trust(composite.regulator)
    asked, _ = composite.ask(composite.branch())

    def other(message: publication_pb2.Regulator) -> None:
        del message.shares[:]
        message.shares.extend(new_regulator().shares)
        message.digest = b""

    proxy.change("GetRegulator", publication_pb2.Regulator, other)
    args = (asked, vault, composite.log)
    refused(tlog.VerificationError, "INCLUSION_INVALID", proxy.client(composite).plan, *args)
    proxy.alter.clear()
    assert proxy.client(composite).plan(*args).missing == ()


def test_a_receipt_that_does_not_hold_leaves_the_use_to_be_sent_again(
    composite: CompositeTown, proxy: Proxy, vault: Vault
) -> None:
    composite.claimed(vault, person=new_id().encode())
    _, link = composite.ask(composite.small())
    client = proxy.client(composite)

    def other(message: presentation_pb2.SubmitPresentationResponse) -> None:
        message.receipt = message.receipt.replace(b"c2sp.org", b"c3sp.org")

    proxy.change("SubmitPresentation", presentation_pb2.SubmitPresentationResponse, other)
    with pytest.raises(tlog.TlogError):
        client.answer(through(link, proxy), vault, composite.log, lambda _: True)
    assert [each.state for each in vault.usages()] == [UsageState.SENT]
    proxy.alter.clear()
    (usage,) = client.resume(vault, composite.log).usages
    assert usage.state is UsageState.ANSWERED
