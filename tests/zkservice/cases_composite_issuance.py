"""Refusals of issuance in the composite form: of a department that offers, and of a vault that claims."""

import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from disclosure import SchemaName
from tests.zkservice.holding import Claiming, Holder, code, get_offer, identified, offer, requiring
from tests.zkservice.refusing import NO_KEY, OWN_COMPOSITE, Case, Refusable, Town, add, metadata, put
from tests.zkservice.stored import change
from tests.zkservice.support import VALUES, new_id
from zkproto.v1 import issuance_pb2 as pb

CASES: list[Case] = []
BAD, MISSING, NAMES, INVALID = "INVALID_ARGUMENT", "FIELD_MISSING", "NAME_INVALID", "FIELD_INVALID"
STATE = "FAILED_PRECONDITION"
Alter = Callable[[Any], object]


def same(_: Any) -> None:
    pass


def base(town: Town) -> pb.IssueCredentialRequest:
    """Ask for a base credential of somebody new."""
    return identified(schema=town.composite, person=new_id().encode())


def shown(town: Town) -> pb.IssueCredentialRequest:
    """Ask for a credential of whoever shows a base credential of this name."""
    return requiring({"name": VALUES["name"]}, town.composite, town.composite)


def offering(
    state: str,
    reason: str,
    *fields: str,
    alter: Alter,
    make: Callable[[Town], pb.IssueCredentialRequest] = base,
    token: Callable[[Town], str | None] = lambda town: town.city.department_token,
) -> None:
    async def scenario(town: Town) -> Refusable:
        message = make(town)
        alter(message)
        return lambda: town.city.issuance.IssueCredential(message, metadata=metadata(town.city, token(town)))

    add(CASES, state, reason, *fields, name=f"offer {len(CASES)}")(scenario)


def showing(**values: Any) -> Alter:
    """Have the base credential say something else."""

    def alter(message: pb.IssueCredentialRequest) -> None:
        del message.required.values[:]
        for name, value in values.items():
            named = message.required.values.add(attribute=name)
            for kind, each in value.items():
                setattr(named.value, kind, each)

    return alter


offering("UNAUTHENTICATED", "TOKEN_MISSING", alter=same, token=lambda _: None)
offering("PERMISSION_DENIED", "TOKEN_INVALID", alter=same, token=lambda town: town.tax_token)
offering(BAD, MISSING, "request_id", alter=put("request_id", ""))
offering(BAD, "ATTRIBUTE_MISSING", "values.name", alter=lambda each: each.ClearField("values"))
offering(BAD, MISSING, "identification", alter=lambda each: each.ClearField("person"))
for person in (b"", b"x" * 201):
    offering(BAD, INVALID, "person", alter=put("person", person))
offering(BAD, INVALID, "replace_holder", make=shown, alter=put("replace_holder", True))
for name in ("", "departments/police", "departments/police/schemas/composite"):
    offering(BAD, NAMES, "required.schema", make=shown, alter=put("required.schema", name))
UNKNOWN = "departments/police/schemas/composite@9"
offering(STATE, "SCHEMA_UNKNOWN", "required.schema", make=shown, alter=put("required.schema", UNKNOWN))
PLAIN = "departments/police/schemas/residence_permit@1"
offering(STATE, "FORM_NOT_SUPPORTED", "required.schema", make=shown, alter=put("required.schema", PLAIN))
offering(BAD, MISSING, "required.values", make=shown, alter=showing())
offering(BAD, "ATTRIBUTE_UNKNOWN", "required.values.shoe", make=shown, alter=showing(shoe={"text": "x"}))
offering(BAD, "VALUE_INVALID", "required.values.name", make=shown, alter=showing(name={"text": "王" * 31}))
offering(BAD, "VALUE_INVALID", "required.values.name", make=shown, alter=showing(name={"integer": 1}))
offering(
    BAD, "VALUE_INVALID", "required.values.values[1].attribute", make=shown,
    alter=lambda each: each.required.values.append(each.required.values[0]),
)  # fmt: skip


def plain(town: Town) -> pb.IssueCredentialRequest:
    return town.city.issuing()


