"""Which held credentials answer which branch, and what is said where none do."""

import datetime as dt
import time
from dataclasses import replace
from typing import Any

import pytest

from disclosure import IssuerKey, KeyState, LocalizedText, RefusedError
from disclosure.composite import (
    AcceptedIssuer,
    Branch,
    CommitmentQuery,
    CompositeRequest,
    Operand,
    Waiver,
    at_least,
    at_most,
    verify_composite,
)
from prover import (
    BranchPlan,
    CompositePlan,
    ContentError,
    HeldComposite,
    Lack,
    PresentingError,
    VaultKeys,
    composite_consent_of,
    composite_lines,
    lacking_lines,
    plan_composite,
    present_plan,
)
from prover.composite.branches import MAX_TRIES
from prover.consent import Language
from tests.disclosure.composite.couple import HIS, hers, ours
from tests.disclosure.composite.policy import MAIN, OTHER, REQUEST, op
from tests.disclosure.composite.world import (
    BOB,
    DIRECTORY,
    HOUSEHOLD,
    INSURANCE,
    NOW,
    PERMIT,
    PERMIT_2,
    POLICE,
    POLICE_2,
    TODAY,
    accepted,
    directory,
    query,
    request,
)
from tests.prover.composite_making import contents, kept
from tests.prover.making import refused

EVERYTHING = (kept(PERMIT, 1), kept(INSURANCE, 2), kept(HOUSEHOLD, 3))


def planned(*held: HeldComposite, asked: CompositeRequest = REQUEST, **more: Any) -> CompositePlan:
    known = more.pop("known", DIRECTORY)
    trusted = more.pop("trusted", None)
    found = contents(*held) if trusted is None else contents(*held, trusted=trusted)
    theirs = {name: more.pop(name) for name in ("secret", "received") if name in more}
    found = replace(found, **theirs)
    return plan_composite(asked, found, known, more.pop("now", NOW), **more)


def lacks(plan: BranchPlan) -> list[tuple[str, Lack]]:
    return [(each.place, each.lack) for each in plan.missing]


def chosen(plan: CompositePlan) -> dict[str, str]:
    return {query: each.id for query, each in plan.chosen.chosen.items()}


def number(plan: CompositePlan, query: str) -> int:
    return int(chosen(plan)[query], 16)


def test_the_first_branch_that_can_be_answered_is(
    empty_vault: tuple[object, VaultKeys],
) -> None:
    plan = planned(*EVERYTHING)
    assert (plan.branch, plan.missing) == ("main", ())
    assert [lacks(each) for each in plan.branches] == [[], []]
    prepared = present_plan(plan, empty_vault[1], NOW)
    assert verify_composite(REQUEST, prepared.presentation, DIRECTORY, NOW).answer.branch == "main"


def test_what_is_not_held_is_missing_with_its_place_and_where_to_apply() -> None:
    plan = planned(branch="main")
    assert lacks(plan.chosen) == [(f"branches[0].queries[{at}]", Lack.NONE_HELD) for at in range(3)]
    assert [[str(name) for name in each.departments] for each in plan.missing] == [
        ["departments/public-security"], ["departments/hrss"], ["departments/public-security"],
    ]  # fmt: skip
    assert plan.missing[0].apply_for == (PERMIT.name, PERMIT_2.name)
    refused(PresentingError, "NOTHING_FITS", plan.answers)


LACKING: dict[str, tuple[HeldComposite, Lack]] = {
    "expired": (kept(PERMIT, 1, expiry=TODAY - dt.timedelta(days=1)), Lack.EXPIRED),
    "revoked": (
        replace(
            EVERYTHING[0],
            standing=replace(EVERYTHING[0].standing, revoked=NOW) if EVERYTHING[0].standing else None,
        ),
        Lack.REVOKED,
    ),
    "without a witness": (kept(PERMIT, 1, epoch=None), Lack.NO_WITNESS),
}


