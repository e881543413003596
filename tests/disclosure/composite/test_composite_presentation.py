"""Presentations: accepted for their own request and for nothing else."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbs import SHAKE_256, BbsError
from bbs.accumulator import MembershipWitness, catch_up
from bbs.engine import verify
from bbs.engine.proof import proof_octets
from bbs.gadgets.escrow import EscrowKey, OpeningCase, identity_octets, look_up, verify_opening
from disclosure import (
    DisclosureError,
    IssuerKey,
    IssuerKeyName,
    KeyState,
    MalformedError,
    Presentation,
    RefusedError,
    canonical,
)
from disclosure.composite import (
    Answer,
    Branch,
    CompositeClaim,
    CompositeDirectory,
    CompositePresentation,
    CompositeQuery,
    CompositeRequest,
    Equal,
    EscrowQuery,
    ExpiryShown,
    Holding,
    InList,
    IssuanceTerms,
    NotEqual,
    OneOf,
    Operand,
    ProvenEpoch,
    PseudonymQuery,
    Sum,
    Term,
    ValidOn,
    VerifiedComposite,
    VerifierScope,
    Waiver,
    accept_credential,
    at_least,
    at_most,
    between,
    check_composite_request,
    compile_answer,
    issue_composite,
    missing_in,
    open_escrow,
    prepare,
    scalars,
    verify_composite,
    verify_composite_batch,
    verify_escrow_opening,
)
from disclosure.composite.holding import Usable
from tests.disclosure.composite.lies import lying
from tests.disclosure.composite.test_composite_request import joint
from tests.disclosure.composite.world import (
    ALICE,
    BANK,
    BOB,
    CHILD,
    CITY_DIGITS,
    DIRECTORY,
    DISTRICT_LIST,
    HOUSEHOLD,
    HRSS,
    INSURANCE,
    NONCE,
    NOW,
    OTHER_HRSS,
    PAIRING,
    PERMIT,
    PERMIT_2,
    POLICE,
    POLICE_2,
    REGULATOR,
    REGULATOR_KEY,
    SCHOOL,
    SCHOOL_2,
    SUITE,
    TODAY,
    VALUES,
    accepted,
    answer_with,
    department,
    digits_of,
    directory,
    held,
    issued,
    presented,
    query,
    request,
    witness,
)
from tests.disclosure.world import presentation as plain_presentation

LABEL = "zk-disclosure/composite-presentation/v1"
YESTERDAY = TODAY - dt.timedelta(days=1)


def op(name: str) -> Operand:
    return Operand(*name.split("."))


MAIN = Branch(
    "main",
    (
        query("permit", PERMIT, shown=("name", "remark"), schemas=(PERMIT.name, PERMIT_2.name),
              issuers=(accepted(POLICE), accepted(POLICE_2))),
        query("insurance", INSURANCE, shown=("employed",)),
        query("household", HOUSEHOLD, expiry=ExpiryShown()),
    ),
    (
        at_least(op("permit.months"), 12),
        between(op("permit.since"), dt.date(2010, 1, 1), dt.date(2024, 1, 1)),
        InList(op("permit.district"), DISTRICT_LIST.table.digest),
        OneOf(op("insurance.district"), ("370103", "370104")),
        NotEqual(op("insurance.base"), 1),
        Equal((op("permit.number"), op("insurance.number"))),
        Sum((Term(op("permit.months"), 1, 60), Term(op("insurance.months"))), minimum=100),
    ),
    (
        PseudonymQuery("me", VerifierScope("enrol-2026")),
        PseudonymQuery("child", joint(SCHOOL, SCHOOL_2), op("household.child_secret")),
    ),
    (EscrowQuery("who", op("permit.number"), REGULATOR_KEY.digest),),
    CITY_DIGITS.table.digest,
)  # fmt: skip
OTHER = Branch(
    "other", (query("permit", PERMIT, shown=("name", "remark")),), (at_most(op("permit.months"), 90),)
)
REQUEST = request(MAIN, OTHER)


@cache
def holdings() -> dict[str, Holding]:
    return {"permit": held(PERMIT), "insurance": held(INSURANCE), "household": held(HOUSEHOLD)}


@cache
def good() -> CompositePresentation:
    return presented(REQUEST, holdings())


def outcome(
    asked: CompositeRequest,
    presentation: CompositePresentation,
    known: CompositeDirectory = DIRECTORY,
    now: dt.datetime = NOW,
) -> str:
    """Verify alone and between good ones in a batch, which must agree; return the reason, or OK."""
    claims = [
        CompositeClaim(REQUEST, good(), DIRECTORY, NOW),
        CompositeClaim(asked, presentation, known, now),
        CompositeClaim(REQUEST, good(), DIRECTORY, NOW),
    ]
    verdicts = verify_composite_batch(claims)
    assert isinstance(verdicts[0], VerifiedComposite)
    assert isinstance(verdicts[2], VerifiedComposite)
    between = verdicts[1]
    if isinstance(between, DisclosureError):
        with pytest.raises(type(between)) as alone:
            verify_composite(asked, presentation, known, now)
        assert str(alone.value) == str(between)
        return between.reason
    assert verify_composite(asked, presentation, known, now).pseudonyms == between.pseudonyms
    return "OK"


def test_what_is_true_is_accepted_and_shows_what_was_asked() -> None:
    check_composite_request(REQUEST, DIRECTORY)
    assert outcome(REQUEST, good()) == "OK"
    verified = verify_composite(REQUEST, good(), DIRECTORY, NOW)
    permit, insurance, household = (each.shown for each in verified.answer.credentials)
    assert permit.values == {"name": "王小明", "remark": None}
    assert insurance.values == {"employed": True}
    assert (permit.expiry, insurance.expiry) == (None, None)
    assert household.expiry == holdings()["household"].credential.expiry
    assert set(verified.pseudonyms) == {"me", "child"}
    assert verified.commitment is None


def test_one_branch_is_answered_and_nothing_of_the_other_is_sent() -> None:
    other = presented(REQUEST, {"permit": holdings()["permit"]}, branch="other")
    assert outcome(REQUEST, other) == "OK"
    assert len(other.answer.credentials) == 1
    assert len(other.canonical) < len(good().canonical) / 2


def test_a_presentation_is_read_as_it_is_written() -> None:
    again = CompositePresentation.from_bytes(good().canonical, DIRECTORY.schemas)
    assert (again, again.digest) == (good(), good().digest)


def test_a_proof_has_exactly_the_length_of_its_statement() -> None:
    compiled = compile_answer(REQUEST, good().answer, DIRECTORY, NOW)
    assert len(good().proof) == proof_octets(compiled.statement)
    for proof in (good().proof[:-1], good().proof + b"\x00", good().proof[32:], good().proof + bytes(32)):
        assert outcome(REQUEST, replace(good(), proof=proof)) == "PRESENTATION_INVALID"


def with_branch(**changes: Any) -> CompositeRequest:
    return replace(REQUEST, branches=(replace(MAIN, **changes), OTHER))


def with_predicate(index: int, predicate: Any) -> CompositeRequest:
    return with_branch(predicates=(*MAIN.predicates[:index], predicate, *MAIN.predicates[index + 1 :]))


def with_query(index: int, **changes: Any) -> CompositeRequest:
    changed = replace(MAIN.queries[index], **changes)
    return with_branch(queries=(*MAIN.queries[:index], changed, *MAIN.queries[index + 1 :]))


OTHER_REQUESTS: dict[str, CompositeRequest] = {
    "nonce": replace(REQUEST, nonce=NONCE[::-1]),
    "verifier": replace(REQUEST, verifier=SCHOOL_2),
    "time": replace(REQUEST, expires=REQUEST.expires + dt.timedelta(seconds=1)),
    "a weaker bound": with_predicate(0, at_least(op("permit.months"), 11)),
    "a stronger bound": with_predicate(0, at_least(op("permit.months"), 13)),
    "no predicate": with_branch(predicates=MAIN.predicates[1:]),
    "predicates in another order": with_branch(predicates=MAIN.predicates[::-1]),
    "queries in another order": with_branch(queries=MAIN.queries[::-1]),
    "another scope": with_branch(
        pseudonyms=(PseudonymQuery("me", VerifierScope("enrol-2027")), MAIN.pseudonyms[1])
    ),
    "no escrow": with_branch(escrows=()),
    "another older epoch": with_query(0, issuers=(accepted(POLICE, 0), accepted(POLICE_2))),
    "revocation waived": with_query(0, issuers=(accepted(POLICE, revocation=Waiver.REVOCATION),)),
    "expiry shown": with_query(0, expiry=ExpiryShown()),
    "another day": with_query(0, expiry=ValidOn(TODAY + dt.timedelta(days=1))),
}


@pytest.mark.parametrize("asked", OTHER_REQUESTS.values(), ids=OTHER_REQUESTS.keys())
def test_a_presentation_of_one_request_is_none_of_another(asked: CompositeRequest) -> None:
    assert outcome(asked, good()) == "REQUEST_MISMATCH"
    # A dishonest holder names the other request; the statement and the transcript are the verifier's own.
    renamed = replace(good(), answer=replace(good().answer, request_digest=asked.digest))
    assert outcome(asked, renamed) in {"PROOF_INVALID", "PRESENTATION_INVALID", "QUERY_MISMATCH"}


def answer(**changes: Any) -> CompositePresentation:
    return replace(good(), answer=replace(good().answer, **changes))


def credential_with(index: int, **changes: Any) -> CompositePresentation:
    parts = list(good().answer.credentials)
    parts[index] = replace(parts[index], shown=replace(parts[index].shown, **changes))
    return answer(credentials=tuple(parts))


def epoch_with(index: int, epoch: ProvenEpoch | None) -> CompositePresentation:
    parts = list(good().answer.credentials)
    parts[index] = replace(parts[index], epoch=epoch)
    return answer(credentials=tuple(parts))


POLICE_ACCUMULATOR = POLICE.accumulator.key.octets
MUTATED: dict[str, tuple[Callable[[], CompositePresentation], str]] = {
    "usage tag": (lambda: answer(usage_tag=bytes(48)), "PROOF_INVALID"),
    "note": (lambda: answer(note_hash=bytes([1] * 32)), "PROOF_INVALID"),
    "request": (lambda: answer(request_digest=bytes(32)), "REQUEST_MISMATCH"),
    "branch": (lambda: answer(branch="other"), "QUERY_MISMATCH"),
    "no such branch": (lambda: answer(branch="x"), "PRESENTATION_INVALID"),
    "branch of one": (
        lambda: answer(branch="other", credentials=good().answer.credentials[:1]),
        "PRESENTATION_INVALID",
    ),
    "a credential less": (lambda: answer(credentials=good().answer.credentials[:2]), "QUERY_MISMATCH"),
    "credentials in another order": (
        lambda: answer(credentials=good().answer.credentials[::-1]),
        "QUERY_MISMATCH",
    ),
    "shown value": (lambda: credential_with(0, values={"name": "王大明", "remark": None}), "PROOF_INVALID"),
    "shown truth": (lambda: credential_with(1, values={"employed": False}), "PROOF_INVALID"),
    "present, not absent": (
        lambda: credential_with(0, values={"name": "王小明", "remark": "x"}),
        "PROOF_INVALID",
    ),
    "absent, not present": (
        lambda: credential_with(0, values={"name": None, "remark": None}),
        "ATTRIBUTE_MISSING",
    ),
    "a value of another type": (lambda: credential_with(1, values={"employed": 1}), "VALUE_INVALID"),
    "a value less": (lambda: credential_with(0, values={"name": "王小明"}), "QUERY_MISMATCH"),
    "a value more": (lambda: credential_with(1, values={"employed": True, "base": 1}), "QUERY_MISMATCH"),
    "another query": (lambda: credential_with(0, query="insurance"), "QUERY_MISMATCH"),
    "another version": (lambda: credential_with(0, schema=PERMIT_2.name), "PROOF_INVALID"),
    "another schema": (lambda: credential_with(0, schema=INSURANCE.name), "QUERY_MISMATCH"),
    "another accepted key": (lambda: credential_with(0, issuer_key=POLICE_2.key.name), "QUERY_MISMATCH"),
    "an unknown key": (
        lambda: credential_with(0, issuer_key=IssuerKeyName("public-security", "0" * 32)),
        "QUERY_MISMATCH",
    ),
    "an expiry that is hidden": (lambda: credential_with(0, expiry=TODAY), "QUERY_MISMATCH"),
    "an expiry that is not shown": (lambda: credential_with(2, expiry=None), "QUERY_MISMATCH"),
    "another expiry": (lambda: credential_with(2, expiry=TODAY), "PROOF_INVALID"),
    "an expiry of yesterday": (
        lambda: credential_with(2, expiry=TODAY - dt.timedelta(days=1)),
        "CREDENTIAL_EXPIRED",
    ),
    "another epoch": (lambda: epoch_with(0, ProvenEpoch(POLICE_ACCUMULATOR, 1)), "PROOF_INVALID"),
    "an epoch too old": (lambda: epoch_with(0, ProvenEpoch(POLICE_ACCUMULATOR, 0)), "EPOCH_STALE"),
    "an epoch to come": (lambda: epoch_with(0, ProvenEpoch(POLICE_ACCUMULATOR, 3)), "EPOCH_UNKNOWN"),
    "another's epoch": (lambda: epoch_with(0, ProvenEpoch(HRSS.accumulator.key.octets, 2)), "QUERY_MISMATCH"),
    "no epoch": (lambda: epoch_with(0, None), "QUERY_MISMATCH"),
}


@pytest.mark.parametrize(("make", "reason"), MUTATED.values(), ids=MUTATED.keys())
def test_everything_beside_the_proof_is_bound_to_it(
    make: Callable[[], CompositePresentation], reason: str
) -> None:
    assert outcome(REQUEST, make()) == reason


def test_bad_ones_are_found_among_a_hundred_good_ones() -> None:
    bad = {7: "usage tag", 8: "shown value", 55: "no epoch", 99: "another epoch", 101: "note"}
    claims = [CompositeClaim(REQUEST, good(), DIRECTORY, NOW)] * 105
    for place, name in bad.items():
        claims[place] = CompositeClaim(REQUEST, MUTATED[name][0](), DIRECTORY, NOW)
    verdicts = verify_composite_batch(claims)
    assert {at: each.reason for at, each in enumerate(verdicts) if isinstance(each, DisclosureError)} == {
        place: MUTATED[name][1] for place, name in bad.items()
    }


def test_the_other_suite_does_the_same() -> None:
    suite = str(SHAKE_256)
    hrss = department("hrss", 9, suite)
    known = directory(
        issuer_keys={hrss.key.name: hrss.key},
        accumulators={hrss.accumulator.key.octets: hrss.published},
        digits={digits_of(hrss): hrss.digits},
    )
    branch = Branch(
        "b",
        (query("insurance", INSURANCE, shown=("employed",), issuers=(accepted(hrss),)),),
        (at_least(op("insurance.months"), 12), NotEqual(op("insurance.number"), "1")),
        (PseudonymQuery("me", VerifierScope("x")),),
    )
    asked = request(branch)
    check_composite_request(asked, known)
    credential = issued(INSURANCE, hrss, ALICE, TODAY, ())
    ready = prepare(credential, ALICE, INSURANCE, hrss.key)
    holding = Holding(credential, ready, witness(credential, hrss, 2))
    verify_composite(asked, presented(asked, {"insurance": holding}, known=known), known, NOW)


def test_every_octet_of_the_proof_counts() -> None:
    proof = good().proof
    claims = []
    for at in range(0, len(proof), 19):
        changed = proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1 :]
        claims.append(CompositeClaim(REQUEST, replace(good(), proof=changed), DIRECTORY, NOW))
    reasons = {getattr(each, "reason", "OK") for each in verify_composite_batch(claims)}
    assert reasons == {"PROOF_INVALID", "PRESENTATION_INVALID"}


def test_another_key_of_the_same_name_or_another_epoch_of_the_same_number_is_another_statement() -> None:
    """The directory's contents are in the transcript, not only their names."""
    schemas = {**DIRECTORY.schemas, PERMIT.name: replace(PERMIT, validity_days=91)}
    assert outcome(REQUEST, good(), directory(schemas=schemas)) == "PROOF_INVALID"
    epochs = dict(POLICE.epochs)
    epochs[2] = replace(epochs[2], time=99)
    published = replace(POLICE.published, epochs=epochs)
    accumulators = {**DIRECTORY.accumulators, POLICE_ACCUMULATOR: published}
    assert outcome(REQUEST, good(), directory(accumulators=accumulators)) == "PROOF_INVALID"


