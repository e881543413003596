"""Recording what regulators open: nobody uses an identity that the ledger does not know to be opened.

First each officer's part, before the other officer is given it, then both together. Nobody is authenticated:
only who has an officer's secret share can make a part that holds, and what is recorded tells outsiders that
something was opened and no more. This service itself learns of both parts who it was: it checks them, keeps
neither, and could look the identity up in what it has issued.
"""

import hashlib
from typing import Final

import tlog
from disclosure import MalformedError, Reason, ReceiptBody, RefusedError
from disclosure.composite import OpeningRecord
from tlog.entry import RecordEntry, parse_entry
from tlog.receipt import verify_receipt
from wire.convert import signed_request_of, within
from zkproto.v1 import publication_pb2 as pb
from zkservice.attempts import Attempts
from zkservice.context import Context
from zkservice.desk import Desk
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import required
from zkservice.judging import Judgement, Matter
from zkservice.signatures import Signatures
from zkservice.storage import openings
from zkservice.storage.statistics import Concerned

_PROOFS: Final = 16
"""What an opening weighs: its presentation is verified by itself, with no others."""


class Openings:
    """Records openings, each once however often it is sent."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._desk = Desk[Judgement](context.judges, context.directories.supplies, lambda job: job.proofs)
        self._attempts = Attempts()
        self._signatures = Signatures(context.database, context.apart)

    async def record(self, request: pb.RecordOpeningRequest) -> pb.RecordOpeningResponse:
        """Record an opening or a part that holds; answered once its record stands on the ledger.

        The presentation is judged as of the moment that its receipt says. Raises ServiceError FIELD_MISSING,
        OVERLOADED, TOO_MANY_ATTEMPTS; MalformedError and RefusedError as `composite_judging.opening_record`.
        """
        for name in ("signed_request", "presentation"):
            required(request.HasField(name), name)
        for name in ("receipt", "escrow", "reference", "parts"):
            required(bool(getattr(request, name)), name)
        body = self._body(request.receipt)
        with within("signed_request"):
            signed = signed_request_of(request.signed_request)
        await self._signatures.check(signed)
        asked = pb.RecordOpeningRequest()
        asked.CopyFrom(request)
        asked.receipt = body.to_bytes()
        job = Judgement(asked.SerializeToString(), body.verified, proofs=_PROOFS, matter=Matter.OPENING)
        with self._attempts.one(_case(request)):
            opening = _checked((await self._desk.one(job)).octets, len(request.parts))
        concerned = Concerned(str(body.verifier))
        outbox = await self._context.database.write(
            lambda connection: openings.add(connection, opening, concerned, self._context.now())
        )
        place = await self._context.proofs.place(outbox)
        return pb.RecordOpeningResponse(entry_index=place.index, proof=place.proof())

    def _body(self, receipt: bytes) -> ReceiptBody:
        """Return the body of a receipt that stands on this log; MalformedError, RefusedError."""
        try:
            return ReceiptBody.from_bytes(verify_receipt(receipt, self._context.log_keys.known).opening.body)
        except tlog.VerificationError:
            detail = "the receipt is none of this log"
            raise RefusedError(Reason.RECEIPT_MISMATCH, detail, field="receipt") from None
        except (tlog.TlogError, MalformedError):
            detail = "the octets are no receipt"
            raise MalformedError(Reason.MALFORMED, detail, field="receipt") from None


def _case(request: pb.RecordOpeningRequest) -> str:
    """Return what false openings are counted for. By the case, whose reference its regulator knows: counted
    for the presentation alone they would let its holder have the true one refused."""
    parts = request.receipt, request.escrow.encode(), request.reference.encode()
    return hashlib.sha256(b"".join(hashlib.sha256(each).digest() for each in parts)).hexdigest()


def _checked(octets: bytes, officers: int) -> OpeningRecord:
    """Return the record whose entry a judge has answered with, of as many officers as have acted: a judge
    puts nothing else on the ledger, whoever has got into it.
    """
    try:
        entry = parse_entry(octets)
        record = OpeningRecord.of_entry(entry) if isinstance(entry, RecordEntry) else None
        if record is not None and record.entry() == octets and record.officers == officers:
            return record
    except (tlog.TlogError, MalformedError):
        pass
    raise ServiceError(ServiceReason.INTERNAL, "a fault of the service; it has been logged")
