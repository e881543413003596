"""The vault's planner in the pages chooses what Python's chooses, and misses what that misses."""

import datetime as dt
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from disclosure import DisclosureError, KeyState
from disclosure.composite import (
    AcceptedIssuer,
    Branch,
    CommitmentQuery,
    CompositeDirectory,
    CompositeRequest,
    Holding,
    OldestEpoch,
    Operand,
    Waiver,
    at_least,
    at_most,
)
from prover import CompositePlan, HeldComposite, VaultError, plan_composite
from scripts import web_vectors_city as written
from tests.disclosure.composite.couple import ours
from tests.disclosure.composite.policy import MAIN, OTHER, REQUEST, op
from tests.disclosure.composite.world import (
    ALICE,
    DIRECTORY,
    HOUSEHOLD,
    INSURANCE,
    NOW,
    PERMIT,
    POLICE,
    POLICE_2,
    REGULATOR_KEY,
    TODAY,
    accepted,
    directory,
    query,
    request,
)
from tests.prover.composite_making import REGULATOR, contents, kept
from tests.web.showing import needs_pages, run_showing

pytestmark = needs_pages

RETIRED: Final = replace(POLICE.key, state=KeyState.RETIRED)
OTHER_PERMIT: Final = replace(PERMIT, validity_days=91)
CITIES: Final = {
    "home": DIRECTORY,
    "retired": directory(issuer_keys={**DIRECTORY.issuer_keys, RETIRED.name: RETIRED}),
    "other schema": directory(schemas={**DIRECTORY.schemas, PERMIT.name: OTHER_PERMIT}),
}
EVERYTHING: Final = (kept(PERMIT, 1), kept(INSURANCE, 2), kept(HOUSEHOLD, 3))
WAIVED: Final = AcceptedIssuer(POLICE.key.name, Waiver.REVOCATION, accepted(POLICE).digits)
LATEST: Final = dt.datetime.fromtimestamp(POLICE.published.latest.time, dt.UTC)
OLD: Final = OldestEpoch(POLICE.accumulator.key.octets, 1, max_age=1)


@dataclass(frozen=True)
class Case:
    held: Sequence[HeldComposite]
    asked: CompositeRequest = REQUEST
    city: str = "home"
    now: dt.datetime = NOW
    branch: str | None = None
    pinned: dict[str, str] = field(default_factory=dict)
    fresh_since: dt.datetime | None = None
    trusted: bool = True
    choices: tuple[tuple[str, str | None], ...] = ()


def revoked(held: HeldComposite) -> HeldComposite:
    assert held.standing is not None
    return replace(held, standing=replace(held.standing, revoked=NOW))


def only(*queries: Any, predicates: Any = (), **more: Any) -> CompositeRequest:
    return request(Branch("b", queries, predicates, **more))


def name(at: int) -> str:
    return f"{at:032x}"


