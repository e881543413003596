"""Requests: who asks, for what purpose, what is to be shown; signed by the verifier's registered key.

A request's canonical bytes are what is signed and what every presentation is bound to. Its nonce makes it
unique; it ends at its expiry. The plain form proves neither revocation nor a hidden expiry, so a request says
in so many words that it waives the first, and whether it wants the expiry shown or waives that too.

A request's label, under its signature, is what selects the form; the composite form's requests are in
`disclosure.composite.request` and share the frame: who, what for, when, nonce, signature.
"""

import datetime as dt
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from disclosure import canonical
from disclosure.attributes import LocalizedText
from disclosure.errors import MalformedError, Reason, RefusedError
from disclosure.names import PolicyName, SchemaName, VerifierName, check_attribute_id

NONCE_OCTETS: Final = 32
MAX_QUERIES: Final = 16
MAX_LIFETIME: Final = dt.timedelta(days=7)
MAX_SECONDS: Final = 1 << 37
CLOCK_TOLERANCE: Final = dt.timedelta(minutes=2)
SIGNATURE_OCTETS: Final = 64
_LABEL: Final = "zk-disclosure/request/v1"
_SIGNING_PREFIX: Final = b"zk-disclosure/request-signature/v1\x00"
_REVOCATION_WAIVED: Final = "revocation-waived"


class ExpiryRule(StrEnum):
    """What a query wants of a credential's last day of validity."""

    SHOWN = "shown"
    WAIVED = "waived"


@dataclass(frozen=True)
class Query:
    """One credential that is asked for: its schema and the attributes to be shown, in any order.

    Raises MalformedError REQUEST_INVALID, NAME_INVALID.
    """

    id: str
    schema: SchemaName
    shown: tuple[str, ...]
    expiry: ExpiryRule = ExpiryRule.SHOWN

    def __post_init__(self) -> None:
        check_attribute_id(self.id, field="id")
        for attribute in self.shown:
            check_attribute_id(attribute, field="shown")
        if len(set(self.shown)) != len(self.shown):
            raise MalformedError(Reason.REQUEST_INVALID, "an attribute is asked for twice", field="shown")


def check_frame(created: dt.datetime, expires: dt.datetime, nonce: bytes) -> None:
    """Raise MalformedError REQUEST_INVALID unless these are the times and the nonce of a request."""
    if len(nonce) != NONCE_OCTETS:
        raise MalformedError(Reason.REQUEST_INVALID, f"a nonce has {NONCE_OCTETS} octets", field="nonce")
    for name, moment in (("created", created), ("expires", expires)):
        if moment.tzinfo is None or moment.microsecond or not 0 <= moment.timestamp() < MAX_SECONDS:
            raise MalformedError(Reason.REQUEST_INVALID, "a time is whole seconds with a zone", field=name)
    if not dt.timedelta(0) < expires - created <= MAX_LIFETIME:
        detail = f"a request lives for more than 0 and at most {MAX_LIFETIME.days} days"
        raise MalformedError(Reason.REQUEST_INVALID, detail, field="expires")


def check_policy_owner(policy: PolicyName | None, verifier: VerifierName) -> None:
    """Raise MalformedError REQUEST_INVALID for a policy of another verifier than the one that asks."""
    if policy is not None and policy.verifier != verifier.verifier:
        detail = "a request names a policy of its own verifier"
        raise MalformedError(Reason.REQUEST_INVALID, detail, field="policy")


def policy_item(policy: PolicyName | None) -> str | None:
    """Return a request's policy for canonical encoding."""
    return None if policy is None else str(policy)


def policy_from(item: str | None) -> PolicyName | None:
    """Decode what `policy_item` gives; MalformedError NAME_INVALID."""
    return None if item is None else PolicyName.parse(item, field="policy")


def check_life(created: dt.datetime, expires: dt.datetime, now: dt.datetime) -> None:
    """Raise RefusedError REQUEST_EXPIRED or REQUEST_NOT_YET_VALID unless `now` is within a request's life."""
    if now >= expires:
        raise RefusedError(Reason.REQUEST_EXPIRED, f"the request ended at {expires.isoformat()}")
    if now < created - CLOCK_TOLERANCE:
        raise RefusedError(Reason.REQUEST_NOT_YET_VALID, "the request is dated in the future")


