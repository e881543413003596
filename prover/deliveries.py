"""What was sent and received unasked, as the vault keeps it; `Vault.deliveries` gives it.

State rules: what is sent is stored with the event that sends it, in one transaction and before it goes out;
sent again it is the same octets. What was received is stored with the event that acknowledges it, in one
transaction and before the service is told to forget it. Under one digest there is one of each.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from disclosure import LocalizedText, Reason, RefusedError, Schema, SchemaName, Shown
from disclosure.canonical import Item
from disclosure.composite import CompositePresentation
from disclosure.delivery import UnaskedQuestion
from disclosure.event import EventKind
from prover.errors import VaultReason
from prover.events import Call, Event, begin_event
from prover.finding import one_of
from prover.notes import MAX_DETAIL_OCTETS, EventNote
from prover.records import Kind, head_of, malformed, milliseconds, moment_of, pack, schema_of, unpack
from prover.shelf import Records, Shelf

Prove = Callable[[str, bytes], tuple[CompositePresentation, Call]]
"""Given a request_id and the event's sealed note, returns the presentation and the call that sends it."""


@dataclass(frozen=True)
class SentDelivery:
    """What was sent to whom. How far it has come is told by its event, whose identifier `event` is."""

    id: str
    event: str
    display_name: LocalizedText
    question: UnaskedQuestion
    presentation: CompositePresentation = field(repr=False)
    schemas: Mapping[SchemaName, Schema] = field(repr=False)
    time: dt.datetime

    @property
    def shown(self) -> tuple[Shown, ...]:
        """What was shown of each credential."""
        return _shown(self.presentation)

    def octets(self) -> bytes:
        """Return what is sealed."""
        head: list[Item] = [
            Kind.SENT_DELIVERY.value, self.event, self.display_name.items(), milliseconds(self.time),
        ]  # fmt: skip
        return pack(head, self.question.canonical, self.presentation.canonical, *_canonical(self.schemas))


@dataclass(frozen=True)
class ReceivedDelivery:
    """What has come and was verified; `receipt` is that of its sending, `sent` the time in it.

    `delivery` is its name at the service `server`.
    """

    id: str
    server: str
    delivery: str
    question: UnaskedQuestion
    presentation: CompositePresentation = field(repr=False)
    schemas: Mapping[SchemaName, Schema] = field(repr=False)
    receipt: bytes = field(repr=False)
    sent: dt.datetime

    @property
    def shown(self) -> tuple[Shown, ...]:
        """What was shown of each credential."""
        return _shown(self.presentation)

    def octets(self) -> bytes:
        """Return what is sealed."""
        head: list[Item] = [
            Kind.RECEIVED_DELIVERY.value, self.server, self.delivery, milliseconds(self.sent),
        ]  # fmt: skip
        return pack(
            head, self.question.canonical, self.presentation.canonical, self.receipt,
            *_canonical(self.schemas),
        )  # fmt: skip


def sent_delivery_of(record_id: str, octets: bytes) -> SentDelivery:
    """Decode what was sent; MalformedError."""
    head, *parts = unpack(octets)
    match head_of(head), parts:
        case [Kind.SENT_DELIVERY, str(event), [str(zh), str(en)], int(time)], [question, answer, *schemas]:
            read = _schemas(schemas)
            return SentDelivery(
                record_id,
                event,
                LocalizedText(zh, en),
                UnaskedQuestion.from_bytes(question),
                CompositePresentation.from_bytes(answer, read),
                read,
                moment_of(time),
            )
    raise malformed()


def received_delivery_of(record_id: str, octets: bytes) -> ReceivedDelivery:
    """Decode what was received; MalformedError."""
    head, *parts = unpack(octets)
    match head_of(head), parts:
        case (
            [Kind.RECEIVED_DELIVERY, str(server), str(delivery), int(sent)],
            [question, answer, receipt, *schemas],
        ):
            read = _schemas(schemas)
            return ReceivedDelivery(
                record_id,
                server,
                delivery,
                UnaskedQuestion.from_bytes(question),
                CompositePresentation.from_bytes(answer, read),
                read,
                receipt,
                moment_of(sent),
            )
    raise malformed()


