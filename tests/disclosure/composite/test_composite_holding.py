"""What a vault cannot show, and what a liar shows in spite of it."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bbs import BbsError
from bbs.accumulator import MembershipWitness, catch_up
from disclosure import (
    IssuerKey,
    KeyState,
    RefusedError,
)
from disclosure.composite import (
    Branch,
    CompositeDirectory,
    CompositeQuery,
    Equal,
    EscrowQuery,
    ExpiryShown,
    Holding,
    NotEqual,
    OldestEpoch,
    OneOf,
    ProvenEpoch,
    Sum,
    Term,
    ValidOn,
    at_least,
    at_most,
    check_composite_request,
    missing_in,
    verify_composite,
)
from disclosure.composite.holding import Usable
from tests.disclosure.composite.lies import lying
from tests.disclosure.composite.policy import (
    MAIN,
    OTHER,
    POLICE_ACCUMULATOR,
    REQUEST,
    YESTERDAY,
    good,
    holdings,
    op,
    outcome,
    unmet,
    with_query,
)
from tests.disclosure.composite.world import (
    ALICE,
    BOB,
    CITY_DIGITS,
    DIRECTORY,
    HOUSEHOLD,
    HRSS,
    INSURANCE,
    NOW,
    OTHER_HRSS,
    PERMIT,
    POLICE,
    POLICE_2,
    REGULATOR_KEY,
    TODAY,
    accepted,
    directory,
    held,
    presented,
    query,
    request,
)

Q, P = "branches[0].queries", "branches[0].predicates"
LACKING: dict[str, tuple[Callable[[], dict[str, Holding]], str]] = {
    "of another schema": (lambda: {"permit": held(INSURANCE)}, f"{Q}[0]"),
    "of another key": (lambda: {"insurance": held(INSURANCE, by=OTHER_HRSS)}, f"{Q}[1]"),
    "expired yesterday, hidden": (lambda: {"permit": held(PERMIT, expiry=YESTERDAY)}, f"{Q}[0]"),
    "expired yesterday, shown": (lambda: {"household": held(HOUSEHOLD, expiry=YESTERDAY)}, f"{Q}[2]"),
    "no witness": (lambda: {"permit": replace(holdings()["permit"], witness=None)}, f"{Q}[0]"),
    "a month too few": (lambda: {"permit": held(PERMIT, months=11)}, f"{P}[0]"),
    "a day too early": (lambda: {"permit": held(PERMIT, since=dt.date(2009, 12, 31))}, f"{P}[1]"),
    "a day too late": (lambda: {"permit": held(PERMIT, since=dt.date(2024, 1, 2))}, f"{P}[1]"),
    "not in the list": (lambda: {"permit": held(PERMIT, district="370105")}, f"{P}[2]"),
    "none of the values": (lambda: {"insurance": held(INSURANCE, district="370102")}, f"{P}[3]"),
    "the value not to have": (lambda: {"insurance": held(INSURANCE, base=1)}, f"{P}[4]"),
    "not the same person": (lambda: {"insurance": held(INSURANCE, number="370102199001011235")}, f"{P}[5]"),
    "a sum too small": (lambda: {"insurance": held(INSURANCE, months=39)}, f"{P}[6]"),
    "of another holder": (lambda: {"insurance": held(INSURANCE, BOB)}, f"{Q}[1]"),
}


@pytest.mark.parametrize(("make", "place"), LACKING.values(), ids=LACKING.keys())
def test_what_is_not_so_is_told_by_its_place(make: Callable[[], dict[str, Holding]], place: str) -> None:
    assert unmet(make()) == ("UNSATISFIED", place)
    assert unmet({**make(), "household": held(HOUSEHOLD, BOB)})[0] == "UNSATISFIED"


def test_a_vault_answers_for_the_latest_epoch_only() -> None:
    """Whatever a request accepts: an old epoch shows whose credential is older, and who stayed away."""
    for oldest in (0, 1):
        asked = with_query(0, issuers=(accepted(POLICE, oldest),))
        for epoch in (0, 1):
            old = {"permit": held(PERMIT, epoch=epoch)}
            assert unmet(old, asked) == ("EPOCH_STALE", f"{Q}[0]")
            (lack,) = missing_in(MAIN, "branches[0]", {**holdings(), **old}, DIRECTORY, NOW)
            assert (lack.place, lack.reason) == (f"{Q}[0]", "EPOCH_STALE")
            assert "catch up first" in lack.detail
        assert presented(asked, holdings()).answer.credentials[0].epoch == ProvenEpoch(POLICE_ACCUMULATOR, 2)


def test_an_epoch_grows_too_old_while_the_request_lives() -> None:
    """Else who is revoked after the request was made would pass for its whole life, by the epoch before."""
    made = NOW - dt.timedelta(hours=1)
    latest = replace(POLICE.epochs[2], time=int(made.timestamp()))
    published = replace(POLICE.published, epochs={**POLICE.epochs, 2: latest})
    known = directory(accumulators={**DIRECTORY.accumulators, POLICE_ACCUMULATOR: published})
    rule = OldestEpoch(POLICE_ACCUMULATOR, 1, 7200)
    branch = replace(
        OTHER, queries=(replace(OTHER.queries[0], issuers=(accepted(POLICE, revocation=rule),)),)
    )
    asked = request(branch, expires=NOW + dt.timedelta(hours=3))
    own = {"permit": holdings()["permit"]}
    presentation = presented(asked, own, known=known)
    last = made + dt.timedelta(seconds=7200)
    verify_composite(asked, presentation, known, last)
    presented(asked, own, known=known, now=last)
    late = last + dt.timedelta(seconds=1)
    with pytest.raises(RefusedError) as raised:
        verify_composite(asked, presentation, known, late)
    assert (raised.value.reason, raised.value.field) == ("EPOCH_STALE", "credentials[0].epoch")
    with pytest.raises(RefusedError, match=r"EPOCH_STALE .* wait for the next one"):
        presented(asked, own, known=known, now=late)


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (REQUEST.expires - dt.timedelta(seconds=1), None),
        (REQUEST.expires, "REQUEST_EXPIRED"),
        (NOW + dt.timedelta(days=20), "REQUEST_EXPIRED"),
        (NOW - dt.timedelta(minutes=3), "REQUEST_NOT_YET_VALID"),
    ],
)
def test_a_request_is_answered_and_verified_while_it_lives(now: dt.datetime, reason: str | None) -> None:
    assert outcome(REQUEST, good(), now=now) == (reason or "OK")
    if reason is not None:
        assert unmet({}, now=now)[0] == reason


def test_everything_that_is_missing_is_named_at_once() -> None:
    some = {"permit": held(PERMIT, months=11, district="370105"), "insurance": held(INSURANCE, BOB)}
    places = [each.place for each in missing_in(MAIN, "branches[0]", some, DIRECTORY, NOW)]
    assert places == [f"{Q}[2]", f"{P}[0]", f"{P}[2]", f"{P}[6]"]
    assert missing_in(MAIN, "branches[0]", holdings(), DIRECTORY, NOW) == ()


def test_credentials_of_two_holders_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    lying(monkeypatch)
    for secret in (ALICE, BOB):
        for mixed in ({"insurance": held(INSURANCE, BOB)}, {"permit": held(PERMIT, BOB)}):
            proof = presented(REQUEST, {**holdings(), **mixed}, secret=secret)
            assert outcome(REQUEST, proof) == "PROOF_INVALID"


def of_another_key() -> dict[str, Holding]:
    holding = held(INSURANCE, by=OTHER_HRSS)
    credential = replace(holding.credential, issuer_key=HRSS.key.name)
    return {"insurance": replace(holding, credential=credential, witness=holdings()["insurance"].witness)}


def with_another_expiry() -> dict[str, Holding]:
    holding = held(HOUSEHOLD, expiry=YESTERDAY)
    return {"household": replace(holding, credential=replace(holding.credential, expiry=TODAY))}


def with_witness(change: Callable[[MembershipWitness], MembershipWitness]) -> dict[str, Holding]:
    holding = holdings()["permit"]
    assert holding.witness is not None
    return {"permit": replace(holding, witness=change(holding.witness))}


def of_the_epoch_before(witness: MembershipWitness) -> MembershipWitness:
    old = held(PERMIT, epoch=1).witness
    assert old is not None
    return replace(old, at=witness.at)


def of_another_handle(witness: MembershipWitness) -> MembershipWitness:
    other = held(PERMIT, BOB).witness
    assert other is not None
    return other


LIES: dict[str, Callable[[], dict[str, Holding]]] = {
    "expired yesterday, hidden": lambda: {"permit": held(PERMIT, expiry=YESTERDAY)},
    "expired yesterday, shown": with_another_expiry,
    "of another key": of_another_key,
    "another's witness": lambda: with_witness(of_another_handle),
    "a witness for the epoch before": lambda: with_witness(of_the_epoch_before),
    **{name: make for name, (make, place) in LACKING.items() if place.startswith(P)},
}


def first_issuer(query: CompositeQuery, *_: object) -> Usable:
    issuer = query.issuers[0]
    assert issuer.accumulator is not None
    return Usable(issuer, ProvenEpoch(issuer.accumulator, 2))


@pytest.mark.parametrize("make", LIES.values(), ids=LIES.keys())
def test_a_liar_is_refused(make: Callable[[], dict[str, Holding]], monkeypatch: pytest.MonkeyPatch) -> None:
    """The dishonest library proves what is true, so what is refused is refused for the lie."""
    lying(monkeypatch)
    monkeypatch.setattr("disclosure.composite.present.usable", first_issuer)
    assert outcome(REQUEST, presented(REQUEST, holdings())) == "OK"
    assert outcome(REQUEST, presented(REQUEST, {**holdings(), **make()})) == "PROOF_INVALID"


def test_a_revoked_credential_has_no_witness_and_every_other_one_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The department revokes the permit; its holder lies with the witness of before, and with another's."""
    holding, at = holdings()["permit"], POLICE.epochs[2].position
    handle = holding.credential.handle
    page = POLICE.accumulator.revoke([handle], at, ())
    epoch = POLICE.epochs[2].followed_by(at.after(page), 9)
    published = replace(POLICE.published, epochs={**POLICE.epochs, 3: epoch})
    known = directory(accumulators={**DIRECTORY.accumulators, POLICE_ACCUMULATOR: published})
    assert holding.witness is not None
    with pytest.raises(BbsError, match="REVOKED"):
        catch_up(holding.witness, epoch, [page])
    # A witness for the epoch before still shows that it was not revoked then: a request says what is too old.
    before = replace(REQUEST, branches=(OTHER,))
    after = replace(
        REQUEST,
        branches=(replace(OTHER, queries=(replace(OTHER.queries[0], issuers=(accepted(POLICE, 3),)),)),),
    )
    verify_composite(before, presented(before, {"permit": holding}), known, NOW)
    for asked in (before, after):
        with pytest.raises(RefusedError, match=r"EPOCH_STALE .* catch up first"):
            presented(asked, {"permit": holding}, known=known)
    lying(monkeypatch)
    monkeypatch.setattr(
        "disclosure.composite.present.usable",
        lambda query, *_: Usable(query.issuers[0], ProvenEpoch(POLICE_ACCUMULATOR, 3)),
    )
    for other in (holding, held(PERMIT, BOB)):
        assert other.witness is not None
        forged = replace(holding, witness=replace(other.witness, at=epoch.position))
        lie = presented(after, {"permit": forged}, known=known)
        with pytest.raises(RefusedError, match="PROOF_INVALID"):
            verify_composite(after, lie, known, NOW)