offering(BAD, INVALID, "identification", make=plain, alter=put("person", b"1"))
offering(BAD, INVALID, "identification", make=plain, alter=put("replace_holder", True))
offering(BAD, INVALID, "identification", make=plain, alter=put("required.schema", UNKNOWN))


OF_LAND = put("required.schema", str(NO_KEY.name))
offering(STATE, "ISSUER_KEY_MISSING", "required.schema", make=shown, alter=OF_LAND)


@add(CASES, STATE, "ISSUER_KEY_MISSING")
async def offered_by_a_department_without_a_key(town: Town) -> Refusable:
    message = identified(schema=OWN_COMPOSITE)
    return lambda: offer(town.city, message, town.tax_token)


@add(CASES, "ALREADY_EXISTS", "REQUEST_ID_REUSED", "request_id")
async def request_id_of_another_person(town: Town) -> Refusable:
    message = base(town)
    await offer(town.city, message)
    message.person = new_id().encode()
    return lambda: offer(town.city, message)


@add(CASES, "ALREADY_EXISTS", "REQUEST_ID_REUSED", "request_id")
async def request_id_of_a_plain_credential(town: Town) -> Refusable:
    message = base(town)
    await town.city.issue(request_id=message.request_id)
    return lambda: offer(town.city, message)


async def claiming(town: Town) -> Claiming:
    """Answer an offer of a base credential, and do not send it yet."""
    return await Holder(town.city).commit(await offer(town.city, base(town)), town.composite)


async def presenting(town: Town) -> Claiming:
    """Answer an offer that asks for a base credential, and do not send it yet."""
    holder = Holder(town.city)
    claim = await holder.commit(await offer(town.city, base(town)), town.composite)
    holding = await holder.accept(claim, await claim.send(town.city))
    made = await offer(town.city, shown(town))
    return await holder.show(made, holding, town.composite, town.composite)


def claims(
    state: str,
    reason: str,
    *fields: str,
    alter: Alter,
    make: Callable[[Town], Awaitable[Claiming]] = claiming,
) -> None:
    async def scenario(town: Town) -> Refusable:
        claim = await make(town)
        alter(claim.message)
        return lambda: claim.send(town.city)

    add(CASES, state, reason, *fields, name=f"claim {len(CASES)}")(scenario)


def getting(state: str, reason: str, *fields: str, alter: Alter) -> None:
    async def scenario(town: Town) -> Refusable:
        made = await offer(town.city, base(town))
        message = pb.GetOfferRequest(**code(made))
        alter(message)
        return lambda: town.city.issuance.GetOffer(message)

    add(CASES, state, reason, *fields, name=f"GetOffer {len(CASES)}")(scenario)


for refused in (claims, getting):
    refused(BAD, MISSING, "offer", alter=lambda each: each.ClearField("offer"))
    refused(BAD, INVALID, "offer", alter=put("offer", "exchanges/x"))
    refused("NOT_FOUND", "NOT_FOUND", alter=put("offer", "offers/x"))
    refused("NOT_FOUND", "NOT_FOUND", alter=lambda each: each.ClearField("claim_code"))
    refused("NOT_FOUND", "NOT_FOUND", alter=put("claim_code", "x" * 43))
claims(BAD, MISSING, "request_id", alter=put("request_id", ""))
claims(BAD, INVALID, "request_id", alter=put("request_id", "me"))
claims(BAD, MISSING, "answer", alter=lambda each: each.ClearField("commitment"))
for octets in (b"", b"x", bytes(300)):
    claims(BAD, "MALFORMED", "commitment", alter=put("commitment", octets))
FALSE, ELSE = "COMMITMENT_INVALID", "presentation"
claims(BAD, FALSE, ELSE, alter=put("presentation.branch", "base"))
claims(BAD, FALSE, "commitment", make=presenting, alter=put("commitment", b"x"))


def flipped(field: str) -> Alter:
    def alter(message: Any) -> None:
        *way, last = field.split(".")
        for name in way:
            message = getattr(message, name)
        octets = getattr(message, last)
        setattr(message, last, octets[:-1] + bytes([octets[-1] ^ 1]))

    return alter


