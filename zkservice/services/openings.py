"""Recording what regulators have opened: nobody uses an identity that the ledger does not know to be opened.

Nobody is authenticated. Only who has the regulator's secret key can make an opening that holds, and what is
recorded tells outsiders that something was opened and no more. This service itself learns who it was: it
checks identity and proof, keeps neither, and could look the identity up in what it has issued.
"""

import hashlib
from typing import Final

import tlog
from disclosure import MalformedError, Reason, ReceiptBody, RefusedError
from disclosure.composite import OpeningRecord
from tlog.entry import RecordEntry, parse_entry
from tlog.receipt import verify_receipt
from zkproto.v1 import publication_pb2 as pb
from zkservice.attempts import Attempts
from zkservice.context import Context
from zkservice.desk import Desk
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import required
from zkservice.judging import Judgement, Matter
from zkservice.storage import openings

_PROOFS: Final = 16
"""What an opening weighs: its presentation is verified by itself, with no others."""


class Openings:
    """Records openings, each once however often it is sent."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._desk = Desk[Judgement](context.judges, context.directories.supplies, lambda job: job.proofs)
        self._attempts = Attempts()
        self._log = tlog.Verifier.from_string(context.verifier_key)

    async def record(self, request: pb.RecordOpeningRequest) -> pb.RecordOpeningResponse:
        """Record an opening that holds; answered once its record stands on the ledger.

        The presentation is judged as of the moment that its receipt says. Raises ServiceError FIELD_MISSING,
        OVERLOADED, TOO_MANY_ATTEMPTS; MalformedError and RefusedError as `composite_judging.opening_record`.
        """
        for name in ("signed_request", "presentation"):
            required(request.HasField(name), name)
        for name in ("receipt", "escrow", "reference", "identity", "decryption_proof"):
            required(bool(getattr(request, name)), name)
        body = self._body(request.receipt)
        asked = pb.RecordOpeningRequest()
        asked.CopyFrom(request)
        asked.receipt = body.to_bytes()
        job = Judgement(asked.SerializeToString(), body.verified, proofs=_PROOFS, matter=Matter.OPENING)
        with self._attempts.one(_case(request)):
            entry = _checked((await self._desk.one(job)).octets)
        outbox = await self._context.database.write(lambda connection: openings.add(connection, entry))
        place = await self._context.sequencer.integrated(outbox)
        return pb.RecordOpeningResponse(entry_index=place.index, proof=place.proof())

    def _body(self, receipt: bytes) -> ReceiptBody:
        """Return the body of a receipt that stands on this log; MalformedError, RefusedError."""
        try:
            return ReceiptBody.from_bytes(verify_receipt(receipt, self._log).opening.body)
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


def _checked(octets: bytes) -> bytes:
    """Return a judge's answer if it is the entry of an opening's record: a judge puts nothing else on the
    ledger, whoever has got into it.
    """
    try:
        entry = parse_entry(octets)
        if isinstance(entry, RecordEntry) and OpeningRecord.of_entry(entry) is not None:
            return octets
    except (tlog.TlogError, MalformedError):
        pass
    raise ServiceError(ServiceReason.INTERNAL, "a fault of the service; it has been logged")
