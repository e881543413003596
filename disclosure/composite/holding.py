"""What a holder has for an answer, and what is missing for one: told in the clear before anything is proven.

Nothing here goes to anybody else. A vault's planner asks it for each branch and each credential that it has;
the proof itself would fail too, but without saying where.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from bbs import PreparedCredential
from bbs.accumulator import MembershipWitness
from disclosure.attributes import Value, days
from disclosure.composite.credential import CompositeCredential
from disclosure.composite.directory import CompositeDirectory
from disclosure.composite.handover import CommitmentOpening
from disclosure.composite.predicates import (
    Equal,
    Foreign,
    InList,
    NotEqual,
    OneOf,
    Operand,
    Predicate,
    Range,
    Sum,
    operands_of,
)
from disclosure.composite.presentation import ProvenEpoch
from disclosure.composite.query import AcceptedIssuer, CompositeQuery, OldestEpoch, ValidOn
from disclosure.composite.request import Branch
from disclosure.credential import civil_date
from disclosure.errors import Reason


@dataclass(frozen=True, repr=False)
class Holding:
    """One credential, prepared for proofs, with its witness where the department revokes."""

    credential: CompositeCredential
    prepared: PreparedCredential
    witness: MembershipWitness | None = None


@dataclass(frozen=True)
class Missing:
    """Something that a branch asks and these credentials do not give; the detail shows no value.

    `reason` is UNSATISFIED; EPOCH_STALE where the vault has to catch up with the accumulator first, or the
    department has published no epoch that is young enough;
    COMMITMENT_INVALID where another holder's opening is that of another commitment.
    """

    place: str
    detail: str
    reason: Reason = Reason.UNSATISFIED


@dataclass(frozen=True)
class Usable:
    """The accepted issuer and the epoch that a credential is shown under."""

    issuer: AcceptedIssuer
    epoch: ProvenEpoch | None


def usable(
    query: CompositeQuery, holding: Holding, directory: CompositeDirectory, now: dt.datetime, place: str
) -> Usable | Missing:
    """Return how a credential answers a query, or why it does not.

    Of an accumulator the latest published epoch counts and no other, whatever a request would accept: an old
    one shows whose credential is older, and who has not been there since.
    """
    credential = holding.credential
    if credential.schema not in query.schemas:
        return Missing(place, "the credential is of another schema")
    first_day = query.expiry.day if isinstance(query.expiry, ValidOn) else civil_date(now)
    if credential.expiry < first_day:
        return Missing(place, "the credential has expired")
    accepted = [each for each in query.issuers if each.key == credential.issuer_key]
    if not accepted:
        return Missing(place, "the credential is signed by a key that is not accepted")
    return _unrevoked(accepted, holding.witness, directory, now, place)


def _unrevoked(
    accepted: Sequence[AcceptedIssuer],
    witness: MembershipWitness | None,
    directory: CompositeDirectory,
    now: dt.datetime,
    place: str,
) -> Usable | Missing:
    """Return the rule of revocation that a credential of an accepted key meets, or why it meets none."""
    for issuer in accepted:
        rule = issuer.revocation
        if not isinstance(rule, OldestEpoch):
            return Usable(issuer, None)
        latest = directory.accumulator(rule.accumulator, field=place).latest
        if witness is not None and witness.at == latest.position:
            if not rule.admits(latest, now):
                detail = "the latest epoch is older than the request accepts: wait for the next one"
                return Missing(place, detail, Reason.EPOCH_STALE)
            return Usable(issuer, ProvenEpoch(rule.accumulator, latest.number))
    keys = {each.accumulator for each in accepted}
    if witness is not None and witness.at.key.octets in keys:
        return Missing(place, "the witness is not for the latest epoch: catch up first", Reason.EPOCH_STALE)
    return Missing(place, "there is no witness that the credential is not revoked")


def missing_in(
    branch: Branch,
    place: str,
    holdings: Mapping[str, Holding],
    directory: CompositeDirectory,
    now: dt.datetime,
    openings: Mapping[str, CommitmentOpening] = MappingProxyType({}),
) -> tuple[Missing, ...]:
    """Return what is missing for a branch, query by query and predicate by predicate.

    `holdings` has a credential for each query that there is one for, `openings` what other holders handed
    over, by the numbers' identifiers. `place` is where the branch stands in the request. The branch has
    passed its rules.
    """
    missing, handles, known = list[Missing](), set[int](), _Known(holdings, openings)
    for index, query in enumerate(branch.queries):
        lack = _lack(query, holdings.get(query.id), directory, now, f"{place}.queries[{index}]", handles)
        if lack is not None:
            missing.append(lack)
    missing += _lacking_openings(branch, place, openings)
    for index, predicate in enumerate(branch.predicates):
        operands = operands_of(predicate)
        if all(map(known.has, operands)):
            reason = _unmet(predicate, [known.value(each) for each in operands], directory)
            if reason is not None:
                missing.append(Missing(f"{place}.predicates[{index}]", reason))
    given = {f"escrows[{index}]": each.operand for index, each in enumerate(branch.escrows)}
    given |= {f"commitments[{index}]": each.operand for index, each in enumerate(branch.commitments)}
    for field, operand in given.items():
        if known.has(operand) and known.value(operand) is None:
            missing.append(Missing(f"{place}.{field}", "the attribute is absent"))
    return tuple(missing)


@dataclass(frozen=True, repr=False)
class _Known:
    """The values that there are: of credentials, and of openings."""

    holdings: Mapping[str, Holding]
    openings: Mapping[str, CommitmentOpening]

    def has(self, operand: Operand | Foreign) -> bool:
        return operand.id in self.openings if isinstance(operand, Foreign) else operand.query in self.holdings

    def value(self, operand: Operand | Foreign) -> Value | None:
        if isinstance(operand, Foreign):
            return self.openings[operand.id].number
        return self.holdings[operand.query].credential.values.get(operand.attribute)


def _lacking_openings(
    branch: Branch, place: str, openings: Mapping[str, CommitmentOpening]
) -> Iterator[Missing]:
    for index, foreign in enumerate(branch.foreign):
        opening, field = openings.get(foreign.id), f"{place}.foreign[{index}]"
        if opening is None:
            yield Missing(field, "the other holder's opening is not there")
        elif (opening.suite, opening.K) != (foreign.number.suite, foreign.number.K):
            yield Missing(field, "the opening is that of another commitment", Reason.COMMITMENT_INVALID)


def _lack(
    query: CompositeQuery,
    holding: Holding | None,
    directory: CompositeDirectory,
    now: dt.datetime,
    place: str,
    handles: set[int],
) -> Missing | None:
    """Return what is missing for a query, or None; `handles` are those of the queries before, and of it."""
    if holding is None:
        return Missing(place, "there is no credential")
    if holding.credential.handle in handles:
        return Missing(place, "the credential answers another query already")
    handles.add(holding.credential.handle)
    outcome = usable(query, holding, directory, now, place)
    return outcome if isinstance(outcome, Missing) else None


def _unmet(predicate: Predicate, values: list[Value | None], directory: CompositeDirectory) -> str | None:
    """Return why a predicate does not hold of values, or None if it does."""
    present = [each for each in values if each is not None]
    if len(present) < len(values):
        return "an attribute is absent"
    return None if _holds(predicate, present, directory) else _REASONS[type(predicate)]


_REASONS: Mapping[type, str] = {
    Range: "the attribute is outside the bounds",
    InList: "the attribute is not in the list",
    OneOf: "the attribute has none of the values",
    NotEqual: "the attribute has the value that it must not have",
    Equal: "the attributes are not equal",
    Sum: "the sum is outside the bounds",
}


def _holds(predicate: Predicate, values: list[Value], directory: CompositeDirectory) -> bool:
    match predicate:
        case Range():
            return _within(_number(values[0]), predicate.minimum, predicate.maximum)
        case InList():
            return values[0] in directory.code_list(predicate.code_list, field="").codes
        case OneOf():
            return values[0] in predicate.values
        case NotEqual():
            return values[0] != predicate.value
        case Equal():
            return all(each == values[0] for each in values)
        case Sum():
            return _within(sum(_counted(predicate, values)), predicate.minimum, predicate.maximum)


def _counted(predicate: Sum, values: list[Value]) -> Iterator[int]:
    for term, value in zip(predicate.terms, values, strict=True):
        number = _number(value)
        yield term.factor * (number if term.cap is None else min(number, term.cap))


def _within(number: int, minimum: int | None, maximum: int | None) -> bool:
    return (minimum is None or minimum <= number) and (maximum is None or number <= maximum)


def _number(value: Value) -> int:
    return days(value) if isinstance(value, dt.date) else int(value)