@dataclass(frozen=True)
class Request:
    """A verifier's question; times are whole seconds with a zone.

    `policy` is the registered one that it asks by: whoever receives the request holds it to what that policy
    allows (`disclosure.allowance`), and refuses one that names none. Raises MalformedError REQUEST_INVALID.
    """

    verifier: VerifierName
    purpose: LocalizedText
    queries: tuple[Query, ...]
    created: dt.datetime
    expires: dt.datetime
    nonce: bytes = field(default_factory=lambda: secrets.token_bytes(NONCE_OCTETS))
    policy: PolicyName | None = None

    def __post_init__(self) -> None:
        check_policy_owner(self.policy, self.verifier)
        if not 0 < len(self.queries) <= MAX_QUERIES:
            detail = f"a request has 1 to {MAX_QUERIES} queries"
            raise MalformedError(Reason.REQUEST_INVALID, detail, field="queries")
        if len({each.id for each in self.queries}) != len(self.queries):
            raise MalformedError(Reason.REQUEST_INVALID, "two queries have one identifier", field="queries")
        check_frame(self.created, self.expires, self.nonce)
        if len(self.canonical) > canonical.MAX_OCTETS:
            raise MalformedError(Reason.REQUEST_INVALID, "the request is too large", field="queries")

    @cached_property
    def canonical(self) -> bytes:
        """The request's canonical bytes."""
        return canonical.encode(
            _LABEL, str(self.verifier), policy_item(self.policy), [self.purpose.zh, self.purpose.en],
            int(self.created.timestamp()), int(self.expires.timestamp()), self.nonce,
            [
                [each.id, str(each.schema), list(each.shown), each.expiry.value, _REVOCATION_WAIVED]
                for each in self.queries
            ],
        )  # fmt: skip

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 over the canonical bytes, domain-separated: what a presentation is bound to."""
        return canonical.digest(_LABEL, self.canonical)

    @classmethod
    def from_bytes(cls, octets: bytes) -> "Request":
        """Decode canonical bytes; MalformedError MALFORMED, REQUEST_INVALID, NAME_INVALID, VALUE_INVALID."""
        match canonical.decode(_LABEL, octets):
            case [
                str(name), (str() | None) as policy, [str(zh), str(en)], int(created), int(expires),
                bytes(nonce), list(queries),
            ]:  # fmt: skip
                parsed = cls(
                    VerifierName.parse(name), LocalizedText(zh, en), tuple(map(_query, queries)),
                    moment_of(created), moment_of(expires), nonce, policy_from(policy),
                )  # fmt: skip
                if parsed.canonical == octets:
                    return parsed
        raise MalformedError(Reason.REQUEST_INVALID, "the octets are no request")

    def check_time(self, now: dt.datetime) -> None:
        """Raise RefusedError REQUEST_EXPIRED or REQUEST_NOT_YET_VALID unless `now` is within its life."""
        check_life(self.created, self.expires, now)


def _query(item: object) -> Query:
    match item:
        case [str(identifier), str(schema), list(shown), str(expiry), str(revocation)] if (
            all(isinstance(each, str) for each in shown)
            and expiry in set(ExpiryRule)
            and revocation == _REVOCATION_WAIVED
        ):
            return Query(identifier, SchemaName.parse(schema), tuple(shown), ExpiryRule(expiry))
    raise MalformedError(Reason.REQUEST_INVALID, "the octets hold no query", field="queries")


def moment_of(seconds: int) -> dt.datetime:
    """Return the moment of a request's time; MalformedError REQUEST_INVALID."""
    if not 0 <= seconds < MAX_SECONDS:
        raise MalformedError(Reason.REQUEST_INVALID, "a time is outside what is sensible")
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


@dataclass(frozen=True)
class SignedRequest:
    """A request as its verifier signed it."""

    payload: bytes
    signature: bytes

    def __post_init__(self) -> None:
        if len(self.signature) != SIGNATURE_OCTETS:
            detail = f"a signature has {SIGNATURE_OCTETS} octets"
            raise MalformedError(Reason.REQUEST_INVALID, detail, field="signature")

    @cached_property
    def request(self) -> Request:
        """The request, decoded but not yet verified; MalformedError."""
        return Request.from_bytes(self.payload)

    def check(self, verifier: VerifierName, find_key: Callable[[VerifierName], bytes]) -> None:
        """Raise RefusedError REQUEST_SIGNATURE_INVALID unless it holds under a verifier's registered key.

        `find_key` gives the key's 32 octets; what it raises is raised.
        """
        try:
            key = Ed25519PublicKey.from_public_bytes(find_key(verifier))
            key.verify(self.signature, _SIGNING_PREFIX + self.payload)
        except (InvalidSignature, ValueError):
            detail = "the request is not signed by its verifier"
            raise RefusedError(Reason.REQUEST_SIGNATURE_INVALID, detail) from None


class Signable(Protocol):
    """A request of either form."""

    @property
    def canonical(self) -> bytes:
        """Its canonical bytes, which begin with its form's label."""
        ...


def sign_request(request: Signable, key: Ed25519PrivateKey) -> SignedRequest:
    """Sign a request with the verifier's key."""
    return SignedRequest(request.canonical, key.sign(_SIGNING_PREFIX + request.canonical))


def open_request(signed: SignedRequest, find_key: Callable[[VerifierName], bytes]) -> Request:
    """Return the request of the plain form whose signature holds under its verifier's registered key.

    Raises MalformedError (payload), RefusedError REQUEST_SIGNATURE_INVALID, and what `find_key` raises.
    """
    signed.check(signed.request.verifier, find_key)
    return signed.request
