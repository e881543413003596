"""Events in the vault: refusals, consents, withdrawals, things sent; each stored before it goes out.

What is kept is the very call that goes out: its method and its octets, with the request_id and the sealed
note in them. Sent again, by whichever program, it gets the receipt that the service keeps.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from disclosure import MalformedError, Reason
from disclosure.canonical import Item
from prover.errors import VaultReason
from prover.finding import one_of
from prover.notes import EventNote, seal_event
from prover.records import Kind, head_of, malformed, pack, unpack
from prover.shelf import Records, Shelf
from tlog import HOLDER_NOTE_OCTETS


class EventState(StrEnum):
    """How far an event has come: perhaps sent, recorded with a receipt that holds, or refused for good."""

    SENT = "sent"
    RECORDED = "recorded"
    REFUSED = "refused"


@dataclass(frozen=True)
class Call:
    """A call as it goes out: the RPC's full path, the request's octets, and whose session it takes, if any.

    `session` is a party whose key the vault has: "consents/..." or "accounts/...".
    """

    method: str
    message: bytes = field(repr=False)
    session: str = ""


MakeCall = Callable[[str, bytes], Call]
"""Given a request_id and a holder's note, returns the call that takes both."""


@dataclass(frozen=True)
class Event:
    """One event: what its note says, where it is sent, and how it ended.

    `receipt` is there when it was recorded, `reason` (the service's) when it was refused. `holder_note` is
    the sealed note that goes out.
    """

    id: str
    state: EventState
    note: EventNote
    server: str
    request_id: str = field(repr=False)
    call: Call
    holder_note: bytes = field(repr=False)
    receipt: bytes | None = field(default=None, repr=False)
    reason: str | None = None

    def __post_init__(self) -> None:
        if (self.receipt is not None) != (self.state is EventState.RECORDED) or (self.reason is not None) != (
            self.state is EventState.REFUSED
        ):
            raise MalformedError(Reason.MALFORMED, "a recorded event has a receipt, a refused one a reason")
        if len(self.holder_note) != HOLDER_NOTE_OCTETS:
            raise MalformedError(Reason.MALFORMED, "a holder's note has another length")

    @property
    def time(self) -> dt.datetime:
        """When it was stored, by the vault's clock."""
        return self.note.time

    def octets(self) -> bytes:
        """Return what is sealed."""
        head: list[Item] = [
            Kind.EVENT.value, self.state.value, self.server, self.request_id, self.call.method,
            self.call.session, self.reason, self.receipt is not None,
        ]  # fmt: skip
        return pack(head, self.note.octets(), self.call.message, self.holder_note, self.receipt or b"")


def event_of(record_id: str, octets: bytes) -> Event:
    """Decode an event's record; MalformedError."""
    head, *parts = unpack(octets)
    match head_of(head), parts:
        case [
            [Kind.EVENT, str(state), str(server), str(request_id), str(method), str(session),
             (str() | None) as reason, bool(recorded)],
            [note, message, holder_note, receipt],
        ] if state in set(EventState):  # fmt: skip
            return Event(
                id=record_id,
                state=EventState(state),
                note=EventNote.from_octets(note),
                server=server,
                request_id=request_id,
                call=Call(method, message, session),
                holder_note=holder_note,
                receipt=receipt if recorded else None,
                reason=reason,
            )
    raise malformed()


def events_in(records: Records) -> list[Event]:
    """Return all events in the order of their time."""
    return sorted(records.all(Kind.EVENT, event_of), key=lambda each: (each.time, each.id))


def begin_event(shelf: Shelf, records: Records, server: str, note: EventNote, make: MakeCall) -> Event:
    """Store an event with the very call that is to be sent; one under way for the same is gone on with.

    Within the transaction of whatever the vault changes with it.
    """
    for each in _same(events_in(records), server, note):
        if each.state is not EventState.REFUSED:
            return each
    request_id, sealed = shelf.new_request_id(), seal_event(shelf.keys, note, shelf.rng)
    call = make(request_id, sealed)
    event = Event(shelf.new_id(), EventState.SENT, note, server, request_id, call, sealed)
    records.put(event)
    return event


def _same(events: list[Event], server: str, note: EventNote) -> Iterator[Event]:
    """Give the events that are about the same thing; what has no end of its own can happen once."""
    wanted = (server, note.kind, note.party, note.digest)
    for each in events:
        if (each.server, each.note.kind, each.note.party, each.note.digest) == wanted:
            yield each


def finish_event(records: Records, event_id: str, receipt: bytes | None, reason: str | None) -> Event:
    """Write down how an event ended; a receipt that is stored stays, and takes the place of a refusal.

    Exactly one of the two is given. Raises ContentError EVENT_NOT_FOUND; ValueError.
    """
    if (receipt is None) == (reason is None):
        raise ValueError("an event ends with a receipt or with a reason")
    event = records.one(event_id, Kind.EVENT, event_of, VaultReason.EVENT_NOT_FOUND)
    if event.state is EventState.RECORDED:
        return event
    state = EventState.REFUSED if receipt is None else EventState.RECORDED
    ended = replace(event, state=state, receipt=receipt, reason=reason)
    records.put(ended)
    return ended


def find_event(events: list[Event], wanted: str) -> Event:
    """Return the one event whose identifier begins so; ContentError EVENT_NOT_FOUND, ID_AMBIGUOUS."""
    return one_of(events, wanted, VaultReason.EVENT_NOT_FOUND)