class Deliveries:
    """The part of a vault that holds what was sent and received unasked."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def sent(self) -> list[SentDelivery]:
        """Return what was sent, or is to be, oldest first."""
        with self._shelf.reading() as records:
            found = records.all(Kind.SENT_DELIVERY, sent_delivery_of)
            return sorted(found, key=lambda each: (each.time, each.id))

    def received(self) -> list[ReceivedDelivery]:
        """Return what was received, oldest first."""
        with self._shelf.reading() as records:
            return received_in(records)

    def find(self, wanted: str) -> SentDelivery | ReceivedDelivery:
        """Return the one whose identifier begins so; ContentError DELIVERY_NOT_FOUND, ID_AMBIGUOUS."""
        every: list[SentDelivery | ReceivedDelivery] = [*self.sent(), *self.received()]
        return one_of(every, wanted, VaultReason.DELIVERY_NOT_FOUND)

    def begin(
        self,
        server: str,
        question: UnaskedQuestion,
        display_name: LocalizedText,
        schemas: Mapping[SchemaName, Schema],
        prove: Prove,
    ) -> tuple[SentDelivery, Event]:
        """Store what is to be sent, with the very call that sends it.

        The presentation commits to the note that will stand on the ledger, so it is proven in here. Raises
        what `prove` raises, and nothing is stored then.
        """
        proven = list[CompositePresentation]()

        def make(request_id: str, sealed: bytes) -> Call:
            presentation, call = prove(request_id, sealed)
            proven.append(presentation)
            return call

        now = self._shelf.now()
        note = EventNote(
            EventKind.SENT, question.recipient, _title(question, schemas), question.digest, now,
            _detail(question),
        )  # fmt: skip
        with self._shelf.writing() as records:
            event = begin_event(self._shelf, records, server, note, make)
            sent = SentDelivery(
                self._shelf.new_id(), event.id, display_name, question, proven[0], schemas, now
            )
            records.put(sent)
        return sent, event

    def receive(
        self, found: ReceivedDelivery, make: Callable[[str, bytes], Call]
    ) -> tuple[ReceivedDelivery, Event]:
        """Store what was verified with the call that acknowledges it; once under each question.

        Raises RefusedError DELIVERY_REPLAYED for a question that came before as another delivery.
        """
        question = found.question
        note = EventNote(
            EventKind.RECEIVED, found.delivery, _title(question, found.schemas), question.digest,
            self._shelf.now(), _detail(question),
        )  # fmt: skip
        with self._shelf.writing() as records:
            for each in received_in(records):
                if each.question.digest != question.digest:
                    continue
                if (each.server, each.delivery) != (found.server, found.delivery):
                    detail = "the same was received before"
                    raise RefusedError(Reason.DELIVERY_REPLAYED, detail, field="delivery")
                return each, begin_event(self._shelf, records, found.server, note, make)
            records.put(found)
            return found, begin_event(self._shelf, records, found.server, note, make)

    def new_id(self) -> str:
        """Return a fresh identifier."""
        return self._shelf.new_id()


def received_in(records: Records) -> list[ReceivedDelivery]:
    """Return what was received, in the order of its senders' time."""
    found = records.all(Kind.RECEIVED_DELIVERY, received_delivery_of)
    return sorted(found, key=lambda each: (each.sent, each.id))


def _shown(presentation: CompositePresentation) -> tuple[Shown, ...]:
    return tuple(each.shown for each in presentation.answer.credentials)


def _title(question: UnaskedQuestion, schemas: Mapping[SchemaName, Schema]) -> LocalizedText:
    """Return what people call the items that were shown."""
    names = [schemas[name].display_name for query in question.queries for name in query.schemas]
    return LocalizedText(
        _joined([each.zh for each in names], "、"), _joined([each.en for each in names], ", ")
    )


def _joined(names: Sequence[str], by: str) -> str:
    """Join names, each once; a note cuts its title, a text does not, so it is short enough for one."""
    return by.join(dict.fromkeys(names)).encode()[:900].decode(errors="ignore")


def _detail(question: UnaskedQuestion) -> str:
    """Return which attributes were shown, for a new phone that has nothing but the note; cut to its room."""
    parts = [f"{query.schemas[0].item}: {', '.join(query.shown)}" for query in question.queries]
    return "; ".join(parts).encode()[:MAX_DETAIL_OCTETS].decode(errors="ignore")


def _canonical(schemas: Mapping[SchemaName, Schema]) -> list[bytes]:
    return [schemas[name].canonical for name in sorted(schemas, key=str)]


def _schemas(parts: Sequence[bytes]) -> dict[SchemaName, Schema]:
    return {each.name: each for each in map(schema_of, parts)}
