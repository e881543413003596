"""What a request asks beyond the policy that it names. Service and vault tell it alike, each for itself.

The policy is a list of what is allowed: what is not in it is too much. A query that accepts several schemas
is measured by each of them, and a request with several branches by all, since the holder may answer any.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from disclosure.attributes import LocalizedText
from disclosure.composite.outputs import EscrowQuery, PseudonymQuery, SignedJointScope
from disclosure.composite.predicates import InList, Operand
from disclosure.composite.request import Branch, CompositeRequest
from disclosure.errors import Reason, RefusedError, Violation
from disclosure.names import PolicyName, SchemaName
from disclosure.policy import AllowedAttribute, AllowedEscrow, AllowedScope, RegisteredPolicy
from disclosure.request import Request


class ExcessKind(StrEnum):
    """In which way a request asks too much."""

    PURPOSE = "purpose"
    """It states another purpose than the registered one."""
    ITEM = "item"
    SHOWN = "shown"
    PROVEN = "proven"
    LIST = "list"
    """In this list nothing may be proven to be."""
    PSEUDONYM = "pseudonym"
    """In this scope it may have no pseudonyms, or none of this."""
    ESCROW = "escrow"
    """For this regulator nothing may be escrowed, or not this."""
    FOREIGN = "foreign"
    """It may count no numbers of other holders."""


_DETAILS = {
    ExcessKind.PURPOSE: "the policy is for another purpose",
    ExcessKind.ITEM: "the policy does not allow the item {what}",
    ExcessKind.SHOWN: "the policy does not allow that it is shown: {what}",
    ExcessKind.PROVEN: "the policy does not allow that anything is proven about it: {what}",
    ExcessKind.LIST: "the policy does not allow that anything is proven to be in the list {what}",
    ExcessKind.PSEUDONYM: "the policy does not allow pseudonyms in the scope {what}",
    ExcessKind.ESCROW: "the policy does not allow escrow for the regulator {what}",
    ExcessKind.FOREIGN: "the policy does not allow numbers of other holders: {what}",
}


@dataclass(frozen=True)
class Excess:
    """One thing too much: where in the request it stands, and what it is."""

    field: str
    kind: ExcessKind
    what: str

    @property
    def detail(self) -> str:
        """A sentence of it."""
        return _DETAILS[self.kind].format(what=self.what)


def excess(request: Request | CompositeRequest, policy: RegisteredPolicy) -> tuple[Excess, ...]:
    """Return everything that a request asks beyond a policy, in the order of the request; () if nothing.

    That it is the policy which the request names is for the caller to see to (`check_allowed`).
    """
    parts = _composite(request, policy) if isinstance(request, CompositeRequest) else _plain(request, policy)
    found = (*_purpose(request.purpose, policy), *parts)
    return tuple(dict.fromkeys(found))


def policy_of(request: Request | CompositeRequest) -> PolicyName:
    """Return the policy that a verifier's request names; RefusedError POLICY_UNKNOWN if it names none."""
    if request.policy is None:
        raise RefusedError(Reason.POLICY_UNKNOWN, "the request names no policy", field="policy")
    return request.policy


def check_allowed(request: Request | CompositeRequest, policy: RegisteredPolicy) -> None:
    """Raise RefusedError OVER_ASKING, with each excess, unless a request keeps to the policy that it names.

    Raises POLICY_UNKNOWN for another policy than that one.
    """
    if policy_of(request) != policy.name:
        raise RefusedError(Reason.POLICY_UNKNOWN, "the request names another policy", field="policy")
    if found := excess(request, policy):
        detail = f"the request asks {len(found)} thing(s) more than {policy.name} allows"
        violations = [Violation(each.field, each.detail) for each in found]
        raise RefusedError(Reason.OVER_ASKING, detail, violations=violations)


def _purpose(stated: LocalizedText, policy: RegisteredPolicy) -> Iterator[Excess]:
    if stated != policy.purpose_text:
        yield Excess("purpose", ExcessKind.PURPOSE, policy.purpose)


def _plain(request: Request, policy: RegisteredPolicy) -> Iterator[Excess]:
    for index, query in enumerate(request.queries):
        place = f"queries[{index}]"
        yield from _unknown((query.schema,), (f"{place}.schema",), policy)
        yield from _shown((query.schema,), query.shown, place, policy)


def _composite(request: CompositeRequest, policy: RegisteredPolicy) -> Iterator[Excess]:
    for index, branch in enumerate(request.branches):
        yield from _branch(branch, f"branches[{index}]", policy)


def _branch(branch: Branch, place: str, policy: RegisteredPolicy) -> Iterator[Excess]:
    for index, query in enumerate(branch.queries):
        at = f"{place}.queries[{index}]"
        yield from _unknown(
            query.schemas, [f"{at}.schemas[{each}]" for each in range(len(query.schemas))], policy
        )
        yield from _shown(query.schemas, query.shown, at, policy)
    for field, operand in _proven(branch, place):
        yield from _hidden(_schemas(branch, operand), operand, field, policy)
    for index, predicate in enumerate(branch.predicates):
        if isinstance(predicate, InList) and predicate.code_list not in policy.lists:
            field = f"{place}.predicates[{index}].code_list"
            yield Excess(field, ExcessKind.LIST, predicate.code_list.hex())
    for index, pseudonym in enumerate(branch.pseudonyms):
        yield from _pseudonym(branch, pseudonym, f"{place}.pseudonyms[{index}]", policy)
    for index, escrow in enumerate(branch.escrows):
        yield from _escrow(branch, escrow, f"{place}.escrows[{index}]", policy)
    for index, number in enumerate(branch.foreign if not policy.foreign else ()):
        yield Excess(f"{place}.foreign[{index}]", ExcessKind.FOREIGN, number.id)


