"""From a policy to a request: names become keys, tables, lists and epochs, as published when it asks.

Every key of the schemas' departments that is not retired is accepted, with each of the department's
accumulators. A branch is of one suite; where a pseudonym may come once all branches are, since one person has
another in each suite. What a policy asks for and cannot get is told by its place in the file. Nothing here
trusts what it reads more than its reader does (`wire.published`).
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Protocol

from disclosure import (
    Accumulator,
    AttributeDefinition,
    DepartmentName,
    IssuerKey,
    KeyState,
    Schema,
    SchemaName,
)
from disclosure.composite import (
    AcceptedIssuer,
    Branch,
    CompositeDirectory,
    CompositeQuery,
    CompositeRequest,
    EscrowQuery,
    ExpiryShown,
    Foreign,
    OldestEpoch,
    Operand,
    ProvenEpoch,
    PublishedCodeList,
    PublishedDigits,
    Regulator,
    SignedJointScope,
    ValidOn,
    Waiver,
)
from disclosure.composite.query import MAX_ISSUERS
from disclosure.credential import SUITES, civil_date
from disclosure.names import RegulatorName
from verifier.composite.foreign import Counterparts
from verifier.composite.lists import NamedList
from verifier.composite.nodes import Node, at
from verifier.composite.rules import BranchRule, EscrowRule, QueryRule
from verifier.errors import PolicyError


class PolicyReader(Protocol):
    """What is published, as `verifier.client` reads it.

    What is not there is a DisclosureError, which is told by its place in the policy; other errors pass.
    """

    def schema(self, name: SchemaName) -> Schema:
        """Return a schema."""
        ...

    def issuer_keys(self, department: DepartmentName) -> list[IssuerKey]:
        """Return a department's keys, in all states."""
        ...

    def accumulators(self, department: DepartmentName) -> list[Accumulator]:
        """Return a department's accumulators, newest first."""
        ...

    def oldest_since(self, accumulator: Accumulator, since: dt.datetime) -> int | None:
        """Return the number of the first epoch of a moment or later; None if there is none."""
        ...

    def newest_digits(self, owner: str) -> PublishedDigits:
        """Return an owner's newest table of digits."""
        ...

    def newest_list(self, owner: str, code_system: str) -> PublishedCodeList | None:
        """Return an owner's newest list of a code system."""
        ...

    def first_list(self, owner: str, code_system: str, contents: bytes) -> PublishedCodeList | None:
        """Return an owner's list of these contents, the first that was published."""
        ...

    def regulator(self, digest: bytes) -> Regulator:
        """Return a regulator by the digest of its key."""
        ...

    def regulator_named(self, name: RegulatorName) -> Regulator:
        """Return a regulator by its name."""
        ...

    def directory(self, request: CompositeRequest, proven: Iterable[ProvenEpoch] = ()) -> CompositeDirectory:
        """Return all that a request, and an answer that proves these epochs, are read with."""
        ...


class ReadOnce:
    """A reader's answers, each read once: a request is of one state of what is published, in all branches."""

    def __init__(self, reader: PolicyReader) -> None:
        self.schema = cache(reader.schema)
        self.issuer_keys = cache(reader.issuer_keys)
        self.accumulators = cache(reader.accumulators)
        self.oldest_since = cache(reader.oldest_since)
        self.newest_digits = cache(reader.newest_digits)
        self.newest_list = cache(reader.newest_list)
        self.first_list = cache(reader.first_list)
        self.regulator = cache(reader.regulator)
        self.regulator_named = cache(reader.regulator_named)


def compile_branches(
    rules: Sequence[BranchRule],
    life: tuple[dt.datetime, dt.datetime],
    reader: ReadOnce,
    counterparts: Counterparts,
    *,
    one_suite: bool,
) -> tuple[Branch, ...]:
    """Return the branches of a request that lives between two moments, with the numbers of these answers.

    Each is of a suite that all its departments have keys of, and with `one_suite` all are of the same. Raises
    PolicyError with the place for what is not published, not of this kind or not there; else what the reader
    raises.
    """
    compiling = [_Compiling(each, *life, reader, counterparts) for each in rules]
    if one_suite:
        common = [suite for suite in SUITES if all(suite in each.suites for each in compiling)]
        if not common:
            raise PolicyError(
                "what may come once is of one suite, which its branches have not", field="unique"
            )
        compiling = [replace(each, among=common) for each in compiling]
    return tuple(each.branch() for each in compiling)


def _field(node: Node, name: str) -> Node:
    return Node(None, f"{node.place}.{name}")


