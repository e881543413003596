"""The holder's choices, each checked against the request: which branch, schema, key and epoch.

What comes out is all that the compiler takes from a presentation, and none of it is taken on trust.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from bbs.accumulator import Epoch
from bbs.ciphersuite import resolve
from disclosure.composite import scalars
from disclosure.composite.directory import CompositeDirectory
from disclosure.composite.predicates import InList
from disclosure.composite.presentation import Answer, CredentialAnswer
from disclosure.composite.query import AcceptedIssuer, CompositeQuery, ExpiryShown, OldestEpoch
from disclosure.composite.request import CompositeRequest
from disclosure.composite.rules import BranchRules
from disclosure.credential import IssuerKey, KeyState, civil_date
from disclosure.errors import Reason, RefusedError
from disclosure.schema import Schema


@dataclass(frozen=True)
class Chosen:
    """A credential that a query accepts, by what is public of it. `shown` has the scalars by slot."""

    query: CompositeQuery
    schema: Schema
    key: IssuerKey
    issuer: AcceptedIssuer
    epoch: Epoch | None
    shown: Mapping[int, int]


def checked_choices(
    request: CompositeRequest, answer: Answer, directory: CompositeDirectory, now: dt.datetime
) -> tuple[BranchRules, tuple[Chosen, ...]]:
    """Return the branch's rules, and what was chosen for each of its queries, while the request lives.

    Raises RefusedError REQUEST_EXPIRED, REQUEST_NOT_YET_VALID, REQUEST_MISMATCH, QUERY_MISMATCH,
    ISSUER_KEY_RETIRED, CREDENTIAL_EXPIRED, EPOCH_UNKNOWN, EPOCH_STALE, UNSATISFIED (a code that is shown and
    not in its list); MalformedError PRESENTATION_INVALID (branch), VALUE_INVALID, ATTRIBUTE_MISSING; what
    `BranchRules.check` does.
    """
    request.check_time(now)
    if answer.request_digest != request.digest:
        detail = "the presentation answers another request"
        raise RefusedError(Reason.REQUEST_MISMATCH, detail, field="request_digest")
    index, branch = request.branch(answer.branch)
    rules = BranchRules(request, branch, f"branches[{index}]", directory)
    rules.check()
    if len(answer.credentials) != len(branch.queries):
        raise _mismatch("one answer for each query", "credentials")
    pairs = enumerate(zip(branch.queries, answer.credentials, strict=True))
    chosen = tuple(
        _chosen(query, each, directory, now, f"credentials[{place}]") for place, (query, each) in pairs
    )
    _check_shown_codes(rules, answer)
    return rules, chosen


def _check_shown_codes(rules: BranchRules, answer: Answer) -> None:
    """Raise RefusedError UNSATISFIED for a shown code that is not in the list that it has to be in.

    Of a hidden one that is proven. A shown one is looked up by whoever verifies, so that no verifier has to
    remember by itself which codes its policy accepts.
    """
    shown = {each.shown.query: each.shown.values for each in answer.credentials}
    for index, predicate in enumerate(rules.branch.predicates):
        if not isinstance(predicate, InList) or not rules.is_shown(predicate.operand):
            continue
        field, operand = f"{rules.place}.predicates[{index}]", predicate.operand
        codes = rules.directory.code_list(predicate.code_list, field=field).codes
        if shown[operand.query][operand.attribute] not in codes:
            raise RefusedError(Reason.UNSATISFIED, "the code that is shown is not in the list", field=field)


def _mismatch(detail: str, field: str) -> RefusedError:
    return RefusedError(Reason.QUERY_MISMATCH, f"not what was asked: {detail}", field=field)


def _chosen(
    query: CompositeQuery,
    answer: CredentialAnswer,
    directory: CompositeDirectory,
    now: dt.datetime,
    field: str,
) -> Chosen:
    shown = answer.shown
    if shown.query != query.id or shown.schema not in query.schemas:
        raise _mismatch("the query, and one of its schemas", field)
    issuer = _issuer(query, answer, field)
    if issuer.key.department != shown.schema.department:
        raise _mismatch("a key of the schema's department", f"{field}.issuer_key")
    key = directory.issuer_key(issuer.key, field=f"{field}.issuer_key")
    if key.state is KeyState.RETIRED:
        raise RefusedError(Reason.ISSUER_KEY_RETIRED, "the key was retired", field=f"{field}.issuer_key")
    schema = directory.schema(shown.schema, field=f"{field}.schema")
    epoch = _epoch(issuer, answer, directory, now, f"{field}.epoch")
    return Chosen(query, schema, key, issuer, epoch, _shown(query, answer, schema, key, now, field))


def _issuer(query: CompositeQuery, answer: CredentialAnswer, field: str) -> AcceptedIssuer:
    accumulator = None if answer.epoch is None else answer.epoch.accumulator
    for each in query.issuers:
        if (each.key, each.accumulator) == (answer.shown.issuer_key, accumulator):
            return each
    raise _mismatch("one of the accepted keys, with its accumulator", f"{field}.issuer_key")


def _epoch(
    issuer: AcceptedIssuer,
    answer: CredentialAnswer,
    directory: CompositeDirectory,
    now: dt.datetime,
    field: str,
) -> Epoch | None:
    """Return the epoch, neither before the request's number nor older at this moment than it accepts."""
    rule = issuer.revocation
    if not isinstance(rule, OldestEpoch) or answer.epoch is None:
        return None
    stale = RefusedError(Reason.EPOCH_STALE, "the epoch is older than the request accepts", field=field)
    if answer.epoch.number < rule.number:
        raise stale
    epoch = directory.epoch(rule.accumulator, answer.epoch.number, field=field)
    if not rule.admits(epoch, now):
        raise stale
    return epoch


def _shown(
    query: CompositeQuery,
    answer: CredentialAnswer,
    schema: Schema,
    key: IssuerKey,
    now: dt.datetime,
    field: str,
) -> dict[int, int]:
    """Return the scalars of what is shown, after which every value is one of its attribute."""
    values, expiry = answer.shown.values, answer.shown.expiry
    if set(values) != set(query.shown):
        raise _mismatch("exactly the attributes of the query", f"{field}.values")
    if (expiry is not None) != isinstance(query.expiry, ExpiryShown):
        raise _mismatch("the expiry, shown if and only if the query says so", f"{field}.expiry")
    suite = resolve(key.suite)
    shown = {}
    for name in query.shown:
        schema.attribute(name).check(values[name], field=f"{field}.values.{name}")
        shown[scalars.slot(schema, name)] = scalars.scalar(schema.attribute(name), values[name], suite)
    if expiry is not None:
        if expiry < civil_date(now):
            raise RefusedError(Reason.CREDENTIAL_EXPIRED, "its last day has passed", field=f"{field}.expiry")
        shown[scalars.EXPIRY] = scalars.number(expiry)
    return shown