def _proven(branch: Branch, place: str) -> Iterator[tuple[str, Operand]]:
    """Give every attribute that something is told about without showing it, with the place that tells it."""
    for index, predicate in enumerate(branch.predicates):
        yield from ((f"{place}.predicates[{index}]", each) for each in predicate.operands)
    for index, pseudonym in enumerate(branch.pseudonyms):
        if pseudonym.subject is not None:
            yield f"{place}.pseudonyms[{index}].subject", pseudonym.subject
    for index, escrow in enumerate(branch.escrows):
        yield f"{place}.escrows[{index}].operand", escrow.operand
    for index, commitment in enumerate(branch.commitments):
        yield f"{place}.commitments[{index}].operand", commitment.operand


def _unknown(
    schemas: Iterable[SchemaName], places: Sequence[str], policy: RegisteredPolicy
) -> Iterator[Excess]:
    for schema, place in zip(schemas, places, strict=True):
        if (schema.department, schema.item) not in policy.by_item:
            yield Excess(place, ExcessKind.ITEM, _item(schema))


def _shown(
    schemas: Sequence[SchemaName], attributes: Sequence[str], place: str, policy: RegisteredPolicy
) -> Iterator[Excess]:
    """Of an item that is not allowed at all, nothing more is said than that."""
    for position, attribute in enumerate(attributes):
        for schema in schemas:
            allowed = policy.by_item.get((schema.department, schema.item))
            if allowed is not None and attribute not in allowed.shown:
                what = f"{_item(schema)}: {attribute}"
                yield Excess(f"{place}.shown[{position}]", ExcessKind.SHOWN, what)


def _hidden(
    schemas: Sequence[SchemaName], operand: Operand, field: str, policy: RegisteredPolicy
) -> Iterator[Excess]:
    for schema in schemas:
        allowed = policy.by_item.get((schema.department, schema.item))
        if allowed is not None and operand.attribute not in (*allowed.shown, *allowed.proven):
            yield Excess(field, ExcessKind.PROVEN, f"{_item(schema)}: {operand.attribute}")


def _pseudonym(
    branch: Branch, pseudonym: PseudonymQuery, place: str, policy: RegisteredPolicy
) -> Iterator[Excess]:
    """Where the scope is not allowed at all, nothing more is said than that."""
    subject = pseudonym.subject
    scopes = scopes_of(pseudonym, () if subject is None else _schemas(branch, subject))
    known = {(each.label, each.members) for each in policy.scopes}
    for scope in scopes:
        if (scope.label, scope.members) not in known:
            yield Excess(f"{place}.scope", ExcessKind.PSEUDONYM, scope.label)
        elif scope not in policy.scopes:
            of, field = ("the holder", place) if scope.of is None else (scope.of, f"{place}.subject")
            yield Excess(field, ExcessKind.PSEUDONYM, f"{scope.label}, of {of}")


def _escrow(branch: Branch, escrow: EscrowQuery, place: str, policy: RegisteredPolicy) -> Iterator[Excess]:
    """For a regulator that is not allowed at all, nothing more is said than that."""
    if not any(each.regulator == escrow.regulator for each in policy.escrows):
        yield Excess(f"{place}.regulator", ExcessKind.ESCROW, escrow.regulator.hex())
        return
    for schema in _schemas(branch, escrow.operand):
        of = AllowedAttribute.of(schema, escrow.operand.attribute)
        if AllowedEscrow(escrow.regulator, of) not in policy.escrows:
            yield Excess(f"{place}.operand", ExcessKind.ESCROW, f"{escrow.regulator.hex()}, of {of}")


def scopes_of(pseudonym: PseudonymQuery, schemas: Sequence[SchemaName]) -> tuple[AllowedScope, ...]:
    """Return what a policy has to allow for a pseudonym whose subject is an attribute of these schemas.

    That of the holder is of no schema.
    """
    scope, subject = pseudonym.scope, pseudonym.subject
    if isinstance(scope, SignedJointScope):
        allowed = AllowedScope(scope.scope.label, scope.scope.members)
    else:
        allowed = AllowedScope(scope.label)
    if subject is None:
        return (allowed,)
    of = (AllowedAttribute.of(each, subject.attribute) for each in schemas)
    return tuple(replace(allowed, of=each) for each in of)


def _schemas(branch: Branch, operand: Operand) -> tuple[SchemaName, ...]:
    """Return the schemas that an operand's query accepts."""
    return next((each.schemas for each in branch.queries if each.id == operand.query), ())


def _item(schema: SchemaName) -> str:
    return f"departments/{schema.department}/schemas/{schema.item}"
