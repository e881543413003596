"""The work on presentations: decoded and compiled here, from the request and nothing else, and checked
together.

Pure: no state, no I/O. Runs in the one thread that computes.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from disclosure import DisclosureError, MalformedError, Reason, RefusedError, Schema, SchemaName, VerifierName
from disclosure.keyed import KeyedClaim, KeyedPresentation, KeyedRequest, KeyedVerdict, verify_keyed_batch
from disclosure.keyed.request import MAX_QUERIES
from zkproto.v1 import keyed_pb2 as pb
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import placed, required
from zkservice.keyed.secret import CheckSecrets


@dataclass(frozen=True)
class Check:
    """One presentation that a counter wants to know about, as it came."""

    counter: VerifierName
    message: pb.CheckKeyedPresentationRequest = field(repr=False)


@dataclass(frozen=True)
class Checked:
    """A verdict, when its request ends, and the schemas that it is read with."""

    verdict: KeyedVerdict
    expires: dt.datetime
    schemas: dict[SchemaName, Schema]


Outcome = Checked | DisclosureError | ServiceError


def check_all(secrets: CheckSecrets, checks: Sequence[Check], now: dt.datetime) -> list[Outcome]:
    """Return what comes out for each check, which is what it gets alone."""
    claims = [_claim(secrets, each, now) for each in checks]
    true = [each for each in claims if isinstance(each, KeyedClaim)]
    verdicts = iter(verify_keyed_batch(true, secrets.verifying))
    return [_outcome(each, next(verdicts)) if isinstance(each, KeyedClaim) else each for each in claims]


def _claim(
    secrets: CheckSecrets, check: Check, now: dt.datetime
) -> KeyedClaim | DisclosureError | ServiceError:
    try:
        return _decoded(secrets, check, now)
    except (DisclosureError, ServiceError) as error:
        return error


def _decoded(secrets: CheckSecrets, check: Check, now: dt.datetime) -> KeyedClaim:
    message = check.message
    for name in ("request", "schemas", "presentation"):
        required(bool(getattr(message, name)), name)
    with placed("request"):
        request = KeyedRequest.from_bytes(message.request)
    if request.verifier != check.counter:
        detail = "the token is not that of the counter that made the request"
        raise ServiceError(ServiceReason.TOKEN_INVALID, detail)
    schemas = _schemas(message.schemas, request)
    with placed("presentation"):
        presentation = KeyedPresentation.from_bytes(message.presentation, schemas)
    return KeyedClaim(request, presentation, secrets.published, schemas, now)


def _schemas(octets: Sequence[bytes], request: KeyedRequest) -> dict[SchemaName, Schema]:
    """Decode the schemas that a request names by their digests; a large one takes tens of milliseconds."""
    if len(octets) > MAX_QUERIES:
        raise MalformedError(Reason.MALFORMED, f"at most {MAX_QUERIES} schemas", field="schemas")
    wanted = {each.schema_digest for each in request.queries}
    schemas: dict[SchemaName, Schema] = {}
    for index, each in enumerate(octets):
        if Schema.digest_of(each) not in wanted:
            detail = "the request names no schema of these octets"
            raise RefusedError(Reason.SCHEMA_UNKNOWN, detail, field=f"schemas[{index}]")
        with placed(f"schemas[{index}]"):
            schema = _decoded_schema(each)
        if schema.name in schemas:
            raise MalformedError(Reason.MALFORMED, "a schema is there twice", field=f"schemas[{index}]")
        schemas[schema.name] = schema
    return schemas


_decoded_schema = lru_cache(maxsize=16)(Schema.from_bytes)
"""By their octets, the last used: a counter asks for the same ones all day."""


def _outcome(claim: KeyedClaim, verdict: KeyedVerdict | DisclosureError) -> Outcome:
    if isinstance(verdict, DisclosureError):
        return verdict
    return Checked(verdict, claim.request.expires, dict(claim.schemas))
