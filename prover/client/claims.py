"""Claims of both forms: what goes out is stored first, what comes back is checked before it is kept.

A claim is three calls: what the offer asks for, the claim, the acknowledgement after which the service
forgets. Whatever breaks off between them is gone on with from what the vault has stored.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import grpc

import tlog
from bbs.accumulator import MembershipWitness
from disclosure import (
    Credential,
    DepartmentName,
    IssuerKey,
    MalformedError,
    OfferLink,
    Reason,
    Schema,
    SchemaName,
    check_credential,
    check_lifetime,
    civil_date,
)
from disclosure.composite import IssuanceTerms, PublishedAccumulator, accept_credential
from disclosure.composite.credential import require_composite
from prover.client.answers import Planner
from prover.client.calls import FinalError, Way, checked, department_name_of, final
from prover.composite.offers import offer_request_of
from prover.composite.presenting import facts_of, present_for_issuance
from prover.composite.records import Offered, PendingClaim, Standing
from prover.composite.showing import Showing
from prover.composite.telling import ClaimConsent, composite_consent_of
from prover.errors import ClientError, PresentingError, VaultReason
from prover.records import Claim
from prover.vault import Vault
from wire import convert
from wire.client import ServiceError, call
from wire.composite import composite_presentation_to, issued_of, witness_of
from wire.published import Reader
from zkproto.v1 import catalog_pb2, catalog_pb2_grpc, issuance_pb2, issuance_pb2_grpc

Agree = Callable[[ClaimConsent], bool]
Send = Callable[[Any], Any]
"""Delivers a claim's message another way than to the service, and returns the message of the answer."""
AnyClaim = Claim | PendingClaim


_MISMATCH: Final = "REQUIRED_MISMATCH"
_OFFER_ENDS: Final = {"OFFER_EXPIRED", "OFFER_TAKEN", "HOLDER_MISMATCH", _MISMATCH}


def _ends(reason: str) -> bool:
    """Tell whether a refusal ends a claim: the offer is gone, or its answer was judged and found wanting.

    Only then is nothing lost with the claim's blind. That the service knows no such offer, or wants another
    token, says nothing of what it may have signed before.
    """
    return reason in _OFFER_ENDS or reason in set(Reason)


def claimed(planner: Planner, link: OfferLink, agree: Agree, send: Send | None = None) -> str:
    """Claim an offer; return the held credential's identifier.

    The department does not say what the credential that it asks for must say. Where the one that was shown
    does not say it, the next that the vault has of that kind is shown, if the person agrees to that too.
    Raises PresentingError NOTHING_FITS, DECLINED; ClientError OFFER_REQUEST_INVALID; FinalError.
    """
    tried = list[str]()
    while True:
        shown_before = len(tried)
        claim = _begun(planner, link, agree, tried)
        try:
            return finished(planner.way, claim, planner.vault, planner.log, send)
        except FinalError as error:
            others = len(tried) > shown_before and _others(planner, tried)
            if error.error.reason != _MISMATCH or not others:
                raise


def _others(planner: Planner, tried: list[str]) -> bool:
    """Tell whether the vault has another credential of the kind that was shown last."""
    held = {each.id: each.schema.name for each in planner.vault.composite.credentials()}
    return any(name == held.get(tried[-1]) for each, name in held.items() if each not in tried)


def _begun(planner: Planner, link: OfferLink, agree: Agree, tried: list[str]) -> AnyClaim:
    """Store the claim of an offer, or find the one that is under way; nothing of it has been sent yet.

    What is shown is added to `tried`, of which nothing is shown again as long as there is anything else.
    """
    way, vault, log = planner.way, planner.vault, planner.log
    under_way: list[AnyClaim] = [*vault.pending_claims(), *vault.composite.claims()]
    for each in under_way:
        if (each.link.server, each.link.id) == (link.server, link.id):
            if isinstance(each, PendingClaim):
                return vault.composite.renew(each.id, link)
            return vault.begin_claim(link)
    with way.channel() as channel:
        asked = issuance_pb2.GetOfferRequest(offer=link.offer, claim_code=link.claim_code)
        offer = call(issuance_pb2_grpc.IssuanceServiceStub(channel).GetOffer, asked)
        if not offer.terms:
            return vault.begin_claim(link)
        with checked():
            terms = IssuanceTerms.from_bytes(offer.terms)
            if terms.schema != SchemaName.parse(offer.schema):
                raise MalformedError(Reason.MALFORMED, "the terms are not those of the offer", field="terms")
            reader = way.reader(channel, log)
            department = DepartmentName(terms.schema.department)
            display_name = department_name_of(channel, department)
            offered = Offered(
                link,
                reader.schema(terms.schema),
                reader.issuer_key(terms.issuer_key),
                bool(reader.accumulators(department)),
            )
        require_composite(offered.schema)
    if terms.base:
        _agreed(agree, ClaimConsent(department, display_name, offered.schema, None))
        return vault.composite.begin_base_claim(offered, terms)
    request = offer_request_of(offer.request, terms)
    plan = planner.planned(request)
    for query, fitting in plan.chosen.fitting.items():
        left = [each.id for each in fitting if each.id not in tried]
        if left:
            plan = plan.choose(query, left[0])
            tried.append(left[0])
    shows = composite_consent_of(plan, display_name)
    _agreed(agree, ClaimConsent(department, display_name, offered.schema, shows))
    plan = planner.ready(plan, lambda held, missing: None)
    presented = present_for_issuance(plan, vault.keys, way.clock())
    showing = Showing(display_name, request, plan.schemas, facts_of(plan))
    return vault.composite.begin_claim(offered, presented, showing)


