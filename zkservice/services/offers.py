"""Making offers: what a department's call asks for is checked, signed if it is of the plain form, and kept.

Whoever makes one says what else happens in the transaction that keeps it: that it is laid into an inbox, that
an application is approved by it. So neither is ever there without the other.
"""

import datetime as dt
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from disclosure import (
    Credential,
    CredentialForm,
    IssuerKeyName,
    Schema,
    SchemaName,
    Value,
    canonical,
    civil_date,
)
from disclosure.attributes import to_item
from disclosure.canonical import Item
from disclosure.w3c.mapping import COMMITMENT_OCTETS, POINT_OCTETS
from wire.convert import present_values_of, within
from zkproto.v1 import issuance_pb2 as pb
from zkservice.context import Context
from zkservice.desk import Desk
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import check_request_id, fresh_id
from zkservice.moments import whole_ms
from zkservice.offering import department_of
from zkservice.services.composite_issuance import CompositeIssuance
from zkservice.signing import AnyDraft, Draft, W3cDraft
from zkservice.storage import catalog, issuance
from zkservice.storage.issuance import Offer

RevokeDue = Callable[[], Awaitable[None]]
"""Revokes what is left to be."""
_REQUEST_LABEL: Final = "zk-disclosure/issue-request/v1"
_TRIES: Final = 3
"""How often a credential is signed while the keys of its department change."""
_HOLDER_LABEL: Final = "zk-disclosure/w3c-document-holder/v1"
_ALSO_LABEL: Final = "zk-disclosure/issue-request-for/v1"


@dataclass(frozen=True)
class Also:
    """What happens in the transaction that keeps a new offer.

    `purpose` tells calls apart that ask for the same credential under the same request_id. What `act` raises
    undoes the offer.
    """

    purpose: str
    act: Callable[[Connection, Offer], None]


class Offers:
    """Makes offers of both forms. Secret keys stay in the signer."""

    def __init__(self, context: Context, revoke_due: RevokeDue) -> None:
        self._context = context
        self._desk = Desk[AnyDraft](context.signers, context.signing_keys.supplies)
        self.composite = CompositeIssuance(context, self._desk, revoke_due)

    async def make(
        self, name: SchemaName, request: pb.IssueCredentialRequest, also: Also | None = None
    ) -> Offer:
        """Keep an offer; the same call again gives the one that was kept. The caller was authenticated.

        Raises ServiceError, DisclosureError; with paths in the request's fields.
        """
        request_id = check_request_id(request.request_id)
        schema = (await self._context.directories.load([name])).schema(name)
        values = present_values_of(request.values)
        with within("values"):
            schema.check_values(values)
        if schema.form is CredentialForm.COMPOSITE:
            wanted = await self.composite.wanted(request, schema, values, request_id)
            digest = self._digest(wanted.octets(), also)
            return await self._made(
                schema, request_id, digest, lambda key: self.composite.offer(wanted, key, digest, _act(also))
            )
        if request.WhichOneof("identification") or request.replace_holder:
            detail = "a credential of the plain form belongs to whoever has the code"
            raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="identification")
        digest = self._digest(_request_octets(schema, values), also)
        return await self._made(
            schema, request_id, digest, lambda key: self._sign(key, schema, values, request_id, digest, also)
        )

    async def signed_w3c(self, schema: Schema, credential: Credential, commitment: bytes) -> bytes:
        """Return what a credential of the plain form says as a W3C document, signed by the department's key.

        By the one that signs now: the credential's own may have been taken on since. Raises ServiceError
        ISSUER_KEY_MISSING; RefusedError COMMITMENT_INVALID, FORM_NOT_SUPPORTED.
        """
        key = await self._context.signing_keys.of(department_of(schema.name))
        items = {name: to_item(value) for name, value in credential.values.items()}
        draft = W3cDraft(str(schema.name), str(key), items, commitment, credential.expiry)
        return (await self._desk.one(draft)).octets

    def _digest(self, octets: bytes, also: Also | None) -> bytes:
        """Return what is kept of a call. It holds the values and outlives the offer, and is therefore a
        fingerprint under the master key and no plain hash."""
        if also is not None:
            octets = canonical.encode(_ALSO_LABEL, octets, also.purpose)
        return self._context.keys.fingerprint(octets)

    async def _made(
        self,
        schema: Schema,
        request_id: str,
        digest: bytes,
        make: Callable[[IssuerKeyName], Awaitable[Offer | None]],
    ) -> Offer:
        """Make an offer with the key that the department signs with now."""
        parent = department_of(schema.name)
        try:
            for _ in range(_TRIES):
                if offer := await make(await self._context.signing_keys.of(parent)):
                    return offer
            detail = f"the issuer keys of {parent} are being changed; try again"
            raise ServiceError(ServiceReason.OVERLOADED, detail)
        except ServiceError:
            # Whoever repeats a call is answered, though no such offer could be made any more.
            earlier = await self._context.database.read(
                lambda connection: issuance.of_request(connection, parent, request_id, digest)
            )
            if earlier is None:
                raise
            return earlier

    async def _sign(
        self,
        key: IssuerKeyName,
        schema: Schema,
        values: dict[str, Value],
        request_id: str,
        digest: bytes,
        also: Also | None,
    ) -> Offer | None:
        """Keep a signed credential as an offer; None if its key signs no more.

        If the call was answered before, what was kept then counts: that is rare, and finding out first would
        cost everybody a look. So it is with the key, which may be taken on while the signer is at work.
        """
        now, offer_id = whole_ms(self._context.now()), fresh_id()
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

        def keep(connection: Connection) -> Offer | None:
            if not catalog.signs(connection, str(key)):
                return issuance.of_request(connection, offer.department, request_id, digest)
            kept = issuance.add(connection, offer)
            if kept is offer:
                _act(also)(connection, offer)
            return kept

        return await self._context.database.write(keep)


def document_holder(commitment: bytes) -> bytes:
    """Return the hash of whom a commitment binds a document to; an empty one binds it to nobody.

    It is of the commitment and not of its proof, which whoever repeats a call makes anew. Raises ServiceError
    FIELD_INVALID.
    """
    if commitment and len(commitment) != COMMITMENT_OCTETS:
        detail = f"a commitment has {COMMITMENT_OCTETS} octets, or is left out"
        raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="commitment")
    return hashlib.sha256(canonical.encode(_HOLDER_LABEL, commitment[:POINT_OCTETS])).digest()


def _act(also: Also | None) -> Callable[[Connection, Offer], None]:
    return (lambda _connection, _offer: None) if also is None else also.act


def _request_octets(schema: Schema, values: dict[str, Any]) -> bytes:
    """Return what tells one call from another under the same request_id."""
    items: list[Item] = [[name, to_item(value)] for name, value in sorted(values.items())]
    return canonical.encode(_REQUEST_LABEL, str(schema.name), items)