PAIRS: Final = (
    *(kept(PERMIT, at, number=f"P{at}") for at in (1, 4, 5)),
    *(
        replace(kept(INSURANCE, at, number=f"P{at}"), id=name(32 + place))
        for place, at in enumerate((6, 7, 1))
    ),
    EVERYTHING[2],
)
MANY: Final = tuple(kept(PERMIT, at, months=at) for at in range(1, 9))
CASES: Final = {
    "everything": Case(EVERYTHING),
    "nothing": Case(()),
    "nothing of main": Case((), branch="main"),
    "the first branch is passed over": Case((kept(PERMIT, 1),)),
    "expired": Case((kept(PERMIT, 1, expiry=TODAY - dt.timedelta(days=1)), *EVERYTHING[1:]), branch="main"),
    "revoked": Case((revoked(EVERYTHING[0]), *EVERYTHING[1:]), branch="main"),
    "without a witness": Case((kept(PERMIT, 1, epoch=None), *EVERYTHING[1:]), branch="main"),
    "behind": Case((kept(PERMIT, 1, epoch=1), *EVERYTHING[1:]), branch="main"),
    "fresh enough": Case(EVERYTHING, branch="main", fresh_since=LATEST),
    "overdue": Case(EVERYTHING, branch="main", fresh_since=LATEST + dt.timedelta(seconds=1)),
    "too old for the request": Case(
        EVERYTHING, only(query("permit", PERMIT, issuers=(replace(accepted(POLICE), revocation=OLD),)))
    ),
    "waived": Case((kept(PERMIT, 1, epoch=None),), only(query("permit", PERMIT, issuers=(WAIVED,)))),
    "waived and overdue": Case(EVERYTHING, only(query("permit", PERMIT, issuers=(WAIVED,))), fresh_since=NOW),
    "another key": Case((kept(PERMIT, 1, by=POLICE_2),), only(query("permit", PERMIT))),
    "a retired key": Case((kept(PERMIT, 1),), only(query("permit", PERMIT)), city="retired"),
    "a retired key and a good one": Case(
        (kept(PERMIT, 1), kept(PERMIT, 2, by=POLICE_2)),
        only(query("permit", PERMIT, issuers=(accepted(POLICE), accepted(POLICE_2)))), city="retired",
    ),
    "another schema": Case(EVERYTHING, city="other schema"),
    "unmet": Case((kept(PERMIT, 1, months=11), *EVERYTHING[1:]), branch="main"),
    "an older one does": Case((*EVERYTHING, kept(PERMIT, 9, months=5))),
    "only together": Case(PAIRS, branch="main"),
    "one for two": Case((kept(PERMIT, 1),), only(query("permit", PERMIT), query("other", PERMIT))),
    "two for two": Case(
        (kept(PERMIT, 1), kept(PERMIT, 2, months=30)), only(query("permit", PERMIT), query("other", PERMIT))
    ),
    "regulator": Case(EVERYTHING, trusted=False),
    "regulator of main": Case(EVERYTHING, trusted=False, branch="main"),
    "absent for a commitment": Case(
        EVERYTHING,
        only(query("permit", PERMIT), commitments=(CommitmentQuery("n", Operand("permit", "gap")),)),
    ),
    "another holder's number": Case((kept(INSURANCE, 1), EVERYTHING[2]), ours()),
    "ended": Case(EVERYTHING, now=NOW + dt.timedelta(hours=1)),
    "not yet": Case(EVERYTHING, now=NOW - dt.timedelta(hours=1)),
    "no such branch": Case(EVERYTHING, branch="none"),
    "very many": Case(
        MANY,
        only(*(query(f"q{at}", PERMIT) for at in range(8)), predicates=(at_least(op("q7.months"), 500),)),
    ),
    "pinned": Case((*EVERYTHING, kept(PERMIT, 8, months=83)), branch="main", pinned={"permit": name(1)}),
    "pinned and gone": Case(EVERYTHING, branch="main", pinned={"permit": name(77)}),
    "chosen": Case((*EVERYTHING, kept(PERMIT, 8, months=83)), choices=(("permit", name(1)),)),
    "chosen for a branch": Case(
        (*EVERYTHING, kept(PERMIT, 8, months=83)), choices=(("other", None), ("permit", name(1)))
    ),
    "chosen wrongly": Case(EVERYTHING, choices=(("permit", name(2)),)),
    "chosen for nothing": Case(EVERYTHING, choices=(("nobody", name(1)),)),
    "no branch chosen": Case(EVERYTHING, choices=(("none", None),)),
}  # fmt: skip


def chance(seed: int) -> Case:
    """Return a vault and a request of chance."""
    drawn = random.Random(seed)
    held = []
    for at in range(drawn.randrange(9)):
        schema = drawn.choice((PERMIT, PERMIT, INSURANCE, HOUSEHOLD))
        more: dict[str, Any] = {"epoch": drawn.choice((None, 1, 2, 2, 2))}
        if schema is PERMIT:
            more["months"] = drawn.choice((3, 11, 12, 60, 83, 120))
            more["by"] = drawn.choice((POLICE, POLICE, POLICE_2))
        if schema in (PERMIT, INSURANCE):
            more["number"] = drawn.choice(("P1", "P2"))
        if drawn.random() < 0.2:
            more["expiry"] = TODAY - dt.timedelta(days=1)
        one = kept(schema, at, **more)
        held.append(revoked(one) if one.standing and drawn.random() < 0.15 else one)
    branches = tuple(
        replace(
            each,
            predicates=tuple(one for one in each.predicates if drawn.random() < 0.8),
            escrows=each.escrows if drawn.random() < 0.5 else (),
        )
        for each in (MAIN, OTHER, replace(OTHER, id="third", predicates=(at_most(op("permit.months"), 3),)))
    )
    return Case(
        held, request(*drawn.sample(branches, drawn.randrange(1, 4))),
        city=drawn.choice(("home", "home", "retired")), trusted=drawn.random() < 0.7,
        fresh_since=drawn.choice((None, LATEST, LATEST + dt.timedelta(seconds=1))),
    )  # fmt: skip


