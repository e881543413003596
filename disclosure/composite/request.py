"""Requests of the composite form: branches of which the holder answers one, signed by the verifier.

The label under the verifier's signature selects the form. Nothing here can be answered in the plain form, and
no plain request in this one. The canonical bytes, nonce and all, are part of every transcript.
"""

import datetime as dt
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final

from disclosure import canonical
from disclosure.attributes import LocalizedText
from disclosure.canonical import Item
from disclosure.composite.foreign import CommitmentQuery, ForeignNumber
from disclosure.composite.issuance import IssuanceTerms
from disclosure.composite.outputs import EscrowQuery, PseudonymQuery, SignedJointScope
from disclosure.composite.predicates import Predicate, check_digest, predicate_from
from disclosure.composite.query import CompositeQuery, invalid
from disclosure.errors import MalformedError, Reason
from disclosure.names import PolicyName, VerifierName, check_attribute_id
from disclosure.request import (
    MAX_QUERIES,
    NONCE_OCTETS,
    SignedRequest,
    check_frame,
    check_life,
    check_policy_owner,
    moment_of,
    policy_from,
    policy_item,
)

MAX_BRANCHES: Final = 8
MAX_PREDICATES: Final = 64
"""Many are cheap, as that a status is none of three; what they may cost together is bounded by the length of
the proof (`MAX_PROOF_OCTETS`), which is known before anything is asked."""
MAX_OUTPUTS: Final = 8
_KEPT: Final = 16
_LABEL: Final = "zk-disclosure/composite-request/v1"
_BEGINNING: Final = canonical.encode(_LABEL, *(8 * [None]))[:-8]
_SAME_HOLDER: Final = "same-holder"


@dataclass(frozen=True)
class Branch:
    """One complete answer: credentials that all belong to one holder, and what is proven of them.

    That they belong to one holder is no option. `digits` names the table for sums: the verifier's own or an
    authority's, never one of the issuers'. `commitments` are those that another holder's sum may count, in a
    request that the verifier makes when it has verified this answer; `foreign` are the numbers of other
    holders that sums of this branch count. Raises MalformedError REQUEST_INVALID, NAME_INVALID,
    PREDICATE_INVALID.
    """

    id: str
    queries: tuple[CompositeQuery, ...]
    predicates: tuple[Predicate, ...] = ()
    pseudonyms: tuple[PseudonymQuery, ...] = ()
    escrows: tuple[EscrowQuery, ...] = ()
    digits: bytes | None = None
    commitments: tuple[CommitmentQuery, ...] = ()
    foreign: tuple[ForeignNumber, ...] = ()

    def __post_init__(self) -> None:
        check_attribute_id(self.id, field="id")
        _check_ids([each.id for each in self.queries], "queries", MAX_QUERIES, least=1)
        _check_ids([each.id for each in self.pseudonyms], "pseudonyms", MAX_OUTPUTS)
        _check_ids([each.id for each in self.escrows], "escrows", MAX_OUTPUTS)
        _check_ids([each.id for each in self.commitments], "commitments", MAX_OUTPUTS)
        _check_ids([each.id for each in self.foreign], "foreign", MAX_OUTPUTS)
        _check_counted_once(self.foreign)
        if len(self.predicates) > MAX_PREDICATES or len(set(self.predicates)) != len(self.predicates):
            raise invalid(f"a branch has at most {MAX_PREDICATES} predicates, each once", "predicates")
        if self.digits is not None:
            check_digest(self.digits, "digits")

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [
            self.id, _SAME_HOLDER,
            *([each.items() for each in part] for part in (self.queries, self.predicates)),
            *([each.items() for each in part] for part in (self.pseudonyms, self.escrows)),
            self.digits,
            *([each.items() for each in part] for part in (self.commitments, self.foreign)),
        ]  # fmt: skip

    @classmethod
    def from_items(cls, item: Item) -> "Branch":
        """Decode what `items` gives; MalformedError."""
        match item:
            case [
                str(identifier), str(holders), list(queries), list(predicates), list(pseudonyms),
                list(escrows), (bytes() | None) as digits, list(commitments), list(foreign),
            ] if holders == _SAME_HOLDER:  # fmt: skip
                return cls(
                    identifier,
                    tuple(map(CompositeQuery.from_items, queries)),
                    tuple(map(predicate_from, predicates)),
                    tuple(map(PseudonymQuery.from_items, pseudonyms)),
                    tuple(map(EscrowQuery.from_items, escrows)),
                    digits,
                    tuple(map(CommitmentQuery.from_items, commitments)),
                    tuple(map(ForeignNumber.from_items, foreign)),
                )
        raise invalid("the octets hold no branch", "branches")


