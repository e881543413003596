"""Many presentations verified in one call, without state: each member gets the verdict that it gets alone."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

from wire.batch import MAX_MEMBERS
from zkproto.v1 import presentation_pb2 as pb
from zkservice import tenants
from zkservice.context import Context
from zkservice.costs import MEMBER
from zkservice.desk import Desk, Verdict
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import required
from zkservice.judging import Judgement, Matter
from zkservice.signatures import Signatures
from zkservice.status import status_of
from zkservice.tasks import Done

_PROOF_OCTETS: Final = 512
"""Octets of a composite proof, or of a request that names what has to be loaded for it, that take about as
long as one proof of the plain form."""
_NOBODYS_FAULT: Final = {ServiceReason.STORAGE_UNAVAILABLE, ServiceReason.SHUTTING_DOWN}


class Batch:
    """Verifies the members of a call together with whatever the desk gathers of other calls."""

    def __init__(self, context: Context, desk: Desk[Judgement], signatures: Signatures) -> None:
        self._context, self._desk, self._signatures = context, desk, signatures

    async def verify(self, requests: Sequence[pb.VerifyPresentationRequest]) -> list[pb.PresentationVerdict]:
        """Return a verdict for each member.

        Raises ServiceError FIELD_MISSING (no members), BATCH_TOO_LARGE, RATE_LIMITED, OVERLOADED,
        STORAGE_UNAVAILABLE.
        """
        required(len(requests) > 0, "requests")
        if len(requests) > MAX_MEMBERS:
            detail = f"a batch has at most {MAX_MEMBERS} members"
            raise ServiceError(ServiceReason.BATCH_TOO_LARGE, detail, field="requests")
        tenants.spend((len(requests) - 1) * MEMBER)
        now = self._context.now()
        with self._desk.room(len(requests)):
            verdicts: list[Verdict | None] = [*await self._signatures.refusals(requests)]
            left = [place for place, verdict in enumerate(verdicts) if verdict is None]
            judged = await self._desk.many([judgement(requests[each], now) for each in left])
            for place, each in zip(left, judged, strict=True):
                verdicts[place] = each
        for verdict in verdicts:
            if isinstance(verdict, ServiceError) and verdict.reason in _NOBODYS_FAULT:
                raise verdict
        return [_verdict(each) for each in verdicts if each is not None]


def judgement(
    request: pb.VerifyPresentationRequest, moment: dt.datetime, *, opened: bool = False
) -> Judgement:
    """Return the job of judging a request, of either form."""
    octets = 0
    if request.HasField("composite_presentation"):
        octets = len(request.composite_presentation.proof) + len(request.signed_request.payload)
    proofs = max(1, len(request.presentation.credentials) + octets // _PROOF_OCTETS)
    return Judgement(request.SerializeToString(), moment, opened, proofs)


def request_judgement(signed: pb.SignedRequest, moment: dt.datetime) -> Judgement:
    """Return the job of checking a request of the composite form before it is opened."""
    proofs = max(1, len(signed.payload) // _PROOF_OCTETS)
    return Judgement(signed.SerializeToString(), moment, proofs=proofs, matter=Matter.REQUEST)


def _verdict(verdict: Verdict) -> pb.PresentationVerdict:
    if isinstance(verdict, Done):
        return pb.PresentationVerdict(verified=pb.VerifyPresentationResponse.FromString(verdict.octets))
    return pb.PresentationVerdict(refused=status_of(verdict))
