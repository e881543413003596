"""Sums across two holders: exact to one, and of numbers that departments signed for two people."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from bbs import SHAKE_256
from bbs.gadgets import Commitment
from disclosure import DisclosureError, RefusedError, VerifierName
from disclosure.composite import (
    Branch,
    CommitmentOpening,
    CommitmentQuery,
    CommittedNumber,
    Compared,
    CompositeClaim,
    CompositeRequest,
    EscrowQuery,
    Foreign,
    HolderSecret,
    HolderWaiver,
    Operand,
    PseudonymQuery,
    Sum,
    Term,
    VerifierScope,
    check_composite_request,
    check_joint_request,
    check_own_proof,
    combine_opening,
    open_part,
    verify_composite,
)
from disclosure.names import DepartmentName
from tests.disclosure.composite.couple import (
    HERS,
    HIS,
    INCOMES,
    MINE,
    PSEUDONYMS,
    TOGETHER,
    Committed,
    answered,
    committed,
    hers,
    his,
    holdings,
    op,
    ours,
    outcome,
    renamed,
    second,
    spouse,
)
from tests.disclosure.composite.lies import lying
from tests.disclosure.composite.officers import parts_of
from tests.disclosure.composite.world import (
    ALICE,
    BANK,
    BOB,
    DIRECTORY,
    NOW,
    OFFICERS,
    PERMIT,
    REGULATOR_KEY,
    held,
    query,
    request,
)


def test_two_holders_prove_the_sum_of_what_each_has() -> None:
    check_joint_request(ours(), DIRECTORY, [hers().verified])
    assert outcome(ours(), his()) == "OK"
    asked = second(hers().number, TOGETHER + 1)
    with pytest.raises(RefusedError, match="UNSATISFIED") as raised:
        answered(asked, holdings(BOB, HIS), BOB, hers().opening_for(asked))
    assert raised.value.field == "branches[0].predicates[0]"


def test_a_vault_checks_its_own_proof_without_the_other_s_presentation() -> None:
    check_own_proof(ours(), his(), DIRECTORY, NOW)
    for proof, reason in (
        (his().proof[:-1] + bytes([his().proof[-1] ^ 1]), "PROOF_INVALID"),
        (his().proof[:-1], "PRESENTATION_INVALID"),
    ):
        with pytest.raises(DisclosureError, match=reason):
            check_own_proof(ours(), replace(his(), proof=proof), DIRECTORY, NOW)


def test_what_the_verifier_knows_of_a_number_comes_from_its_own_request() -> None:
    number = hers().number
    kept = hers().presented.kept["income"]
    assert kept.number == number
    assert (number.request, number.presentation) == (request(MINE).digest, hers().verified.digest)
    assert (number.unit, number.scale, number.minimum, number.maximum) == ("CNY", 2, -500, 10_000_000)
    assert number.departments == (DepartmentName("hrss"),)
    assert CommittedNumber.from_items(number.items()) == number
    # Nothing of it is the first holder's, and no two presentations have anything in common.
    again = committed()
    assert again.number.K != number.K
    assert again.presented.presentation.proof != hers().presented.presentation.proof


# --- off by one, either way, whatever the factors


BASES = (-500, 0, 1, 254, 255, 256, 640_000, 10_000_000)


@st.composite
def sums(draw: st.DrawFn, hers: int, his: int) -> Sum:
    factors = [draw(st.sampled_from((1, 2, -1, -3))) for _ in range(2)]
    upper = draw(st.booleans())
    caps = [draw(st.sampled_from((None, 0, 255, 600_000))) for _ in range(2)]
    caps = [None if upper or factor < 0 else cap for cap, factor in zip(caps, factors, strict=True)]
    counted = [
        number if cap is None else min(number, cap) for number, cap in zip((his, hers), caps, strict=True)
    ]
    ends = [
        sorted((factor * -500, factor * (10_000_000 if cap is None else cap)))
        for factor, cap in zip(factors, caps, strict=True)
    ]
    total = sum(factor * each for factor, each in zip(factors, counted, strict=True))
    bound = total + draw(st.sampled_from((-1, 0, 1)))
    bound = max(sum(end[0] for end in ends), min(sum(end[1] for end in ends), bound))
    terms = (
        Term(op("insurance.base"), factors[0], caps[0]),
        Term(Foreign("spouse"), factors[1], caps[1]),
    )
    return Sum(terms, maximum=bound) if upper else Sum(terms, minimum=bound)


def holds(predicate: Sum, hers: int, his: int) -> bool:
    """Say what a sum means, for everybody to read; nothing here is the library's."""
    total = 0
    for term, number in zip(predicate.terms, (his, hers), strict=True):
        total += term.factor * (number if term.cap is None else min(number, term.cap))
    return (predicate.minimum is None or total >= predicate.minimum) and (
        predicate.maximum is None or total <= predicate.maximum
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(BASES), st.sampled_from(BASES), st.data())
def test_what_the_sum_satisfies_verifies_and_one_off_does_not(
    her_base: int, his_base: int, data: st.DataObject
) -> None:
    predicate = data.draw(sums(her_base, his_base))
    first = committed(base=her_base)
    asked = second(first.number, predicates=(predicate,))
    check_joint_request(asked, DIRECTORY, [first.verified])
    openings, mine = first.opening_for(asked), holdings(BOB, his_base)
    true = holds(predicate, her_base, his_base)
    event("satisfied" if true else "not satisfied")
    if true:
        assert outcome(asked, answered(asked, mine, BOB, openings).presentation, (first.verified,)) == "OK"
        return
    with pytest.raises(RefusedError, match="UNSATISFIED"):
        answered(asked, mine, BOB, openings)
    with pytest.MonkeyPatch.context() as patch:
        lying(patch)
        lie = answered(asked, mine, BOB, openings).presentation
    assert outcome(asked, lie, (first.verified,)) == "PROOF_INVALID"


