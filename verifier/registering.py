"""What a verifier registers so that it may ask: computed from the policy's file, no more and no less."""

from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from disclosure import MalformedError, SchemaName, VerifierName
from disclosure.allowance import scopes_of
from disclosure.composite import Operand, Regulator
from disclosure.names import RegulatorName
from disclosure.policy import AllowedAttribute, AllowedEscrow, AllowedItem, AllowedScope, RegisteredPolicy
from verifier.composite.lists import ListReader
from verifier.composite.policy import CompositePolicy
from verifier.composite.rules import BranchRule
from verifier.errors import PolicyError
from verifier.policy import Policy

_PLACE: Final = "register"


class RegisteringReader(ListReader, Protocol):
    """What reads the published things that a policy's file names otherwise than its record does."""

    def regulator_named(self, name: RegulatorName) -> Regulator:
        """Return a regulator by its name."""
        ...


def registered_policy(
    policy: Policy | CompositePolicy, verifier: VerifierName, reader: RegisteringReader
) -> RegisteredPolicy:
    """Return the policy that allows exactly what a policy's file asks, for the administrator to register.

    Regulators and lists stand in it by digest, as they are published now. Raises PolicyError for a file that
    does not say what is registered, or names a list that is not published; else what the reader raises.
    """
    said = policy.registered.registration
    if said is None:
        raise PolicyError("the file does not say what is registered", field=_PLACE)
    branches = policy.branches if isinstance(policy, CompositePolicy) else ()
    try:
        return RegisteredPolicy(
            policy.registered.name(verifier),
            said.purpose,
            policy.purpose,
            said.legal_basis,
            said.retention_days,
            _items(policy),
            tuple(sorted({each for it in branches for each in _scopes(it)}, key=lambda each: each.order)),
            tuple(sorted({each for it in branches for each in _escrows(it, reader)})),
            tuple(sorted({each for it in branches for each in _lists(it, reader)})),
            any(each.foreign for each in branches),
            said.standing,
            said.receipt,
        )
    except MalformedError as error:
        raise PolicyError(error.detail, field=f"{_PLACE}.{error.field}") from None


def _items(policy: Policy | CompositePolicy) -> tuple[AllowedItem, ...]:
    shown, proven = dict[str, set[str]](), dict[str, set[str]]()
    for schema, attributes, told in _asked(policy):
        name = f"departments/{schema.department}/schemas/{schema.item}"
        shown.setdefault(name, set()).update(attributes)
        proven.setdefault(name, set()).update(told)
    return tuple(AllowedItem.parse(name, [*shown[name]], [*proven[name]]) for name in sorted(shown))


def _asked(
    policy: Policy | CompositePolicy,
) -> Iterable[tuple[SchemaName, tuple[str, ...], tuple[str, ...]]]:
    """Give every accepted schema with what is shown of it, and what is told of it without being shown."""
    if isinstance(policy, Policy):
        yield from ((each.schema, each.shown, ()) for each in policy.queries)
        return
    for branch in policy.branches:
        told = list(_told(branch))
        for query in branch.queries:
            mine = tuple(each.attribute for each in told if each.query == query.id)
            yield from ((schema, query.shown, mine) for schema in query.schemas)


def _told(branch: BranchRule) -> Iterable[Operand]:
    yield from (operand for rule in branch.predicates for operand, _ in rule.operands)
    yield from (each.subject for each in branch.pseudonyms if each.subject is not None)
    yield from (each.operand for each in branch.escrows)
    yield from (each.operand for each in branch.commitments)


def _scopes(branch: BranchRule) -> Iterator[AllowedScope]:
    for each in branch.pseudonyms:
        yield from scopes_of(each, () if each.subject is None else _schemas(branch, each.subject))


def _escrows(branch: BranchRule, reader: RegisteringReader) -> Iterator[AllowedEscrow]:
    for each in branch.escrows:
        named = each.regulator
        digest = named if isinstance(named, bytes) else reader.regulator_named(named).key.digest
        for schema in _schemas(branch, each.operand):
            yield AllowedEscrow(digest, AllowedAttribute.of(schema, each.operand.attribute))


def _lists(branch: BranchRule, reader: RegisteringReader) -> Iterator[bytes]:
    for rule in branch.predicates:
        yield from (named.find(reader, node).table.digest for named, node in rule.lists)


def _schemas(branch: BranchRule, operand: Operand) -> tuple[SchemaName, ...]:
    """Return the schemas that an operand's query accepts; there is one, since the branch was read."""
    return next(each.schemas for each in branch.queries if each.id == operand.query)
