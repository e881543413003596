"""Standing consents: the terms on which a verifier may ask the same again, signed by it.

The terms hold a template: the canonical bytes of the request without its nonce and its times. A later request
is within the terms only if its own template is equal, octet for octet: one attribute more, another schema,
another bound or purpose is another question, and takes another consent.

Of the composite form two numbers go with the times, or nothing could be asked twice. The day on which a
hidden expiry is proven stands in the template as days after the request's end, since it is not before that.
The oldest epoch that is accepted does not stand in it: a newer one asks for nothing but a fresher proof, and
a vault proves by the newest that it knows.
"""

import datetime as dt
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from disclosure import canonical
from disclosure.allowance import check_allowed
from disclosure.composite.query import CompositeQuery, OldestEpoch, ValidOn
from disclosure.composite.request import CompositeRequest, is_composite
from disclosure.credential import civil_date
from disclosure.errors import MalformedError, Reason, RefusedError, Violation
from disclosure.names import VerifierName
from disclosure.policy import RegisteredPolicy, StandingLimits
from disclosure.request import (
    NONCE_OCTETS,
    SIGNATURE_OCTETS,
    Request,
    SignedRequest,
    check_frame,
    check_life,
    moment_of,
)

MAX_TIMES: Final = 1000
MAX_INTERVAL_DAYS: Final = 366
MAX_YEARS: Final = 10
MAX_TERMS_OCTETS: Final = canonical.MAX_OCTETS + 1024
_LABEL: Final = "zk-disclosure/standing-terms/v1"
_SIGNING_PREFIX: Final = b"zk-disclosure/standing-terms-signature/v1\x00"
_EPOCH: Final = dt.datetime.fromtimestamp(0, dt.UTC)
_NO_NONCE: Final = bytes(NONCE_OCTETS)
_NO_SIGNATURE: Final = bytes(SIGNATURE_OCTETS)


def template_of(request: Request | CompositeRequest) -> bytes:
    """Return a request's canonical bytes with its nonce and its times taken out.

    Raises MalformedError BOUND_INVALID if a hidden expiry is to be proven for a day before the request ends.
    """
    return _timeless(request).canonical


def _timeless(request: Request | CompositeRequest) -> Request | CompositeRequest:
    ends = _EPOCH + dt.timedelta(seconds=1)
    moved = _moved(request, _EPOCH, ends)
    return replace(_with_queries(moved, _any_epoch), nonce=_NO_NONCE)


def _moved(
    request: Request | CompositeRequest, created: dt.datetime, expires: dt.datetime
) -> Request | CompositeRequest:
    """Return a request with other times, its days of hidden expiry as long after its end as before."""
    before, after = civil_date(request.expires), civil_date(expires)

    def move(query: CompositeQuery) -> CompositeQuery:
        if not isinstance(query.expiry, ValidOn):
            return query
        if query.expiry.day < before:
            detail = "who is valid as long as the request lives is asked for"
            raise MalformedError(Reason.BOUND_INVALID, detail, field="expiry")
        try:
            return replace(query, expiry=ValidOn(after + (query.expiry.day - before)))
        except OverflowError:
            detail = "the day is after the last that there is"
            raise MalformedError(Reason.BOUND_INVALID, detail, field="expiry") from None

    return replace(_with_queries(request, move), created=created, expires=expires)


def _any_epoch(query: CompositeQuery) -> CompositeQuery:
    issuers = (
        replace(each, revocation=replace(each.revocation, number=0))
        if isinstance(each.revocation, OldestEpoch)
        else each
        for each in query.issuers
    )
    return replace(query, issuers=tuple(issuers))


def _with_queries(
    request: Request | CompositeRequest, change: Callable[[CompositeQuery], CompositeQuery]
) -> Request | CompositeRequest:
    if isinstance(request, Request):
        return request
    branches = (replace(each, queries=tuple(map(change, each.queries))) for each in request.branches)
    return replace(request, branches=tuple(branches))


def asked_by(signed: SignedRequest) -> Request | CompositeRequest:
    """Return the request of either form, decoded and not verified; MalformedError."""
    return CompositeRequest.from_bytes(signed.payload) if is_composite(signed) else signed.request