GAPS = (op("one.gap"), op("two.gap"))
ABSENCES: dict[str, dict[str, Any]] = {
    "equal to an absence": {"predicates": (Equal(GAPS),)},
    "cancelled by an absence": {
        "predicates": (Sum((Term(GAPS[0]), Term(GAPS[1], -1)), minimum=0),),
        "digits": CITY_DIGITS.table.digest,
    },
    "not equal, since absent": {"predicates": (NotEqual(GAPS[0], 4),)},
    "absent among few": {"predicates": (OneOf(GAPS[0], (4, 5)),)},
    "absent and not small": {"predicates": (at_least(GAPS[0], 0),)},
    "absent and not large": {"predicates": (at_most(GAPS[0], 600),)},
    "absent and escrowed": {"escrows": (EscrowQuery("who", op("one.remark"), REGULATOR_KEY.digest),)},
}


@pytest.mark.parametrize("asked", ABSENCES.values(), ids=ABSENCES.keys())
def test_nothing_is_proven_of_what_is_absent(asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    queries = tuple(query(name, PERMIT, expiry=ExpiryShown()) for name in ("one", "two"))
    days = {"one": TODAY, "two": TODAY + dt.timedelta(days=1)}
    there = {name: held(PERMIT, expiry=day, gap=5, remark="x") for name, day in days.items()}
    absent = {name: held(PERMIT, expiry=day) for name, day in days.items()}
    wanted = request(Branch("b", queries, **asked))
    check_composite_request(wanted, DIRECTORY)
    assert outcome(wanted, presented(wanted, there)) == "OK"
    with pytest.raises(RefusedError, match="UNSATISFIED"):
        presented(wanted, absent)
    lying(monkeypatch)
    assert outcome(wanted, presented(wanted, absent)) == "PROOF_INVALID"


def test_a_key_signs_under_the_schemas_of_its_department_only() -> None:
    """Of a query that accepts two departments, neither can stand for the other."""
    either = query(
        "number", PERMIT, schemas=(PERMIT.name, INSURANCE.name), issuers=(accepted(POLICE), accepted(HRSS))
    )
    asked = request(Branch("b", (either,)))
    check_composite_request(asked, DIRECTORY)
    for schema in (PERMIT, INSURANCE):
        true = presented(asked, {"number": held(schema)})
        assert outcome(asked, true) == "OK"
        (part,) = true.answer.credentials
        for shown in (
            replace(part.shown, schema=INSURANCE.name if schema is PERMIT else PERMIT.name),
            replace(part.shown, issuer_key=POLICE_2.key.name),
        ):
            lie = replace(true, answer=replace(true.answer, credentials=(replace(part, shown=shown),)))
            assert outcome(asked, lie) == "QUERY_MISMATCH"


def test_a_retired_key_ends_its_own_credentials_and_no_others() -> None:
    def retired(key: IssuerKey) -> CompositeDirectory:
        keys = {**DIRECTORY.issuer_keys, key.name: replace(key, state=KeyState.RETIRED)}
        return directory(issuer_keys=keys)

    assert outcome(REQUEST, good(), retired(POLICE_2.key)) == "OK"
    assert outcome(REQUEST, good(), retired(POLICE.key)) == "ISSUER_KEY_RETIRED"


def test_an_expired_credential_is_refused_however_it_is_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    life = dt.timedelta(days=7)
    queries = tuple(
        replace(each, expiry=ValidOn(TODAY + life)) if isinstance(each.expiry, ValidOn) else each
        for each in MAIN.queries
    )
    week = replace(REQUEST, branches=(replace(MAIN, queries=queries),), expires=NOW + life)
    today = {**holdings(), "household": held(HOUSEHOLD, expiry=TODAY)}
    for days, result in ((0, "OK"), (1, "CREDENTIAL_EXPIRED")):
        assert outcome(week, presented(week, today), now=NOW + dt.timedelta(days=days)) == result
    last_day = {"permit": held(PERMIT, expiry=TODAY), "household": held(HOUSEHOLD, expiry=TODAY)}
    assert outcome(REQUEST, presented(REQUEST, {**holdings(), **last_day})) == "OK"