def told(plan: CompositePlan) -> dict[str, Any]:
    branches = [
        {
            "branch": each.branch.id,
            "chosen": {query: one.id for query, one in each.chosen.items()},
            "fitting": {query: [one.id for one in all_] for query, all_ in each.fitting.items()},
            "missing": [
                [
                    one.place, one.lack.value, [str(schema) for schema in one.apply_for],
                    one.predicate is not None, None if one.regulator is None else one.regulator.hex(),
                ]
                for one in each.missing
            ],
        }
        for each in plan.branches
    ]  # fmt: skip
    whole = {
        "branches": branches, "branch": plan.branch, "answerable": list(plan.answerable),
        "isFirst": plan.is_first, "isOpen": plan.is_open,
    }  # fmt: skip
    if plan.missing:
        return whole
    answers = [
        [
            each.shown.query, str(each.shown.schema), sorted(each.shown.values),
            None if each.epoch is None else str(each.epoch.number),
        ]
        for each in plan.credential_answers()
    ]  # fmt: skip
    return {**whole, "behind": [each.id for each in plan.behind], "answers": answers}


def expected(case: Case) -> dict[str, Any]:
    known: CompositeDirectory = CITIES[case.city]
    found = contents(*case.held, trusted=(REGULATOR,) if case.trusted else ())
    try:
        plan = plan_composite(
            case.asked, found, known, case.now, case.branch, case.pinned, case.fresh_since
        )  # fmt: skip
        for query_, credential in case.choices:
            plan = plan.choose_branch(query_) if credential is None else plan.choose(query_, credential)
        return told(plan)
    except (DisclosureError, VaultError) as error:
        return {"refused": str(error.reason)}


async def asked(built: Path, cases: Sequence[Case]) -> list[dict[str, Any]]:
    credentials: dict[str, Any] = {}
    wanted = []
    for case in cases:
        held = []
        for each in case.held:
            stored = written.written(
                Holding(each.credential, None, each.standing and each.standing.witness),  # type: ignore[arg-type]
                each.schema,
            )
            label = stored["octets"] + str(stored["witness"])
            credentials[label] = {**stored, "holder": "alice"}
            held.append(
                {
                    "id": each.id, "credential": label,
                    "received": int(each.received.timestamp() * 1000),
                    "revoked": each.standing is not None and each.standing.revoked is not None,
                }
            )  # fmt: skip
        wanted.append(
            {
                "city": case.city, "held": held, "request": case.asked.canonical.hex(),
                "now": case.now.timestamp(), "branch": case.branch, "pinned": case.pinned,
                "freshSince": None if case.fresh_since is None else case.fresh_since.timestamp(),
                "trusted": [REGULATOR_KEY.digest.hex()] if case.trusted else [], "choices": case.choices,
            }
        )  # fmt: skip
    cities = {
        label: {
            "published": written.published(each), "holders": {"alice": ALICE.to_octets_secret().hex()},
            "credentials": credentials,
        }
        for label, each in CITIES.items()
    }  # fmt: skip
    out = await run_showing(built, "plan.mjs", {"cities": cities, "cases": wanted})
    return [json.loads(line) for line in out.splitlines()]


async def test_every_case_is_planned_as_python_plans_it(built: Path) -> None:
    said = dict(zip(CASES, await asked(built, list(CASES.values())), strict=True))
    mine = {label: expected(case) for label, case in CASES.items()}
    for label, one in mine.items():
        assert said[label] == one, label
    lacks = {
        one[1] for each in mine.values() for branch in each.get("branches", ()) for one in branch["missing"]
    }
    assert lacks == {
        "none-held", "expired", "key-retired", "key-not-accepted", "revoked", "overdue", "no-witness",
        "used-twice", "unmet", "absent", "regulator-not-trusted", "other-holder",
    }  # fmt: skip
    assert mine["behind"]["behind"] == [name(1)]
    assert mine["only together"]["branches"][0]["missing"] == []
    refused = {label: each["refused"] for label, each in mine.items() if "refused" in each}
    assert refused == {
        "another schema": "SCHEMA_CHANGED", "ended": "REQUEST_EXPIRED", "not yet": "REQUEST_NOT_YET_VALID",
        "no such branch": "CHOICE_INVALID", "chosen wrongly": "CHOICE_INVALID",
        "chosen for nothing": "CHOICE_INVALID", "no branch chosen": "CHOICE_INVALID",
    }  # fmt: skip


async def test_vaults_and_requests_of_chance_are_planned_alike(built: Path) -> None:
    cases = [chance(seed) for seed in range(40)]
    said = await asked(built, cases)
    mine = [expected(case) for case in cases]
    for seed, (theirs, one) in enumerate(zip(said, mine, strict=True)):
        assert theirs == one, seed
    assert sum("answers" in each for each in mine) > 5, "some can be answered"
    assert sum("answers" not in each for each in mine) > 5, "some cannot"
