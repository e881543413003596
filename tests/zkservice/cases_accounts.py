"""Refusals of accounts and inboxes: with their reasons, and nothing changed."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from disclosure.account import new_code as fresh_code
from tests.zkservice.refusing import Case, Refusable, Town, add, metadata, put
from tests.zkservice.residents import (
    COMPANY,
    PERSON,
    Resident,
    accounts,
    identifying,
    new_code,
    number,
    registering,
    subject,
)
from tests.zkservice.support import VALUES
from zkproto.v1 import account_pb2 as pb

CASES: list[Case] = []
BAD, MISSING, INVALID = "INVALID_ARGUMENT", "FIELD_MISSING", "VALUE_INVALID"
DENIED, FAILED = "PERMISSION_DENIED", "FAILED_PRECONDITION"
Alter = Callable[[Any], object]


def same(_: Any) -> None:
    pass


# registration


def coded(code: str, reason: str, *fields: str, name: str, who: Any = None, token: Any = None) -> None:
    async def scenario(town: Town) -> Refusable:
        asked = pb.CreateRegistrationRequest(subject=subject(number()) if who is None else who)
        bearer = town.city.department_token if token is None else token(town)
        return lambda: accounts(town.city).CreateRegistration(asked, metadata=metadata(town.city, bearer))

    add(CASES, code, reason, *fields, name=f"code: {name}")(scenario)


coded(DENIED, "TOKEN_INVALID", name="the administrator's token", token=lambda town: town.city.admin)
coded(DENIED, "NOT_IDENTIFYING", "subject.kind", name="of a department that identifies nobody",
      token=lambda town: town.tax_token)  # fmt: skip
coded(BAD, INVALID, "subject.kind", name="no subject", who=pb.Subject())
coded(BAD, INVALID, "subject.number", name="no number", who=subject(""))
coded(BAD, INVALID, "subject.number", name="small letters", who=subject("37010219900101123x"))
coded(BAD, INVALID, "subject.number", name="long", who=subject("1" * 65))


def registration(code: str, reason: str, *fields: str, name: str, alter: Alter = same, **how: Any) -> None:
    async def scenario(town: Town) -> Refusable:
        who = subject(number())
        message = registering(town.city, await new_code(town.city, who), who, **how)
        alter(message)
        return lambda: accounts(town.city).RegisterAccount(message)

    add(CASES, code, reason, *fields, name=f"register: {name}")(scenario)


NO_CODE = ("UNAUTHENTICATED", "REGISTRATION_INVALID", "code")
UNSIGNED = ("UNAUTHENTICATED", "REQUEST_SIGNATURE_INVALID", "signature")
registration(*UNSIGNED, name="for another service", service="elsewhere+00000000+AAAA")
registration(*UNSIGNED, name="another key", alter=put("public_key", bytes(31) + b"\1"))
registration(*UNSIGNED, name="another code", alter=put("code", fresh_code()))
registration(*UNSIGNED, name="cut", alter=lambda each: put("signature", each.signature[:63])(each))
registration(BAD, INVALID, "public_key", name="short key", alter=put("public_key", bytes(31)))
registration(BAD, INVALID, "code", name="no code at all", alter=put("code", "0000"))
registration(BAD, MISSING, "code", name="no code", alter=lambda each: each.ClearField("code"))
registration(BAD, MISSING, "request_id", name="no id", alter=lambda each: each.ClearField("request_id"))
registration(BAD, "NOTE_MISMATCH", "holder_note", name="short note", alter=put("holder_note", bytes(9)))
registration(*NO_CODE, name="another department's", department="departments/tax")
registration(
    DENIED, "SUBJECT_MISMATCH", "subject", name="another subject's", alter=put("subject.number", "NOBODY-1")
)


@add(CASES, *NO_CODE, name="register: a code that nobody has made")
async def _unknown_code(town: Town) -> Refusable:
    message = registering(town.city, fresh_code(), subject(number()))
    return lambda: accounts(town.city).RegisterAccount(message)


@add(CASES, *NO_CODE, name="register: a code of a department that identifies such subjects no more")
async def _powerless(town: Town) -> Refusable:
    name, who = f"former-{number()}", subject(number())
    token = await town.city.add_department(name, PERSON)
    message = registering(
        town.city, await new_code(town.city, who, token), who, department=f"departments/{name}"
    )
    await identifying(town.city, name, COMPANY)
    return lambda: accounts(town.city).RegisterAccount(message)


@add(CASES, *NO_CODE, name="register: a code that a newer one has replaced")
async def _void_code(town: Town) -> Refusable:
    who = subject(number())
    message = registering(town.city, await new_code(town.city, who), who)
    await new_code(town.city, who)
    return lambda: accounts(town.city).RegisterAccount(message)


@add(CASES, FAILED, "REGISTRATION_USED", "code", name="register: twice")
async def _used_code(town: Town) -> Refusable:
    who = subject(number())
    code = await new_code(town.city, who)
    await accounts(town.city).RegisterAccount(registering(town.city, code, who))
    message = registering(town.city, code, who)
    return lambda: accounts(town.city).RegisterAccount(message)


@add(CASES, FAILED, "REGISTRATION_EXPIRED", "code", name="register: too late")
async def _late_code(town: Town) -> Refusable:
    who = subject(number())
    message = registering(town.city, await new_code(town.city, who), who)
    return town.at(dt.timedelta(days=7, seconds=1), lambda: accounts(town.city).RegisterAccount(message))


# the inbox


def delivery(code: str, reason: str, *fields: str, name: str, who: pb.Subject) -> None:
    async def scenario(town: Town) -> Refusable:
        message = town.city.issuing(VALUES)
        message.deliver_to.CopyFrom(who)
        bearer = metadata(town.city, town.city.department_token)
        return lambda: town.city.issuance.IssueCredential(message, metadata=bearer)

    add(CASES, code, reason, *fields, name=f"deliver: {name}")(scenario)


delivery(FAILED, "HOLDER_UNKNOWN", "deliver_to", name="nobody", who=subject("NOBODY-2"))
delivery(BAD, INVALID, "deliver_to.kind", name="no kind", who=pb.Subject(number="7"))
delivery(BAD, INVALID, "deliver_to.number", name="no number", who=subject(""))


@add(CASES, BAD, "FIELD_INVALID", "after", name="watch: before the beginning")
async def _watch(town: Town) -> Refusable:
    mine = await Resident.settle(town.city)
    session, asked = await mine.session(), pb.WatchInboxRequest(after=-1)
    return lambda: accounts(town.city).WatchInbox(asked, metadata=session).read()


for _method, _asked in {
    "ListOffers": pb.ListOffersRequest(),
    "WatchInbox": pb.WatchInboxRequest(),
}.items():

    @add(CASES, DENIED, "TOKEN_INVALID", name=f"{_method}: a department's token")
    async def _foreign(town: Town, method: str = _method, asked: Any = _asked) -> Refusable:
        bearer = metadata(town.city, town.city.department_token)
        call = getattr(accounts(town.city), method)
        return lambda: _first(call(asked, metadata=bearer))

    @add(CASES, "UNAUTHENTICATED", "TOKEN_MISSING", name=f"{_method}: nobody's")
    async def _nobodys(town: Town, method: str = _method, asked: Any = _asked) -> Refusable:
        return lambda: _first(getattr(accounts(town.city), method)(asked))


def _first(call: Any) -> Any:
    return call.read() if hasattr(call, "read") else call


@add(CASES, "UNAUTHENTICATED", "ACCOUNT_REPLACED", name="ListOffers: of whoever had the account before")
async def _replaced(town: Town) -> Refusable:
    mine = await Resident.settle(town.city)
    session = await mine.session()
    await accounts(town.city).RegisterAccount(
        registering(town.city, await new_code(town.city, mine.who), mine.who)
    )
    return lambda: accounts(town.city).ListOffers(pb.ListOffersRequest(), metadata=session)
