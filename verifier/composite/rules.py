"""Branches as policies write them: credentials, predicates, pseudonyms, escrows; a fault has its place."""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from disclosure import SchemaName
from disclosure.composite import CommitmentQuery, Operand, PseudonymQuery, SignedJointScope, VerifierScope
from disclosure.composite.query import MAX_SCHEMAS
from disclosure.composite.request import MAX_OUTPUTS, MAX_PREDICATES
from disclosure.names import RegulatorName, check_attribute_id
from disclosure.request import MAX_QUERIES
from disclosure.schema import MAX_ATTRIBUTES
from verifier.composite.days import Day, parse_age
from verifier.composite.foreign import ForeignRule
from verifier.composite.joint import JointScopeFile
from verifier.composite.lists import read_owner
from verifier.composite.nodes import Node, check_once
from verifier.composite.predicates import Rule, read_operand, read_predicate
from verifier.errors import PolicyError

_T = TypeVar("_T")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_FILE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", re.ASCII)


@dataclass(frozen=True)
class QueryRule:
    """A credential that is asked for.

    `valid_on` None shows its last day, `max_age` None waives revocation.
    """

    node: Node
    id: str
    schemas: tuple[SchemaName, ...]
    shown: tuple[str, ...]
    valid_on: Day | None
    max_age: dt.timedelta | None

    @classmethod
    def read(cls, node: Node) -> "QueryRule":
        """Read it; PolicyError."""
        fields = node.fields(("id", "schemas", "shown", "expiry", "revocation"))
        schemas = some(fields["schemas"], lambda each: each.read(SchemaName.parse), MAX_SCHEMAS, least=1)
        shown = some(fields["shown"], lambda each: each.read(check_attribute_id))
        expiry = fields["expiry"]
        valid_on = None if expiry.text() == "shown" else expiry.read(Day.parse)
        if valid_on is not None and not valid_on.comes:
            raise expiry.refuse("the last day is shown, or is today or later: 30 days from today")
        return cls(
            node, fields["id"].read(check_attribute_id), schemas, shown, valid_on, _age(fields["revocation"])
        )


@dataclass(frozen=True)
class EscrowRule:
    """A hidden identifier for a regulator, by the name or by the digest of its key."""

    node: Node
    id: str
    operand: Operand
    regulator: RegulatorName | bytes

    @classmethod
    def read(cls, node: Node) -> "EscrowRule":
        """Read it; PolicyError."""
        fields = node.fields(("id", "of", "regulator"))
        operand = read_operand(fields["of"])
        return cls(node, fields["id"].read(check_attribute_id), operand, fields["regulator"].read(_regulator))


@dataclass(frozen=True)
class BranchRule:
    """One complete answer that is accepted."""

    node: Node
    id: str
    queries: tuple[QueryRule, ...]
    predicates: tuple[Rule, ...]
    pseudonyms: tuple[PseudonymQuery, ...]
    escrows: tuple[EscrowRule, ...]
    digits: str | None
    commitments: tuple[CommitmentQuery, ...]
    foreign: tuple[ForeignRule, ...]

    @classmethod
    def read(cls, node: Node, folder: Path | None) -> "BranchRule":
        """Read it; PolicyError."""
        optional = ("predicates", "pseudonyms", "escrows", "digits", "commitments", "foreign")
        fields = node.fields(("id", "queries"), optional)
        none = Node([], node.place)
        branch = cls(
            node,
            fields["id"].read(check_attribute_id),
            some(fields["queries"], QueryRule.read, MAX_QUERIES, least=1),
            some(fields.get("predicates", none), read_predicate, MAX_PREDICATES),
            some(fields.get("pseudonyms", none), lambda each: _pseudonym(each, folder), MAX_OUTPUTS),
            some(fields.get("escrows", none), EscrowRule.read, MAX_OUTPUTS),
            fields["digits"].read(read_owner) if "digits" in fields else None,
            some(fields.get("commitments", none), _commitment, MAX_OUTPUTS),
            some(fields.get("foreign", none), ForeignRule.read, MAX_OUTPUTS),
        )
        branch._check_names()
        return branch

    def _check_names(self) -> None:
        """Raise PolicyError where two have one identifier, or an attribute is one of no query."""
        place = self.node.place
        for name, items in (
            ("queries", self.queries), ("pseudonyms", self.pseudonyms), ("escrows", self.escrows),
            ("commitments", self.commitments), ("foreign", self.foreign),
        ):  # fmt: skip
            ids = [each.id for each in items]
            nodes = [Node(None, f"{place}.{name}[{index}].id") for index in range(len(ids))]
            check_once(nodes, ids, "the identifier")
        known = {each.id for each in self.queries}
        used = [pair for rule in self.predicates for pair in rule.operands]
        used += [
            (each.subject, Node(None, f"{place}.pseudonyms[{index}].of"))
            for index, each in enumerate(self.pseudonyms)
            if each.subject is not None
        ]
        used += [(each.operand, Node(None, f"{each.node.place}.of")) for each in self.escrows]
        used += [
            (each.operand, Node(None, f"{place}.commitments[{index}].of"))
            for index, each in enumerate(self.commitments)
        ]
        for operand, node in used:
            if operand.query not in known:
                raise node.refuse(f"the branch has no query {operand.query}")
        numbers = {each.id for each in self.foreign}
        for foreign, node in (pair for rule in self.predicates for pair in rule.foreign):
            if foreign.id not in numbers:
                raise node.refuse(f"the branch has no number {foreign.id} of another holder's")


def some(
    node: Node, read: Callable[[Node], _T], most: int = MAX_ATTRIBUTES, *, least: int = 0
) -> tuple[_T, ...]:
    """Read a list of so many members; PolicyError."""
    nodes = node.items()
    if not least <= len(nodes) <= most:
        raise node.refuse(f"there are {least} to {most} of them")
    if all(isinstance(each.value, str) for each in nodes):
        check_once(nodes, [each.value for each in nodes], "it")
    return tuple(map(read, nodes))


def _age(node: Node) -> dt.timedelta | None:
    """Read a rule of revocation: the oldest epoch, by its age, or None where it is waived."""
    if node.value == "waived":
        return None
    if not isinstance(node.value, dict):
        raise node.refuse("it is waived, or {max_epoch_age: 2 days}")
    return node.fields(("max_epoch_age",))["max_epoch_age"].read(parse_age)


def _pseudonym(node: Node, folder: Path | None) -> PseudonymQuery:
    fields = node.fields(("id", "scope"), ("of",))
    subject = read_operand(fields["of"]) if "of" in fields else None
    return PseudonymQuery(fields["id"].read(check_attribute_id), _scope(fields["scope"], folder), subject)


def _commitment(node: Node) -> CommitmentQuery:
    fields = node.fields(("id", "of"))
    return CommitmentQuery(fields["id"].read(check_attribute_id), read_operand(fields["of"]))


def _scope(node: Node, folder: Path | None) -> VerifierScope | SignedJointScope:
    if not isinstance(node.value, dict):
        return node.read(VerifierScope)
    file = node.fields(("file",))["file"]
    if folder is None or not _FILE.fullmatch(file.text()):
        raise file.refuse("a file that lies beside the policy is named here")
    try:
        return JointScopeFile.load(folder / file.text()).complete()
    except PolicyError as error:
        within = f", at {error.field}" if error.field else ""
        raise file.refuse(f"{error.detail} (in the scope's file{within})", because=error.because) from None


def _regulator(written: str) -> RegulatorName | bytes:
    return bytes.fromhex(written) if _DIGEST.fullmatch(written) else RegulatorName.parse(written)