# What a holder cannot satisfy.


def unmet(changes: dict[str, Holding], asked: CompositeRequest = REQUEST, **more: Any) -> tuple[str, str]:
    with pytest.raises(RefusedError) as raised:
        presented(asked, {**holdings(), **changes}, **more)
    return raised.value.reason, raised.value.field


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
    week = replace(REQUEST, expires=NOW + dt.timedelta(days=7))
    today = {**holdings(), "household": held(HOUSEHOLD, expiry=TODAY)}
    for days, result in ((0, "OK"), (1, "CREDENTIAL_EXPIRED")):
        assert outcome(week, presented(week, today), now=NOW + dt.timedelta(days=days)) == result
    last_day = {"permit": held(PERMIT, expiry=TODAY), "household": held(HOUSEHOLD, expiry=TODAY)}
    assert outcome(REQUEST, presented(REQUEST, {**holdings(), **last_day})) == "OK"


def test_a_pseudonym_is_one_for_a_holder_and_a_scope() -> None:
    def names(asked: CompositeRequest, who: dict[str, Holding], secret: Any = ALICE) -> dict[str, bytes]:
        verified = verify_composite(asked, presented(asked, who, secret=secret), DIRECTORY, NOW)
        return dict(verified.pseudonyms)

    bobs = {"permit": held(PERMIT, BOB), "insurance": held(INSURANCE, BOB), "household": held(HOUSEHOLD, BOB)}
    first, again = names(REQUEST, holdings()), names(replace(REQUEST, nonce=bytes(32)), holdings())
    elsewhere = names(replace(REQUEST, verifier=SCHOOL_2), holdings())
    bob = names(REQUEST, bobs, BOB)
    assert first == again
    # The other parent's vault has another name, the child has the same: at this school and at the next.
    assert first["me"] != bob["me"]
    assert first["child"] == bob["child"] == elsewhere["child"]
    assert first["me"] != elsewhere["me"]
    sister = {**holdings(), "household": held(HOUSEHOLD, child="王二", child_secret=CHILD[::-1])}
    assert names(REQUEST, sister)["child"] != first["child"]
    assert names(REQUEST, sister)["me"] == first["me"]


