"""Issuance of the composite form: an offer is kept unsigned, and signed when its holder has committed.

A claim is judged outside any transaction: the commitment by a thread, or the presentation by a judge and then
by a thread (`showing`). Then the signer draws the handle and signs, and one transaction keeps handle, answer
and whose pseudonym it is. What was signed and not kept (a crash, another claim that was faster) leaves this
process for nobody. Whoever sends the same claim again gets the same answer, opened from what is stored.
"""

import asyncio
import datetime as dt
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

import bbs
from disclosure import (
    IssuerKey,
    IssuerKeyName,
    Reason,
    RefusedError,
    Schema,
    SchemaName,
    Value,
    canonical,
    civil_date,
)
from disclosure.canonical import Item
from disclosure.composite import CompositeRequest, IssuanceTerms, IssuedCredential, check_commitment
from disclosure.composite.credential import SCALAR_OCTETS, require_composite
from wire.composite import composite_presentation_of, issued_to
from wire.convert import present_values_of, within
from zkproto.v1 import issuance_pb2 as pb
from zkservice.attempts import StoredAttempts
from zkservice.context import Context
from zkservice.desk import Desk
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import placed, required
from zkservice.keys import handle_label, handle_mark
from zkservice.logs import logged
from zkservice.moments import whole_ms
from zkservice.offering import (
    NOT_MADE,
    Ground,
    Offered,
    Required,
    checked_person,
    department_of,
    items_of,
    offer_label,
    person_mark,
    required_request,
)
from zkservice.services.showing import Judged, Showing
from zkservice.services.witnesses import Witnesses
from zkservice.signing import AnyDraft, CompositeDraft
from zkservice.storage import catalog, composite_offers, revocation
from zkservice.storage.composite_offers import Claim, CompositeOffer
from zkservice.storage.issuance import Offer

_REQUEST_LABEL: Final = "zk-disclosure/composite-issue-request/v1"
_PSEUDONYM_LABEL: Final = "zk-disclosure/kept-pseudonym/v1"
_CLAIM_LABEL: Final = "zk-disclosure/composite-claim/v1"
_DRAWS: Final = 3
"""A handle that two credentials share does not come up by chance in the life of any service."""
_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Wanted:
    """A checked call of IssueCredential for a schema of the composite form."""

    schema: Schema
    offered: Offered
    person: bytes | None = field(repr=False)
    replace_holder: bool
    request_id: str

    def octets(self) -> bytes:
        """Return what tells one call from another under the same request_id."""
        return canonical.encode(
            _REQUEST_LABEL, str(self.schema.name), self.offered.to_bytes(), self.person, self.replace_holder
        )


