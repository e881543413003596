"""What a holder shows for a credential of the composite form, verified twice before anything is signed.

A judge reads what strangers wrote, and whoever has got into one could have it say anything. It is a filter:
what is signed, and for whom, is taken from a verification in a thread of this process, which is made only of
what a judge has found to hold.
"""

import asyncio
import datetime as dt
from dataclasses import dataclass, field

from disclosure import DisclosureError, Reason, SignedRequest
from disclosure.composite import VerifiedComposite, verify_composite
from disclosure.request import SIGNATURE_OCTETS
from wire.convert import signed_request_to
from zkproto.v1 import presentation_pb2
from zkservice.composite_judging import claim_of, refused
from zkservice.context import Context
from zkservice.desk import Desk
from zkservice.errors import ServiceError, ServiceReason
from zkservice.judging import Judgement
from zkservice.knowledge import Knowledge
from zkservice.offering import Required, items_of
from zkservice.services.batch import judgement
from zkservice.tasks import MissingError, Names, Supplies


@dataclass(frozen=True)
class Judged:
    """A commitment whose proof holds: the point, and how its holder is known."""

    commitment: bytes = field(repr=False)
    origin: bytes = field(repr=False)
    pseudonym: bytes | None = field(default=None, repr=False)


class Showing:
    """Judges answers to requests that the service has made itself, for a department's offers."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._judges = Desk[Judgement](context.judges, context.directories.supplies, lambda job: job.proofs)

    async def judged(
        self, request: bytes, presentation: presentation_pb2.CompositePresentation, shown: Required
    ) -> Judged:
        """Return the commitment of a presentation that holds and says what an offer asks for.

        `request` are the canonical bytes of the department's own. Raises what `verify_composite` does, with
        the place in the claim; ServiceError REQUIRED_MISMATCH.
        """
        # No verifier has signed it, and the judge is told so.
        signed, now = SignedRequest(request, bytes(SIGNATURE_OCTETS)), self._context.now()
        asked = presentation_pb2.VerifyPresentationRequest(
            signed_request=signed_request_to(signed), composite_presentation=presentation
        )
        try:
            await self._judges.one(judgement(asked, now, opened=True))
            verified = await self._verified(signed, presentation, now)
        except DisclosureError as error:
            raise _of_the_claim(error) from None
        values = verified.answer.credentials[0].shown.values
        said = items_of({name: value for name, value in values.items() if value is not None})
        if said != dict(shown.values):
            detail = "the credential does not say what the offer asks for"
            raise ServiceError(ServiceReason.REQUIRED_MISMATCH, detail, field="presentation.credentials[0]")
        if verified.commitment is None:
            raise ServiceError(ServiceReason.INTERNAL, "a request for an issuance has no terms")
        return Judged(verified.commitment.C, verified.digest)

    async def _verified(
        self, signed: SignedRequest, message: presentation_pb2.CompositePresentation, moment: dt.datetime
    ) -> VerifiedComposite:
        """Verify a presentation here; what the catalogue has is looked up as for a judge."""
        loop, needed, supplies = asyncio.get_running_loop(), Names(), Supplies()
        while True:
            tried = await loop.run_in_executor(
                self._context.crypto, _verify, signed, message, supplies, moment
            )
            if not isinstance(tried, Names):
                return tried
            needed |= tried
            supplies = await self._context.directories.supplies(needed)


def _verify(
    signed: SignedRequest,
    message: presentation_pb2.CompositePresentation,
    supplies: Supplies,
    moment: dt.datetime,
) -> VerifiedComposite | Names:
    """Return what a presentation shows, or what has to be looked up first; DisclosureError."""
    try:
        claim = claim_of(signed, message, Knowledge().told(supplies), moment, opened=True)
    except MissingError as error:
        return error.names
    try:
        return verify_composite(claim.request, claim.presentation, claim.directory, moment)
    except DisclosureError as error:
        raise refused(error) from None


def _of_the_claim(error: DisclosureError) -> DisclosureError:
    """Return a refusal with the place in the claim, which the request is no part of."""
    head, _, rest = error.field.partition("composite_presentation")
    place = "" if head or not error.field else f"presentation{rest}"
    return type(error)(Reason(error.reason), error.detail, field=place)
