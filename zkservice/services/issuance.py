"""IssuanceService: a department signs, the holder's vault claims, the service forgets."""

import datetime as dt
import secrets
from typing import Any, Final

from disclosure import Credential, IssuerKeyName, Schema, SchemaName, Value, canonical, civil_date
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
from zkservice.signing import Draft
from zkservice.storage import issuance
from zkservice.storage.issuance import Offer

_REQUEST_LABEL: Final = "zk-disclosure/issue-request/v1"


class IssuanceService(IssuanceServiceServicer):
    """Secret keys stay in their group's own objects, never in a message or a log."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._desk = Desk[Draft](context.signers, context.signing_keys.supplies)

    async def IssueCredential(self, request: pb.IssueCredentialRequest, context: Any) -> Any:
        """Sign a credential and keep it as an offer; durable when answered."""
        name = SchemaName.parse(request.schema, field="schema")
        parent = f"departments/{name.department}"
        await self._context.access.department(context, parent)
        request_id = check_request_id(request.request_id)
        schema = (await self._context.directories.load([name])).schema(name)
        values = present_values_of(request.values)
        with within("values"):
            schema.check_values(values)
        digest = self._context.keys.fingerprint(_request_octets(schema, values))
        try:
            key = await self._context.signing_keys.of(parent)
        except ServiceError:
            # Whoever repeats a call is answered, though the department signs no more.
            offer = await self._context.database.read(
                lambda connection: issuance.of_request(connection, parent, request_id, digest)
            )
            if offer is None:
                raise
        else:
            offer = await self._sign(key, schema, values, request_id, digest)
        return pb.IssueCredentialResponse(
            offer=f"offers/{offer.id}",
            claim_code=self._context.keys.token("claim", offer.id),
            expire_time=moment_to(offer.expires),
        )

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
            department=f"departments/{schema.name.department}",
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
            lambda connection: issuance.claim(connection, offer_id, request_id, self._context.now())
        )
        if offer.sealed is None:
            raise ServiceError(ServiceReason.OFFER_TAKEN, "the offer was claimed and stored before")
        name = SchemaName.parse(offer.schema)
        schema = (await self._context.directories.load([name])).schema(name)
        octets = self._context.keys.open(f"offer/{offer_id}", offer.sealed)
        credential = credential_to(Credential.from_bytes(octets, schema), schema)
        return pb.ClaimCredentialResponse(credential=credential)

    async def AcknowledgeCredential(self, request: pb.AcknowledgeCredentialRequest, context: Any) -> Any:
        """Forget a credential that its vault has stored."""
        offer_id = self._check_code(request)
        request_id = check_request_id(request.request_id)
        await self._context.database.write(
            lambda connection: issuance.acknowledge(connection, offer_id, request_id)
        )
        return pb.AcknowledgeCredentialResponse()

    def _check_code(self, request: pb.ClaimCredentialRequest | pb.AcknowledgeCredentialRequest) -> str:
        """Return the offer's identifier; an offer that does not exist and a wrong code are told alike."""
        offer_id = resource_id(request.offer, "offers", field="offer")
        if not self._context.keys.is_token(request.claim_code, "claim", offer_id):
            detail = "there is no such offer, or the code is not its own"
            raise ServiceError(ServiceReason.NOT_FOUND, detail)
        return offer_id


def _request_octets(schema: Schema, values: dict[str, Any]) -> bytes:
    """Return what tells one call from another under the same request_id. It holds the values: what is kept of
    it outlives the offer, and is therefore a fingerprint under the master key and no plain hash."""
    items: list[Item] = [[name, to_item(value)] for name, value in sorted(values.items())]
    return canonical.encode(_REQUEST_LABEL, str(schema.name), items)