@pytest.mark.parametrize("case", LACKING)
def test_why_a_credential_does_not_fit(case: str) -> None:
    held, lack = LACKING[case]
    plan = planned(held, *EVERYTHING[1:], branch="main")
    assert lacks(plan.chosen)[0] == ("branches[0].queries[0]", lack)


def test_what_is_behind_counts_and_is_told_to_be_caught_up() -> None:
    """Whether it is, is found out only once the person has agreed: to ask before would tell what is held."""
    held = kept(PERMIT, 1, epoch=1)
    plan = planned(held, *EVERYTHING[1:], branch="main")
    assert (plan.missing, [each.id for each in plan.behind]) == ((), [held.id])
    latest = POLICE.published.latest.number
    assert [each.epoch.number for each in plan.credential_answers() if each.epoch] == [latest] * 3
    consent = composite_consent_of(plan, LocalizedText("校", "School"))
    assert [each.behind for each in consent.credentials] == [True, False, False]
    for language, words in LATER.items():
        lines = [each.text for each in composite_lines(consent, language)]
        assert sum(words in each for each in lines) == 1
        known = {"zh": "这份凭证没有被吊销", "en": "was not revoked as of"}[language]
        assert sum(known in each for each in lines) == 2  # of the others alone it is known already
    refused(RefusedError, "EPOCH_STALE", present_plan, plan, KEYS, NOW)


LATER: dict[Language, str] = {
    "zh": "若已吊销，什么也不发送",
    "en": "this is checked with the department's list first",
}
KEYS = VaultKeys.generate()


def test_by_an_epoch_that_is_too_old_nothing_is_proven() -> None:
    made = dt.datetime.fromtimestamp(POLICE.published.latest.time, dt.UTC)
    assert planned(*EVERYTHING, fresh_since=made).missing == ()
    plan = planned(*EVERYTHING, branch="main", fresh_since=made + dt.timedelta(seconds=1))
    assert {each.lack for each in plan.missing} == {Lack.OVERDUE}
    assert any("too old for your vault" in each.text for each in lacking_lines(plan, "en"))
    assert any("吊销记录太旧" in each.text for each in lacking_lines(plan, "zh"))
    issuer = AcceptedIssuer(POLICE.key.name, Waiver.REVOCATION, accepted(POLICE).digits)
    waived = request(Branch("b", (query("permit", PERMIT, issuers=(issuer,)),)))
    assert planned(*EVERYTHING, asked=waived, fresh_since=NOW).missing == ()


def test_a_branch_that_was_not_named_is_the_persons_to_choose() -> None:
    plan = planned(*EVERYTHING)
    assert (plan.branch, plan.answerable, plan.is_open) == ("main", ("main", "other"), True)
    assert not plan.choose_branch("main").is_open
    assert plan.choose("permit", f"{1:032x}").is_open, "to choose a credential is to choose no branch"
    alone = planned(*EVERYTHING, asked=request(OTHER))
    assert not alone.is_open
    later = planned(kept(PERMIT, 1), asked=request(MAIN, OTHER))
    assert (later.branch, later.is_first, later.is_open) == ("other", False, True)


def test_of_a_key_that_is_not_accepted_or_retired_nothing_fits() -> None:
    by_other = kept(PERMIT, 1, by=POLICE_2)
    asked = request(replace(OTHER, queries=(query("permit", PERMIT),)))
    assert lacks(planned(by_other, asked=asked).chosen) == [("branches[0].queries[0]", Lack.KEY_NOT_ACCEPTED)]
    retired: IssuerKey = replace(POLICE.key, state=KeyState.RETIRED)
    keys = {**DIRECTORY.issuer_keys, retired.name: retired}
    plan = planned(kept(PERMIT, 1), asked=asked, known=directory(issuer_keys=keys))
    assert lacks(plan.chosen) == [("branches[0].queries[0]", Lack.KEY_RETIRED)]
    assert plan.chosen.fitting == {"permit": ()}