def test_a_holders_and_a_subjects_pseudonym_have_no_scope_in_common() -> None:
    """A department that signed k as a subject's secret would otherwise hold a holder's name."""
    own = PseudonymQuery("me", VerifierScope("x"))
    branch = Branch(
        "b",
        (query("household", HOUSEHOLD),),
        (),
        (own, PseudonymQuery("child", VerifierScope("x"), op("household.child_secret"))),
    )
    asked = request(branch)
    compiled = compile_answer(asked, presented(asked, holdings()).answer, DIRECTORY, NOW)
    assert compiled.layout.pseudonyms["me"].base.octets != compiled.layout.pseudonyms["child"].base.octets


def test_two_credentials_name_one_subject_without_showing_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    same = Equal((op("one.child_secret"), op("two.child_secret")))
    name = PseudonymQuery("child", VerifierScope("x"), op("two.child_secret"))
    branch = Branch("b", (query("one", HOUSEHOLD), query("two", HOUSEHOLD)), (same,), (name,))
    asked, household = request(branch), holdings()["household"]
    check_composite_request(asked, DIRECTORY)
    renewed = held(HOUSEHOLD, expiry=TODAY + dt.timedelta(days=31))
    assert outcome(asked, presented(asked, {"one": household, "two": renewed})) == "OK"
    others = {"one": household, "two": held(HOUSEHOLD, child_secret=CHILD[::-1])}
    assert [each.place for each in missing_in(branch, "b", others, DIRECTORY, NOW)] == ["b.predicates[0]"]
    lying(monkeypatch)
    assert outcome(asked, presented(asked, others)) == "PROOF_INVALID"