@dataclass(frozen=True)
class StandingTerms:
    """What a standing consent allows: the same question, so often, no oftener, until a day.

    `template` is what `template_of` gives for the request; `times` is 1 to 1000; between one request and the
    next lie `interval_days` of 24 hours at least, 0 to 366; `until` is the last civil day (UTC+08:00) of use.
    It can be granted from `created` to `expires`, whole seconds with a zone, at most seven days.
    Raises MalformedError REQUEST_INVALID and what the template raises.
    """

    template: bytes = field(repr=False)
    times: int
    interval_days: int
    until: dt.date
    created: dt.datetime
    expires: dt.datetime
    nonce: bytes = field(default_factory=lambda: secrets.token_bytes(NONCE_OCTETS))

    def __post_init__(self) -> None:
        check_frame(self.created, self.expires, self.nonce)
        for name, value, low, high in (
            ("times", self.times, 1, MAX_TIMES),
            ("interval_days", self.interval_days, 0, MAX_INTERVAL_DAYS),
        ):
            if type(value) is not int or not low <= value <= high:
                raise _invalid(f"it is {low} to {high}", name)
        first = civil_date(self.created)
        if not first <= self.until <= first + dt.timedelta(days=366 * MAX_YEARS):
            raise _invalid(f"the last day is within {MAX_YEARS} years", "until")
        if template_of(self.asked) != self.template:
            raise _invalid("a template has no nonce and no times", "template")

    @cached_property
    def asked(self) -> Request | CompositeRequest:
        """The question, as a request whose nonce and times say nothing."""
        return asked_by(SignedRequest(self.template, _NO_SIGNATURE))

    @property
    def verifier(self) -> VerifierName:
        """Who may ask."""
        return self.asked.verifier

    @property
    def interval(self) -> dt.timedelta:
        """What lies between one request and the next at least."""
        return dt.timedelta(days=self.interval_days)

    def sample(self, created: dt.datetime, lifetime: dt.timedelta) -> Request | CompositeRequest:
        """Return a request under the terms as it would be at a moment, to be shown and not to be answered.

        Raises MalformedError BOUND_INVALID for a hidden expiry after the last day that there is.
        """
        nonce = secrets.token_bytes(NONCE_OCTETS)
        return replace(_moved(self.asked, created, created + lifetime), nonce=nonce)

    @cached_property
    def canonical(self) -> bytes:
        """The canonical bytes, which the verifier signs."""
        return canonical.encode(
            _LABEL, self.template, self.times, self.interval_days, self.until.toordinal(),
            int(self.created.timestamp()), int(self.expires.timestamp()), self.nonce,
        )  # fmt: skip

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 over the canonical bytes, domain-separated."""
        return canonical.digest(_LABEL, self.canonical)

    @classmethod
    def from_bytes(cls, octets: bytes) -> "StandingTerms":
        """Decode canonical bytes; MalformedError."""
        match canonical.decode(_LABEL, octets, most=MAX_TERMS_OCTETS):
            case [
                bytes(template), int(times), int(interval), int(until), int(created), int(expires),
                bytes(nonce),
            ] if 0 < until <= dt.date.max.toordinal():  # fmt: skip
                parsed = cls(
                    template, times, interval, dt.date.fromordinal(until),
                    moment_of(created), moment_of(expires), nonce,
                )  # fmt: skip
                if parsed.canonical == octets:
                    return parsed
        raise MalformedError(Reason.REQUEST_INVALID, "the octets are no terms of a standing consent")

    def check_offered(self, now: dt.datetime) -> None:
        """Raise RefusedError REQUEST_EXPIRED, REQUEST_NOT_YET_VALID unless it can be granted now."""
        check_life(self.created, self.expires, now)

    def is_over(self, now: dt.datetime) -> bool:
        """Tell whether its last day is over."""
        return civil_date(now) > self.until

    def is_same(self, request: Request | CompositeRequest) -> bool:
        """Tell whether a request asks exactly what the terms say."""
        return template_of(request) == self.template


@dataclass(frozen=True)
class SignedTerms:
    """Terms as their verifier signed them. Raises MalformedError REQUEST_INVALID for another length."""

    payload: bytes
    signature: bytes

    def __post_init__(self) -> None:
        if len(self.signature) != SIGNATURE_OCTETS:
            raise _invalid(f"a signature has {SIGNATURE_OCTETS} octets", "signature")

    @cached_property
    def terms(self) -> StandingTerms:
        """The terms, decoded but not yet verified; MalformedError."""
        return StandingTerms.from_bytes(self.payload)

    def open(self, find_key: Callable[[VerifierName], bytes]) -> StandingTerms:
        """Return the terms whose signature holds under their verifier's registered key of 32 octets.

        Raises MalformedError; RefusedError REQUEST_SIGNATURE_INVALID; what `find_key` raises.
        """
        try:
            key = Ed25519PublicKey.from_public_bytes(find_key(self.terms.verifier))
            key.verify(self.signature, _SIGNING_PREFIX + self.payload)
        except (InvalidSignature, ValueError):
            detail = "the terms are not signed by their verifier"
            raise RefusedError(Reason.REQUEST_SIGNATURE_INVALID, detail) from None
        return self.terms


def check_standing(terms: StandingTerms, policy: RegisteredPolicy) -> None:
    """Raise RefusedError OVER_ASKING, with each excess, unless a policy allows the question and to ask it so.

    That it may be asked does not say that holders may agree to it beforehand: a policy without limits allows
    no consent, and nothing beyond one of its limits can be granted, whatever the person says. Raises
    POLICY_UNKNOWN for another policy than the terms name.
    """
    check_allowed(terms.asked, policy)
    if found := tuple(_beyond(terms, policy.standing)):
        detail = f"the terms ask {len(found)} thing(s) more than {policy.name} allows"
        raise RefusedError(Reason.OVER_ASKING, detail, violations=found)


def _beyond(terms: StandingTerms, limits: StandingLimits | None) -> Iterator[Violation]:
    if limits is None:
        yield Violation("template", "the policy does not allow that holders agree beforehand")
        return
    days = (terms.until - civil_date(terms.created)).days + 1
    if terms.times > limits.times:
        yield Violation("times", f"the policy allows {limits.times} times")
    if terms.interval_days < limits.interval_days:
        yield Violation("interval_days", f"the policy allows it {limits.interval_days} days apart")
    if days > limits.days:
        yield Violation("until", f"the policy allows it for {limits.days} days")


def sign_terms(terms: StandingTerms, key: Ed25519PrivateKey) -> SignedTerms:
    """Sign terms with the verifier's key."""
    return SignedTerms(terms.canonical, key.sign(_SIGNING_PREFIX + terms.canonical))


def _invalid(detail: str, place: str) -> MalformedError:
    return MalformedError(Reason.REQUEST_INVALID, detail, field=place)