claims(BAD, FALSE, alter=flipped("commitment"))
claims(BAD, "PROOF_INVALID", f"{ELSE}.proof", make=presenting, alter=flipped("presentation.proof"))
claims(BAD, "REQUEST_MISMATCH", f"{ELSE}.request_digest", make=presenting,
       alter=flipped("presentation.request_digest"))  # fmt: skip
claims(BAD, "PRESENTATION_INVALID", f"{ELSE}.branch", make=presenting, alter=put("presentation.branch", "x"))


@add(CASES, BAD, FALSE)
async def commitment_for_another_offer(town: Town) -> Refusable:
    one, other = await claiming(town), await claiming(town)
    other.message.commitment = one.message.commitment
    return lambda: other.send(town.city)


@add(CASES, STATE, "REQUIRED_MISMATCH", f"{ELSE}.credentials[0]")
async def base_credential_of_somebody_else(town: Town) -> Refusable:
    holder = Holder(town.city)
    claim = await holder.commit(await offer(town.city, base(town)), town.composite)
    holding = await holder.accept(claim, await claim.send(town.city))
    asked = requiring({"name": "李四"}, town.composite, town.composite)
    shown_wrong = await holder.show(await offer(town.city, asked), holding, town.composite, town.composite)
    return lambda: shown_wrong.send(town.city)


@add(CASES, STATE, "HOLDER_MISMATCH")
async def person_with_another_secret(town: Town) -> Refusable:
    asked = base(town)
    await (await Holder(town.city).commit(await offer(town.city, asked), town.composite)).send(town.city)
    asked.request_id = new_id()
    claim = await Holder(town.city).commit(await offer(town.city, asked), town.composite)
    return lambda: claim.send(town.city)


@add(CASES, STATE, "HOLDER_MISMATCH")
async def secret_of_another_person(town: Town) -> Refusable:
    holder = Holder(town.city)
    await (await holder.commit(await offer(town.city, base(town)), town.composite)).send(town.city)
    claim = await holder.commit(await offer(town.city, base(town)), town.composite)
    return lambda: claim.send(town.city)


@add(CASES, STATE, "OFFER_TAKEN")
async def claimed_by_another_vault(town: Town) -> Refusable:
    claim = await claiming(town)
    assert await claim.send(town.city) == await claim.send(town.city)
    claim.message.request_id = new_id()
    return lambda: claim.send(town.city)


@add(CASES, STATE, "OFFER_TAKEN")
async def claimed_again_after_it_was_stored(town: Town) -> Refusable:
    claim = await claiming(town)
    await claim.send(town.city)
    await town.city.issuance.AcknowledgeCredential(claim.acknowledging)
    return lambda: claim.send(town.city)


@add(CASES, STATE, "OFFER_TAKEN")
async def got_after_it_was_stored(town: Town) -> Refusable:
    claim = await claiming(town)
    await claim.send(town.city)
    await town.city.issuance.AcknowledgeCredential(claim.acknowledging)
    asked = pb.GetOfferRequest(offer=claim.message.offer, claim_code=claim.message.claim_code)
    return lambda: town.city.issuance.GetOffer(asked)


@add(CASES, STATE, "OFFER_TAKEN")
async def stored_before_it_was_claimed(town: Town) -> Refusable:
    claim = await claiming(town)
    return lambda: town.city.issuance.AcknowledgeCredential(claim.acknowledging)


LATE = dt.timedelta(days=30, seconds=1)


@add(CASES, STATE, "OFFER_EXPIRED")
async def claimed_too_late(town: Town) -> Refusable:
    claim = await claiming(town)
    return town.at(LATE, lambda: claim.send(town.city))


@add(CASES, STATE, "OFFER_EXPIRED")
async def claimed_in_time_and_again_too_late(town: Town) -> Refusable:
    claim = await claiming(town)
    await claim.send(town.city)
    return town.at(LATE, lambda: claim.send(town.city))


