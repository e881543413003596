"""From a judged answer to what is kept of it and its receipt: alike for an exchange and for an errand."""

import datetime as dt
import secrets
from typing import Protocol

from sqlalchemy import Connection

from disclosure import ReceiptBody, VerifierName
from disclosure.composite import is_composite
from tlog.receipt import ReceiptOpening
from wire.convert import signed_request_to
from zkproto.v1 import presentation_pb2 as pb
from zkservice.context import Context
from zkservice.keys import Keys, presentation_label
from zkservice.receipts import Place
from zkservice.services.answers import Submitted
from zkservice.storage import exchanges
from zkservice.storage.exchanges import Answer, Exchange, NewAnswer


class AnswerMessage(Protocol):
    """A message that carries an answer of either form."""

    @property
    def presentation(self) -> pb.Presentation:
        """Of the plain form."""

    @property
    def composite_presentation(self) -> pb.CompositePresentation:
        """Of the composite form."""


def judged(exchange: Exchange, message: AnswerMessage) -> pb.VerifyPresentationRequest:
    """Return what the judges are asked: the exchange's own request, and whichever answer was sent."""
    asked = pb.VerifyPresentationRequest(signed_request=signed_request_to(exchange.signed))
    if is_composite(exchange.signed):
        asked.composite_presentation.CopyFrom(message.composite_presentation)
    else:
        asked.presentation.CopyFrom(message.presentation)
    return asked


class Acceptance(NewAnswer):
    """A judged answer that is about to be kept, with its receipt's entry."""

    @classmethod
    def of(
        cls,
        keys: Keys,
        exchange: Exchange,
        submitted: Submitted,
        request_id: str,
        note: bytes,
        moment: dt.datetime,
    ) -> "Acceptance":
        """Make one; `moment` is when it was judged, as the receipt says."""
        verifier = VerifierName.parse(exchange.verifier)
        body = ReceiptBody(verifier, exchange.request_digest, submitted.digest, moment)
        opening = ReceiptOpening(secrets.token_bytes(32), body.to_bytes(), submitted.note_hash)
        answer = Answer(
            exchange=exchange.id,
            request_id=request_id,
            submission_digest=submitted.submission_digest(note),
            sealed_presentation=keys.seal(presentation_label(exchange.id), submitted.octets),
            sealed_opening=keys.seal(_opening_label(exchange.id), opening.to_bytes()),
            outbox=0,
            created=moment,
        )
        return cls(exchange, answer, opening.entry().to_bytes(), note, submitted.seen)

    def keep(self, connection: Connection, now: dt.datetime) -> Answer:
        """Keep it by itself; raises as `exchanges.accept_all` does."""
        (kept,) = exchanges.accept_all(connection, [self], now)
        return kept


async def receipt_of(context: Context, answer: Answer) -> tuple[Place, bytes]:
    """Wait until an answer's receipt stands on the ledger; return its place and its file."""
    place = await context.proofs.place(answer.outbox)
    opening = context.keys.open(_opening_label(answer.exchange), answer.sealed_opening)
    return place, place.receipt(ReceiptOpening.parse(opening))


def _opening_label(exchange: str) -> str:
    return f"receipt-opening/{exchange}"
