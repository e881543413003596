"""Refusals of issuance: of a department that signs, and of a vault that claims."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from disclosure.w3c import commit
from tests.zkservice.refusing import OWN_ONLY, Case, Refusable, Scenario, Town, add, metadata, put
from tests.zkservice.stored import change
from tests.zkservice.support import VALUES, new_id
from zkproto.v1 import issuance_pb2

CASES: list[Case] = []
BAD, MISSING, NAMES = "INVALID_ARGUMENT", "FIELD_MISSING", "NAME_INVALID"


def issuing(
    code: str,
    reason: str,
    *fields: str,
    name: str,
    alter: Callable[[issuance_pb2.IssueCredentialRequest], object],
    token: Callable[[Town], str | None] = lambda town: town.city.department_token,
) -> None:
    async def scenario(town: Town) -> Refusable:
        message = town.city.issuing(VALUES | {"fee": 5})
        alter(message)
        return lambda: town.city.issuance.IssueCredential(message, metadata=metadata(town.city, token(town)))

    add(CASES, code, reason, *fields, name=f"issue: {name}")(scenario)


def value(index: int, **fields: Any) -> Callable[[issuance_pb2.IssueCredentialRequest], object]:
    def alter(message: issuance_pb2.IssueCredentialRequest) -> None:
        message.values[index].value.Clear()
        for name, each in fields.items():
            setattr(message.values[index].value, name, each)

    return alter


def no_date(message: issuance_pb2.IssueCredentialRequest) -> None:
    message.values[3].value.date.day = 32


def same(message: issuance_pb2.IssueCredentialRequest) -> None:
    pass


issuing("UNAUTHENTICATED", "TOKEN_MISSING", name="no token", alter=same, token=lambda _: None)
for who, bearer in {
    "administrator's": lambda town: town.city.admin,
    "another department's": lambda town: town.tax_token,
    "unknown": lambda _: "x" * 43,
}.items():
    issuing("PERMISSION_DENIED", "TOKEN_INVALID", name=f"{who} token", alter=same, token=bearer)
issuing(BAD, NAMES, "schema", name="no schema", alter=lambda each: each.ClearField("schema"))
issuing(BAD, MISSING, "request_id", name="no request_id", alter=lambda each: each.ClearField("request_id"))
issuing(
    "FAILED_PRECONDITION", "SCHEMA_UNKNOWN", "schema", name="unknown schema",
    alter=put("schema", "departments/police/schemas/residence_permit@9"),
)  # fmt: skip
issuing(
    BAD, MISSING, "identification", name="composite schema for nobody",
    alter=put("schema", "departments/police/schemas/composite@1"),
)  # fmt: skip
issuing(
    BAD, "ATTRIBUTE_MISSING", "values.name", name="no values", alter=lambda each: each.ClearField("values")
)
issuing(BAD, "ATTRIBUTE_MISSING", "values.district", name="absent", alter=value(2))
issuing(BAD, "VALUE_INVALID", "values.name", name="empty text", alter=value(0, text=""))
issuing(BAD, "VALUE_INVALID", "values.name", name="long text", alter=value(0, text="王" * 31))
issuing(BAD, "VALUE_INVALID", "values.name", name="control", alter=value(0, text="a\u202eb"))
issuing(BAD, "VALUE_INVALID", "values.name", name="wrong type", alter=value(0, integer=5))
issuing(BAD, "VALUE_INVALID", "values.number", name="short hash", alter=value(1, hash=bytes(31)))
issuing(BAD, "VALUE_INVALID", "values.district", name="no code", alter=value(2, code="370104"))
issuing(BAD, "VALUE_INVALID", "values.fee", name="too much", alter=value(4, integer=10**9 + 1))
issuing(BAD, "VALUE_INVALID", "values.fee", name="negative", alter=value(4, integer=-1))
issuing(BAD, "VALUE_INVALID", "values.student", name="number for truth", alter=value(5, integer=1))
issuing(BAD, "VALUE_INVALID", "values[3].value.date", name="no date", alter=no_date)
issuing(
    BAD, "VALUE_INVALID", "values[6].attribute", name="twice",
    alter=lambda each: each.values.add(attribute="name"),
)  # fmt: skip
issuing(
    BAD, "ATTRIBUTE_UNKNOWN", "values.shoe", name="unknown attribute",
    alter=lambda each: each.values.add(attribute="shoe").value.MergeFrom(each.values[0].value),
)  # fmt: skip
issuing(
    BAD, "ATTRIBUTE_UNKNOWN", "values." + "x" * 292 + "…", name="a name longer than a trailer may be",
    alter=lambda each: each.values.add(attribute="x" * 50_000).value.MergeFrom(each.values[0].value),
)  # fmt: skip


@add(CASES, "FAILED_PRECONDITION", "ISSUER_KEY_MISSING")
async def department_without_key(town: Town) -> Refusable:
    message = town.city.issuing(schema=OWN_ONLY)
    return lambda: town.city.issuance.IssueCredential(message, metadata=metadata(town.city, town.tax_token))


@add(CASES, "FAILED_PRECONDITION", "ISSUER_KEY_MISSING")
async def department_whose_key_only_verifies(town: Town) -> Refusable:
    await town.city.add_key("tax")
    change(
        town.city.ready.data,
        "update issuer_key set state = 'verify-only' where department = 'departments/tax'",
    )
    return await department_without_key(town)


@add(CASES, "ALREADY_EXISTS", "REQUEST_ID_REUSED", "request_id")
async def request_id_of_other_values(town: Town) -> Refusable:
    request_id = new_id()
    await town.city.issue(request_id=request_id)
    return lambda: town.city.issue(VALUES | {"student": True}, request_id)


def claims(method: str, message: issuance_pb2.ClaimCredentialRequest, town: Town) -> Refusable:
    asked = getattr(issuance_pb2, f"{method}Request").FromString(message.SerializeToString())
    return lambda: getattr(town.city.issuance, method)(asked)


def claiming(code: str, reason: str, *fields: str, name: str, alter: Callable[[Any], object]) -> None:
    for method in ("ClaimCredential", "ClaimW3cCredential", "AcknowledgeCredential"):

        async def scenario(town: Town, method: str = method) -> Refusable:
            offer = await town.city.issue()
            message = issuance_pb2.ClaimCredentialRequest(
                offer=offer.offer, claim_code=offer.claim_code, request_id=new_id()
            )
            alter(message)
            return claims(method, message, town)

        add(CASES, code, reason, *fields, name=f"{method} {name}")(scenario)


claiming(BAD, MISSING, "offer", name="no offer", alter=lambda each: each.ClearField("offer"))
claiming(
    BAD,
    "FIELD_INVALID",
    "offer",
    name="an exchange",
    alter=put("offer", "exchanges/x"),
)
claiming(
    BAD,
    "FIELD_INVALID",
    "offer",
    name="long",
    alter=put("offer", "offers/" + "x" * 33),
)
claiming("NOT_FOUND", "NOT_FOUND", name="no code", alter=lambda each: each.ClearField("claim_code"))
claiming("NOT_FOUND", "NOT_FOUND", name="wrong code", alter=put("claim_code", "x" * 43))
claiming("NOT_FOUND", "NOT_FOUND", name="code 证", alter=put("claim_code", "证"))
claiming("NOT_FOUND", "NOT_FOUND", name="no such offer", alter=put("offer", "offers/x"))
claiming(BAD, MISSING, "request_id", name="no id", alter=lambda each: each.ClearField("request_id"))
claiming(BAD, "FIELD_INVALID", "request_id", name="no uuid", alter=put("request_id", "me"))


async def claimed(town: Town) -> issuance_pb2.ClaimCredentialRequest:
    offer = await town.city.issue()
    message = issuance_pb2.ClaimCredentialRequest(
        offer=offer.offer, claim_code=offer.claim_code, request_id=new_id()
    )
    first = await town.city.issuance.ClaimCredential(message)
    assert await town.city.issuance.ClaimCredential(message) == first
    return message


def taken(name: str) -> Callable[[Scenario], Scenario]:
    return add(CASES, "FAILED_PRECONDITION", "OFFER_TAKEN", name=name)


@taken("claimed by another vault")
async def claimed_by_another(town: Town) -> Refusable:
    message = await claimed(town)
    message.request_id = new_id()
    return claims("ClaimCredential", message, town)


@taken("acknowledged by another vault")
async def acknowledged_by_another(town: Town) -> Refusable:
    message = await claimed(town)
    message.request_id = new_id()
    return claims("AcknowledgeCredential", message, town)


@taken("acknowledged before it was claimed")
async def acknowledged_unclaimed(town: Town) -> Refusable:
    offer = await town.city.issue()
    message = issuance_pb2.ClaimCredentialRequest(
        offer=offer.offer, claim_code=offer.claim_code, request_id=new_id()
    )
    return claims("AcknowledgeCredential", message, town)


@taken("the same claim after it was acknowledged")
async def claimed_after_acknowledged(town: Town) -> Refusable:
    message = await claimed(town)
    acknowledge = claims("AcknowledgeCredential", message, town)
    await acknowledge()
    await acknowledge()
    return claims("ClaimCredential", message, town)


@add(CASES, "FAILED_PRECONDITION", "OFFER_EXPIRED")
async def claimed_too_late(town: Town) -> Refusable:
    offer = await town.city.issue()
    message = issuance_pb2.ClaimCredentialRequest(
        offer=offer.offer, claim_code=offer.claim_code, request_id=new_id()
    )
    return town.at(dt.timedelta(days=30, seconds=1), claims("ClaimCredential", message, town))


@add(CASES, "FAILED_PRECONDITION", "OFFER_EXPIRED")
async def claimed_in_time_and_again_too_late(town: Town) -> Refusable:
    message = await claimed(town)
    return town.at(dt.timedelta(days=30, seconds=1), claims("ClaimCredential", message, town))


def w3c(
    message: issuance_pb2.ClaimCredentialRequest, commitment: bytes
) -> issuance_pb2.ClaimW3cCredentialRequest:
    asked = issuance_pb2.ClaimW3cCredentialRequest.FromString(message.SerializeToString())
    asked.commitment = commitment
    return asked


@taken("claimed as a document by another vault")
async def document_of_another(town: Town) -> Refusable:
    message = await claimed(town)
    message.request_id = new_id()
    return claims("ClaimW3cCredential", message, town)


@taken("claimed as a document after it was acknowledged")
async def document_after_acknowledged(town: Town) -> Refusable:
    message = await claimed(town)
    await claims("AcknowledgeCredential", message, town)()
    return claims("ClaimW3cCredential", message, town)


@add(CASES, BAD, "FIELD_INVALID", "commitment")
async def document_with_half_a_commitment(town: Town) -> Refusable:
    message = await claimed(town)
    return lambda: town.city.issuance.ClaimW3cCredential(w3c(message, bytes(100)))


@add(CASES, BAD, "COMMITMENT_INVALID", "commitment")
async def document_with_a_commitment_that_is_none(town: Town) -> Refusable:
    message = await claimed(town)
    octets = bytearray(commit(b"a secret")[0])
    octets[-1] ^= 1
    return lambda: town.city.issuance.ClaimW3cCredential(w3c(message, bytes(octets)))


def bound(name: str, first: bytes, then: bytes) -> None:
    """One claim's documents are of one holder: another commitment, or none, is refused."""

    async def scenario(town: Town) -> Refusable:
        message = await claimed(town)
        await town.city.issuance.ClaimW3cCredential(w3c(message, first))
        return lambda: town.city.issuance.ClaimW3cCredential(w3c(message, then))

    add(CASES, "ALREADY_EXISTS", "REQUEST_ID_REUSED", "commitment", name=f"document {name}")(scenario)


bound("for another holder", commit(b"a secret")[0], commit(b"another secret")[0])
bound("for the holder under another blind", commit(b"a secret")[0], commit(b"a secret")[0])
bound("for nobody after a holder", commit(b"a secret")[0], b"")
bound("for a holder after nobody", b"", commit(b"a secret")[0])
