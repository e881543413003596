"""Random policies of everything, random holders: what they can satisfy verifies, what they cannot does not.

test_composite_policies.py draws predicates; here the rest is drawn beside them: alternatives, schemas and
their versions, keys, expiry, revocation and its waiver, optional attributes, pseudonyms, escrow, and
credentials of one holder or of two, valid, expired, stale, without witness, one for two queries. What holds
is said in plain words of the test's own, whatever the library thinks.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from bbs import BbsError
from bbs.accumulator import MembershipWitness
from disclosure import DisclosureError, Schema, Value
from disclosure.composite import (
    AcceptedIssuer,
    Branch,
    CompositeClaim,
    CompositePresentation,
    CompositeQuery,
    CompositeRequest,
    EscrowQuery,
    ExpiryShown,
    HolderSecret,
    Holding,
    OldestEpoch,
    Operand,
    Predicate,
    PseudonymQuery,
    ValidOn,
    VerifiedComposite,
    VerifierScope,
    Waiver,
    check_composite_request,
    verify_composite,
    verify_composite_batch,
)
from tests.disclosure.composite.adversary import YESTERDAY, told
from tests.disclosure.composite.policy import REQUEST, good, op
from tests.disclosure.composite.test_composite_policies import predicates, true_of
from tests.disclosure.composite.world import (
    ALICE,
    BOB,
    CHILD,
    CITY_DIGITS,
    DIRECTORY,
    HOUSEHOLD,
    HRSS,
    INSURANCE,
    NOW,
    OTHER_HRSS,
    PERMIT,
    PERMIT_2,
    POLICE,
    POLICE_2,
    REGULATOR_KEY,
    TODAY,
    VALUES,
    Department,
    accepted,
    held,
    presented,
    query,
    request,
)

DAYS = (YESTERDAY, TODAY, TODAY + dt.timedelta(days=1), TODAY + dt.timedelta(days=20))
POLICES, HRSSES = (POLICE, POLICE_2), (HRSS, OTHER_HRSS)


@dataclass(frozen=True)
class Kind:
    """What is asked under one name, what people have for it, and an attribute that may be shown."""

    schemas: tuple[Schema, ...]
    departments: tuple[Department, ...]
    values: tuple[Mapping[str, Value | None], ...]
    shown: str


PERMITS: tuple[Mapping[str, Value | None], ...] = (
    {"months": 82, "gap": None, "remark": None},
    {"months": 600, "gap": 82, "district": "370105", "remark": "x"},
    {"months": 0, "gap": 0},
)
CHILDREN: tuple[Mapping[str, Value | None], ...] = ({"child_secret": CHILD}, {"child_secret": CHILD[::-1]})
KINDS = {
    "permit": Kind((PERMIT, PERMIT_2), POLICES, PERMITS, "name"),
    "insurance": Kind(
        (INSURANCE,), HRSSES, ({"months": 82}, {"months": 256, "remark": "x"}, {"base": -500}), "employed"
    ),
    "second": Kind((PERMIT, PERMIT_2), POLICES, PERMITS, "remark"),
    "household": Kind(
        (HOUSEHOLD,), POLICES, ({"child_secret": CHILD}, {"child_secret": CHILD[::-1]}), "born"
    ),
}
NAMES = list(KINDS)


# --- policies


@st.composite
def issuers(draw: st.DrawFn, by: Department) -> AcceptedIssuer:
    """A key that is accepted, with its rule of revocation, or without one."""
    oldest = draw(st.sampled_from((0, 1, 2, 2, None)))
    return accepted(by, revocation=Waiver.REVOCATION) if oldest is None else accepted(by, oldest)


@st.composite
def queries(draw: st.DrawFn, name: str) -> CompositeQuery:
    kind = KINDS[name]
    schemas = draw(st.lists(st.sampled_from(kind.schemas), min_size=1, unique_by=lambda each: each.name))
    keys = draw(st.lists(st.sampled_from(kind.departments), min_size=1, unique_by=lambda each: each.key.name))
    return query(
        name,
        schemas[0],
        schemas=tuple(each.name for each in schemas),
        issuers=tuple(draw(issuers(each)) for each in keys),
        expiry=draw(st.sampled_from((ExpiryShown(), *map(ValidOn, DAYS[1:])))),
        shown=draw(st.sampled_from(((), (kind.shown,)))),
    )


@st.composite
def branches(draw: st.DrawFn, name: str) -> Branch:
    asked = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    its = tuple(draw(queries(each)) for each in asked)
    stated = st.lists(predicates, max_size=2, unique_by=repr)
    known = [each for each in draw(stated) if {operand.query for operand in each.operands} <= set(asked)]
    names = [PseudonymQuery("me", VerifierScope("x"))] if draw(st.booleans()) else []
    if "household" in asked and draw(st.booleans()):
        names.append(PseudonymQuery("child", VerifierScope("x"), op("household.child_secret")))
    escrows = []
    if "permit" in asked and draw(st.booleans()):
        attribute = draw(st.sampled_from(("permit.number", "permit.remark")))
        escrows.append(EscrowQuery("who", op(attribute), REGULATOR_KEY.digest))
    return Branch(name, its, tuple(known), tuple(names), tuple(escrows), CITY_DIGITS.table.digest)


@st.composite
def policies(draw: st.DrawFn) -> CompositeRequest:
    asked = tuple(draw(branches(f"b{index}")) for index in range(draw(st.integers(1, 3))))
    return request(*asked, nonce=draw(st.binary(min_size=32, max_size=32)))


# --- holders


@dataclass(frozen=True)
class Owned:
    """A credential of somebody's, with the witness that its holder has: for an epoch, or none."""

    holding: Holding
    secret: HolderSecret
    epoch: int | None


