"""Refusals of the errand service towards counters: each reaches its own parts, and tells what may be told."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from disclosure import PolicyName
from disclosure.errand import PartName
from tests.zkservice.allowing import allowed
from tests.zkservice.cases_errands import BAD, GONE, NOTE, STATE, Call, errands_of, in_errand
from tests.zkservice.errands import Errands, Started
from tests.zkservice.refusing import Case, Refusable, Town, add
from tests.zkservice.support import PERMIT, TEXT, new_id
from zkproto.v1 import errand_pb2 as pb
from zkproto.v1 import presentation_pb2

CASES: list[Case] = []


def with_errand(
    code: str, reason: str, *fields: str, name: str, submitted: bool = False
) -> Callable[[Call], Call]:
    return in_errand(CASES, code, reason, *fields, name=name, submitted=submitted)


@with_errand(GONE, "NOT_FOUND", "part", name="AskErrandPart of another counter")
def _ask_other(errands: Errands, started: Started) -> Any:
    message = errands.asking("birth", started.names["household"])
    return errands.stub.AskErrandPart(message, metadata=errands.session("birth"))


@with_errand(GONE, "NOT_FOUND", "part", name="UpdateErrandPart of another counter", submitted=True)
def _tell_other(errands: Errands, started: Started) -> Any:
    message = started.telling("household", pb.ERRAND_PART_STATE_RECEIVED)
    return errands.stub.UpdateErrandPart(message, metadata=errands.session("birth"))


@with_errand(
    "PERMISSION_DENIED", "TOKEN_INVALID", name="UpdateErrandPart with a department's token", submitted=True
)
def _tell_department(errands: Errands, started: Started) -> Any:
    message = started.telling("birth", pb.ERRAND_PART_STATE_RECEIVED)
    metadata = errands.town.bearer(errands.town.department_token)
    return errands.stub.UpdateErrandPart(message, metadata=metadata)


@with_errand("UNAUTHENTICATED", "TOKEN_MISSING", name="WatchErrandParts without a session")
def _watch_parts(errands: Errands, _: Started) -> Any:
    return errands.stub.WatchErrandParts(pb.WatchErrandPartsRequest(bundle=str(errands.bundle.name))).read()


@with_errand(STATE, "PART_STATE_INVALID", "state", name="UpdateErrandPart of what is not here yet")
def _tell_early(errands: Errands, started: Started) -> Any:
    message = started.telling("birth", pb.ERRAND_PART_STATE_RECEIVED)
    return errands.stub.UpdateErrandPart(message, metadata=errands.session("birth"))


@with_errand(STATE, "PART_NOT_READY", "part", name="UpdateErrandPart before another", submitted=True)
def _tell_before(errands: Errands, started: Started) -> Any:
    message = started.telling("insurance", pb.ERRAND_PART_STATE_DONE)
    return errands.stub.UpdateErrandPart(message, metadata=errands.session("insurance"))


def telling(
    reason: str, field: str, name: str, state: Any = pb.ERRAND_PART_STATE_RECEIVED, **told: Any
) -> None:
    """Something that no counter tells."""

    def call(errands: Errands, started: Started) -> Any:
        message = started.telling("birth", state, **told)
        return errands.stub.UpdateErrandPart(message, metadata=errands.session("birth"))

    with_errand(BAD, reason, field, name=f"UpdateErrandPart {name}", submitted=True)(call)


telling("FIELD_INVALID", "state", "waiting", pb.ERRAND_PART_STATE_WAITING)
telling("FIELD_INVALID", "state", "no state", pb.ERRAND_PART_STATE_UNSPECIFIED)
telling("FIELD_MISSING", "message", "rejected without a reason", pb.ERRAND_PART_STATE_REJECTED)
telling("VALUE_INVALID", "message.en", "a text in one language", message={"zh": "好"})
telling("FIELD_INVALID", "document", "a long document", document="1" * 201)
telling("FIELD_INVALID", "document", "a document that steers", document="\x1b[2J")
telling("LINK_INVALID", "offer_link", "no link", offer_link="https://example.org")


def asking(code: str, reason: str, *fields: str, name: str, **instead: Any) -> Any:
    """The ask of the first counter; `alter` changes the message, what else is given is signed instead."""
    alter = instead.pop("alter", lambda _: None)

    async def scenario(town: Town) -> Refusable:
        errands = await errands_of(town.city, town.issued)
        started = await errands.start()
        message = errands.asking("birth", started.names["birth"], instead=instead)
        alter(message)
        return lambda: errands.stub.AskErrandPart(message, metadata=errands.session("birth"))

    add(CASES, code, reason, *fields, name=f"AskErrandPart {name}")(scenario)


UNSIGNED = ("UNAUTHENTICATED", "REQUEST_SIGNATURE_INVALID", "ask.ask_signature")
asking(*UNSIGNED, name="tied to another part", part=PartName("x" * 22))
asking(*UNSIGNED, name="tied to another counter", counter="household")
asking(*UNSIGNED, name="of another request", request_digest=bytes(32))
asking(*UNSIGNED, name="with another form key", alter=lambda each: setattr(each.ask, "form_key", bytes(32)))
asking(BAD, "FIELD_MISSING", "ask", name="nothing", alter=lambda each: each.ClearField("ask"))
asking(
    BAD, "FIELD_INVALID", "ask.form_key", name="no form key",
    alter=lambda each: each.ask.ClearField("form_key"),
)  # fmt: skip


@with_errand(BAD, "REQUEST_MISMATCH", "ask.signed_request.verifier", name="AskErrandPart as another verifier")
def _other_verifier(errands: Errands, started: Started) -> Any:
    request = errands.town.request("household-counter")
    message = errands.asking("birth", started.names["birth"], request)
    other = errands.asking("household", started.names["birth"], request)
    message.ask.signed_request.CopyFrom(other.ask.signed_request)
    return errands.stub.AskErrandPart(message, metadata=errands.session("birth"))


@add(CASES, BAD, "REQUEST_MISMATCH", "ask.signed_request.policy", name="AskErrandPart by another policy")
async def _other_policy(town: Town) -> Refusable:
    errands = await errands_of(town.city, town.issued)
    verifier = errands.bundle.counter("birth").verifier
    known = PolicyName(verifier.verifier, "second", 1)
    await town.city.add_policy(allowed(known, [PERMIT], TEXT))
    started = await errands.start()
    request = replace(town.city.request(verifier.verifier), policy=known)
    message = errands.asking("birth", started.names["birth"], request)
    return lambda: errands.stub.AskErrandPart(message, metadata=errands.session("birth"))


@add(CASES, STATE, "PART_STATE_INVALID", "part", name="AskErrandPart twice")
async def _ask_twice(town: Town) -> Refusable:
    errands = await errands_of(town.city, town.issued)
    started = await errands.start()
    await started.ask("birth")
    message = errands.asking("birth", started.names["birth"])
    return lambda: errands.stub.AskErrandPart(message, metadata=errands.session("birth"))


@add(CASES, STATE, "ERRAND_ENDED", name="AskErrandPart of an errand that has ended")
async def _ask_ended(town: Town) -> Refusable:
    errands = await errands_of(town.city, town.issued)
    started = await errands.start()
    abandon = pb.AbandonErrandRequest(**started.own, holder_note=NOTE, request_id=new_id())
    await errands.stub.AbandonErrand(abandon)
    message = errands.asking("birth", started.names["birth"])
    return lambda: errands.stub.AskErrandPart(message, metadata=errands.session("birth"))


@add(CASES, "ALREADY_EXISTS", "REQUEST_ID_REUSED", "request_id", name="AskErrandPart by an exchange")
async def _own_exchange(town: Town) -> Refusable:
    """Of an exchange that was opened by itself the counter has the ticket."""
    errands = await errands_of(town.city, town.issued)
    started = await errands.start()
    message = errands.asking("birth", started.names["birth"])
    opening = presentation_pb2.CreateExchangeRequest(
        signed_request=message.ask.signed_request, request_id=message.request_id
    )
    await town.city.presentation.CreateExchange(opening)
    return lambda: errands.stub.AskErrandPart(message, metadata=errands.session("birth"))
