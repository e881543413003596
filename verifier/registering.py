"""What a verifier registers so that it may ask: computed from the policy's file, no more and no less."""

from collections.abc import Callable, Iterable
from typing import Final

from disclosure import MalformedError, SchemaName, VerifierName
from disclosure.composite import Operand, PseudonymQuery, SignedJointScope
from disclosure.names import RegulatorName
from disclosure.policy import AllowedItem, AllowedScope, RegisteredPolicy
from verifier.composite.policy import CompositePolicy
from verifier.composite.rules import BranchRule
from verifier.errors import PolicyError
from verifier.policy import Policy

_PLACE: Final = "register"


def registered_policy(
    policy: Policy | CompositePolicy, verifier: VerifierName, regulator: Callable[[RegulatorName], bytes]
) -> RegisteredPolicy:
    """Return the policy that allows exactly what a policy's file asks, for the administrator to register.

    `regulator` gives the digest of a regulator's key by its name; what it raises is raised. Raises
    PolicyError for a file that does not say what is registered.
    """
    said = policy.registered.registration
    if said is None:
        raise PolicyError("the file does not say what is registered", field=_PLACE)
    try:
        return RegisteredPolicy(
            policy.registered.name(verifier),
            said.purpose,
            policy.purpose,
            said.legal_basis,
            said.retention_days,
            _items(policy),
            _scopes(policy),
            _regulators(policy, regulator),
            isinstance(policy, CompositePolicy) and any(each.foreign for each in policy.branches),
            said.standing,
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


def _scopes(policy: Policy | CompositePolicy) -> tuple[AllowedScope, ...]:
    if isinstance(policy, Policy):
        return ()
    found = {_scope(each) for branch in policy.branches for each in branch.pseudonyms}
    return tuple(sorted(found, key=lambda each: (each.label, tuple(map(str, each.members)))))


def _scope(pseudonym: PseudonymQuery) -> AllowedScope:
    scope = pseudonym.scope
    if isinstance(scope, SignedJointScope):
        return AllowedScope(scope.scope.label, scope.scope.members)
    return AllowedScope(scope.label)


def _regulators(
    policy: Policy | CompositePolicy, digest_of: Callable[[RegulatorName], bytes]
) -> tuple[bytes, ...]:
    if isinstance(policy, Policy):
        return ()
    named = {each.regulator for branch in policy.branches for each in branch.escrows}
    return tuple(sorted(each if isinstance(each, bytes) else digest_of(each) for each in named))
