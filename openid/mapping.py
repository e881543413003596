"""Between DCQL and the project's requests: a credential format for each form, and what DCQL has no words for.

A claim's path is an attribute of the schema. What else a request says stands under the key `zk-disclosure`,
in the canonical items of docs/protocol.md as JSON: of a credential what is accepted, when it ends and what is
proven of its hidden attributes; of the whole query, for each branch, what is proven across credentials and
what is derived. Nothing of it can be left out by a wallet: the formats are the project's own, so that one who
does not know them has no credential that fits, and answers nothing.

The way back refuses every member of DCQL that the forms cannot keep: to ignore one would show too much.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeAlias, TypeVar

from disclosure import ExpiryRule, LocalizedText, Query, Request, SchemaName, VerifierName
from disclosure.canonical import Item
from disclosure.composite import (
    AcceptedIssuer,
    Branch,
    CommitmentQuery,
    CompositeQuery,
    CompositeRequest,
    EscrowQuery,
    ForeignNumber,
    Predicate,
    PseudonymQuery,
)
from disclosure.composite.predicates import operands_of, predicate_from
from disclosure.composite.query import expiry_from
from disclosure.names import PolicyName
from openid.dcql import ClaimsQuery, CredentialQuery, CredentialSetQuery, DcqlQuery
from openid.errors import OpenIdError, OpenIdReason
from openid.strict_json import Json, item_from_json, item_to_json

PLAIN_FORMAT: Final = "zk-disclosure.plain.v1"
COMPOSITE_FORMAT: Final = "zk-disclosure.composite.v1"
AnyRequest: TypeAlias = Request | CompositeRequest
_SCHEMAS: Final = "schema_values"
_REVOCATION_WAIVED: Final = "revocation-waived"
_BETWEEN: Final = "-"
"""Stands between branch and query in an identifier; no identifier of either has one."""
Part = TypeVar("Part")


@dataclass(frozen=True)
class Frame:
    """What of a request does not stand in a query: who asks, what for, by which policy, when."""

    verifier: VerifierName
    purpose: LocalizedText
    created: dt.datetime
    expires: dt.datetime
    nonce: bytes
    policy: PolicyName | None = None


def dcql_of(request: AnyRequest) -> DcqlQuery:
    """Return the query that says what a request asks; a request of an issuance has none (NOT_UNDERSTOOD)."""
    if isinstance(request, Request):
        return DcqlQuery(tuple(map(_plain_query, request.queries)))
    if request.issuance is not None:
        _unknown("a request that an issuance waits for is no verifier's", "issuance")
    credentials = [_composite_query(branch, query) for branch in request.branches for query in branch.queries]
    options = tuple(
        tuple(identifier_of(branch.id, query.id) for query in branch.queries) for branch in request.branches
    )
    own = {"branches": [_branch_json(each) for each in request.branches]}
    return DcqlQuery(tuple(credentials), (CredentialSetQuery(options),), own)


def identifier_of(branch: str, query: str) -> str:
    """Return the identifier of a query of a branch, which is unique in the whole request."""
    return f"{branch}{_BETWEEN}{query}"


def answer_ids(request: AnyRequest, branch: str | None) -> tuple[str, ...]:
    """Return the identifiers that an answer stands under, in the order of the queries.

    `branch` is the answered one, of the composite form. Raises MalformedError PRESENTATION_INVALID.
    """
    if isinstance(request, Request):
        return tuple(each.id for each in request.queries)
    _, answered = request.branch(branch or "")
    return tuple(identifier_of(answered.id, each.id) for each in answered.queries)


def request_of_dcql(query: DcqlQuery, frame: Frame) -> AnyRequest:
    """Return the request that a query asks for, of the form that its formats name.

    Predicates come in an order of their own: those of each credential, then those across. Raises OpenIdError
    NOT_UNDERSTOOD for another format, or for what the form cannot say; DCQL_INVALID; MalformedError as the
    constructors of requests do.
    """
    formats = {each.format for each in query.credentials}
    head = (frame.verifier, frame.purpose)
    if formats == {PLAIN_FORMAT}:
        if query.own is not None or query.credential_sets is not None:
            _unknown("a request of the plain form asks for all of its credentials", "credential_sets")
        queries = tuple(map(_query_of, query.credentials))
        return Request(*head, queries, frame.created, frame.expires, frame.nonce, frame.policy)
    if formats == {COMPOSITE_FORMAT}:
        branches = _branches_of(query)
        return CompositeRequest(
            *head, branches, frame.created, frame.expires, frame.nonce, policy=frame.policy
        )
    _unknown("the credentials are of one format, which is the plain or the composite form's", "format")


def _plain_query(query: Query) -> CredentialQuery:
    own = {"expiry": query.expiry.value, "revocation": _REVOCATION_WAIVED}
    return CredentialQuery(
        query.id, PLAIN_FORMAT, {_SCHEMAS: [str(query.schema)]}, _claims(query.shown), own=own
    )


def _query_of(given: CredentialQuery) -> Query:
    own = _plain_members(given, {"expiry", "revocation"})
    schemas = _schemas_of(given)
    if len(schemas) != 1:
        _unknown("the plain form asks for one schema", f"{given.id}.meta")
    if own["revocation"] != _REVOCATION_WAIVED or own["expiry"] not in list(ExpiryRule):
        _unknown("the plain form waives revocation, and shows or waives the expiry", given.id)
    return Query(given.id, schemas[0], _shown_of(given), ExpiryRule(own["expiry"]))


def _composite_query(branch: Branch, query: CompositeQuery) -> CredentialQuery:
    own = {
        "issuers": _items_json(each.items() for each in query.issuers),
        "expiry": item_to_json(query.expiry.items()),
        "predicates": _items_json(each.items() for each in branch.predicates if _home(each) == query.id),
    }
    return CredentialQuery(
        identifier_of(branch.id, query.id),
        COMPOSITE_FORMAT,
        {_SCHEMAS: [str(each) for each in query.schemas]},
        _claims(query.shown),
        own=own,
    )


def _home(predicate: Predicate) -> str | None:
    """Return the query whose credential alone a predicate is about, None for one across credentials."""
    queries = {getattr(each, "query", None) for each in operands_of(predicate)}
    return queries.pop() if len(queries) == 1 else None


_BRANCH: Final[dict[str, Callable[[Item], Any]]] = {
    "pseudonyms": PseudonymQuery.from_items,
    "escrows": EscrowQuery.from_items,
    "commitments": CommitmentQuery.from_items,
    "foreign": ForeignNumber.from_items,
}


def _branch_json(branch: Branch) -> dict[str, Json]:
    across = [each for each in branch.predicates if _home(each) is None]
    return {
        "id": branch.id,
        "predicates": _items_json(each.items() for each in across),
        "digits": item_to_json(branch.digits),
        **{name: _items_json(each.items() for each in getattr(branch, name)) for name in _BRANCH},
    }


def _branches_of(query: DcqlQuery) -> tuple[Branch, ...]:
    own = _members(query.own, {"branches"}, "dcql_query")["branches"]
    if not isinstance(own, list) or query.credential_sets is None or len(query.credential_sets) != 1:
        _unknown("the composite form has branches, which are the options of one set", "credential_sets")
    (one,) = query.credential_sets
    if not one.required or len(one.options) != len(own):
        _unknown("one of the branches is to be answered", "credential_sets")
    by_id = {each.id: each for each in query.credentials}
    if sorted(each for option in one.options for each in option) != sorted(by_id):
        _unknown("each credential is of one branch", "credential_sets")
    return tuple(
        _branch_of(given, [by_id[each] for each in option])
        for given, option in zip(own, one.options, strict=True)
    )


def _branch_of(given: Json, credentials: Sequence[CredentialQuery]) -> Branch:
    own = _members(given, {"id", "predicates", "digits", *_BRANCH}, "branches")
    queries, predicates = list[CompositeQuery](), list[Predicate]()
    for each in credentials:
        branch, between, name = each.id.partition(_BETWEEN)
        if branch != own["id"] or not between:
            _unknown("a credential's identifier is that of its branch and its query", each.id)
        read = _composite_query_of(each, name)
        queries.append(read[0])
        predicates += read[1]
    across = _read_items(own["predicates"], predicate_from, "predicates")
    if any(_home(each) is not None for each in across):
        _unknown("what is proven of one credential stands with it", "predicates")
    digits = item_from_json(own["digits"], OpenIdReason.DCQL_INVALID, "digits")
    if digits is not None and not isinstance(digits, bytes):
        _unknown("a table is named by its digest", "digits")
    rest = {name: _read_items(own[name], read_one, name) for name, read_one in _BRANCH.items()}
    return Branch(own["id"], tuple(queries), (*predicates, *across), digits=digits, **rest)


def _composite_query_of(given: CredentialQuery, name: str) -> tuple[CompositeQuery, tuple[Predicate, ...]]:
    own = _plain_members(given, {"issuers", "expiry", "predicates"})
    predicates = _read_items(own["predicates"], predicate_from, f"{given.id}.predicates")
    if any(_home(each) != name for each in predicates):
        _unknown("what is proven across credentials stands with the branch", f"{given.id}.predicates")
    query = CompositeQuery(
        name,
        _schemas_of(given),
        _read_items(own["issuers"], AcceptedIssuer.from_items, f"{given.id}.issuers"),
        expiry_from(item_from_json(own["expiry"], OpenIdReason.DCQL_INVALID, f"{given.id}.expiry")),
        _shown_of(given),
    )
    return query, predicates


def _plain_members(given: CredentialQuery, names: set[str]) -> Mapping[str, Json]:
    """Return a credential's own members, once nothing else narrows or widens what is asked of it."""
    for name, there in (
        ("claim_sets", given.claim_sets is not None),
        ("multiple", given.multiple),
        ("trusted_authorities", given.trusted_authorities is not None),
        ("require_cryptographic_holder_binding", not given.require_cryptographic_holder_binding),
    ):
        if there:
            _unknown("the project's forms have no such choice", f"{given.id}.{name}")
    return _members(given.own, names, given.id)