@st.composite
def owned(draw: st.DrawFn, asked: CompositeQuery) -> Owned:
    """Draw a credential for a query: of what it asks for nearly always, valid and Alice's mostly."""
    kind = KINDS[asked.id]
    accepted_ones = [each for each in kind.departments if each.key.name in {one.key for one in asked.issuers}]
    schemas = [each for each in kind.schemas if each.name in asked.schemas]
    rarely = draw(st.integers(0, 11))
    schema = draw(st.sampled_from(kind.schemas if rarely == 0 else schemas))
    by = draw(st.sampled_from(kind.departments if rarely == 1 else accepted_ones))
    secret = BOB if rarely == 2 else ALICE
    epoch = {3: None, 4: 1}.get(rarely, 2)
    expiry = draw(st.sampled_from(DAYS if rarely in (5, 6, 7) else DAYS[-1:]))
    changes = {
        **VALUES.get(PERMIT.name if schema is PERMIT_2 else schema.name, {}),
        **draw(st.sampled_from(kind.values)),
    }
    holding = held(schema, secret, by=by, expiry=expiry, epoch=2 if epoch is None else epoch, **changes)
    return Owned(holding if epoch else replace(holding, witness=None), secret, epoch)


def fits(asked: CompositeQuery, mine: Owned) -> bool:
    """Say whether a credential answers a query, for everybody to read."""
    credential = mine.holding.credential
    keys = [each for each in asked.issuers if each.key == credential.issuer_key]
    first_day = asked.expiry.day if isinstance(asked.expiry, ValidOn) else TODAY
    if credential.schema not in asked.schemas or not keys or credential.expiry < first_day:
        return False
    return not isinstance(keys[0].revocation, OldestEpoch) or mine.epoch == 2


def satisfied(branch: Branch, mine: Mapping[str, Owned]) -> bool:
    """Say whether all that a branch asks is so of these credentials."""
    handles = [each.holding.credential.handle for each in mine.values()]
    return (
        all(fits(each, mine[each.id]) for each in branch.queries)
        and len({each.secret is ALICE for each in mine.values()}) == 1
        and len(set(handles)) == len(handles)
        and all(true_of(each, values_of(each, mine)) for each in branch.predicates)
        and all(value(each.operand, mine) is not None for each in branch.escrows)
    )


def value(operand: Operand, mine: Mapping[str, Owned]) -> Value | None:
    return mine[operand.query].holding.credential.values.get(operand.attribute)


def values_of(predicate: Predicate, mine: Mapping[str, Owned]) -> dict[Operand, Value | None]:
    return {operand: value(operand, mine) for operand in predicate.operands}


# --- lies


