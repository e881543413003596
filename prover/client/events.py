"""Events sent: the very call that the vault has stored, and the receipt checked before it is believed."""

from contextlib import suppress
from typing import Any, Final

import grpc
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.message_factory import GetMessageClass

import tlog
from disclosure import RefusedError
from disclosure.event import EventKind
from prover.client import sessions
from prover.client.calls import FinalError, Way, checked, final
from prover.errors import ClientError, VaultFileError, VaultReason
from prover.events import Call, Event, EventState
from prover.history import check_event_receipt
from prover.notes import EventNote
from prover.records import FetchedRequest
from prover.vault import Vault
from wire.client import ServiceError, call
from zkproto.v1 import (
    account_pb2,
    application_pb2,
    appointment_pb2,
    consent_pb2,
    delivery_pb2,
    errand_pb2,
    presentation_pb2,
)

_FILES: Final[tuple[FileDescriptor, ...]] = (
    account_pb2.DESCRIPTOR,
    application_pb2.DESCRIPTOR,
    appointment_pb2.DESCRIPTOR,
    consent_pb2.DESCRIPTOR,
    delivery_pb2.DESCRIPTOR,
    errand_pb2.DESCRIPTOR,
    presentation_pb2.DESCRIPTOR,
)
"""The contracts of all RPCs that make an event; each answers with a `receipt`."""
_WHY: Final = {
    EventKind.DECLINED: presentation_pb2.DeclineExchangeRequest.WHY_DECLINED,
    EventKind.OVER_ASKED: presentation_pb2.DeclineExchangeRequest.WHY_OVER_ASKED,
}


def send(way: Way, vault: Vault, event: Event, log: tlog.Verifier) -> Event:
    """Send the very bytes that the vault has stored; return the event with its receipt.

    A refusal for good is written down. Raises FinalError, ServiceError; tlog.TlogError, RefusedError
    RECEIPT_MISMATCH for a receipt that does not hold: the event stays as it was then.
    """
    if event.state is not EventState.SENT:
        return event
    with way.channel() as channel:
        token = sessions.opened(way, channel, vault, event.call.session, log) if event.call.session else None
        with final(lambda reason: vault.finish_event(event.id, reason=reason)):
            answer = call(_method(channel, event.call), event.call.message, token=token)
    with checked():
        check_event_receipt(event, answer.receipt, log)
    return vault.finish_event(event.id, receipt=answer.receipt)


def tried(way: Way, vault: Vault, event: Event, log: tlog.Verifier) -> Event:
    """Send an event if the service can be reached; else `resume` sends it. Returns it as it stands then.

    A receipt that does not hold is for `resume` to tell too: whoever wants the person to see something else
    than what is recorded here would only have to answer with one.
    """
    with suppress(ServiceError, FinalError, RefusedError, ClientError, tlog.TlogError):
        return send(way, vault, event, log)
    return next(each for each in vault.events() if each.id == event.id)


def declined(way: Way, vault: Vault, fetched: FetchedRequest, kind: EventKind, log: tlog.Verifier) -> Event:
    """Write down that the vault does not answer a request, and say so if the service can be reached."""
    request = fetched.request
    note = EventNote(kind, str(request.verifier), request.purpose, request.digest, way.clock())

    def make(request_id: str, sealed: bytes) -> Call:
        message = presentation_pb2.DeclineExchangeRequest(
            exchange=fetched.link.exchange,
            ticket=fetched.link.ticket,
            why=_WHY[kind],
            holder_note=sealed,
            request_id=request_id,
        )
        return outgoing("PresentationService", "DeclineExchange", message)

    return tried(way, vault, vault.begin_event(fetched.link.server, note, make), log)


def outgoing(service: str, method: str, message: Any, session: str = "") -> Call:
    """Return a call as the vault stores it."""
    octets: bytes = message.SerializeToString(deterministic=True)
    return Call(f"/zkproto.v1.{service}/{method}", octets, session)


def _method(channel: grpc.Channel, stored: Call) -> Any:
    _, service, method = stored.method.split("/")
    for file in _FILES:
        found = file.services_by_name.get(service.removeprefix(f"{file.package}."))
        if found is not None and method in found.methods_by_name:
            answer = GetMessageClass(found.methods_by_name[method].output_type)
            return channel.unary_unary(
                stored.method, request_serializer=bytes, response_deserializer=answer.FromString
            )
    raise VaultFileError(
        VaultReason.VERSION_UNKNOWN, "the event was stored by a later version of this program"
    )