@dataclass(frozen=True)
class CompositeRequest:
    """A verifier's question in the composite form; times are whole seconds with a zone.

    The holder answers one of the branches. `issuance` is for a department that issues on this presentation:
    the holder's commitment is part of the proof, over the same holder's secret as the credentials. `policy`
    is as in `disclosure.request.Request`; an issuance's own request, which no verifier makes, has none.
    Raises MalformedError REQUEST_INVALID.
    """

    verifier: VerifierName
    purpose: LocalizedText
    branches: tuple[Branch, ...]
    created: dt.datetime
    expires: dt.datetime
    nonce: bytes = field(default_factory=lambda: secrets.token_bytes(NONCE_OCTETS))
    issuance: IssuanceTerms | None = None
    policy: PolicyName | None = None

    def __post_init__(self) -> None:
        check_policy_owner(self.policy, self.verifier)
        _check_ids([each.id for each in self.branches], "branches", MAX_BRANCHES, least=1)
        check_frame(self.created, self.expires, self.nonce)
        if self.issuance is not None and self.issuance.base:
            raise invalid(
                "a base credential is issued to an identified person, on no presentation", "issuance"
            )
        if len(self.canonical) > canonical.MAX_OCTETS:
            raise invalid("the request is too large", "branches")

    @cached_property
    def canonical(self) -> bytes:
        """The request's canonical bytes."""
        return canonical.encode(
            _LABEL, str(self.verifier), policy_item(self.policy), self.purpose.items(),
            int(self.created.timestamp()), int(self.expires.timestamp()), self.nonce,
            [each.items() for each in self.branches],
            None if self.issuance is None else self.issuance.canonical,
        )  # fmt: skip

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 over the canonical bytes, domain-separated."""
        return canonical.digest(_LABEL, self.canonical)

    @classmethod
    def from_bytes(cls, octets: bytes) -> "CompositeRequest":
        """Decode canonical bytes; MalformedError with the reasons of all its parts."""
        return _decoded(octets)

    def branch(self, identifier: str) -> tuple[int, Branch]:
        """Return a branch and its place; MalformedError PRESENTATION_INVALID if there is none."""
        for index, each in enumerate(self.branches):
            if each.id == identifier:
                return index, each
        raise MalformedError(Reason.PRESENTATION_INVALID, "the request has no such branch", field="branch")

    def check_time(self, now: dt.datetime) -> None:
        """Raise RefusedError REQUEST_EXPIRED or REQUEST_NOT_YET_VALID unless `now` is within its life."""
        check_life(self.created, self.expires, now)


@lru_cache(maxsize=_KEPT)
def _decoded(octets: bytes) -> CompositeRequest:
    """Decode a request, or return the one that these octets were decoded to a moment ago.

    Whoever asks, answers or verifies decodes the same octets several times, and a request never changes.
    """
    match canonical.decode(_LABEL, octets):
        case [
            str(name), (str() | None) as policy, [str(zh), str(en)], int(created), int(expires),
            bytes(nonce), list(branches), (bytes() | None) as terms,
        ]:  # fmt: skip
            parsed = CompositeRequest(
                VerifierName.parse(name), LocalizedText(zh, en), tuple(map(Branch.from_items, branches)),
                moment_of(created), moment_of(expires), nonce,
                None if terms is None else IssuanceTerms.from_bytes(terms), policy_from(policy),
            )  # fmt: skip
            if parsed.canonical == octets:
                return parsed
    raise MalformedError(Reason.REQUEST_INVALID, "the octets are no request of the composite form")


def is_composite(signed: SignedRequest) -> bool:
    """Tell by its label which form a signed request selects: true for this one."""
    return signed.payload.startswith(_BEGINNING)


def composite_digest(signed: SignedRequest) -> bytes:
    """Return the digest of a request of this form, which need not be decoded for it."""
    return canonical.digest(_LABEL, signed.payload)


def open_composite_request(
    signed: SignedRequest, find_key: Callable[[VerifierName], bytes]
) -> CompositeRequest:
    """Return the request whose signature holds under its verifier's registered key of 32 octets.

    The joint scopes in it are signed by all their members, as the rules of a branch check again with the
    directory's keys: a request need not have come this way. Raises MalformedError (payload), RefusedError
    REQUEST_SIGNATURE_INVALID, and what `find_key` raises.
    """
    request = CompositeRequest.from_bytes(signed.payload)
    signed.check(request.verifier, find_key)
    for branch in request.branches:
        for pseudonym in branch.pseudonyms:
            if isinstance(pseudonym.scope, SignedJointScope):
                pseudonym.scope.check(find_key)
    return request


def _check_counted_once(foreign: Sequence[ForeignNumber]) -> None:
    """Under two names one commitment would be counted twice in a sum."""
    names = {(each.number.presentation, each.number.id) for each in foreign}
    if min(len(names), len({each.number.K for each in foreign})) < len(foreign):
        raise invalid("one commitment is there twice", "foreign")


def _check_ids(ids: Sequence[str], field: str, most: int, *, least: int = 0) -> None:
    if not least <= len(ids) <= most:
        raise invalid(f"there are {least} to {most}", field)
    if len(set(ids)) != len(ids):
        raise invalid("two have one identifier", field)