@add(CASES, STATE, "OFFER_EXPIRED")
async def got_too_late(town: Town) -> Refusable:
    made = await offer(town.city, base(town))
    return town.at(LATE, lambda: get_offer(town.city, made))


@add(CASES, STATE, "OFFER_EXPIRED")
async def plain_offer_got_too_late(town: Town) -> Refusable:
    made = await town.city.issue()
    return town.at(LATE, lambda: get_offer(town.city, made))


@add(CASES, STATE, "REQUEST_EXPIRED")
async def presented_when_the_request_has_run_out(town: Town) -> Refusable:
    claim = await presenting(town)
    return town.at(dt.timedelta(hours=1, seconds=1), lambda: claim.send(town.city))


@add(CASES, STATE, "FORM_NOT_SUPPORTED", "offer")
async def composite_offer_claimed_as_a_plain_one(town: Town) -> Refusable:
    asked = pb.ClaimCredentialRequest(**code(await offer(town.city, base(town))), request_id=new_id())
    return lambda: town.city.issuance.ClaimCredential(asked)


@add(CASES, STATE, "FORM_NOT_SUPPORTED", "offer")
async def plain_offer_claimed_as_a_composite_one(town: Town) -> Refusable:
    asked = pb.ClaimCompositeCredentialRequest(
        **code(await town.city.issue()), request_id=new_id(), commitment=b"x"
    )
    return lambda: town.city.issuance.ClaimCompositeCredential(asked)


@add(CASES, STATE, "ISSUER_KEY_RETIRED", "offer")
async def key_retired_before_the_claim(town: Town) -> Refusable:
    department = "health"
    token = await town.city.add_department(department)
    schema = replace(town.composite, name=SchemaName(department, "composite", 1))
    await town.city.add_schema(schema)
    await town.city.add_key(department)
    claim = await Holder(town.city).commit(await offer(town.city, identified(schema=schema), token), schema)
    state = "update issuer_key set state = 'verify-only' where department = ?"
    change(town.city.ready.data, state, f"departments/{department}")
    return lambda: claim.send(town.city)


@add(CASES, STATE, "ACCUMULATOR_MISSING", "replace_holder")
async def replacing_where_nothing_can_be_revoked(town: Town) -> Refusable:
    token = await town.city.add_department("archive")
    schema = replace(town.composite, name=SchemaName("archive", "composite", 1))
    await town.city.add_schema(schema)
    await town.city.add_key("archive")
    return lambda: offer(town.city, identified(schema=schema, replace_holder=True), token)


def asking(
    state: str,
    reason: str,
    *fields: str,
    alter: Alter = same,
    token: Callable[[Town], str | None] = lambda town: town.city.department_token,
    make: Callable[[Town], Awaitable[Any]] = lambda town: offer(town.city, base(town)),
) -> None:
    async def scenario(town: Town) -> Refusable:
        message = pb.GetIssuanceRequest(offer=(await make(town)).offer)
        alter(message)
        return lambda: town.city.issuance.GetIssuance(message, metadata=metadata(town.city, token(town)))

    add(CASES, state, reason, *fields, name=f"GetIssuance {len(CASES)}")(scenario)


asking("UNAUTHENTICATED", "TOKEN_MISSING", token=lambda _: None)
for whose in (lambda town: town.tax_token, lambda town: town.city.admin, lambda _: "x" * 43):
    asking("PERMISSION_DENIED", "TOKEN_INVALID", token=whose)
asking(BAD, MISSING, "offer", alter=put("offer", ""))
asking(BAD, INVALID, "offer", alter=put("offer", "exchanges/x"))
asking("NOT_FOUND", "NOT_FOUND", alter=put("offer", "offers/x"))
# Whoever is no department learns nothing of which offers there are.
asking("UNAUTHENTICATED", "TOKEN_MISSING", alter=put("offer", "offers/x"), token=lambda _: None)
asking("PERMISSION_DENIED", "TOKEN_INVALID", alter=put("offer", "offers/x"), token=lambda _: "x" * 43)
asking(STATE, "FORM_NOT_SUPPORTED", "offer", make=lambda town: town.city.issue())