def test_a_predicate_that_does_not_hold_is_named_with_who_could_help() -> None:
    plan = planned(kept(PERMIT, 1, months=11), *EVERYTHING[1:], branch="main")
    assert lacks(plan.chosen) == [
        ("branches[0].predicates[0]", Lack.UNMET),
        ("branches[0].predicates[6]", Lack.UNMET),
    ]
    assert plan.missing[0].predicate == MAIN.predicates[0]
    assert {str(each) for each in plan.missing[1].departments} == {
        "departments/public-security",
        "departments/hrss",
    }


def test_an_older_credential_that_satisfies_is_found_behind_a_newer_that_does_not() -> None:
    newer = kept(PERMIT, 9, months=5)
    plan = planned(newer, *EVERYTHING)
    assert plan.missing == ()
    assert number(plan, "permit") == 1


def test_what_satisfies_only_together_is_found() -> None:
    """Each alone would do; the equality holds of one pair only, and it is the oldest of both."""
    permits = [kept(PERMIT, at, number=f"P{at}") for at in (1, 4, 5)]
    insurances = [kept(INSURANCE, at, number=f"P{at}") for at in (6, 7, 1)]
    insurances = [replace(each, id=f"{at + 32:032x}") for at, each in enumerate(insurances)]
    plan = planned(*permits, *insurances, EVERYTHING[2], branch="main")
    assert plan.missing == ()
    values = {name: plan.chosen.chosen[name].credential.values["number"] for name in ("permit", "insurance")}
    assert values == {"permit": "P1", "insurance": "P1"}


def test_one_credential_does_not_answer_two_queries() -> None:
    twice = request(replace(OTHER, queries=(query("permit", PERMIT), query("other", PERMIT)), predicates=()))
    plan = planned(kept(PERMIT, 1), asked=twice)
    assert lacks(plan.chosen) == [("branches[0].queries[1]", Lack.USED_TWICE)]
    both = planned(kept(PERMIT, 1), kept(PERMIT, 2, months=30), asked=twice)
    assert both.missing == ()
    assert len(set(chosen(both).values())) == 2


def test_a_regulator_that_is_not_trusted_stops_its_branch_only() -> None:
    plan = planned(*EVERYTHING, trusted=())
    assert lacks(plan.branches[0]) == [("branches[0].escrows[0].regulator", Lack.REGULATOR_NOT_TRUSTED)]
    other = kept(PERMIT, 4, months=80)
    assert planned(*EVERYTHING, other, trusted=()).branch == "other"


def test_a_commitment_takes_an_attribute_that_is_there() -> None:
    def asked(attribute: str) -> CompositeRequest:
        query = CommitmentQuery("number", Operand("permit", attribute))
        return request(replace(OTHER, commitments=(query,), predicates=()))

    assert planned(*EVERYTHING, asked=asked("months")).missing == ()
    plan = planned(*EVERYTHING, asked=asked("gap"))
    assert lacks(plan.chosen) == [("branches[0].commitments[0]", Lack.ABSENT)]


def test_a_number_of_another_holder_is_missing_until_it_was_handed_over() -> None:
    held = (kept(INSURANCE, 1, base=HIS, secret=BOB), kept(HOUSEHOLD, 2, secret=BOB))
    openings = hers().opening_for(ours())
    plan = planned(*held, asked=ours(), secret=BOB)
    assert lacks(plan.chosen) == [("branches[0].foreign[0]", Lack.OTHER_HOLDER)]
    for branch, request_digest, missing in (
        ("ours", ours().digest, ()), ("ours", bytes(32), (Lack.OTHER_HOLDER,)),
        ("other", ours().digest, (Lack.OTHER_HOLDER,)),
    ):  # fmt: skip
        plan = planned(*held, asked=ours(), secret=BOB, received={(request_digest, branch): openings})
        assert tuple(each.lack for each in plan.missing) == missing


