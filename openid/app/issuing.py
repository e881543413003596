"""What an issuer's edge does, without HTTP: take offers from its department, tokens, proofs, credentials.

It stands between a wallet and the offers of IssuanceService. The service signs, and checks what a claim of
the composite form answers; a claim that is sent again with its request_id gets the same credential.
"""

import asyncio
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError

from disclosure import CredentialForm, OfferLink, Schema, SchemaName
from openid.app.offering import Grant, Grants
from openid.errors import OpenIdError, OpenIdReason
from openid.issuance import (
    COMMITMENT,
    OFFER_LINK,
    PRESENTATION,
    REQUEST_ID,
    CredentialOffer,
    IssuerMetadata,
    Nonces,
    check_jwt_proof,
    format_of,
)
from openid.strict_json import Json, octets_of, to_base64url
from wire.client import Endpoint, call
from zkproto.v1 import issuance_pb2, issuance_pb2_grpc, presentation_pb2

INTERVAL: Final = 5
_REASON: Final = OpenIdReason.RESPONSE_INVALID
_EVENTS: Final = ("credential_accepted", "credential_failure", "credential_deleted")


class Refusal(Exception):  # noqa: N818, it is what the specification answers with, no error of ours
    """An answer of OAuth's or of section 8.3.1: a status and an error code."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(status, error)
        self.status, self.error = status, error


class IssuerEdge:
    """A department's edge towards wallets. `schemas` are those that it offers credentials of."""

    def __init__(
        self,
        endpoint: Endpoint,
        issuer: str,
        schemas: Mapping[SchemaName, Schema],
        clock: Callable[[], datetime],
    ) -> None:
        self.issuer, self.grants, self.nonces = issuer, Grants(clock), Nonces()
        self.metadata = IssuerMetadata(
            issuer, {str(name): format_of(each.form) for name, each in schemas.items()}
        )
        self.clock = clock
        self._endpoint, self._schemas = endpoint, schemas

    async def register(self, name: str, link: str | None, tx_code: bool) -> tuple[Grant, CredentialOffer]:
        """Take an offer of the department's; without a link it is deferred until `issued`.

        Raises OpenIdError OFFER_INVALID for a schema that is not offered here, or a link to an offer of
        another; MalformedError; ServiceError.
        """
        schema = self._schemas.get(SchemaName.parse(name))
        if schema is None:
            raise OpenIdError(
                OpenIdReason.OFFER_INVALID, "no such credential is offered here", field="schema"
            )
        parsed = None if link is None else await self._checked(link, schema.name)
        grant = self.grants.add(schema.name, schema.form, parsed, tx_code)
        return grant, self.offer_of(grant)

    async def issued(self, handle: str, link: str) -> None:
        """Take the link of an offer that was deferred; raises as `register` does."""
        grant = self.grants.by("handle", handle)
        if grant.link is not None:
            raise OpenIdError(OpenIdReason.SESSION_OVER, "it was issued before")
        grant.link = await self._checked(link, grant.schema)

    def offer_of(self, grant: Grant) -> CredentialOffer:
        """Return what a wallet is offered."""
        return CredentialOffer(self.issuer, str(grant.schema), grant.code, grant.tx_code is not None)

    def token(self, code: str, tx_code: str | None) -> dict[str, Json]:
        """Answer a token request (section 6); Refusal."""
        try:
            grant = self.grants.redeem(code, tx_code)
        except OpenIdError:
            raise Refusal(400, "invalid_grant") from None
        left = int((grant.ends - self.clock()).total_seconds())
        answer: dict[str, Json] = {"access_token": grant.token, "token_type": "Bearer", "expires_in": left}
        return answer | ({} if grant.link is None else {OFFER_LINK: str(grant.link)})

    def granted(self, token: str) -> Grant:
        """Return what a token is for; Refusal."""
        try:
            return self.grants.by("token", token)
        except OpenIdError:
            raise Refusal(401, "invalid_token") from None

    async def credential(self, grant: Grant, body: Mapping[str, Json]) -> tuple[int, dict[str, Json]]:
        """Answer a credential request (section 8): the credential, or that it is deferred.

        Raises Refusal, ServiceError.
        """
        if body.get("credential_configuration_id") != str(grant.schema):
            raise Refusal(400, "unknown_credential_configuration")
        if "credential_response_encryption" in body:
            raise Refusal(400, "invalid_encryption_parameters")
        return await self._answered(grant, body)

    async def deferred(self, grant: Grant, body: Mapping[str, Json]) -> tuple[int, dict[str, Json]]:
        """Answer a deferred request (section 9), which has the proofs once there is something to prove for.

        Raises Refusal, ServiceError.
        """
        if body.get("transaction_id") != grant.transaction:
            raise Refusal(400, "invalid_transaction_id")
        return await self._answered(grant, body)

    async def notified(self, grant: Grant, body: Mapping[str, Json]) -> None:
        """Take a notification (section 11): once the credential is kept, the service forgets it.

        Raises Refusal, ServiceError.
        """
        if body.get("notification_id") != grant.notification:
            raise Refusal(400, "invalid_notification_id")
        if body.get("event") not in _EVENTS:
            raise Refusal(400, "invalid_notification_request")
        link = grant.link
        if body["event"] == _EVENTS[0] and link is not None and grant.request_id is not None:
            message = issuance_pb2.AcknowledgeCredentialRequest(
                offer=link.offer, claim_code=link.claim_code, request_id=grant.request_id
            )
            await self._call("AcknowledgeCredential", message)
            if not grant.taken:  # by the same notification, sent twice at a time
                self.grants.finish(grant)

    async def _answered(self, grant: Grant, body: Mapping[str, Json]) -> tuple[int, dict[str, Json]]:
        if grant.taken:
            raise Refusal(400, "credential_request_denied")
        link = grant.link
        if link is None or REQUEST_ID not in body:
            waits: dict[str, Json] = {"transaction_id": grant.transaction, "interval": INTERVAL}
            return 202, waits | ({} if link is None else {OFFER_LINK: str(link)})
        octets = await self._claimed(grant, link, _request_id(body[REQUEST_ID]), self._proof(grant, body))
        credentials = [{"credential": to_base64url(octets)}]
        return 200, {"credentials": credentials, "notification_id": grant.notification}

    def _proof(self, grant: Grant, body: Mapping[str, Json]) -> tuple[str, Any]:
        """Return the kind of the one proof and what it proves by; Refusal."""
        match body.get("proofs"):
            case {"jwt": [proof], **rest} if not rest and grant.form is CredentialForm.PLAIN:
                kind, value = "jwt", None
                try:
                    nonce: object = check_jwt_proof(proof, self.issuer, self.clock())
                except OpenIdError:
                    raise Refusal(400, "invalid_proof") from None
            case dict(proofs) if len(proofs) == 1 and grant.form is CredentialForm.COMPOSITE:
                kind, value, nonce = _own_proof(proofs)
            case _:
                raise Refusal(400, "invalid_proof")
        try:
            self.nonces.check(nonce, self.clock())
        except OpenIdError:
            raise Refusal(400, "invalid_nonce") from None
        return kind, value

    async def _claimed(self, grant: Grant, link: OfferLink, request_id: str, proof: tuple[str, Any]) -> bytes:
        grant.request_id = request_id
        claim: dict[str, Any] = {"offer": link.offer, "claim_code": link.claim_code, "request_id": request_id}
        kind, value = proof
        if kind == "jwt":
            answer = await self._call("ClaimCredential", issuance_pb2.ClaimCredentialRequest(**claim))
        else:
            message = issuance_pb2.ClaimCompositeCredentialRequest(**claim)
            if kind == COMMITMENT:
                message.commitment = value
            else:
                message.presentation.CopyFrom(value)
            answer = await self._call("ClaimCompositeCredential", message)
        octets: bytes = answer.SerializeToString(deterministic=True)
        return octets

    async def _checked(self, written: str, schema: SchemaName) -> OfferLink:
        """Return a link to an offer of this service and schema; OpenIdError OFFER_INVALID."""
        link = OfferLink.parse(written)
        if link.server != self._endpoint.server:
            raise OpenIdError(OpenIdReason.OFFER_INVALID, "the link leads to another service", field="link")
        message = issuance_pb2.GetOfferRequest(offer=link.offer, claim_code=link.claim_code)
        if (await self._call("GetOffer", message)).schema != str(schema):
            raise OpenIdError(OpenIdReason.OFFER_INVALID, "the offer is of another schema", field="link")
        return link

    async def _call(self, name: str, message: Any) -> Any:
        """Make a call of the service's in a thread, over a channel of its own; ServiceError."""

        def work() -> Any:
            channel: grpc.Channel = self._endpoint.channel()
            try:
                return call(getattr(issuance_pb2_grpc.IssuanceServiceStub(channel), name), message)
            finally:
                channel.close()

        return await asyncio.to_thread(work)


def _own_proof(proofs: Mapping[str, Json]) -> tuple[str, Any, object]:
    match proofs:
        case {"zk-disclosure.commitment": [{"commitment": text, "nonce": nonce, **rest}]} if not rest:
            return COMMITMENT, _octets(text), nonce
        case {"zk-disclosure.presentation": [{"presentation": text, "nonce": nonce, **rest}]} if not rest:
            message = presentation_pb2.CompositePresentation()
            try:
                message.ParseFromString(_octets(text))
            except DecodeError:
                raise Refusal(400, "invalid_proof") from None
            return PRESENTATION, message, nonce
    raise Refusal(400, "invalid_proof")


def _octets(text: Json) -> bytes:
    try:
        return octets_of(text, _REASON, "proofs")
    except OpenIdError:
        raise Refusal(400, "invalid_proof") from None


def _request_id(value: Json) -> str:
    try:
        read = str(uuid.UUID(value))
    except (ValueError, AttributeError, TypeError):
        read = ""
    if not read or read != value:
        raise Refusal(400, "invalid_credential_request")
    return read
