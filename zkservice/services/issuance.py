"""IssuanceService: a department offers, the holder's vault claims, the service forgets.

The composite form, whose credentials are signed when they are claimed, is in `composite_issuance`.
"""

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import Connection

from disclosure import (
    Credential,
    Reason,
    RefusedError,
    Schema,
    SchemaName,
)
from wire.convert import credential_to, moment_to
from zkproto.v1 import issuance_pb2 as pb
from zkproto.v1.issuance_pb2_grpc import IssuanceServiceServicer
from zkservice.context import Context
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import check_request_id, resource_id
from zkservice.inbox import addressee, ring
from zkservice.services.offers import Also, Offers, document_holder
from zkservice.storage import accounts, composite_offers, issuance
from zkservice.storage.composite_offers import CompositeOffer
from zkservice.storage.issuance import Offer

_WithCode = (
    pb.ClaimCredentialRequest
    | pb.ClaimW3cCredentialRequest
    | pb.AcknowledgeCredentialRequest
    | pb.GetOfferRequest
    | pb.ClaimCompositeCredentialRequest
)


class IssuanceService(IssuanceServiceServicer):
    """Secret keys stay in their group's own objects, never in a message or a log."""

    def __init__(self, context: Context, revoke_due: Callable[[], Awaitable[None]]) -> None:
        self._context, self._offers = context, Offers(context, revoke_due)
        self._composite = self._offers.composite

    async def IssueCredential(self, request: pb.IssueCredentialRequest, context: Any) -> Any:
        """Keep an offer, of the plain form a signed credential; durable when answered."""
        name = SchemaName.parse(request.schema, field="schema")
        parent = f"departments/{name.department}"
        await self._context.access.department(context, parent)
        account = ""
        if request.HasField("deliver_to"):
            account = await addressee(self._context, request.deliver_to, field="deliver_to")
        offer = await self._offers.make(name, request, self._delivered(account) if account else None)
        if account:
            ring(self._context, account)
        return pb.IssueCredentialResponse(
            offer=f"offers/{offer.id}",
            claim_code="" if account else self._context.keys.token("claim", offer.id),
            expire_time=moment_to(offer.expires),
        )

    def _delivered(self, account: str) -> Also:
        def deliver(connection: Connection, offer: Offer) -> None:
            accounts.deliver(connection, offer.id, account, self._context.now())

        return Also(account, deliver)

    async def ClaimCredential(self, request: pb.ClaimCredentialRequest, context: Any) -> Any:
        """Hand a credential to whoever shows its code; the same claim may be repeated until acknowledged."""
        _, schema, credential = await self._claim(request)
        return pb.ClaimCredentialResponse(credential=credential_to(credential, schema))

    async def _claim(
        self, request: pb.ClaimCredentialRequest | pb.ClaimW3cCredentialRequest
    ) -> tuple[Offer, Schema, Credential]:
        """Bind an offer of the plain form to a claim, and return it with what was offered."""
        offer_id = self._check_code(request)
        request_id = check_request_id(request.request_id)
        offer = await self._context.database.write(
            lambda connection: _claimed(connection, offer_id, request_id, self._context.now())
        )
        if offer.sealed is None:
            raise ServiceError(ServiceReason.OFFER_TAKEN, "the offer was claimed and stored before")
        name = SchemaName.parse(offer.schema)
        schema = (await self._context.directories.load([name])).schema(name)
        octets = self._context.keys.open(f"offer/{offer_id}", offer.sealed)
        return offer, schema, Credential.from_bytes(octets, schema)

    async def ClaimW3cCredential(self, request: pb.ClaimW3cCredentialRequest, context: Any) -> Any:
        """Sign a credential of the plain form as a W3C document, for whoever shows the offer's code.

        All documents of a claim are bound to whom the first one was: that is kept once the commitment is
        found to hold, and before anything is answered.
        """
        holder = document_holder(request.commitment)
        offer, schema, credential = await self._claim(request)
        issuance.check_document_holder(offer, holder)
        document = await self._offers.signed_w3c(schema, credential, request.commitment)
        if offer.document_holder is None:
            await self._context.database.write(
                lambda connection: issuance.bind_document(connection, offer.id, request.request_id, holder)
            )
        return pb.ClaimW3cCredentialResponse(document=document)

    async def GetOffer(self, request: pb.GetOfferRequest, context: Any) -> Any:
        """What a vault has to answer before a credential of the composite form is signed."""
        stored = await self._stored(self._check_code(request))
        if isinstance(stored, Offer):
            issuance.check_open(stored, self._context.now())
            return pb.Offer(schema=stored.schema)
        return await self._composite.get(stored)

    async def ClaimCompositeCredential(
        self, request: pb.ClaimCompositeCredentialRequest, context: Any
    ) -> Any:
        """Sign an offer of the composite form for whoever shows its code and answers its terms."""
        offer_id = self._check_code(request)
        request_id = check_request_id(request.request_id)
        stored = await self._stored(offer_id)
        return await self._composite.claim(_composite(stored), request, request_id)

    async def GetIssuance(self, request: pb.GetIssuanceRequest, context: Any) -> Any:
        """What became of an offer of the composite form, for its department."""
        caller = await self._context.access.any_department(context)
        stored = await self._stored(resource_id(request.offer, "offers", field="offer"))
        owner = stored if isinstance(stored, Offer) else stored.offer
        if owner.department != caller:
            detail = "the token is not that of the offer's department"
            raise ServiceError(ServiceReason.TOKEN_INVALID, detail)
        return self._composite.issuance(_composite(stored))

    async def _stored(self, offer_id: str) -> CompositeOffer | Offer:
        return await self._context.database.read(lambda each: composite_offers.get(each, offer_id))

    async def AcknowledgeCredential(self, request: pb.AcknowledgeCredentialRequest, context: Any) -> Any:
        """Forget a credential that its vault has stored."""
        offer_id = self._check_code(request)
        request_id = check_request_id(request.request_id)
        await self._context.database.write(
            lambda connection: issuance.acknowledge(connection, offer_id, request_id)
        )
        return pb.AcknowledgeCredentialResponse()

    def _check_code(self, request: _WithCode) -> str:
        """Return the offer's identifier; an offer that does not exist and a wrong code are told alike."""
        offer_id = resource_id(request.offer, "offers", field="offer")
        if not self._context.keys.is_token(request.claim_code, "claim", offer_id):
            detail = "there is no such offer, or the code is not its own"
            raise ServiceError(ServiceReason.NOT_FOUND, detail)
        return offer_id


def _claimed(connection: Connection, offer_id: str, request_id: str, now: dt.datetime) -> Offer:
    """Bind an offer of the plain form to a claim."""
    if isinstance(composite_offers.get(connection, offer_id), CompositeOffer):
        detail = "the offer is of the composite form, which its vault claims by an answer to its terms"
        raise RefusedError(Reason.FORM_NOT_SUPPORTED, detail, field="offer")
    return issuance.claim(connection, offer_id, request_id, now)


def _composite(stored: CompositeOffer | Offer) -> CompositeOffer:
    if isinstance(stored, Offer):
        detail = "the offer is of the plain form: there are no terms to answer, and there is no handle"
        raise RefusedError(Reason.FORM_NOT_SUPPORTED, detail, field="offer")
    return stored