def test_a_joint_scope_needs_the_verifier_among_its_members() -> None:
    asked = replace(REQUEST, verifier=BANK)
    assert unmet({}, asked) == ("REQUEST_SIGNATURE_INVALID", "branches[0].pseudonyms[1].scope")


def test_the_regulator_opens_the_identity_that_was_signed() -> None:
    claim = CompositeClaim(REQUEST, good(), DIRECTORY, NOW)
    opening = open_escrow(REGULATOR, claim, "who", "2026-17")
    assert verify_escrow_opening(opening, claim, "who", "2026-17") == opening.identity
    number = VALUES[PERMIT.name]["number"]
    register = [
        (name, scalars.scalar(PERMIT.attribute("number"), name, SUITE))
        for name in ("370102199001011235", number)
    ]
    assert look_up(PAIRING, opening.identity, register) == number
    assert identity_octets(PAIRING, register[1][1]) == opening.identity


def test_an_opening_is_of_the_presentation_and_the_case_that_it_was_made_for() -> None:
    """Else it could be filed in the ledger under the presentation of somebody else."""
    claim = CompositeClaim(REQUEST, good(), DIRECTORY, NOW)
    opening = open_escrow(REGULATOR, claim, "who", "2026-17")
    other = replace(claim, presentation=presented(REQUEST, holdings()))
    forged = replace(claim, presentation=answer(usage_tag=bytes(48)))
    for wrong, escrow, case, reason in (
        (other, "who", "2026-17", "PROOF_INVALID"),
        (claim, "who", "2026-18", "PROOF_INVALID"),
        (forged, "who", "2026-17", "PROOF_INVALID"),
        (claim, "whom", "2026-17", "QUERY_MISMATCH"),
        (claim, "who", "", "MALFORMED"),
    ):
        with pytest.raises(DisclosureError) as raised:
            verify_escrow_opening(opening, wrong, escrow, case)
        assert raised.value.reason == reason
    for spoilt in (replace(opening, identity=b""), replace(opening, proof=b"")):
        with pytest.raises(MalformedError, match="MALFORMED"):
            verify_escrow_opening(spoilt, claim, "who", "2026-17")
    # A regulator that names another presentation is not believed, nor does its own honest tool do so.
    compiled = compile_answer(REQUEST, good().answer, DIRECTORY, NOW)
    proven = verify(compiled.statement, compiled.context, good().proof)
    gadget = compiled.layout.escrows["who"]
    elsewhere = REGULATOR.open(proven, gadget, OpeningCase("2026-17", bytes(32)))
    with pytest.raises(RefusedError, match="PROOF_INVALID"):
        verify_escrow_opening(elsewhere, claim, "who", "2026-17")
    assert verify_opening(proven, gadget, OpeningCase("2026-17", good().digest), opening) == opening.identity
    # Nobody decrypts out of what does not verify, or was escrowed to somebody else.
    with pytest.raises(RefusedError, match="PROOF_INVALID"):
        open_escrow(REGULATOR, forged, "who", "2026-17")
    with pytest.raises(RefusedError, match="REGULATOR_UNKNOWN"):
        open_escrow(EscrowKey.generate(PAIRING), claim, "who", "2026-17")