@dataclass(frozen=True)
class _Compiling:
    """A branch on its way into a request; of `among` its suite is the first that is possible."""

    rule: BranchRule
    created: dt.datetime
    expires: dt.datetime
    reader: ReadOnce
    counterparts: Counterparts
    among: Sequence[str] = SUITES

    @cached_property
    def today(self) -> dt.date:
        """The day of asking."""
        return civil_date(self.created)

    def branch(self) -> Branch:
        """Return the request's branch; PolicyError."""
        queries = tuple(self._query(each) for each in self.rule.queries)
        predicates = tuple(each.make(self) for each in self.rule.predicates)
        escrows = tuple(self._escrow(each) for each in self.rule.escrows)
        foreign = tuple(each.make(self.counterparts) for each in self.rule.foreign)
        commitments = self.rule.commitments
        digits = None
        if self.rule.digits is not None:
            digits = self._digits(self.rule.digits, _field(self.rule.node, "digits"))
        with at(self.rule.node.place, inner=True):
            return Branch(
                self.rule.id, queries, predicates, self.rule.pseudonyms, escrows, digits, commitments, foreign
            )

    def definitions(self, operand: Operand, node: Node) -> tuple[AttributeDefinition, ...]:
        """Return what an operand is in each schema that its query accepts."""
        query = next(each for each in self.rule.queries if each.id == operand.query)
        with at(node.place):
            return tuple(self._schema(query, index).attribute(operand.attribute)
                         for index in range(len(query.schemas)))  # fmt: skip

    def number(self, foreign: Foreign) -> AttributeDefinition:
        """Return what a number of another holder's is, by what its own request said of it."""
        rule = next(each for each in self.rule.foreign if each.id == foreign.id)
        return rule.number(self.counterparts).kind.definitions[0]

    def code_list(self, named: NamedList, node: Node) -> bytes:
        """Return the digest of the list that a policy names."""
        return named.find(self.reader, node).table.digest

    def _schema(self, query: QueryRule, index: int) -> Schema:
        name = query.schemas[index]
        with at(f"{query.node.place}.schemas[{index}]"):
            return self.reader.schema(name)

    def _digits(self, owner: str, node: Node) -> bytes:
        with at(node.place):
            return self.reader.newest_digits(owner).table.digest

    def _query(self, rule: QueryRule) -> CompositeQuery:
        for index in range(len(rule.schemas)):
            self._schema(rule, index)
        departments = dict.fromkeys(DepartmentName(each.department) for each in rule.schemas)
        issuers = [issuer for each in departments for issuer in self._issuers(rule, each)]
        if len(issuers) > MAX_ISSUERS:
            detail = f"its departments have {len(issuers)} keys and accumulators; a query takes {MAX_ISSUERS}"
            raise _field(rule.node, "schemas").refuse(detail)
        with at(f"{rule.node.place}.expiry"):
            expiry = (
                ExpiryShown()
                if rule.valid_on is None
                else ValidOn(rule.valid_on.on(civil_date(self.expires)))
            )
        with at(rule.node.place, inner=True):
            return CompositeQuery(rule.id, rule.schemas, tuple(issuers), expiry, rule.shown)

    def _issuers(self, rule: QueryRule, department: DepartmentName) -> Iterator[AcceptedIssuer]:
        """Give a department's keys, each with each of its accumulators, and with its table of digits."""
        digits = self._own_digits(rule, department)
        rules = self._revocation(rule, department)
        for key in self._keys[department]:
            if key.suite == self._suite:
                yield from (AcceptedIssuer(key.name, each, digits) for each in rules)

    def _own_digits(self, rule: QueryRule, department: DepartmentName) -> bytes | None:
        """Return a department's newest table, None where it has none and none may be needed."""
        try:
            return self._digits(str(department), _field(rule.node, "expiry"))
        except PolicyError:
            if rule.valid_on is not None:
                raise
            return None

    def _revocation(self, rule: QueryRule, department: DepartmentName) -> list[OldestEpoch | Waiver]:
        """Return what is accepted as not revoked; of an accumulator without so young an epoch nothing is."""
        if rule.max_age is None:
            return [Waiver.REVOCATION]
        node = _field(rule.node, "revocation")
        with at(node.place):
            found = self.reader.accumulators(department)
        accumulators = [each for each in found if each.suite == self._suite]
        if not accumulators:
            raise node.refuse(f"{department} has no accumulator: it does not revoke")
        since = self.created - rule.max_age
        with at(node.place):
            oldest = [(each.key.octets, self.reader.oldest_since(each, since)) for each in accumulators]
        age = rule.max_age // dt.timedelta(seconds=1)
        young = [OldestEpoch(key, number, age) for key, number in oldest if number is not None]
        if not young:
            raise _field(node, "max_epoch_age").refuse(f"no epoch of {department} is so young")
        return [*young]

    @cached_property
    def _keys(self) -> dict[DepartmentName, list[IssuerKey]]:
        """The keys in use of each department that the branch accepts."""
        keys = dict[DepartmentName, list[IssuerKey]]()
        for query in self.rule.queries:
            for index, name in enumerate(query.schemas):
                department, node = DepartmentName(name.department), _field(query.node, f"schemas[{index}]")
                with at(node.place):
                    found = self.reader.issuer_keys(department)
                keys[department] = [each for each in found if each.state is not KeyState.RETIRED]
                if not keys[department]:
                    raise node.refuse(f"{department} has no key in use")
        return keys

    @property
    def _suite(self) -> str:
        """The suite of the branch."""
        return self.suites[0]

    @cached_property
    def suites(self) -> Sequence[str]:
        """The suites in which each department has a key, and the joint scopes are; PolicyError if none."""
        common = [
            suite
            for suite in self.among
            if all(any(key.suite == suite for key in keys) for keys in self._keys.values())
        ]
        if not common:
            raise _field(self.rule.node, "queries").refuse("the departments have no keys of one suite")
        joint = {
            each.scope.scope.suite
            for each in self.rule.pseudonyms
            if isinstance(each.scope, SignedJointScope)
        }
        possible = [suite for suite in common if joint <= {suite}]
        if not possible:
            detail = "the departments have no keys of the suite of each joint scope"
            raise _field(self.rule.node, "pseudonyms").refuse(detail)
        return possible

    def _escrow(self, rule: EscrowRule) -> EscrowQuery:
        self.definitions(rule.operand, _field(rule.node, "of"))
        with at(f"{rule.node.place}.regulator"):
            if isinstance(rule.regulator, RegulatorName):
                regulator = self.reader.regulator_named(rule.regulator)
            else:
                regulator = self.reader.regulator(rule.regulator)
        return EscrowQuery(rule.id, rule.operand, regulator.key.digest)