# --- false openings


class Liar:
    """An opening as the liar would have it, which is checked nowhere."""

    def __init__(self, m: int, u: int) -> None:
        self.suite, self.K, self.m, self.u = hers().number.suite, hers().number.K, m, u
        self.number = m - (1 << 63)


def test_an_opening_that_does_not_open_it_cannot_be_made_and_is_not_proven(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    true, other = (each.presented.kept["income"].opening for each in (hers(), committed(base=HERS + 1)))
    suite, K = true.suite, true.K
    wrong = [
        (true.m + 1, true.u), (true.m, true.u + 1), (true.m + 1, true.u - 1), (other.m, other.u),
        (other.m, true.u), (true.m, other.u),
    ]  # fmt: skip
    for m, u in wrong:
        with pytest.raises(RefusedError, match="COMMITMENT_INVALID"):
            CommitmentOpening(suite, K, m, u)
    asked = second(hers().number)
    with pytest.raises(RefusedError, match="COMMITMENT_INVALID") as raised:
        answered(asked, holdings(BOB, HIS), BOB, {"spouse": other})
    assert raised.value.field == "branches[0].foreign[0]"
    with pytest.raises(RefusedError, match="UNSATISFIED") as raised:
        answered(asked, holdings(BOB, HIS), BOB, {})
    assert raised.value.field == "branches[0].foreign[0]"
    for m, u in wrong:
        with pytest.raises(RefusedError, match="UNSATISFIED"):
            answered(asked, holdings(BOB, HIS + 2), BOB, {"spouse": Liar(m, u)})  # type: ignore[dict-item]
    lying(monkeypatch)
    assert outcome(asked, answered(asked, holdings(BOB, HIS), BOB, {"spouse": true}).presentation) == "OK"
    for m, u in wrong:
        lie = answered(asked, holdings(BOB, HIS - 1), BOB, {"spouse": Liar(m, u)})  # type: ignore[dict-item]
        assert outcome(asked, lie.presentation) == "PROOF_INVALID"


def test_a_first_holder_commits_to_what_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Commitment.assign
    lying(monkeypatch)
    assert outcome(request(MINE), answered(request(MINE), holdings(ALICE), ALICE, {}).presentation) == "OK"
    monkeypatch.setattr(Commitment, "assign", lambda self, values, m: honest(self, values, m + 1))
    monkeypatch.setattr("disclosure.composite.present._kept", lambda *_: {})
    lie = answered(request(MINE), holdings(ALICE), ALICE, {}).presentation
    assert outcome(request(MINE), lie) == "PROOF_INVALID"


def test_an_absent_number_is_not_committed_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its scalar is a hash, and any sum with it would be any number."""
    gap = Branch("b", (query("permit", PERMIT),), commitments=(CommitmentQuery("gap", op("permit.gap")),))
    asked = request(gap)
    check_composite_request(asked, DIRECTORY)
    for present, expected in ((True, "OK"), (False, "PROOF_INVALID")):
        permit = {"permit": held(PERMIT, ALICE, gap=3 if present else None)}
        if not present:
            with pytest.raises(RefusedError, match="UNSATISFIED") as raised:
                answered(asked, permit, ALICE, {})
            assert raised.value.field == "branches[0].commitments[0]"
            lying(monkeypatch)
            monkeypatch.setattr("disclosure.composite.present._kept", lambda *_: {})
        assert outcome(asked, answered(asked, permit, ALICE, {}).presentation) == expected


# --- another's commitment, another session


def test_a_commitment_that_nobody_verified_is_refused() -> None:
    assert outcome(ours(), his(), ()) == "COMMITMENT_INVALID"
    assert outcome(ours(), his(), (committed().verified,)) == "COMMITMENT_INVALID"
    with pytest.raises(RefusedError, match="COMMITMENT_INVALID"):
        check_joint_request(ours(), DIRECTORY, [committed().verified])
    assert outcome(ours(), his(), (committed().verified, hers().verified)) == "OK"


NUMBER_LIES: dict[str, Callable[[CommittedNumber], dict[str, Any]]] = {
    "another request": lambda _: {"request": bytes(32)},
    "another presentation": lambda _: {"presentation": bytes(32)},
    "another commitment": lambda _: {"id": "other"},
    "another's K": lambda _: {"K": committed(BOB, HIS).number.K},
    "a wider bound": lambda number: {"maximum": number.maximum + 1},
    "a narrower bound": lambda number: {"minimum": number.minimum + 1},
    "another department": lambda _: {"departments": (DepartmentName("public-security"),)},
}


@pytest.mark.parametrize("change", NUMBER_LIES.values(), ids=NUMBER_LIES.keys())
def test_a_number_counts_only_as_its_presentation_gave_it(
    change: Callable[[CommittedNumber], dict[str, Any]],
) -> None:
    """Whoever made the request, and however well it is answered; the first vault helps with none of it."""
    number = replace(hers().number, **change(hers().number))
    asked = second(number)
    with pytest.raises(RefusedError, match="COMMITMENT_INVALID"):
        check_joint_request(asked, DIRECTORY, [hers().verified])
    with pytest.raises(RefusedError, match="COMMITMENT_INVALID"):
        hers().opening_for(asked)
    if number.K == hers().number.K:
        opening = {"spouse": hers().presented.kept["income"].opening}
        assert outcome(asked, answered(asked, holdings(BOB, HIS), BOB, opening).presentation) == (
            "COMMITMENT_INVALID"
        )
    assert outcome(asked, renamed(asked, his())) == "COMMITMENT_INVALID"


@pytest.mark.parametrize("changes", [{"unit": "EUR"}, {"scale": 0}, {"suite": str(SHAKE_256)}])
def test_a_number_of_another_unit_scale_or_suite_is_not_added(changes: dict[str, Any]) -> None:
    with pytest.raises(DisclosureError, match="PREDICATE_INVALID"):
        check_composite_request(second(replace(hers().number, **changes)), DIRECTORY)


def test_a_number_is_counted_by_the_verifier_that_it_was_committed_to() -> None:
    asked = second(hers().number, verifier=BANK)
    for attempt in (
        lambda: check_composite_request(asked, DIRECTORY),
        lambda: answered(asked, holdings(BOB, HIS), BOB, hers_opening()),
        lambda: verify_composite(asked, renamed(asked, his()), DIRECTORY, NOW, (hers().verified,)),
    ):
        with pytest.raises(DisclosureError, match="PREDICATE_INVALID") as raised:
            attempt()
        assert raised.value.field == "branches[0].foreign[0].number.verifier"
    # Nor does it help to say that it was committed to for this one.
    asked = second(replace(hers().number, verifier=BANK), verifier=BANK)
    assert isinstance(asked.verifier, VerifierName)
    assert outcome(asked, renamed(asked, his())) == "COMMITMENT_INVALID"


def hers_opening() -> dict[str, CommitmentOpening]:
    return {"spouse": hers().presented.kept["income"].opening}


def test_an_answer_is_for_one_request_and_one_first_presentation() -> None:
    """Replays, and two sessions mixed: each part of one with the rest of the other."""
    other = committed()
    asked = second(other.number)
    theirs = answered(asked, holdings(BOB, HIS), BOB, other.opening_for(asked)).presentation
    both = (hers().verified, other.verified)
    assert outcome(asked, theirs, both) == "OK"
    again = second(hers().number, nonce=bytes([1] * 32))
    for wrong, presentation in ((asked, his()), (ours(), theirs), (again, his())):
        assert outcome(wrong, presentation, both) == "REQUEST_MISMATCH"
        assert outcome(wrong, renamed(wrong, presentation), both) == "PROOF_INVALID"
    assert outcome(ours(), replace(his(), proof=theirs.proof), both) == "PROOF_INVALID"
    less = second(hers().number, TOGETHER - 1)
    assert outcome(less, renamed(less, his()), both) == "PROOF_INVALID"


# --- who the two are


def test_one_person_does_not_answer_for_two() -> None:
    answer = answered(ours(), holdings(ALICE, HIS), ALICE, hers().opening_for(ours())).presentation
    assert outcome(ours(), answer) == "UNSATISFIED"
    with pytest.raises(RefusedError) as raised:
        verify_composite(ours(), answer, DIRECTORY, NOW, (hers().verified,))
    assert raised.value.field == "branches[0].foreign[0].holder"
    # What is given up is given up in so many words.
    waived = second(hers().number, foreign=(spouse(hers().number, holder=HolderWaiver.OTHER_HOLDER),))
    answer = answered(waived, holdings(ALICE, HIS), ALICE, hers().opening_for(waived)).presentation
    assert outcome(waived, answer) == "OK"


def test_one_person_is_not_counted_for_two() -> None:
    """She shows one credential twice, and he counts it twice."""
    again = committed()
    terms = (*INCOMES, Term(Foreign("child")))

    def both(*firsts: Committed) -> CompositeRequest:
        numbers = (spouse(firsts[0].number), spouse(firsts[1].number, id="child"))
        return second(firsts[0].number, predicates=(Sum(terms, minimum=2),), foreign=numbers)

    def answer(*firsts: Committed) -> str:
        asked = both(*firsts)
        openings = {
            name: each.presented.kept["income"].opening
            for name, each in zip(("spouse", "child"), firsts, strict=True)
        }
        presentation = answered(asked, holdings(BOB, HIS), BOB, openings).presentation
        return outcome(asked, presentation, tuple(each.verified for each in firsts))

    assert answer(hers(), again) == "COMMITMENT_INVALID"
    assert answer(hers(), committed(HolderSecret(99), 5)) == "OK"


def test_the_two_are_of_one_household() -> None:
    answer = answered(
        ours(), holdings(BOB, HIS, bytes([7] * 32)), BOB, hers().opening_for(ours())
    ).presentation
    assert outcome(ours(), answer) == "UNSATISFIED"
    with pytest.raises(RefusedError) as raised:
        verify_composite(ours(), answer, DIRECTORY, NOW, (hers().verified,))
    assert raised.value.field == "branches[0].foreign[0].subjects[0]"


def test_pseudonyms_of_two_scopes_or_kinds_are_not_compared() -> None:
    """They would always differ, and so tell holders apart that are one."""
    other = (PseudonymQuery("me", VerifierScope("support-2027")), PSEUDONYMS[1])
    crossed = spouse(hers().number, holder=Compared("me", "home"))
    unknown = spouse(hers().number, holder=Compared("me", "you"))
    for asked in (
        second(hers().number, pseudonyms=other),
        second(hers().number, foreign=(crossed,)),
        second(hers().number, foreign=(unknown,)),
    ):
        check_composite_request(asked, DIRECTORY)
        with pytest.raises(DisclosureError, match="PREDICATE_INVALID") as raised:
            check_joint_request(asked, DIRECTORY, [hers().verified])
        assert raised.value.field == "branches[0].foreign[0].holder"
        answer = answered(asked, holdings(ALICE, HIS), ALICE, hers_opening()).presentation
        assert outcome(asked, answer) == "PREDICATE_INVALID"


def test_a_regulator_opens_no_presentation_that_the_verifier_refuses() -> None:
    escrows = (EscrowQuery("who", Operand("insurance", "number"), REGULATOR_KEY.digest),)
    asked = second(hers().number, escrows=escrows)
    for secret, holds_true in ((BOB, True), (ALICE, False)):
        answer = answered(asked, holdings(secret, HIS), secret, hers().opening_for(asked)).presentation
        claim = CompositeClaim(asked, answer, DIRECTORY, NOW, (hers().verified,))
        if holds_true:
            combine_opening(parts_of(OFFICERS, claim, "who", "case 1"), claim, "who", "case 1")
            continue
        with pytest.raises(RefusedError, match="UNSATISFIED"):
            open_part(OFFICERS[0], claim, "who", "case 1")
    with pytest.raises(RefusedError, match="COMMITMENT_INVALID"):
        open_part(OFFICERS[0], replace(claim, others=()), "who", "case 1")
