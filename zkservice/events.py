"""Putting on the ledger what happened to a holder, and answering with its receipt.

A use case makes a `Happening` outside its transaction, calls `keep` within it, and answers with `receipt`:
durable first, told afterwards, the same however often the call is sent.
"""

import secrets
from dataclasses import dataclass, field

from sqlalchemy import Connection

from disclosure import canonical
from disclosure.event import EventBody, EventKind
from tlog.entry import HOLDER_NOTE_OCTETS, note_hash
from tlog.receipt import ReceiptOpening
from zkservice.context import Context
from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import whole_ms
from zkservice.receipts import Place
from zkservice.storage import events
from zkservice.storage.events import Event

_LABEL = "zk-disclosure/event-call/v1"


@dataclass(frozen=True)
class Happening:
    """An event that is about to be kept. `note` is what only the holder's vault opens: 1,024 octets.

    `scope` and `request_id` name the call, `digest` says what it asked for.
    """

    scope: str
    request_id: str
    digest: bytes
    body: EventBody
    note: bytes = field(repr=False)

    @classmethod
    def of(
        cls,
        context: Context,
        kind: EventKind,
        party: str,
        about: bytes,
        scope: str,
        request_id: str,
        note: bytes,
    ) -> "Happening":
        """Make one of now; ServiceError NOTE_MISMATCH for a note of another length."""
        if len(note) != HOLDER_NOTE_OCTETS:
            detail = f"a holder's note has {HOLDER_NOTE_OCTETS} octets"
            raise ServiceError(ServiceReason.NOTE_MISMATCH, detail, field="holder_note")
        body = EventBody(kind, party, about, whole_ms(context.now()))
        called = canonical.encode(_LABEL, kind.value, party, about, note_hash(note))
        return cls(scope, request_id, canonical.digest(_LABEL, called), body, note)

    def earlier(self, connection: Connection) -> Event | None:
        """Return what this same call kept before; ServiceError REQUEST_ID_REUSED."""
        return events.earlier(connection, self.scope, self.request_id, self.digest)

    def keep(self, connection: Connection, context: Context) -> Event:
        """Keep it, in the transaction of what it tells of; ServiceError REQUEST_ID_REUSED."""
        opening = ReceiptOpening(secrets.token_bytes(32), self.body.to_bytes(), note_hash(self.note))
        sealed = context.keys.seal(_label(self.scope, self.request_id), opening.to_bytes())
        entry = opening.entry().to_bytes()
        return events.add(
            connection, self.scope, self.request_id, self.digest, sealed, entry, self.note, context.now()
        )


async def receipt(context: Context, event: Event) -> tuple[Place, bytes]:
    """Wait until an event stands on the ledger; return its place and its receipt file."""
    place = await context.proofs.place(event.outbox)
    opening = context.keys.open(_label(event.scope, event.request_id), event.sealed_opening)
    return place, place.receipt(ReceiptOpening.parse(opening))


def _label(scope: str, request_id: str) -> str:
    return f"event-opening/{scope}/{request_id}"
