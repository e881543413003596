"""Refusals of a request that is opened, fetched or watched, and of tickets."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure import Request, VerifierName, canonical
from tests.disclosure.world import asked_by
from tests.zkservice.refusing import OLD, Case, Refusable, Submission, Town, add
from tests.zkservice.support import City, new_id
from zkproto.v1 import presentation_pb2

CASES: list[Case] = []
BAD, MISSING, FAILED = "INVALID_ARGUMENT", "FIELD_MISSING", "FAILED_PRECONDITION"
REQUEST_LABEL = "zk-disclosure/request/v1"
HOUR = dt.timedelta(hours=1)

Opening = presentation_pb2.CreateExchangeRequest


def opening(
    code: str,
    reason: str,
    *fields: str,
    name: str,
    ahead: dt.timedelta = dt.timedelta(),
    request: Callable[[City], Request] = lambda city: city.request(),
    key: Ed25519PrivateKey | None = None,
    alter: Callable[[Opening], object] = lambda _: None,
) -> None:
    """Write down a request that may not be opened, and that may not be used to verify without state."""

    async def scenario(town: Town) -> Refusable:
        message = town.city.create_exchange(request(town.city), key=key)
        alter(message)
        return town.at(ahead, lambda: town.city.presentation.CreateExchange(message))

    add(CASES, code, reason, *fields, name=f"create: {name}")(scenario)


def payload(octets: bytes) -> Callable[[Opening], object]:
    return lambda each: setattr(each.signed_request, "payload", octets)


def item(place: int, change: Callable[[Any], Any]) -> Callable[[Opening], object]:
    """Return what rewrites one item of the payload, which stays canonical."""

    def alter(message: Opening) -> None:
        items = canonical.decode(REQUEST_LABEL, message.signed_request.payload)
        items[place] = change(items[place])
        message.signed_request.payload = canonical.encode(REQUEST_LABEL, *items)

    return alter


def in_anothers_name(message: Opening) -> None:
    item(1, lambda _: None)(message)
    item(0, lambda _: "verifiers/bank")(message)


SIGNED, ROOT = "signed_request", "REQUEST_INVALID"
opening(BAD, MISSING, SIGNED, name="no request", alter=lambda each: each.ClearField("signed_request"))
opening(BAD, MISSING, "request_id", name="no request_id", alter=lambda each: each.ClearField("request_id"))
opening(
    BAD, "FIELD_INVALID", "request_id", name="no uuid", alter=lambda each: setattr(each, "request_id", "1")
)
opening(
    BAD, ROOT, f"{SIGNED}.signature", name="short signature",
    alter=lambda each: setattr(each.signed_request, "signature", bytes(63)),
)  # fmt: skip
opening(BAD, "MALFORMED", SIGNED, name="empty payload", alter=payload(b""))
opening(BAD, "MALFORMED", SIGNED, name="payload is no CBOR", alter=payload(b"\xff" * 99))
opening(BAD, "MALFORMED", SIGNED, name="payload of another kind", alter=payload(canonical.encode("x", 1)))
opening(BAD, "MALFORMED", SIGNED, name="payload too large", alter=payload(bytes((1 << 16) + 1)))
opening(
    BAD, "MALFORMED", SIGNED, name="trailing octet",
    alter=lambda each: setattr(each.signed_request, "payload", each.signed_request.payload + b"\0"),
)  # fmt: skip
opening(BAD, ROOT, SIGNED, name="empty request", alter=payload(canonical.encode(REQUEST_LABEL)))
opening(BAD, "NAME_INVALID", SIGNED, name="asker's name", alter=item(0, lambda _: "school"))
opening(BAD, "VALUE_INVALID", f"{SIGNED}.en", name="purpose", alter=item(2, lambda each: [each[0], ""]))
opening(BAD, ROOT, f"{SIGNED}.expires", name="lives too long", alter=item(4, lambda each: each + 8 * 86_400))
opening(BAD, ROOT, f"{SIGNED}.expires", name="ends before it begins", alter=item(4, lambda each: each - 7200))
opening(BAD, ROOT, f"{SIGNED}.nonce", name="short nonce", alter=item(5, lambda each: each[1:]))
opening(BAD, ROOT, f"{SIGNED}.queries", name="no query", alter=item(6, lambda _: []))
opening(BAD, ROOT, f"{SIGNED}.queries", name="too many", alter=item(6, lambda each: each * 17))
opening(BAD, ROOT, f"{SIGNED}.queries", name="one query twice", alter=item(6, lambda each: each * 2))
opening(
    BAD, ROOT, f"{SIGNED}.queries", name="no waiver of revocation",
    alter=item(6, lambda each: [[*each[0][:-1], "revocation-proven"]]),
)  # fmt: skip
opening(
    "UNAUTHENTICATED", "VERIFIER_UNKNOWN", SIGNED, name="unregistered", key=Ed25519PrivateKey.generate(),
    request=lambda city: asked_by(city.request(), VerifierName("stranger")),
)  # fmt: skip
opening(
    "UNAUTHENTICATED", "REQUEST_SIGNATURE_INVALID", name="another's key", key=Ed25519PrivateKey.generate()
)
opening("UNAUTHENTICATED", "REQUEST_SIGNATURE_INVALID", name="in the name of another", alter=in_anothers_name)
opening(
    BAD, ROOT, f"{SIGNED}.policy", name="by the policy of another",
    alter=item(1, lambda _: "verifiers/bank/policies/any@1"),
)  # fmt: skip
opening(
    "UNAUTHENTICATED", "REQUEST_SIGNATURE_INVALID", name="another nonce", alter=item(5, lambda _: bytes(32))
)
opening(FAILED, "REQUEST_EXPIRED", name="expired", ahead=HOUR)
opening(FAILED, "REQUEST_NOT_YET_VALID", name="from the future", ahead=-dt.timedelta(minutes=5))
opening(
    FAILED, "SCHEMA_UNKNOWN", f"{SIGNED}.queries[0].schema", name="unknown schema",
    request=lambda city: city.request(schema=replace(OLD.name, version=9)),
)  # fmt: skip
opening(
    FAILED, "FORM_NOT_SUPPORTED", name="composite",
    request=lambda city: city.request(schema=replace(OLD.name, department="police", item="composite")),
)  # fmt: skip
opening(
    BAD, "ATTRIBUTE_UNKNOWN", f"{SIGNED}.queries[0].shown[1]", name="unknown attribute",
    request=lambda city: city.request(shown=("name", "shoe")),
)  # fmt: skip


@add(CASES, "ALREADY_EXISTS", "REPLAYED")
async def one_request_opened_twice(town: Town) -> Refusable:
    message = town.city.create_exchange(town.city.request())
    first = await town.city.presentation.CreateExchange(message)
    assert await town.city.presentation.CreateExchange(message) == first
    message.request_id = new_id()
    return lambda: town.city.presentation.CreateExchange(message)


@add(CASES, "ALREADY_EXISTS", "REQUEST_ID_REUSED", "request_id")
async def one_request_id_for_two_requests(town: Town) -> Refusable:
    request_id = new_id()
    await town.city.presentation.CreateExchange(town.city.create_exchange(town.city.request(), request_id))
    other = town.city.create_exchange(town.city.request(), request_id)
    return lambda: town.city.presentation.CreateExchange(other)


def ticket(
    code: str, reason: str, *fields: str, name: str, show: Callable[[Any, Any], tuple[str, str]]
) -> None:
    """Write down what does not let one fetch, submit or watch; `show` gets this exchange and another."""

    async def fetch(town: Town) -> Refusable:
        exchange, shown = show(
            await town.city.ask(town.city.request()), await town.city.ask(town.city.request())
        )
        asked = presentation_pb2.FetchRequestRequest(exchange=exchange, ticket=shown)
        return lambda: town.city.presentation.FetchRequest(asked)

    async def watch(town: Town) -> Refusable:
        mine, other = await town.city.ask(town.city.request()), await town.city.ask(town.city.request())
        for each in (mine, other):
            each.ticket, each.result_token = each.result_token, each.ticket
        exchange, shown = show(mine, other)
        asked = presentation_pb2.WatchExchangeRequest(exchange=exchange, result_token=shown)
        return lambda: town.city.presentation.WatchExchange(asked).read()

    async def submit(town: Town) -> Refusable:
        other = await town.city.ask(town.city.request())

        def alter(message: Submission) -> None:
            token = tokens[message.exchange]
            mine = presentation_pb2.CreateExchangeResponse(
                exchange=message.exchange, ticket=message.ticket, result_token=token
            )
            message.exchange, message.ticket = show(mine, other)

        request = town.city.request()
        mine = await town.city.ask(request)
        tokens = {mine.exchange: mine.result_token}
        submission = town.city.submission(mine, *town.city.present(request, town.issued))
        alter(submission)
        return lambda: town.city.presentation.SubmitPresentation(submission)

    for scenario in (fetch, watch, submit):
        add(CASES, code, reason, *fields, name=f"{scenario.__name__} {name}")(scenario)


ticket(
    "NOT_FOUND", "NOT_FOUND", name="ticket of another", show=lambda mine, other: (mine.exchange, other.ticket)
)
ticket("NOT_FOUND", "NOT_FOUND", name="other token", show=lambda mine, _: (mine.exchange, mine.result_token))
ticket("NOT_FOUND", "NOT_FOUND", name="no ticket", show=lambda mine, _: (mine.exchange, ""))
ticket("NOT_FOUND", "NOT_FOUND", name="ticket 票", show=lambda mine, _: (mine.exchange, "票"))
ticket("NOT_FOUND", "NOT_FOUND", name="cut ticket", show=lambda mine, _: (mine.exchange, mine.ticket[:-1]))
ticket("NOT_FOUND", "NOT_FOUND", name="unknown exchange", show=lambda mine, _: ("exchanges/no", mine.ticket))
ticket(BAD, MISSING, "exchange", name="no exchange", show=lambda mine, _: ("", mine.ticket))
ticket(BAD, "FIELD_INVALID", "exchange", name="an offer", show=lambda mine, _: ("offers/x", mine.ticket))
ticket(
    BAD, "FIELD_INVALID", "exchange", name="long", show=lambda mine, _: ("exchanges/" + "x" * 33, mine.ticket)
)


async def fetching(town: Town, exchange: Any) -> Refusable:
    asked = presentation_pb2.FetchRequestRequest(exchange=exchange.exchange, ticket=exchange.ticket)
    return lambda: town.city.presentation.FetchRequest(asked)


@add(CASES, FAILED, "REQUEST_EXPIRED")
async def fetched_too_late(town: Town) -> Refusable:
    return town.at(HOUR, await fetching(town, await town.city.ask(town.city.request())))


@add(CASES, FAILED, "EXCHANGE_ANSWERED")
async def fetched_after_the_answer(town: Town) -> Refusable:
    return await fetching(town, town.answered[0])
