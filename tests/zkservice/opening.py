"""A presentation with escrows that was accepted, and what a regulator's officers make of it."""

from dataclasses import dataclass
from typing import Final

from bbs.gadgets.escrow_shares import PartialOpening
from disclosure import ReceiptBody
from disclosure.composite import CompositeClaim, CompositeRequest, EscrowQuery
from tests.disclosure.composite.officers import parts_of
from tests.disclosure.composite.policy import op
from tests.zkservice.composite_city import CompositeCity
from tlog.note import Verifier
from tlog.receipt import verify_receipt
from wire.composite import composite_presentation_of, part_to
from wire.convert import signed_request_to
from zkproto.v1 import publication_pb2 as pb

REFERENCE: Final = "案 2026-17"


@dataclass
class Case:
    """A presentation that was accepted, with its receipt, and what its regulator makes of it."""

    town: CompositeCity
    request: CompositeRequest
    claim: CompositeClaim
    message: pb.RecordOpeningRequest

    @classmethod
    async def presented(cls, town: CompositeCity) -> "Case":
        """Have a presentation accepted that escrows one identifier twice, to one regulator."""
        escrows = tuple(
            EscrowQuery(name, op("permit.number"), town.regulator_key.digest) for name in ("who", "again")
        )
        request = town.request(town.small(escrows=escrows))
        submission = await town.submitting(request)
        receipt = (await town.city.presentation.SubmitPresentation(submission)).receipt
        log = Verifier.from_string(town.city.ready.verifier_key)
        body = ReceiptBody.from_bytes(verify_receipt(receipt, log).opening.body)
        presentation = composite_presentation_of(submission.composite_presentation)
        claim = CompositeClaim(request, presentation, town.directory(), body.verified)
        message = pb.RecordOpeningRequest(
            signed_request=signed_request_to(town.sign(request)),
            presentation=submission.composite_presentation,
            receipt=receipt,
        )
        return cls(town, request, claim, message)

    def open(
        self, escrow: str = "who", reference: str = REFERENCE
    ) -> tuple[tuple[PartialOpening, ...], pb.RecordOpeningRequest]:
        """Open an escrow as two officers do, and return the call that has it recorded."""
        parts = parts_of(self.town.officers, self.claim, escrow, reference)
        asked = pb.RecordOpeningRequest()
        asked.CopyFrom(self.message)
        asked.escrow, asked.reference = escrow, reference
        asked.parts.extend(map(part_to, parts))
        return parts, asked
