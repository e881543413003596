"""What an honest vault never makes: forgeries, built with the library on purpose, to be seen refused."""

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import bbs
from disclosure import (
    Credential,
    ExchangeLink,
    IssuerKey,
    Presentation,
    Schema,
    SchemaName,
    Value,
    civil_date,
    issue,
    issuer_key_name,
)
from prover.present import PreparedPresentation
from prover.records import HeldCredential, new_request_id
from wire import convert
from wire.client import Endpoint, call
from zkproto.v1 import presentation_pb2, presentation_pb2_grpc

_ID_OCTETS: Final = 16


@dataclass(frozen=True)
class Submission:
    """What goes out to an exchange: whoever holds these bytes can send them anywhere, and often."""

    presentation: Presentation = field(repr=False)
    holder_note: bytes = field(repr=False)
    schemas: Mapping[SchemaName, Schema] = field(repr=False)
    request_id: str = field(repr=False)

    @classmethod
    def of(cls, prepared: PreparedPresentation) -> "Submission":
        """Take what an honest vault prepared."""
        return cls(prepared.presentation, prepared.holder_note, prepared.schemas, prepared.request_id)

    def by_somebody_else(self) -> "Submission":
        """The same from another sender, who does not know the vault's request_id."""
        return replace(self, request_id=new_request_id(secrets.token_bytes(_ID_OCTETS)))

    def with_value(self, query: str, attribute: str, value: Value) -> "Submission":
        """The same with another value for an attribute that is shown."""
        parts = tuple(
            replace(each, shown=replace(each.shown, values={**each.shown.values, attribute: value}))
            if each.shown.query == query
            else each
            for each in self.presentation.credentials
        )
        return replace(self, presentation=replace(self.presentation, credentials=parts))

    def for_request(self, digest: bytes) -> "Submission":
        """The same with the digest of another request written over its own."""
        return replace(self, presentation=replace(self.presentation, request_digest=digest))

    def submit(self, endpoint: Endpoint, link: ExchangeLink) -> presentation_pb2.SubmitPresentationResponse:
        """Send it to an exchange, over a channel of its own; ServiceError if it is refused."""
        channel = endpoint.channel()
        try:
            return call(
                presentation_pb2_grpc.PresentationServiceStub(channel).SubmitPresentation,
                presentation_pb2.SubmitPresentationRequest(
                    exchange=link.exchange,
                    ticket=link.ticket,
                    presentation=convert.presentation_to(self.presentation, self.schemas.__getitem__),
                    holder_note=self.holder_note,
                    request_id=self.request_id,
                ),
            )
        finally:
            channel.close()


def self_issued(schema: Schema, values: Mapping[str, Value], now: dt.datetime) -> HeldCredential:
    """A credential that somebody signed with a key of their own, in the name of the schema's department."""
    suite = bbs.SHA_256
    secret = bbs.SecretKey.generate(suite=suite)
    name = issuer_key_name(schema.name.department, str(suite), secret.public_key())
    key = IssuerKey(name, str(suite), secret.public_key())
    credential: Credential = issue(schema, key, secret, values, civil_date(now))
    return HeldCredential(secrets.token_hex(_ID_OCTETS), credential, schema, key, now)