def _members(given: Json, names: set[str], place: str) -> Mapping[str, Json]:
    if not isinstance(given, Mapping) or set(given) != names:
        _unknown(f"it has exactly the members {', '.join(sorted(names))}", place)
    return given


def _schemas_of(given: CredentialQuery) -> tuple[SchemaName, ...]:
    values = _members(given.meta, {_SCHEMAS}, f"{given.id}.meta")[_SCHEMAS]
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        _unknown("schemas are named", f"{given.id}.meta")
    return tuple(map(SchemaName.parse, values))


def _claims(shown: Sequence[str]) -> tuple[ClaimsQuery, ...] | None:
    return tuple(ClaimsQuery((each,)) for each in shown) or None


def _shown_of(given: CredentialQuery) -> tuple[str, ...]:
    shown = list[str]()
    for each in given.claims or ():
        (attribute, *rest) = each.path
        if rest or not isinstance(attribute, str) or each.values is not None or each.id is not None:
            _unknown("a claim is one attribute, whatever its value is", f"{given.id}.claims")
        if each.intent_to_retain is not None:
            _unknown("how long it is kept stands in the policy", f"{given.id}.claims")
        shown.append(attribute)
    return tuple(shown)


def _items_json(items: Iterable[Item]) -> list[Json]:
    return [item_to_json(each) for each in items]


def _read_items(given: Json, read: Callable[[Item], Part], place: str) -> tuple[Part, ...]:
    if not isinstance(given, list):
        _unknown("it is a list", place)
    return tuple(read(item_from_json(each, OpenIdReason.DCQL_INVALID, place)) for each in given)


def _unknown(detail: str, field: str) -> NoReturn:
    raise OpenIdError(OpenIdReason.NOT_UNDERSTOOD, detail, field=field)
