"""Refusals of declined exchanges and of standing consents."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure import PolicyName, VerifierName
from disclosure.policy import StandingLimits
from tests.zkservice import consenting
from tests.zkservice.allowing import allowed, any_policy
from tests.zkservice.consenting import DAY, a_note, granted, stub
from tests.zkservice.refusing import Case, Refusable, Town, add, metadata
from tests.zkservice.sessions import statement
from tests.zkservice.stored import change
from tests.zkservice.support import ASKED, TEXT, new_id
from zkproto.v1 import consent_pb2 as pb
from zkproto.v1 import presentation_pb2
from zkproto.v1.session_pb2_grpc import SessionServiceStub

CASES: list[Case] = []
BAD, FAILED, MISSING, AGAIN = "INVALID_ARGUMENT", "FAILED_PRECONDITION", "FIELD_MISSING", "ALREADY_EXISTS"
HOUR = dt.timedelta(hours=1)
Alter = Callable[[Any], object]


def setting(field: str, value: Any) -> Alter:
    return lambda each: setattr(each, field, value)


# Declining


def declining(code: str, reason: str, *fields: str, name: str, alter: Alter) -> None:
    async def scenario(town: Town) -> Refusable:
        message = await consenting.declining(town.city)
        alter(message)
        return lambda: town.city.presentation.DeclineExchange(message)

    add(CASES, code, reason, *fields, name=f"decline: {name}")(scenario)


declining(BAD, MISSING, "request_id", name="no request_id", alter=setting("request_id", ""))
declining(BAD, "FIELD_INVALID", "request_id", name="no uuid", alter=setting("request_id", "1"))
declining(BAD, MISSING, "why", name="no why", alter=setting("why", 0))
declining(BAD, "FIELD_INVALID", "why", name="another why", alter=setting("why", 9))
declining(BAD, "NOTE_MISMATCH", "holder_note", name="no note", alter=setting("holder_note", b""))
declining(BAD, "NOTE_MISMATCH", "holder_note", name="a long note", alter=setting("holder_note", bytes(1025)))
declining("NOT_FOUND", "NOT_FOUND", name="another ticket", alter=setting("ticket", "x" * 43))
declining(BAD, MISSING, "exchange", name="no exchange", alter=setting("exchange", ""))


@add(CASES, FAILED, "EXCHANGE_ANSWERED")
async def decline_what_was_answered(town: Town) -> Refusable:
    message = await consenting.declining(town.city)
    submission = town.answered[1]
    message.exchange, message.ticket = submission.exchange, submission.ticket
    return lambda: town.city.presentation.DeclineExchange(message)


@add(CASES, FAILED, "REQUEST_EXPIRED")
async def decline_too_late(town: Town) -> Refusable:
    message = await consenting.declining(town.city)
    return town.at(HOUR, lambda: town.city.presentation.DeclineExchange(message))


async def _declined(town: Town) -> presentation_pb2.DeclineExchangeRequest:
    message = await consenting.declining(town.city)
    await town.city.presentation.DeclineExchange(message)
    return message


@add(CASES, FAILED, "EXCHANGE_DECLINED")
async def decline_twice(town: Town) -> Refusable:
    message = await _declined(town)
    message.request_id = new_id()
    return lambda: town.city.presentation.DeclineExchange(message)


@add(CASES, AGAIN, "REQUEST_ID_REUSED", "request_id")
async def decline_the_same_with_another_note(town: Town) -> Refusable:
    message = await _declined(town)
    message.holder_note = a_note()
    return lambda: town.city.presentation.DeclineExchange(message)


@add(CASES, FAILED, "EXCHANGE_DECLINED")
async def fetch_what_was_declined(town: Town) -> Refusable:
    message = await _declined(town)
    asked = presentation_pb2.FetchRequestRequest(exchange=message.exchange, ticket=message.ticket)
    return lambda: town.city.presentation.FetchRequest(asked)


@add(CASES, FAILED, "EXCHANGE_DECLINED")
async def answer_what_was_declined(town: Town) -> Refusable:
    request = town.city.request()
    opened = await town.city.ask(request)
    submission = town.city.submission(opened, *town.city.present(request, town.issued))
    message = await consenting.declining(town.city)
    message.exchange, message.ticket = opened.exchange, opened.ticket
    await town.city.presentation.DeclineExchange(message)
    return lambda: town.city.presentation.SubmitPresentation(submission)


# Asking for a consent


def creating(
    code: str, reason: str, *fields: str, name: str, alter: Alter = lambda _: None, **wanted: Any
) -> None:
    key, ahead = wanted.pop("key", None), wanted.pop("ahead", dt.timedelta())

    async def scenario(town: Town) -> Refusable:
        message = consenting.creating(town.city, consenting.terms(town.city, **wanted), key)
        alter(message)
        return town.at(ahead, lambda: stub(town.city).CreateConsent(message))

    add(CASES, code, reason, *fields, name=f"consent: {name}")(scenario)


SIGNED = "signed_terms"
creating(BAD, MISSING, SIGNED, name="nothing", alter=lambda each: each.ClearField(SIGNED))
creating(BAD, MISSING, "request_id", name="no request_id", alter=setting("request_id", ""))
creating("UNAUTHENTICATED", "REQUEST_SIGNATURE_INVALID", name="another key", key=Ed25519PrivateKey.generate())
creating(
    BAD, "REQUEST_INVALID", f"{SIGNED}.signature", name="a short signature",
    alter=lambda each: setattr(each.signed_terms, "signature", bytes(63)),
)  # fmt: skip
creating(
    BAD, "MALFORMED", SIGNED, name="no terms",
    alter=lambda each: setattr(each.signed_terms, "payload", b"\x80"),
)  # fmt: skip
creating(FAILED, "REQUEST_EXPIRED", name="too late", ahead=DAY)
creating(FAILED, "REQUEST_NOT_YET_VALID", name="dated ahead", ahead=-HOUR)


@add(CASES, AGAIN, "REPLAYED", name="consent: the same terms again")
async def _again(town: Town) -> Refusable:
    message = consenting.creating(town.city, consenting.terms(town.city))
    await stub(town.city).CreateConsent(message)
    message.request_id = new_id()
    return lambda: stub(town.city).CreateConsent(message)


@add(CASES, AGAIN, "REQUEST_ID_REUSED", "request_id", name="consent: other terms under one request_id")
async def _reused(town: Town) -> Refusable:
    message = consenting.creating(town.city, consenting.terms(town.city))
    await stub(town.city).CreateConsent(message)
    other = consenting.creating(town.city, consenting.terms(town.city))
    other.request_id = message.request_id
    return lambda: stub(town.city).CreateConsent(other)


@add(CASES, "UNAUTHENTICATED", "VERIFIER_UNKNOWN", SIGNED, name="consent: of nobody")
async def _nobody(town: Town) -> Refusable:
    name = VerifierName("nobody")
    request = replace(town.city.request("bank"), verifier=name, policy=any_policy(name))
    message = consenting.creating(
        town.city, consenting.terms(town.city, request=request), Ed25519PrivateKey.generate()
    )
    return lambda: stub(town.city).CreateConsent(message)


def beyond(*fields: str, name: str, limits: StandingLimits | None, **wanted: Any) -> None:
    """Ask for a consent by a policy of these limits."""

    async def scenario(town: Town) -> Refusable:
        policy = replace(allowed(PolicyName("bank", f"limited-{new_id()}", 1), ASKED, TEXT), standing=limits)
        await town.city.add_policy(policy)
        request = replace(town.city.request("bank"), policy=policy.name)
        message = consenting.creating(town.city, consenting.terms(town.city, request=request, **wanted))
        return lambda: stub(town.city).CreateConsent(message)

    places = [f"{SIGNED}.{each}" for each in fields]
    add(CASES, "PERMISSION_DENIED", "OVER_ASKING", *places, name=f"consent: {name}")(scenario)


LIMITS = StandingLimits(12, 28, 91)
beyond("template", name="by a policy without consents", limits=None)
beyond("times", name="too often", limits=LIMITS, times=13, interval_days=28)
beyond("interval_days", name="too soon again", limits=LIMITS, interval_days=27)
beyond("until", name="for too long", limits=replace(LIMITS, days=90), interval_days=28)
beyond("times", "interval_days", name="too often and too soon", limits=LIMITS, times=13)


# Answering it


def granting(
    code: str, reason: str, *fields: str, name: str, alter: Alter, ahead: dt.timedelta = HOUR
) -> None:
    async def scenario(town: Town) -> Refusable:
        message = (await consenting.asked(town.city)).granting()
        alter(message)
        return town.at(ahead, lambda: stub(town.city).GrantConsent(message))

    add(CASES, code, reason, *fields, name=f"grant: {name}")(scenario)


granting(BAD, MISSING, "public_key", name="no key", alter=setting("public_key", b""))
granting(BAD, "FIELD_INVALID", "public_key", name="a short key", alter=setting("public_key", bytes(31)))
granting(BAD, "NOTE_MISMATCH", "holder_note", name="no note", alter=setting("holder_note", b""))
granting("NOT_FOUND", "NOT_FOUND", name="another ticket", alter=setting("ticket", "x" * 43))
granting(BAD, "FIELD_INVALID", "consent", name="another name", alter=setting("consent", "exchanges/x"))
granting(FAILED, "REQUEST_EXPIRED", name="too late", alter=lambda _: None, ahead=DAY)


@add(CASES, AGAIN, "REQUEST_ID_REUSED", "request_id", name="grant: a copy with another key")
async def _copied(town: Town) -> Refusable:
    made = await consenting.asked(town.city)
    message = made.granting()
    await stub(town.city).GrantConsent(message)
    message.public_key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    return lambda: stub(town.city).GrantConsent(message)


@add(CASES, FAILED, "CONSENT_ANSWERED", name="decline what was granted")
async def _granted_before(town: Town) -> Refusable:
    made = await granted(town.city)
    return lambda: stub(town.city).DeclineConsent(made.declining())


@add(CASES, FAILED, "CONSENT_ANSWERED", name="grant what was declined")
async def _declined_before(town: Town) -> Refusable:
    made = await consenting.asked(town.city)
    await stub(town.city).DeclineConsent(made.declining())
    return lambda: stub(town.city).GrantConsent(made.granting())


@add(CASES, "NOT_FOUND", "NOT_FOUND", name="fetch with the result token")
async def _wrong_token(town: Town) -> Refusable:
    made = await consenting.asked(town.city)
    asked = pb.FetchConsentRequest(consent=made.answer.consent, ticket=made.answer.result_token)
    return lambda: stub(town.city).FetchConsent(asked)


# Using it


def using(
    code: str, reason: str, *fields: str, name: str, alter: Alter = lambda _: None, **wanted: Any
) -> None:
    ahead, shown = wanted.pop("ahead", dt.timedelta()), wanted.pop("shown", ("district",))
    before, verifier = wanted.pop("before", 0), wanted.pop("verifier", "bank")

    async def scenario(town: Town) -> Refusable:
        made = await granted(town.city, **wanted)
        for _ in range(before):
            await town.city.presentation.CreateExchange(made.using())
        town.city.clock.ahead = ahead
        message = made.using(town.city.request(verifier, shown=shown))
        alter(message)
        return lambda: town.city.presentation.CreateExchange(message)

    add(CASES, code, reason, *fields, name=f"use: {name}")(scenario)


CONSENT = "consent"
using(FAILED, "CONSENT_EXHAUSTED", CONSENT, name="once too often", times=1, before=1)
using(FAILED, "CONSENT_TOO_EARLY", CONSENT, name="too early", interval_days=2, before=1, ahead=DAY)
using(FAILED, "CONSENT_EXPIRED", CONSENT, name="after its last day", ahead=91 * DAY)
using(BAD, "CONSENT_MISMATCH", "signed_request", name="one attribute more", shown=("district", "name"))
using(BAD, "CONSENT_MISMATCH", "signed_request", name="another verifier", verifier="school")
using("NOT_FOUND", "NOT_FOUND", name="another token", alter=setting("consent_token", "x"))
using(BAD, "FIELD_INVALID", "pairing", name="with pairing", alter=setting("pairing", True))
using(BAD, "FIELD_INVALID", CONSENT, name="another name", alter=setting("consent", "exchanges/x"))


@add(CASES, FAILED, "CONSENT_NOT_GRANTED", CONSENT, name="use: not granted")
async def _not_granted(town: Town) -> Refusable:
    made = await consenting.asked(town.city)
    message = made.using()
    return lambda: town.city.presentation.CreateExchange(message)


@add(CASES, FAILED, "CONSENT_WITHDRAWN", CONSENT, name="use: withdrawn")
async def _withdrawn(town: Town) -> Refusable:
    made = await granted(town.city)
    await made.withdraw()
    message = made.using()
    return lambda: town.city.presentation.CreateExchange(message)


@add(CASES, AGAIN, "REQUEST_ID_REUSED", "request_id", name="use: the same exchange under no consent")
async def _of_no_consent(town: Town) -> Refusable:
    made = await granted(town.city)
    message = made.using()
    await town.city.presentation.CreateExchange(message)
    message.ClearField("consent")
    return lambda: town.city.presentation.CreateExchange(message)


@add(CASES, FAILED, "CONSENT_WITHDRAWN", name="fetch what a withdrawal ended")
async def _ended(town: Town) -> Refusable:
    made = await granted(town.city)
    await town.city.presentation.CreateExchange(made.using())
    token = await made.token()
    asked = pb.ListConsentExchangesRequest(consent=made.answer.consent)
    (waiting,) = (
        await stub(town.city).ListConsentExchanges(asked, metadata=metadata(town.city, token))
    ).exchanges
    await made.withdraw()
    fetch = presentation_pb2.FetchRequestRequest(exchange=waiting.exchange, ticket=waiting.ticket)
    return lambda: town.city.presentation.FetchRequest(fetch)


# The holder's own calls


def own(code: str, reason: str, *fields: str, name: str, method: str, token: str = "own") -> None:
    """Call a method of the consent's key with its session's token, that of another consent, or none."""

    async def scenario(town: Town) -> Refusable:
        made, other = await granted(town.city), await granted(town.city)
        tokens = {
            "own": await made.token(),
            "other's": await other.token(),
            "none": None,
            "administrator's": town.city.admin,
        }
        if name == "twice":
            await made.withdraw()
        message: Any = made.withdrawing()
        if method == "ListConsentExchanges":
            message = pb.ListConsentExchangesRequest(consent=made.answer.consent)
        if name == "no note":
            message.holder_note = b""
        call = getattr(stub(town.city), method)
        return lambda: call(message, metadata=metadata(town.city, tokens[token]))

    add(CASES, code, reason, *fields, name=f"{method}: {name}")(scenario)


for each in ("ListConsentExchanges", "WithdrawConsent"):
    own("UNAUTHENTICATED", "TOKEN_MISSING", name="no token", method=each, token="none")
    own("NOT_FOUND", "NOT_FOUND", name="another's", method=each, token="other's")
    own("PERMISSION_DENIED", "TOKEN_INVALID", name="admin", method=each, token="administrator's")
own(BAD, "NOTE_MISMATCH", "holder_note", name="no note", method="WithdrawConsent")
own(FAILED, "CONSENT_WITHDRAWN", name="twice", method="WithdrawConsent")


@add(CASES, "UNAUTHENTICATED", "REQUEST_SIGNATURE_INVALID", "signature", name="a session before the grant")
async def _no_session(town: Town) -> Refusable:
    made = await consenting.asked(town.city)
    message = statement(town.city, made.answer.consent, made.key)
    sessions: Any = SessionServiceStub(town.city.channel)
    return lambda: sessions.OpenSession(message)


@add(CASES, FAILED, "CONSENT_NOT_GRANTED", name="WithdrawConsent: put back to where it was asked")
async def _put_back(town: Town) -> Refusable:
    """Somebody put the database back while the session lived."""
    made = await granted(town.city)
    token = await made.token()
    identifier = made.answer.consent.removeprefix("consents/")
    change(town.city.ready.data, "update consent set state = 'asked' where id = ?", identifier)
    message = made.withdrawing()
    return lambda: stub(town.city).WithdrawConsent(message, metadata=metadata(town.city, token))
