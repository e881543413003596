"""Refusals of what is sent unasked: with their reasons, and nothing changed."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure.delivery import ReceivingKey
from tests.zkservice.delivering import SIZE, Receiver, deliveries
from tests.zkservice.refusing import Case, Refusable, Town, add, metadata, put
from tests.zkservice.residents import note
from tests.zkservice.sessions import opened
from tests.zkservice.stored import change
from tests.zkservice.support import new_id
from wire.convert import moment_to
from zkproto.v1 import delivery_pb2 as pb
from zkservice.config import Settings

CASES: list[Case] = []
BAD, FAILED, DENIED, MISSING = (
    "INVALID_ARGUMENT",
    "FAILED_PRECONDITION",
    "PERMISSION_DENIED",
    "FIELD_MISSING",
)
HOUR = dt.timedelta(hours=1)
Alter = Callable[[Any], object]


# Cards


def card(code: str, reason: str, *fields: str, name: str, make: Callable[[Receiver], Any]) -> None:
    async def scenario(town: Town) -> Refusable:
        mine = await Receiver.verifier(town.city)
        message = make(mine)
        return lambda: deliveries(town.city).PublishReceivingCard(message, metadata=mine.bearer)

    add(CASES, code, reason, *fields, name=f"card: {name}")(scenario)


def unsigned(mine: Receiver) -> Any:
    message = mine.publishing()
    message.card.signature = b""
    return message


UNSIGNED = (BAD, "SIGNATURE_INVALID", "card.signature")
STRANGER = Ed25519PrivateKey.generate()
card(*UNSIGNED, name="another's signature", make=lambda mine: mine.publishing(STRANGER))
card(*UNSIGNED, name="another's name", make=lambda mine: mine.publishing(party="verifiers/school"))
card(*UNSIGNED, name="no signature", make=unsigned)
card(BAD, MISSING, "card", name="none", make=lambda _: pb.PublishReceivingCardRequest())
card(
    BAD, "MALFORMED", name="no card",
    make=lambda _: pb.PublishReceivingCardRequest(card=pb.SignedCard(payload=b"x", signature=bytes(64))),
)  # fmt: skip


def got(code: str, reason: str, *fields: str, name: str, recipient: str) -> None:
    async def scenario(town: Town) -> Refusable:
        asked = pb.GetReceivingCardRequest(recipient=recipient)
        return lambda: deliveries(town.city).GetReceivingCard(asked)

    add(CASES, code, reason, *fields, name=f"card of {name}")(scenario)


got(BAD, MISSING, "recipient", name="nobody", recipient="")
got(BAD, "NAME_INVALID", "recipient", name="a department", recipient="departments/police")
got(BAD, "NAME_INVALID", "recipient", name="no account", recipient="accounts/a b")
got("NOT_FOUND", "NOT_FOUND", "recipient", name="who never received", recipient="verifiers/school")
got("NOT_FOUND", "NOT_FOUND", "recipient", name="who does not exist", recipient="accounts/nobody")


@add(CASES, FAILED, "RECEIVING_CLOSED", "recipient")
async def card_of_who_has_another_key_now(town: Town) -> Refusable:
    mine = await Receiver.verifier(town.city)
    other = ReceivingKey.of(STRANGER).public
    folder, name = town.city.ready.data, mine.name
    change(folder, "update verifier set public_key = ? where name = ?", other, name)
    asked = pb.GetReceivingCardRequest(recipient=name)
    return lambda: deliveries(town.city).GetReceivingCard(asked)


@add(CASES, "NOT_FOUND", "NOT_FOUND", "recipient")
async def close_what_was_never_open(town: Town) -> Refusable:
    await town.city.add_verifier(name := f"closed-{new_id()[:8]}")
    mine = Receiver(town.city, f"verifiers/{name}", town.city.verifier_keys[name])
    mine.token = await opened(town.city, mine.name, mine.key)
    return lambda: deliveries(town.city).CloseReceiving(pb.CloseReceivingRequest(), metadata=mine.bearer)


@add(CASES, BAD, "FIELD_INVALID", "query")
async def a_long_query(town: Town) -> Refusable:
    asked = pb.ListRecipientsRequest(query="证" * 100)
    return lambda: deliveries(town.city).ListRecipients(asked)


# Sending


def sending(code: str, reason: str, *fields: str, name: str, alter: Alter) -> None:
    async def scenario(town: Town) -> Refusable:
        mine = await Receiver.verifier(town.city)
        message = mine.sending()
        alter(message)
        return lambda: deliveries(town.city).SendDelivery(message)

    add(CASES, code, reason, *fields, name=f"send: {name}")(scenario)


sending(BAD, MISSING, "recipient", name="to nobody", alter=put("recipient", ""))
sending(BAD, "NAME_INVALID", "recipient", name="to a department", alter=put("recipient", "departments/a"))
sending("NOT_FOUND", "NOT_FOUND", "recipient", name="unknown", alter=put("recipient", "accounts/nobody"))
sending(BAD, "VALUE_INVALID", "sealed", name="nothing", alter=put("sealed", b""))
sending(BAD, "VALUE_INVALID", "sealed", name="one octet more", alter=put("sealed", bytes(SIZE + 1)))
sending(BAD, "FIELD_INVALID", "digest", name="no digest", alter=put("digest", b""))
sending(BAD, MISSING, "expire_time", name="no end", alter=lambda each: each.ClearField("expire_time"))
sending(BAD, "NOTE_MISMATCH", "holder_note", name="a short note", alter=put("holder_note", bytes(1023)))
sending(BAD, MISSING, "request_id", name="no request_id", alter=put("request_id", ""))
sending(BAD, "FIELD_INVALID", "request_id", name="no uuid", alter=put("request_id", "1"))


@add(CASES, FAILED, "REQUEST_EXPIRED", "expire_time")
async def send_too_late(town: Town) -> Refusable:
    message = (await Receiver.verifier(town.city)).sending()
    return town.at(2 * HOUR, lambda: deliveries(town.city).SendDelivery(message))


@add(CASES, FAILED, "REQUEST_NOT_YET_VALID", "expire_time")
async def send_what_is_dated_ahead(town: Town) -> Refusable:
    ends = moment_to(town.city.clock() + 2 * HOUR)
    message = (await Receiver.verifier(town.city)).sending(expire_time=ends)
    return lambda: deliveries(town.city).SendDelivery(message)


@add(CASES, FAILED, "RECEIVING_CLOSED", "recipient")
async def send_to_who_has_closed(town: Town) -> Refusable:
    mine = await Receiver.verifier(town.city)
    await mine.close()
    message = mine.sending()
    return lambda: deliveries(town.city).SendDelivery(message)


@add(CASES, "ALREADY_EXISTS", "REPLAYED", "digest")
async def send_the_same_question_again(town: Town) -> Refusable:
    mine = await Receiver.verifier(town.city)
    message = mine.sending()
    await mine.send(message)
    message.request_id = new_id()
    return lambda: deliveries(town.city).SendDelivery(message)


@add(CASES, "ALREADY_EXISTS", "REQUEST_ID_REUSED", "request_id")
async def send_something_else_under_the_same_request_id(town: Town) -> Refusable:
    mine = await Receiver.verifier(town.city)
    message = mine.sending()
    await mine.send(message)
    again = mine.sending(request_id=message.request_id)
    return lambda: deliveries(town.city).SendDelivery(again)


@add(CASES, "RESOURCE_EXHAUSTED", "DELIVERIES_FULL", "recipient")
async def send_too_much_in_a_minute(town: Town) -> Refusable:
    mine = await Receiver.verifier(town.city)
    for _ in range(Settings.model_fields["max_deliveries_a_minute"].default):
        await mine.send()
    message = mine.sending()
    return lambda: deliveries(town.city).SendDelivery(message)


# Receiving


def waiting(code: str, reason: str, *fields: str, name: str, alter: Alter, method: str) -> None:
    kinds: dict[str, Any] = {
        "FetchDelivery": pb.FetchDeliveryRequest,
        "AcknowledgeDelivery": pb.AcknowledgeDeliveryRequest,
    }

    async def scenario(town: Town) -> Refusable:
        mine = await Receiver.account(town.city)
        message = kinds[method](delivery=await mine.one())
        alter(message)
        return lambda: getattr(deliveries(town.city), method)(message, metadata=mine.bearer)

    add(CASES, code, reason, *fields, name=f"{method}: {name}")(scenario)


for _method in ("FetchDelivery", "AcknowledgeDelivery"):
    waiting(BAD, MISSING, "delivery", name="none", alter=put("delivery", ""), method=_method)
    waiting(BAD, "FIELD_INVALID", "delivery", name="no name", alter=put("delivery", "x/y"), method=_method)
    waiting(
        "NOT_FOUND", "NOT_FOUND", name="unknown", alter=put("delivery", "deliveries/none"), method=_method
    )
waiting(BAD, "NOTE_MISMATCH", "holder_note", name="a short note",
        alter=lambda each: (put("holder_note", b"x")(each), put("request_id", new_id())(each)),
        method="AcknowledgeDelivery")  # fmt: skip
waiting(BAD, MISSING, "request_id", name="a note and no request_id", alter=put("holder_note", note()),
        method="AcknowledgeDelivery")  # fmt: skip


def _anothers(method: str) -> None:
    async def scenario(town: Town) -> Refusable:
        mine, other = await Receiver.account(town.city), await Receiver.verifier(town.city)
        name = await mine.one()
        asked: Any = pb.FetchDeliveryRequest(delivery=name)
        if method == "AcknowledgeDelivery":
            asked = pb.AcknowledgeDeliveryRequest(delivery=name)
        return lambda: getattr(deliveries(town.city), method)(asked, metadata=other.bearer)

    add(CASES, "NOT_FOUND", "NOT_FOUND", name=f"{method}: another's")(scenario)


_anothers("FetchDelivery")
_anothers("AcknowledgeDelivery")


@add(CASES, "NOT_FOUND", "NOT_FOUND")
async def fetch_what_was_acknowledged(town: Town) -> Refusable:
    mine = await Receiver.account(town.city)
    name = await mine.one()
    await mine.acknowledge(name)
    asked = pb.FetchDeliveryRequest(delivery=name)
    return lambda: deliveries(town.city).FetchDelivery(asked, metadata=mine.bearer)


@add(CASES, "ALREADY_EXISTS", "REQUEST_ID_REUSED", "request_id")
async def acknowledge_with_another_note(town: Town) -> Refusable:
    mine, request_id = await Receiver.account(town.city), new_id()
    name = await mine.one()
    await mine.acknowledge(name, holder_note=note(), request_id=request_id)
    asked = pb.AcknowledgeDeliveryRequest(delivery=name, holder_note=note(), request_id=request_id)
    return lambda: deliveries(town.city).AcknowledgeDelivery(asked, metadata=mine.bearer)


_OF_SESSIONS: dict[str, Any] = {
    "PublishReceivingCard": pb.PublishReceivingCardRequest(),
    "CloseReceiving": pb.CloseReceivingRequest(),
    "ListDeliveries": pb.ListDeliveriesRequest(),
    "FetchDelivery": pb.FetchDeliveryRequest(delivery="deliveries/x"),
    "AcknowledgeDelivery": pb.AcknowledgeDeliveryRequest(delivery="deliveries/x"),
    "WatchDeliveries": pb.WatchDeliveriesRequest(),
}
for _method, _asked in _OF_SESSIONS.items():

    @add(CASES, DENIED, "TOKEN_INVALID", name=f"{_method}: a department's token")
    async def _foreign(town: Town, method: str = _method, asked: Any = _asked) -> Refusable:
        bearer = metadata(town.city, town.city.department_token)
        return lambda: _first(getattr(deliveries(town.city), method)(asked, metadata=bearer))

    @add(CASES, "UNAUTHENTICATED", "TOKEN_MISSING", name=f"{_method}: nobody's")
    async def _nobodys(town: Town, method: str = _method, asked: Any = _asked) -> Refusable:
        return lambda: _first(getattr(deliveries(town.city), method)(asked))


def _first(call: Any) -> Any:
    return call.read() if hasattr(call, "read") else call