def _agreed(agree: Agree, consent: ClaimConsent) -> None:
    if not agree(consent):
        raise PresentingError(VaultReason.DECLINED, "the person said no; nothing was sent")


def finished(way: Way, claim: AnyClaim, vault: Vault, log: tlog.Verifier, send: Send | None = None) -> str:
    """Take a claim as far as it goes; return the held credential's identifier. Raises FinalError too."""
    with way.channel() as channel:
        stored = claim.credential
        if stored is None and isinstance(claim, PendingClaim):
            stored = _composite(way, channel, claim, vault, log, send)
        elif stored is None:
            stored = _plain(way, channel, claim, vault, send)
        message = issuance_pb2.AcknowledgeCredentialRequest(
            offer=claim.link.offer, claim_code=claim.link.claim_code, request_id=claim.request_id
        )
        with suppress(ServiceError, FinalError), final(lambda _: vault.end_claim(claim.id)):
            call(issuance_pb2_grpc.IssuanceServiceStub(channel).AcknowledgeCredential, message)
            vault.end_claim(claim.id)
    return stored


def _plain(way: Way, channel: grpc.Channel, claim: AnyClaim, vault: Vault, send: Send | None) -> str:
    message = issuance_pb2.ClaimCredentialRequest(
        offer=claim.link.offer, claim_code=claim.link.claim_code, request_id=claim.request_id
    )
    with final(lambda _: vault.end_claim(claim.id), _ends):
        stub = issuance_pb2_grpc.IssuanceServiceStub(channel)
        answer = call(stub.ClaimCredential, message) if send is None else send(message)
    with checked():
        credential = convert.credential_of(answer.credential)
        schema, issuer_key = _schema(channel, credential), _issuer_key(channel, credential)
        check_credential(credential, schema, issuer_key)
        check_lifetime(credential, schema, civil_date(way.clock()))
        return vault.finish_claim(claim.id, credential, schema, issuer_key).id


def _schema(channel: grpc.Channel, credential: Credential) -> Schema:
    message = catalog_pb2.GetSchemaRequest(name=str(credential.schema))
    return convert.schema_of(call(catalog_pb2_grpc.CatalogServiceStub(channel).GetSchema, message))


def _issuer_key(channel: grpc.Channel, credential: Credential) -> IssuerKey:
    message = catalog_pb2.GetIssuerKeyRequest(name=str(credential.issuer_key))
    return convert.issuer_key_of(call(catalog_pb2_grpc.CatalogServiceStub(channel).GetIssuerKey, message))


def _composite(
    way: Way,
    channel: grpc.Channel,
    claim: PendingClaim,
    vault: Vault,
    log: tlog.Verifier,
    send: Send | None,
) -> str:
    message = issuance_pb2.ClaimCompositeCredentialRequest(
        offer=claim.link.offer, claim_code=claim.link.claim_code, request_id=claim.request_id
    )
    if claim.terms.base:
        message.commitment = claim.answer
    else:
        message.presentation.CopyFrom(
            composite_presentation_to(claim.presentation, claim.shown_by.__getitem__)
        )
    with final(lambda _: vault.end_claim(claim.id), _ends):
        stub = issuance_pb2_grpc.IssuanceServiceStub(channel)
        answer = call(stub.ClaimCompositeCredential, message) if send is None else send(message)
    secret = vault.composite.contents().secret
    if secret is None:
        raise ClientError(VaultReason.ANSWER_INVALID, "the vault has no holder's secret")
    with checked():
        published, standing = _standing(way.reader(channel, log), claim, answer)
        witness = None if standing is None else standing.witness
        credential = accept_credential(
            claim.pending, issued_of(answer), secret, claim.schema, claim.issuer_key, published, witness
        )
        check_lifetime(credential, claim.schema, civil_date(way.clock()))
    return vault.composite.finish_claim(claim.id, credential, standing).id


def _standing(
    reader: Reader, claim: PendingClaim, answer: issuance_pb2.ClaimCompositeCredentialResponse
) -> tuple[PublishedAccumulator | None, Standing | None]:
    """Return the accumulator as it is published, and the witness that came, which is not verified yet.

    If the department had an accumulator when the claim was begun, one counts also without a witness, which is
    then missing: that it had none is to be true, and not only said.
    """
    department = DepartmentName(claim.terms.schema.department)
    accumulators = reader.accumulators(department)
    if claim.revokes and not accumulators:
        raise MalformedError(Reason.MALFORMED, "the department's accumulator is gone", field="accumulator")
    if answer.accumulator:
        for each in accumulators:
            if str(each.name) == answer.accumulator:
                epoch = reader.epoch(each.name, each.key, answer.epoch)
                witness: MembershipWitness = witness_of(answer, each)
                published = PublishedAccumulator(str(department), each.key, {epoch.number: epoch})
                return published, Standing(each, epoch, witness)
        raise MalformedError(Reason.MALFORMED, "the accumulator is not the department's", field="accumulator")
    if claim.revokes:
        oldest = accumulators[-1]
        first = reader.epoch(oldest.name, oldest.key, 0)
        return PublishedAccumulator(str(department), oldest.key, {0: first}), None
    return None, None