class CompositeIssuance:
    """What IssuanceService does for the composite form. The codes of offers were checked before."""

    def __init__(
        self, context: Context, desk: Desk[AnyDraft], revoke_due: Callable[[], Awaitable[None]]
    ) -> None:
        self._context, self._desk, self._revoke_due = context, desk, revoke_due
        self._showing = Showing(context)
        self._witnesses = Witnesses(context)
        self._attempts = StoredAttempts(context.database, context.clock)

    async def wanted(
        self, request: pb.IssueCredentialRequest, schema: Schema, values: Mapping[str, Value], request_id: str
    ) -> Wanted:
        """Check who the credential is for; ServiceError, DisclosureError."""
        kind = request.WhichOneof("identification")
        required(kind is not None, "identification")
        if request.replace_holder and kind != "person":
            detail = "whose place another takes is a person that the department has identified"
            raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="replace_holder")
        shown: Required | None = None
        person: bytes | None = None
        if kind == "required":
            shown = await self._required(request.required)
        else:
            person = checked_person(request.person)
        offered = Offered(items_of(values), shown)
        return Wanted(schema, offered, person, request.replace_holder, request_id)

    async def _required(self, message: pb.RequiredCredential) -> Required:
        with placed("required"):
            name = SchemaName.parse(message.schema, field="schema")
            schema = (await self._context.directories.load([name])).schema(name)
            require_composite(schema)
        required(len(message.values) > 0, "required.values")
        with within("required.values"):
            values = present_values_of(message.values)
            return Required.of(schema, values)

    async def offer(
        self,
        wanted: Wanted,
        key: IssuerKeyName,
        digest: bytes,
        also: Callable[[Connection, Offer], None],
    ) -> Offer:
        """Keep an offer, and do `also` with it; if the call was answered before, what was kept counts."""
        now, offer_id = whole_ms(self._context.now()), secrets.token_urlsafe(16)
        department, person = department_of(wanted.schema.name), wanted.person
        if wanted.replace_holder:
            await self._check_revokes(department)
        expires = now + dt.timedelta(days=self._context.settings.offer_days)
        terms = IssuanceTerms(wanted.schema.name, key, person is not None)
        made = CompositeOffer(
            offer=Offer(
                id=offer_id,
                department=department,
                schema=str(wanted.schema.name),
                request_id=wanted.request_id,
                request_digest=digest,
                created=now,
                expires=expires,
                sealed=self._context.keys.seal(offer_label(offer_id), wanted.offered.to_bytes()),
            ),
            terms=terms.canonical,
            request=await self._request(
                terms, wanted.schema, wanted.offered.required, expires, "required.schema"
            ),
            person=person and person_mark(self._context.keys, department, person),
        )

        def keep(connection: Connection) -> Offer:
            kept = composite_offers.add(connection, made, replace_holder=wanted.replace_holder)
            if kept is made.offer:
                also(connection, kept)
            return kept

        return await self._context.database.write(keep)

    async def _check_revokes(self, department: str) -> None:
        """Raise ServiceError ACCUMULATOR_MISSING unless a department can revoke what it has issued: else the
        lost vault would go on with it."""
        if not await self._context.database.read(lambda each: revocation.of_department(each, department, 1)):
            detail = f"{department} has no accumulator, and could not revoke what the lost vault holds"
            raise ServiceError(ServiceReason.ACCUMULATOR_MISSING, detail, field="replace_holder")

    async def _request(
        self,
        terms: IssuanceTerms,
        schema: Schema,
        shown: Required | None,
        expires: dt.datetime,
        field: str = "",
    ) -> bytes | None:
        """Return the canonical bytes of what the holder shows first; None for a base credential.

        `field` is where the caller named its schema; ServiceError ISSUER_KEY_MISSING.
        """
        if shown is None:
            return None
        department = department_of(shown.schema)

        def read(connection: Connection) -> Ground:
            suite = catalog.issuer_key(connection, str(terms.issuer_key)).key.suite
            return Ground.read(connection, department, suite, field)

        ground = await self._context.database.read(read)
        return required_request(terms, schema, shown, ground, self._context.now(), expires).canonical

    async def get(self, stored: CompositeOffer) -> pb.Offer:
        """Return terms and request, made anew where nobody could answer them any more."""
        composite_offers.check_unstored(stored, self._context.now())
        if stored.claim_digest is None and await self._is_over(stored):
            stored = await self._remade(stored)
        return pb.Offer(schema=stored.offer.schema, terms=stored.terms, request=stored.request or b"")

    async def _is_over(self, stored: CompositeOffer) -> bool:
        """Tell whether the key of an offer signs no more, or its request has run out."""
        if stored.request == NOT_MADE:
            return True
        request = stored.request and CompositeRequest.from_bytes(stored.request)
        if request and self._context.now() >= request.expires:
            return True
        try:
            await self._context.database.read(lambda each: composite_offers.check_key(each, stored.terms))
        except RefusedError:
            return True
        return False

    async def _remade(self, stored: CompositeOffer) -> CompositeOffer:
        before = IssuanceTerms.from_bytes(stored.terms)
        key = await self._context.signing_keys.of(stored.offer.department)
        terms = IssuanceTerms(before.schema, key, before.base)
        shown = self._offered(stored).required
        schema = await self._schema(stored)
        request = await self._request(terms, schema, shown, stored.offer.expires)
        return await self._context.database.write(
            lambda each: composite_offers.remake(each, stored, terms.canonical, request)
        )

    async def claim(
        self, stored: CompositeOffer, request: pb.ClaimCompositeCredentialRequest, request_id: str
    ) -> pb.ClaimCompositeCredentialResponse:
        """Sign an offer for whoever answers it first; the same claim may be repeated until acknowledged."""
        digest = self._claim_digest(stored, request)
        if not composite_offers.earlier(stored, request_id, digest, self._context.now()):
            async with self._attempts.one(stored.offer.id):
                stored = await self._claimed(stored, request, request_id, digest)
            if stored.replaces is not None:
                with logged("could not revoke what was replaced"):
                    await self._revoke_due()
        if stored.offer.sealed is None:
            raise ServiceError(ServiceReason.OFFER_TAKEN, "the offer was claimed and stored before")
        octets = self._context.keys.open(_answer_label(stored.offer.id), stored.offer.sealed)
        return pb.ClaimCompositeCredentialResponse.FromString(octets)

    def _claim_digest(self, stored: CompositeOffer, request: pb.ClaimCompositeCredentialRequest) -> bytes:
        """Return what tells one answer from another; refuse what the terms do not ask for."""
        kind = request.WhichOneof("answer")
        required(kind is not None, "answer")
        if (kind == "commitment") != (stored.request is None):
            detail = "a base credential is claimed by a commitment, any other by a presentation"
            raise RefusedError(Reason.COMMITMENT_INVALID, detail, field=str(kind))
        if kind == "commitment":
            return self._mark(_CLAIM_LABEL, b"commitment", request.commitment)
        if stored.request == NOT_MADE:
            detail = "nobody has got the offer yet; get it first"
            raise RefusedError(Reason.COMMITMENT_INVALID, detail, field="offer")
        with within("presentation"):
            presentation = composite_presentation_of(request.presentation)
        return self._mark(_CLAIM_LABEL, b"presentation", presentation.digest)

    async def _claimed(
        self,
        stored: CompositeOffer,
        request: pb.ClaimCompositeCredentialRequest,
        request_id: str,
        digest: bytes,
    ) -> CompositeOffer:
        terms, offered = IssuanceTerms.from_bytes(stored.terms), self._offered(stored)
        schema, key = await self._schema(stored), await self._key(stored, terms)
        if offered.required is None:
            judged = await self._identified(terms, request.commitment, schema, key)
        else:
            own = stored.request or b""
            judged = await self._showing.judged(own, request.presentation, offered.required)
        for _ in range(_DRAWS):
            claim = await self._signed(stored, judged, offered.values, schema, key, (request_id, digest))
            kept = await self._keep(claim) if claim is not None else None
            if kept is not None:
                return kept
        raise ServiceError(ServiceReason.INTERNAL, "no handle was found that is nobody's")

    async def _keep(self, claim: Claim) -> CompositeOffer | None:
        return await self._context.database.write(
            lambda connection: composite_offers.claim(connection, claim, self._context.now())
        )

    async def _identified(
        self, terms: IssuanceTerms, commitment: bytes, schema: Schema, key: IssuerKey
    ) -> Judged:
        verified = await self._in_crypto(check_commitment, terms, commitment, schema, key)
        return Judged(verified.C, verified.pseudonym, verified.pseudonym)

    async def _signed(
        self,
        stored: CompositeOffer,
        judged: Judged,
        values: Mapping[str, Item],
        schema: Schema,
        key: IssuerKey,
        call: tuple[str, bytes],
    ) -> Claim | None:
        """Have a credential signed, and return what is to be kept of it; None if its handle is revoked."""
        keys, department = self._context.keys, stored.offer.department
        today = civil_date(self._context.now())
        draft = CompositeDraft(stored.terms, judged.commitment, judged.origin, values, today)
        issued = IssuedCredential.from_bytes((await self._desk.one(draft)).octets, schema)
        handle = issued.handle.to_bytes(SCALAR_OCTETS)
        try:
            witnessed = await self._witnesses.of(department, key.suite, issued.handle)
        except bbs.InputError:
            return None
        answer, offer_id = issued_to(issued, schema, witnessed), stored.offer.id
        pseudonym = judged.pseudonym
        return Claim(
            offer=offer_id,
            request_id=call[0],
            digest=call[1],
            terms=stored.terms,
            pseudonym=pseudonym and self._mark(_PSEUDONYM_LABEL, department.encode(), pseudonym),
            handle=handle_mark(keys, handle),
            sealed_handle=keys.seal(handle_label(offer_id), handle),
            accumulator=answer.accumulator or None,
            sealed=keys.seal(_answer_label(offer_id), answer.SerializeToString()),
        )

    def issuance(self, stored: CompositeOffer) -> pb.Issuance:
        """Return what the department may know of an offer."""
        handle = b""
        if stored.sealed_handle is not None:
            handle = self._context.keys.open(handle_label(stored.offer.id), stored.sealed_handle)
        return pb.Issuance(
            offer=f"offers/{stored.offer.id}",
            schema=stored.offer.schema,
            claimed=bool(handle),
            handle=handle,
            accumulator=stored.accumulator or "",
        )

    def _offered(self, stored: CompositeOffer) -> Offered:
        if stored.offer.sealed is None or stored.claim_digest is not None:
            raise ServiceError(ServiceReason.OFFER_TAKEN, "the offer was claimed before")
        return Offered.from_bytes(self._context.keys.open(offer_label(stored.offer.id), stored.offer.sealed))

    async def _schema(self, stored: CompositeOffer) -> Schema:
        name = SchemaName.parse(stored.offer.schema)
        return (await self._context.directories.load([name])).schema(name)

    async def _key(self, stored: CompositeOffer, terms: IssuanceTerms) -> IssuerKey:
        def read(connection: Connection) -> IssuerKey:
            composite_offers.check_key(connection, stored.terms)
            return catalog.issuer_key(connection, str(terms.issuer_key)).key

        return await self._context.database.read(read)

    def _mark(self, label: str, *parts: bytes) -> bytes:
        """Return the fingerprint of what is to be recognised and not to be known."""
        return self._context.keys.fingerprint(canonical.encode(label, *parts))

    async def _in_crypto(self, act: Callable[..., _Made], *args: Any) -> _Made:
        return await asyncio.get_running_loop().run_in_executor(self._context.crypto, act, *args)


def _answer_label(offer_id: str) -> str:
    return f"issued-credential/{offer_id}"