def test_a_sum_with_a_number_that_was_handed_over_is_known_to_fail() -> None:
    held = (kept(INSURANCE, 1, base=HIS - 1, secret=BOB), kept(HOUSEHOLD, 2, secret=BOB))
    received = {(ours().digest, "ours"): hers().opening_for(ours())}
    plan = planned(*held, asked=ours(), secret=BOB, received=received)
    assert lacks(plan.chosen) == [("branches[0].predicates[0]", Lack.UNMET)]
    assert any("a number of another holder's (spouse)" in each.text for each in lacking_lines(plan, "en"))
    assert any("另一个人的一项数额（spouse）" in each.text for each in lacking_lines(plan, "zh"))


def test_where_revocation_is_waived_no_witness_is_asked_for() -> None:
    issuer = AcceptedIssuer(POLICE.key.name, Waiver.REVOCATION, accepted(POLICE).digits)
    asked = request(Branch("b", (query("permit", PERMIT, issuers=(issuer,)),)))
    plan = planned(kept(PERMIT, 1, epoch=None), asked=asked)
    assert plan.missing == ()
    assert [each.epoch for each in plan.credential_answers()] == [None]


def test_a_request_that_has_ended_is_not_planned() -> None:
    refused(RefusedError, "REQUEST_EXPIRED", planned, *EVERYTHING, now=NOW + dt.timedelta(hours=1))


def test_another_schema_under_a_held_name_stops_everything() -> None:
    schemas = {**DIRECTORY.schemas, PERMIT.name: replace(PERMIT, validity_days=91)}
    refused(ContentError, "SCHEMA_CHANGED", planned, *EVERYTHING, known=directory(schemas=schemas))


def test_a_choice_is_kept_and_the_rest_is_found_anew() -> None:
    held = [*EVERYTHING, kept(PERMIT, 8, months=83)]
    plan = planned(*held, branch="main")
    assert number(plan, "permit") == 8
    other = plan.choose("permit", f"{1:032x}")
    assert (number(other, "permit"), other.missing) == (1, ())
    refused(PresentingError, "CHOICE_INVALID", plan.choose, "permit", f"{2:032x}")
    refused(PresentingError, "CHOICE_INVALID", plan.choose_branch, "none")


def test_a_holder_of_very_many_is_not_kept_waiting() -> None:
    """A request for which nothing fits, of queries that everything fits, would be tried for ever."""
    held = [kept(PERMIT, at, months=at) for at in range(1, 9)]
    queries = tuple(query(f"q{at}", PERMIT) for at in range(8))
    impossible = (at_least(op("q7.months"), 500),)
    begun = time.monotonic()
    plan = planned(*held, asked=request(Branch("b", queries, impossible)))
    assert plan.missing
    assert time.monotonic() - begun < MAX_TRIES * 0.01


def test_credentials_of_two_holders_do_not_come_together(
    empty_vault: tuple[object, VaultKeys],
) -> None:
    """A vault has one secret, so this is a vault that was tampered with: nothing is sent."""
    plan = planned(kept(PERMIT, 1), kept(INSURANCE, 2, secret=BOB), EVERYTHING[2])
    with pytest.raises((RefusedError, PresentingError)):
        present_plan(plan, empty_vault[1], NOW)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_missing_is_said_with_where_to_apply(language: Any) -> None:
    names = {"departments/hrss": LocalizedText("人社局", "Human Resources")}
    asked = request(MAIN, replace(OTHER, predicates=(at_most(op("permit.months"), 3),)))
    plan = planned(kept(PERMIT, 1, months=11), EVERYTHING[2], asked=asked, trusted=())
    lines = [each.text for each in lacking_lines(plan, language, names)]
    whole = "\n".join(lines)
    assert "main" in lines[0]
    assert names["departments/hrss"].zh in whole or names["departments/hrss"].en in whole
    assert "departments/public-security" in whole
    for each in plan.branches:
        assert each.missing
    no_digest = planned(*EVERYTHING, trusted=(), branch="main")
    (said,) = [
        each.text
        for each in lacking_lines(no_digest, language)
        if MAIN.escrows[0].regulator.hex() in each.text
    ]
    assert said
