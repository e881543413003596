"""What a judge refuses of the composite form: answers changed in one place, and requests that nobody asks.

Each with its reason and the path that is named; the same over threads and over processes.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from disclosure import DepartmentName, SchemaName, VerifierName
from disclosure.composite import (
    Branch,
    CommittedNumber,
    CompositeRequest,
    Equal,
    EscrowQuery,
    Foreign,
    ForeignNumber,
    HolderWaiver,
    InList,
    JointScope,
    OldestEpoch,
    PseudonymQuery,
    SignedJointScope,
    Sum,
    Term,
    ValidOn,
    VerifierScope,
    Waiver,
    at_least,
    at_most,
)
from tests.disclosure.composite.policy import op
from tests.disclosure.composite.world import INSURANCE, PERMIT, PURPOSE, accepted
from tests.zkservice.composite_city import CompositeCity
from zkproto.v1 import attribute_pb2
from zkproto.v1 import presentation_pb2 as pb

Change = Callable[[pb.CompositePresentation], object]
ANSWER: Final = "composite_presentation"
PART: Final = f"{ANSWER}.credentials[0]"


@dataclass(frozen=True)
class Mutation:
    """A change of a message that holds, with what it is refused as."""

    name: str
    reason: str
    field: str
    change: Change

    def __str__(self) -> str:
        return f"{self.reason}-{self.name}"


def flipped(octets: bytes, place: int = -1) -> bytes:
    changed = bytearray(octets)
    changed[place] ^= 1
    return bytes(changed)


def flip(name: str, place: int = -1) -> Change:
    return lambda each: setattr(each, name, flipped(getattr(each, name), place))


def put(name: str, value: Any) -> Change:
    return lambda each: setattr(each, name, value)


def part(name: str, value: Any, index: int = 0) -> Change:
    return lambda each: setattr(each.credentials[index], name, value)


def _swap(message: pb.CompositePresentation) -> None:
    first, second = pb.CredentialAnswer(), pb.CredentialAnswer()
    first.CopyFrom(message.credentials[0])
    second.CopyFrom(message.credentials[1])
    message.credentials[0].CopyFrom(second)
    message.credentials[1].CopyFrom(first)


def _expiry(index: int, days: int) -> Change:
    def change(message: pb.CompositePresentation) -> None:
        shown = message.credentials[index].expiry
        day = dt.date(shown.year or 2099, shown.month or 1, shown.day or 1) + dt.timedelta(days=days)
        shown.year, shown.month, shown.day = day.year, day.month, day.day

    return change


def _another_value(name: str, text: str) -> attribute_pb2.NamedValue:
    return attribute_pb2.NamedValue(attribute=name, value=attribute_pb2.AttributeValue(text=text))


def _other_key(message: pb.CompositePresentation) -> None:
    last = message.credentials[0].issuer_key[-1]
    message.credentials[0].issuer_key = message.credentials[0].issuer_key[:-1] + ("0" if last != "0" else "1")


MUTATIONS: Final = [
    Mutation(*each)
    for each in (
        ("another request", "REQUEST_MISMATCH", f"{ANSWER}.request_digest", flip("request_digest")),
        ("request digest cut", "PRESENTATION_INVALID", f"{ANSWER}.request_digest",
         put("request_digest", bytes(31))),
        ("another branch", "QUERY_MISMATCH", f"{ANSWER}.credentials", put("branch", "small")),
        ("no such branch", "PRESENTATION_INVALID", f"{ANSWER}.branch", put("branch", "nothing")),
        ("no branch", "PRESENTATION_INVALID", f"{ANSWER}.branch", put("branch", "")),
        ("no credentials", "PRESENTATION_INVALID", f"{ANSWER}.credentials",
         lambda each: each.ClearField("credentials")),
        ("one less", "QUERY_MISMATCH", f"{ANSWER}.credentials", lambda each: each.credentials.pop()),
        ("one twice", "QUERY_MISMATCH", f"{ANSWER}.credentials",
         lambda each: each.credentials.append(each.credentials[0])),
        ("many", "PRESENTATION_INVALID", f"{ANSWER}.credentials",
         lambda each: each.credentials.extend([each.credentials[0]] * 16)),
        ("another order", "QUERY_MISMATCH", PART, _swap),
        ("another query", "QUERY_MISMATCH", PART, part("query", "insurance")),
        ("another version", "PROOF_INVALID", f"{ANSWER}.proof",
         part("schema", "departments/public-security/schemas/residence_permit@2")),
        ("another schema", "QUERY_MISMATCH", PART,
         part("schema", "departments/public-security/schemas/household@1")),
        ("no schema", "NAME_INVALID", f"{PART}.schema", part("schema", "")),
        ("an unknown key", "QUERY_MISMATCH", f"{PART}.issuer_key", _other_key),
        ("no key", "NAME_INVALID", f"{PART}.issuer_key", part("issuer_key", "")),
        ("expiry shown unasked", "QUERY_MISMATCH", f"{PART}.expiry", _expiry(0, 0)),
        ("expiry hidden", "QUERY_MISMATCH", f"{ANSWER}.credentials[2].expiry",
         lambda each: each.credentials[2].ClearField("expiry")),
        ("a later expiry", "PROOF_INVALID", f"{ANSWER}.proof", _expiry(2, 1)),
        ("expired", "CREDENTIAL_EXPIRED", f"{ANSWER}.credentials[2].expiry", _expiry(2, -40)),
        ("no such day", "VALUE_INVALID", f"{ANSWER}.credentials[2].expiry",
         lambda each: setattr(each.credentials[2].expiry, "month", 13)),
        ("another value", "PROOF_INVALID", f"{ANSWER}.proof",
         lambda each: setattr(each.credentials[0].values[0].value, "text", "王大明")),
        ("a value of another type", "VALUE_INVALID", f"{PART}.values.name",
         lambda each: setattr(each.credentials[0].values[0].value, "integer", 1)),
        ("a value kept back", "QUERY_MISMATCH", f"{PART}.values",
         lambda each: each.credentials[0].values.pop()),
        ("a value withheld", "ATTRIBUTE_MISSING", f"{PART}.values.name",
         lambda each: each.credentials[0].values[0].ClearField("value")),
        ("a value unasked", "QUERY_MISMATCH", f"{PART}.values",
         lambda each: each.credentials[0].values.append(_another_value("number", "1"))),
        ("a value twice", "VALUE_INVALID", f"{PART}.values[2].attribute",
         lambda each: each.credentials[0].values.append(each.credentials[0].values[0])),
        ("an absent value invented", "PROOF_INVALID", f"{ANSWER}.proof",
         lambda each: setattr(each.credentials[0].values[1].value, "text", "x")),
        ("another accumulator", "QUERY_MISMATCH", f"{PART}.issuer_key",
         lambda each: setattr(each.credentials[0], "accumulator", each.credentials[1].accumulator)),
        ("accumulator cut", "PRESENTATION_INVALID", f"{PART}.epoch", part("accumulator", b"short")),
        ("revocation not proven", "PRESENTATION_INVALID", f"{PART}.epoch", part("accumulator", b"")),
        ("no epoch", "QUERY_MISMATCH", f"{PART}.issuer_key",
         lambda each: [each.credentials[0].ClearField(name) for name in ("accumulator", "epoch")]),
        ("an older epoch", "PROOF_INVALID", f"{ANSWER}.proof", part("epoch", 1)),
        ("an epoch too old", "EPOCH_STALE", f"{PART}.epoch", part("epoch", 0)),
        ("an epoch of tomorrow", "EPOCH_UNKNOWN", f"{PART}.epoch", part("epoch", 99)),
        ("the last epoch there could be", "EPOCH_UNKNOWN", f"{PART}.epoch", part("epoch", (1 << 63) - 1)),
        ("a negative epoch", "PRESENTATION_INVALID", f"{PART}.epoch", part("epoch", -1)),
        ("another usage tag", "PROOF_INVALID", f"{ANSWER}.proof", flip("usage_tag")),
        ("usage tag cut", "PRESENTATION_INVALID", f"{ANSWER}.usage_tag", put("usage_tag", bytes(47))),
        ("another note", "PROOF_INVALID", f"{ANSWER}.proof", flip("note_hash")),
        ("note hash cut", "PRESENTATION_INVALID", f"{ANSWER}.note_hash", put("note_hash", b"")),
        ("a false response", "PROOF_INVALID", f"{ANSWER}.proof", flip("proof")),
        ("a point that is none", "PRESENTATION_INVALID", f"{ANSWER}.proof",
         lambda each: setattr(each, "proof", b"\xff" * 48 + each.proof[48:])),
        ("proof cut", "PRESENTATION_INVALID", f"{ANSWER}.proof",
         lambda each: setattr(each, "proof", each.proof[:-32])),
        ("proof longer", "PRESENTATION_INVALID", f"{ANSWER}.proof",
         lambda each: setattr(each, "proof", each.proof + bytes(32))),
        ("no proof", "PRESENTATION_INVALID", f"{ANSWER}.proof", put("proof", b"")),
        ("a huge proof", "PRESENTATION_INVALID", f"{ANSWER}.proof", put("proof", bytes(1 << 16))),
    )
]  # fmt: skip


def unanswerable(town: CompositeCity) -> Iterator[tuple[str, str, CompositeRequest]]:
    """Give requests that no exchange is opened for, with reason and field."""
    permit, unknown = town.query("permit", PERMIT), bytes(32)
    place = "signed_request.branches[0]"

    def asked(**changes: Any) -> CompositeRequest:
        return town.request(town.small(**changes))

    def of_issuer(**changes: Any) -> CompositeRequest:
        return asked(queries=(replace(permit, issuers=(replace(accepted(town.police), **changes),)),))

    accumulator = town.police.accumulator.key.octets
    yield (
        "SCHEMA_UNKNOWN",
        f"{place}.queries[0].schemas[0]",
        asked(queries=(replace(permit, schemas=(SchemaName("public-security", "nothing", 1),)),)),
    )
    yield (
        "ISSUER_KEY_UNKNOWN",
        f"{place}.queries[0].issuers[0].key",
        of_issuer(key=type(town.police.key.name)("public-security", "0" * 32)),
    )
    yield (
        "ATTRIBUTE_UNKNOWN",
        f"{place}.queries[0].shown[0]",
        asked(queries=(replace(permit, shown=("nothing",)),)),
    )
    yield "PREDICATE_INVALID", f"{place}.predicates[0]", asked(queries=(replace(permit, shown=("months",)),))
    yield "TABLE_UNKNOWN", f"{place}.queries[0].issuers[0].digits", of_issuer(digits=unknown)
    yield "PREDICATE_INVALID", f"{place}.queries[0].issuers[0].digits", of_issuer(digits=None)
    yield (
        "PREDICATE_INVALID",
        f"{place}.queries[0].issuers[0].digits",
        of_issuer(digits=town.hrss.digits.table.digest),
    )
    yield (
        "EPOCH_UNKNOWN",
        f"{place}.queries[0].issuers[0].revocation",
        of_issuer(revocation=OldestEpoch(accumulator, 99)),
    )
    yield (
        "EPOCH_UNKNOWN",
        f"{place}.queries[0].issuers[0].revocation",
        of_issuer(revocation=OldestEpoch(bytes(96), 0)),
    )
    yield (
        "PREDICATE_INVALID",
        f"{place}.queries[0].issuers[0].revocation",
        of_issuer(revocation=OldestEpoch(town.hrss.accumulator.key.octets, 0)),
    )
    yield (
        "BOUND_INVALID",
        f"{place}.queries[0].expiry",
        asked(queries=(replace(permit, expiry=ValidOn(town.today - dt.timedelta(days=1))),)),
    )
    yield (
        "BOUND_INVALID",
        f"{place}.predicates[0].minimum",
        asked(predicates=(at_least(op("permit.months"), 601),)),
    )
    yield (
        "BOUND_INVALID",
        f"{place}.predicates[1].maximum",
        asked(predicates=(at_least(op("permit.months"), 0), at_most(op("permit.months"), -1))),
    )
    yield (
        "TABLE_UNKNOWN",
        f"{place}.predicates[0].code_list",
        asked(predicates=(InList(op("permit.district"), unknown),)),
    )
    yield (
        "TABLE_UNKNOWN",
        f"{place}.predicates[0].code_list",
        asked(predicates=(InList(op("permit.district"), town.digits.table.digest),)),
    )
    yield (
        "PREDICATE_INVALID",
        f"{place}.digits",
        asked(predicates=(Sum((Term(op("permit.months")), Term(op("permit.gap"))), minimum=1),)),
    )
    yield (
        "REGULATOR_UNKNOWN",
        f"{place}.escrows[0].regulator",
        asked(escrows=(EscrowQuery("who", op("permit.number"), unknown),)),
    )
    yield (
        "REQUEST_SIGNATURE_INVALID",
        f"{place}.pseudonyms[0].scope",
        asked(pseudonyms=(PseudonymQuery("me", _unsigned(town)),)),
    )
    both = (permit, replace(town.query("insurance", INSURANCE), id="insurance"))
    yield (
        "PREDICATE_INVALID",
        f"{place}.predicates[0]",
        asked(queries=both, predicates=(Equal((op("permit.number"), op("insurance.district"))),)),
    )
    good = town.small()
    bad = Branch("bad", good.queries, (at_least(op("permit.months"), 601),))
    yield "BOUND_INVALID", "signed_request.branches[1].predicates[0].minimum", town.request(good, bad)

    months = (Term(op("permit.months")), Term(Foreign("theirs")))
    yield (
        "COMMITMENT_INVALID",
        f"{place}.foreign[0].number",
        asked(
            predicates=(Sum(months, minimum=1),), foreign=(_theirs(town),), digits=town.digits.table.digest
        ),
    )


UNANSWERABLE: Final = {
    "ATTRIBUTE_UNKNOWN",
    "BOUND_INVALID",
    "COMMITMENT_INVALID",
    "EPOCH_UNKNOWN",
    "ISSUER_KEY_UNKNOWN",
    "PREDICATE_INVALID",
    "REGULATOR_UNKNOWN",
    "REQUEST_SIGNATURE_INVALID",
    "SCHEMA_UNKNOWN",
    "TABLE_UNKNOWN",
}
REASONS: Final = {each.reason for each in MUTATIONS} | UNANSWERABLE


def _theirs(town: CompositeCity) -> ForeignNumber:
    """A number that nobody has committed to in an answer that the service verified with this one."""
    number = CommittedNumber(
        VerifierName("school"), bytes(32), bytes(32), "months", town.regulator_key.suite,
        town.regulator_key.public_key, "month", 0, 0, 600, (DepartmentName("public-security"),),
    )  # fmt: skip
    return ForeignNumber("theirs", number, HolderWaiver.OTHER_HOLDER)


def _unsigned(town: CompositeCity) -> SignedJointScope:
    members = (VerifierName("bank"), VerifierName("school"))
    scope = JointScope("enrolment-2026", PURPOSE, members, town.regulator_key.suite)
    return SignedJointScope(scope, (scope.sign(town.city.verifier_keys["bank"]), bytes(64)))


def waived(town: CompositeCity) -> Branch:
    """A branch that waives revocation, and asks for a pseudonym."""
    issuer = accepted(town.police, revocation=Waiver.REVOCATION)
    query = replace(town.query("permit", PERMIT), issuers=(issuer,))
    return Branch("waived", (query,), (), (PseudonymQuery("me", VerifierScope("enrol-2026")),))
