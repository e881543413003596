"""Pseudonyms that may come once in all cities: what is claimed for them in the consortium's order.

A policy names them under `across`; their scope is a joint one, so that members in several cities see the same
pseudonym. What goes to the chain is a hash of scope and pseudonym, in a scope that is a hash too, and a
reference that is a hash of the verifier's name, the pseudonym's identifier and the presentation. The same
answer has the same reference, so a claim whose answer was lost is made again and found to be one's own.
Whoever reads the chain and was shown neither pseudonym nor presentation learns from it that somebody came.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

from disclosure import VerifierName, canonical
from disclosure.composite import CompositeRequest, SignedJointScope, VerifiedComposite
from ordering.transactions import Claim
from verifier.errors import RegisterError, TakenElsewhereError

_SCOPE: Final = "zk-disclosure/across-scope/v1"
_TAG: Final = "zk-disclosure/across-tag/v1"
_REFERENCE: Final = "zk-disclosure/across-reference/v1"


class Claims(Protocol):
    """Where claims are made; `ordering.claiming.Claimant` is the one over a node."""

    def is_first(self, claim: Claim) -> bool:
        """Have a claim ordered and tell whether it is the first of its tag in its scope, as was proven."""
        ...


@dataclass(frozen=True)
class Grounds:
    """What a claim follows from: whose it is, in which scope, and the digest of the answer that it is for.

    `tag` is a hash of the pseudonym, which stays with its verifier.
    """

    verifier: VerifierName
    scope: SignedJointScope
    pseudonym: str
    presentation: bytes
    tag: bytes

    @cached_property
    def claim(self) -> Claim:
        """What is claimed; RefusedError REQUEST_SIGNATURE_INVALID if the verifier is not in the scope."""
        octets = self.scope.octets(self.verifier)
        reference = canonical.encode(_REFERENCE, str(self.verifier), self.pseudonym, self.presentation)
        return Claim(_scope_name(self.scope, octets), self.tag, _hash(reference))


def grounds_of(
    request: CompositeRequest, verified: VerifiedComposite, names: Sequence[str]
) -> dict[str, Grounds]:
    """Return by identifier what claims for pseudonyms of a verified answer follow from.

    Raises RegisterError if the answered branch has none of this name, or one of the verifier's own scope.
    """
    _, branch = request.branch(verified.answer.branch)
    scopes = {each.id: each.scope for each in branch.pseudonyms}
    found = dict[str, Grounds]()
    for name in names:
        scope = scopes.get(name)
        if not isinstance(scope, SignedJointScope):
            raise RegisterError(
                "the answered branch has no pseudonym of this name in a joint scope", field="across"
            )
        tag = _hash(canonical.encode(_TAG, scope.octets(request.verifier), verified.pseudonyms[name]))
        found[name] = Grounds(request.verifier, scope, name, verified.digest, tag)
    return found


def claims_of(
    request: CompositeRequest, verified: VerifiedComposite, names: Sequence[str]
) -> dict[str, Claim]:
    """Return by identifier what is claimed for pseudonyms of a verified answer; raises as `grounds_of`."""
    return {name: each.claim for name, each in grounds_of(request, verified, names).items()}


def claim_all(
    claims: Claims, request: CompositeRequest, verified: VerifiedComposite, names: Sequence[str]
) -> None:
    """Claim the pseudonym of an answer, if one is named; TakenElsewhereError, what `claims` raises.

    Raises RegisterError before anything is claimed if several are named: the order takes one claim at a time,
    and what it took stands for ever, so the first one's would stand when the second is refused.
    """
    if len(names) > 1:
        raise RegisterError("one pseudonym of an answer is claimed, since none is given back", field="across")
    for name, claim in claims_of(request, verified, names).items():
        if not claims.is_first(claim):
            raise TakenElsewhereError(name)


def _scope_name(scope: SignedJointScope, octets: bytes) -> str:
    """Return what a joint scope is called on the chain: its label, and a hash of all that it is."""
    return f"{scope.scope.label}/{_hash(canonical.encode(_SCOPE, octets)).hex()}"


def _hash(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()