def test_a_vault_escrows_to_those_that_it_trusts_only() -> None:
    assert unmet({}, trusted=frozenset()) == ("REGULATOR_UNKNOWN", "branches[0].escrows[0].regulator")
    other = presented(REQUEST, {"permit": holdings()["permit"]}, branch="other", trusted=frozenset())
    assert outcome(REQUEST, other) == "OK"


def test_a_department_issues_on_a_presentation_of_the_same_holder() -> None:
    terms = IssuanceTerms(INSURANCE.name, HRSS.key.name, base=False)
    asked = request(Branch("permit", (query("permit", PERMIT),)), issuance=terms)
    check_composite_request(asked, DIRECTORY)
    answered = answer_with(asked, {"permit": holdings()["permit"]})
    verified = verify_composite(asked, answered.presentation, DIRECTORY, NOW)
    assert verified.commitment is not None
    assert answered.pending is not None
    sent = issue_composite(
        verified.commitment, INSURANCE, HRSS.key, HRSS.secret, VALUES[INSURANCE.name], TODAY
    )
    assert verified.commitment.presentation == verified.digest == answered.presentation.digest
    true = HRSS.accumulator.witness(sent.handle, HRSS.epochs[2].position, ())
    accept_credential(answered.pending, sent, ALICE, INSURANCE, HRSS.key, HRSS.published, true)
    with pytest.raises(RefusedError, match="SIGNATURE_INVALID"):
        accept_credential(answered.pending, sent, BOB, INSURANCE, HRSS.key, HRSS.published, true)