def disguised(asked: CompositeQuery, mine: Owned) -> Holding:
    """Give a credential out as one that is asked for: of the schema, the key, the day and the epoch."""
    credential = mine.holding.credential
    issuer = next((each for each in asked.issuers if each.key == credential.issuer_key), asked.issuers[0])
    schema = credential.schema if credential.schema in asked.schemas else asked.schemas[0]
    credential = replace(
        credential, schema=schema, issuer_key=issuer.key, expiry=max(credential.expiry, TODAY)
    )
    if issuer.accumulator is None:
        return replace(mine.holding, credential=credential)
    at = DIRECTORY.accumulators[issuer.accumulator].latest.position
    known = mine.holding.witness or MembershipWitness(credential.handle, at.V, at)
    return replace(mine.holding, credential=credential, witness=replace(known, at=at))


def lie(
    asked: CompositeRequest, branch: Branch, mine: Mapping[str, Owned], secret: HolderSecret
) -> CompositePresentation | None:
    """Answer all the same, as well as that can be done; None where there is nothing to put in."""
    holdings = {each.id: disguised(each, mine[each.id]) for each in branch.queries}
    try:
        return told(asked, holdings, branch=branch.id, secret=secret)
    except (DisclosureError, BbsError, ValueError, OverflowError, ZeroDivisionError, LookupError):
        return None


def refused(claim: CompositeClaim) -> str:
    """Return the reason for which a claim is refused between two good ones, and alone."""
    true = CompositeClaim(REQUEST, good(), DIRECTORY, NOW)
    first, bad, last = verify_composite_batch([true, claim, true])
    assert isinstance(first, VerifiedComposite)
    assert isinstance(last, VerifiedComposite)
    assert isinstance(bad, DisclosureError), "it is believed"
    with pytest.raises(type(bad)) as alone:
        verify_composite(claim.request, claim.presentation, claim.directory, claim.now)
    assert str(alone.value) == str(bad)
    return bad.reason


def check_true(
    asked: CompositeRequest, branch: Branch, holdings: Mapping[str, Holding], secret: HolderSecret
) -> None:
    """It is believed, shows what was asked, and is believed for this branch only."""
    presentation = presented(asked, holdings, branch=branch.id, secret=secret)
    verified = verify_composite(asked, presentation, DIRECTORY, NOW)
    assert set(verified.pseudonyms) == {each.id for each in branch.pseudonyms}
    for each, part in zip(branch.queries, verified.answer.credentials, strict=True):
        credential = holdings[each.id].credential
        assert part.shown.values == {name: credential.values.get(name) for name in each.shown}
        assert (part.epoch is None) == (next(
            one.revocation for one in each.issuers if one.key == credential.issuer_key
        ) is Waiver.REVOCATION)  # fmt: skip
    for other in asked.branches:
        if other != branch:
            moved = replace(presentation, answer=replace(presentation.answer, branch=other.id))
            if replace(other, id=branch.id) != branch:
                refused(CompositeClaim(asked, moved, DIRECTORY, NOW))


def compilable(asked: CompositeRequest) -> bool:
    try:
        check_composite_request(asked, DIRECTORY)
    except DisclosureError as error:
        event(f"not compiled: {error.reason}")
        return False
    return True


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(policies(), st.data())
def test_whatever_is_so_verifies_and_whatever_is_not_does_not(asked: CompositeRequest, data: Any) -> None:
    if not compilable(asked):
        return
    assert CompositeRequest.from_bytes(asked.canonical) == asked
    branch = data.draw(st.sampled_from(asked.branches), label="branch")
    mine = {each.id: data.draw(owned(each), label=each.id) for each in branch.queries}
    holdings = {name: each.holding for name, each in mine.items()}
    # Whoever asks for a name gets that of the one who has the first credential.
    secret = mine[branch.queries[0].id].secret
    event(f"{len(asked.branches)} branches, {len(branch.queries)} queries")
    if satisfied(branch, mine):
        event("satisfied")
        check_true(asked, branch, holdings, secret)
        return
    event("not satisfied")
    with pytest.raises(DisclosureError) as raised:
        presented(asked, holdings, branch=branch.id, secret=secret)
    event(f"told to the holder: {raised.value.reason}")
    assert raised.value.reason in {"UNSATISFIED", "EPOCH_STALE"}
    attempt = lie(asked, branch, mine, secret)
    if attempt is None:
        event("a lie without values")
        return
    event(f"a lie: {refused(CompositeClaim(asked, attempt, DIRECTORY, NOW))}")
