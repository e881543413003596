"""IssuanceService: a department offers, the holder's vault claims, the service forgets.

The composite form, whose credentials are signed when they are claimed, is in `composite_issuance`.
"""

import datetime as dt
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final

from sqlalchemy import Connection

from disclosure import (
    Credential,
    CredentialForm,
    IssuerKeyName,
    Reason,
    RefusedError,
    Schema,
    SchemaName,
    Value,
    canonical,
    civil_date,
)
from disclosure.attributes import to_item
from disclosure.canonical import Item
from wire.convert import credential_to, moment_to, present_values_of, within
from zkproto.v1 import issuance_pb2 as pb
from zkproto.v1.issuance_pb2_grpc import IssuanceServiceServicer
from zkservice.context import Context
from zkservice.desk import Desk
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import check_request_id, resource_id
from zkservice.moments import whole_ms
from zkservice.offering import department_of
from zkservice.services.composite_issuance import CompositeIssuance
from zkservice.signing import AnyDraft, Draft
from zkservice.storage import composite_offers, issuance
from zkservice.storage.composite_offers import CompositeOffer
from zkservice.storage.issuance import Offer

_REQUEST_LABEL: Final = "zk-disclosure/issue-request/v1"
_WithCode = (
    pb.ClaimCredentialRequest
    | pb.AcknowledgeCredentialRequest
    | pb.GetOfferRequest
    | pb.ClaimCompositeCredentialRequest
)


class IssuanceService(IssuanceServiceServicer):
    """Secret keys stay in their group's own objects, never in a message or a log."""

    def __init__(self, context: Context, revoke_due: Callable[[], Awaitable[None]]) -> None:
        self._context = context
        self._desk = Desk[AnyDraft](context.signers, context.signing_keys.supplies)
        self._composite = CompositeIssuance(context, self._desk, revoke_due)

    async def IssueCredential(self, request: pb.IssueCredentialRequest, context: Any) -> Any:
        """Keep an offer, of the plain form a signed credential; durable when answered."""
        name = SchemaName.parse(request.schema, field="schema")
        parent = f"departments/{name.department}"
        await self._context.access.department(context, parent)
        request_id = check_request_id(request.request_id)
        schema = (await self._context.directories.load([name])).schema(name)
        values = present_values_of(request.values)
        with within("values"):
            schema.check_values(values)
        if schema.form is CredentialForm.COMPOSITE:
            offer = await self._offer_composite(request, schema, values, request_id)
        else:
            offer = await self._offer_plain(request, schema, values, request_id)
        return pb.IssueCredentialResponse(
            offer=f"offers/{offer.id}",
            claim_code=self._context.keys.token("claim", offer.id),
            expire_time=moment_to(offer.expires),
        )

    async def _offer_plain(
        self, request: pb.IssueCredentialRequest, schema: Schema, values: dict[str, Value], request_id: str
    ) -> Offer:
        if request.WhichOneof("identification") or request.replace_holder:
            detail = "a credential of the plain form belongs to whoever has the code"
            raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="identification")
        digest = self._context.keys.fingerprint(_request_octets(schema, values))
        return await self._made(
            schema, request_id, digest, lambda key: self._sign(key, schema, values, request_id, digest)
        )

    async def _offer_composite(
        self, request: pb.IssueCredentialRequest, schema: Schema, values: dict[str, Value], request_id: str
    ) -> Offer:
        wanted = await self._composite.wanted(request, schema, values, request_id)
        digest = self._composite.digest(wanted)
        return await self._made(
            schema, request_id, digest, lambda key: self._composite.offer(wanted, key, digest)
        )

    async def _made(
        self,
        schema: Schema,
        request_id: str,
        digest: bytes,
        make: Callable[[IssuerKeyName], Awaitable[Offer]],
    ) -> Offer:
        """Make an offer with the key that the department signs with now."""
        parent = department_of(schema.name)
        try:
            return await make(await self._context.signing_keys.of(parent))
        except ServiceError:
            # Whoever repeats a call is answered, though no such offer could be made any more.
            offer = await self._context.database.read(
                lambda connection: issuance.of_request(connection, parent, request_id, digest)
            )
            if offer is None:
                raise
            return offer

    async def _sign(
        self, key: IssuerKeyName, schema: Schema, values: dict[str, Value], request_id: str, digest: bytes
    ) -> Offer:
        """Keep a signed credential as an offer. If the call was answered before, what was kept then counts:
        that is rare, and finding out first would cost everybody a look."""
        now, offer_id = whole_ms(self._context.now()), secrets.token_urlsafe(16)
        items = {name: to_item(value) for name, value in values.items()}
        signed = await self._desk.one(Draft(str(schema.name), str(key), items, civil_date(now)))
        offer = Offer(
            id=offer_id,
            department=department_of(schema.name),
            schema=str(schema.name),
            request_id=request_id,
            request_digest=digest,
            created=now,
            expires=now + dt.timedelta(days=self._context.settings.offer_days),
            sealed=self._context.keys.seal(f"offer/{offer_id}", signed.octets),
        )
        return await self._context.database.write(lambda connection: issuance.add(connection, offer))

    async def ClaimCredential(self, request: pb.ClaimCredentialRequest, context: Any) -> Any:
        """Hand a credential to whoever shows its code; the same claim may be repeated until acknowledged."""
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
        credential = credential_to(Credential.from_bytes(octets, schema), schema)
        return pb.ClaimCredentialResponse(credential=credential)

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


def _request_octets(schema: Schema, values: dict[str, Any]) -> bytes:
    """Return what tells one call from another under the same request_id. It holds the values: what is kept of
    it outlives the offer, and is therefore a fingerprint under the master key and no plain hash."""
    items: list[Item] = [[name, to_item(value)] for name, value in sorted(values.items())]
    return canonical.encode(_REQUEST_LABEL, str(schema.name), items)