def test_a_commitment_of_another_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else one person with a base credential could have credentials issued to many."""
    lying(monkeypatch)
    terms = IssuanceTerms(INSURANCE.name, HRSS.key.name, base=False)
    asked = request(Branch("permit", (query("permit", PERMIT),)), issuance=terms)
    forged = answer_with(asked, {"permit": holdings()["permit"]}, BOB).presentation
    assert outcome(asked, forged) == "PROOF_INVALID"


def test_neither_form_is_read_as_the_other() -> None:
    with pytest.raises(MalformedError):
        Presentation.from_bytes(good().canonical, DIRECTORY.schemas)
    with pytest.raises(MalformedError):
        CompositePresentation.from_bytes(plain_presentation().canonical, DIRECTORY.schemas)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutated_octets_are_refused_or_another_presentation(data: st.DataObject) -> None:
    octets = bytearray(good().canonical)
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        other = CompositePresentation.from_bytes(bytes(octets), DIRECTORY.schemas)
    except DisclosureError:
        return
    assert other.canonical == bytes(octets)
    assert other != good()
    with pytest.raises(DisclosureError):
        verify_composite(REQUEST, other, DIRECTORY, NOW)


def raw() -> list[Any]:
    return canonical.decode(LABEL, good().canonical)


def spoilt(change: Callable[[list[Any]], object]) -> bytes:
    items = raw()
    change(items)
    return canonical.encode(LABEL, *items)


@pytest.mark.parametrize(
    "change",
    [
        lambda items: items.append(None),
        lambda items: items.pop(),
        lambda items: items[4].clear(),
        lambda items: items[4][0].append(None),
        lambda items: items[4][0][0].append(None),
        lambda items: items[4][0][0].__setitem__(1, "departments/x/schemas/y@1"),
        lambda items: items[4][0][0].__setitem__(3, True),
        lambda items: items[4][0][0][4].reverse(),
        lambda items: items[4][0][0][4].append(items[4][0][0][4][0]),
        lambda items: items[4][0][0][4][0].__setitem__(1, False),
        lambda items: items[4][0].__setitem__(1, [bytes(95), 1]),
        lambda items: items[4][0].__setitem__(1, [bytes(96), -1]),
        lambda items: items[4][0].__setitem__(1, [bytes(96), True]),
        lambda items: items[4][0].__setitem__(1, []),
        lambda items: items.__setitem__(2, bytes(47)),
        lambda items: items.__setitem__(5, b""),
    ],
)
def test_unknown_fields_and_second_encodings_are_refused(change: Callable[[list[Any]], object]) -> None:
    with pytest.raises(MalformedError):
        CompositePresentation.from_bytes(spoilt(change), DIRECTORY.schemas)


def test_two_presentations_of_one_holder_have_nothing_in_common() -> None:
    """Without pseudonyms: every group of the proof's octets is fresh."""
    asked = replace(REQUEST, branches=(OTHER,))
    one, other = (presented(asked, {"permit": holdings()["permit"]}).proof for _ in range(2))
    size = len(one)
    assert not {one[at : at + 16] for at in range(0, size, 16)} & {
        other[at : at + 16] for at in range(0, size, 16)
    }


def test_what_comes_out_shows_no_hidden_value() -> None:
    verified = verify_composite(REQUEST, good(), DIRECTORY, NOW)
    assert verified.digest == good().digest
    assert "pseudonyms" not in repr(verified)
    assert all(repr(each)[2:-1] not in repr(verified) for each in verified.pseudonyms.values())
    for shown in (repr(verified), repr(good()), str(compile_answer(REQUEST, good().answer, DIRECTORY, NOW))):
        assert "370102199001011234" not in shown
        assert "812300" not in shown


def test_answers_keep_their_sizes() -> None:
    for changes in (
        {"usage_tag": bytes(47)},
        {"note_hash": bytes(31)},
        {"request_digest": bytes(33)},
        {"credentials": ()},
    ):
        with pytest.raises(MalformedError, match="PRESENTATION_INVALID"):
            replace(good().answer, **changes)
    for proof in (b"", bytes(48 * 1024 + 1)):
        with pytest.raises(MalformedError, match="PRESENTATION_INVALID"):
            replace(good(), proof=proof)
    assert isinstance(good().answer, Answer)
