"""What a request names: all that a directory has to hold before the request, or an answer, is read."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from disclosure.composite.outputs import SignedJointScope
from disclosure.composite.predicates import InList
from disclosure.composite.query import OldestEpoch
from disclosure.composite.request import Branch, CompositeRequest
from disclosure.names import IssuerKeyName, SchemaName, VerifierName

_Name = TypeVar("_Name")


@dataclass(frozen=True)
class Needed:
    """What branches of a request name, each once, in their order.

    `tables` are digits and lists of codes; `verifiers` are members of joint scopes; each accumulator stands
    with a key of its department, and in `epochs` with the numbers that are asked of it.
    """

    schemas: tuple[SchemaName, ...]
    keys: tuple[IssuerKeyName, ...]
    tables: tuple[bytes, ...]
    regulators: tuple[bytes, ...]
    verifiers: tuple[VerifierName, ...]
    accumulators: dict[bytes, IssuerKeyName]
    epochs: tuple[tuple[bytes, int], ...]

    @classmethod
    def of(cls, request: CompositeRequest, branches: Sequence[Branch] | None = None) -> "Needed":
        """Return what some branches of a request need, or all of them, with its terms of issuance."""
        chosen = request.branches if branches is None else branches
        queries = [query for branch in chosen for query in branch.queries]
        issuers = [issuer for query in queries for issuer in query.issuers]
        rules = [(each.key, each.revocation) for each in issuers]
        oldest = [(key, rule) for key, rule in rules if isinstance(rule, OldestEpoch)]
        terms = [request.issuance] if request.issuance else []
        return cls(
            _once([*(name for query in queries for name in query.schemas), *(each.schema for each in terms)]),
            _once([*(each.key for each in issuers), *(each.issuer_key for each in terms)]),
            _once(_tables(chosen)),
            _once(each.regulator for branch in chosen for each in branch.escrows),
            _once(_members(chosen)),
            {rule.accumulator: key for key, rule in oldest},
            _once((rule.accumulator, rule.number) for _, rule in oldest),
        )


def _tables(branches: Iterable[Branch]) -> Iterator[bytes]:
    for branch in branches:
        if branch.digits is not None:
            yield branch.digits
        for query in branch.queries:
            yield from (each.digits for each in query.issuers if each.digits is not None)
        yield from (each.code_list for each in branch.predicates if isinstance(each, InList))


def _members(branches: Iterable[Branch]) -> Iterator[VerifierName]:
    for branch in branches:
        for each in branch.pseudonyms:
            if isinstance(each.scope, SignedJointScope):
                yield from each.scope.scope.members


def _once(names: Iterable[_Name]) -> tuple[_Name, ...]:
    return tuple(dict.fromkeys(names))
