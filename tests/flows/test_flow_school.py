"""Admission to a school, from the departments' registers to the school's own, over a real server."""

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bbs import SHA_256
from disclosure import Value
from disclosure.composite import InList, publish_codes
from prover import NothingFitsError, UsageState, Vault
from tests.flows.families import WAYS, household, papers
from tests.flows.lies import lie
from tests.flows.people import ELSEWHERE
from tests.flows.town import CATCHMENT, DISTRICTS, SCHOOL, FlowTown, policy
from verifier import (
    AlreadySeenError,
    PseudonymRegister,
    check_composite_policy,
    load_record,
    recheck_composite,
)
from verifier.client import CompositeAnswered, CompositeExchange
from wire.client import ServiceError
from zk.service import Service
from zk.synthetic import Household

ENROLMENT = "school-enrolment"
CUT_OFF, ENDED = dt.date(2014, 8, 31), dt.date(2024, 1, 1)
RECENT, NEXT_YEAR = (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=each) for each in (-100, 365))
_INDEX = count()


@contextmanager
def arrived(
    flows: FlowTown,
    folder: Path,
    way: str,
    changes: Mapping[str, Mapping[str, Value]] | None = None,
    *,
    lives: Household | None = None,
    parent: int = 0,
) -> Iterator[Vault]:
    """The vault of a parent who comes by one way for the first child, with one or another thing changed."""
    lives = lives or household(way)
    who, child = lives.parents[parent], lives.children[0]
    made = papers(way, who, child, lives, **(changes or {}))
    with flows.vault(folder / f"{next(_INDEX)}.vault", who, made) as vault:
        yield vault


def shown(answered: CompositeAnswered) -> dict[str, Any]:
    """Everything that was shown, by query and attribute."""
    answers = answered.verified.answer.credentials
    assert all(each.shown.expiry is None for each in answers)
    pairs = ((each.shown.query, name, value) for each in answers for name, value in each.shown.values.items())
    return {f"{query}.{name}": value for query, name, value in pairs}


@pytest.fixture(scope="module")
def question(the_flow_town: FlowTown) -> CompositeExchange:
    """The school's question, which nobody here answers."""
    return the_flow_town.ask(ENROLMENT)


@pytest.mark.parametrize("way", WAYS)
def test_a_family_is_admitted_and_shows_three_things(flows: FlowTown, tmp_path: Path, way: str) -> None:
    with arrived(flows, tmp_path, way) as vault:
        answered = flows.answered(ENROLMENT, vault, WAYS[way].branch)
    child = household(way).children[0]
    assert answered.verified.answer.branch == WAYS[way].branch
    assert shown(answered) == {
        "birth.child_name": child.name, "birth.child_number": child.number, "home.district": "370102",
    }  # fmt: skip
    assert set(answered.verified.pseudonyms) == {"child", "home"}
    # Everybody's revocation is checked, and no last day of anything is told.
    assert all(each.epoch is not None for each in answered.verified.answer.credentials)


UNMET: Mapping[str, tuple[str, Mapping[str, Mapping[str, Value]]]] = {
    "a child born a day after the cut-off": (
        "owner", {"birth_cert": {"birth": CUT_OFF + dt.timedelta(days=1)}},
    ),
    "the guardian of another child": ("owner", {"guardianship": {"child_id": bytes(32)}}),
    "a paper that makes another one the guardian": ("owner", {"guardianship": {"guardian_id": bytes(32)}}),
    "another child's vaccination": ("owner", {"vaccination": {"child_id": bytes(32)}}),
    "another child's school record": ("owner", {"student_status": {"child_id": bytes(32)}}),
    "a guardianship that has ended": ("owner", {"guardianship": {"valid_until": dt.date(2024, 1, 1)}}),
    "a vaccination that is not complete": ("owner", {"vaccination": {"complete": False}}),
    "a pupil of a secondary school": ("owner", {"student_status": {"stage": "junior"}}),
    "a home outside the catchment": ("owner", {"real_estate": {"district": ELSEWHERE}}),
    "a register outside the catchment": ("owner", {"household": {"district": ELSEWHERE}}),
    "registered too late": ("owner", {"household": {"since": dt.date(2026, 6, 1)}}),
    "less than half of a home": ("owner", {"real_estate": {"share_bp": 4_999}}),
    "another one's home": ("owner", {"real_estate": {"id_commit": bytes(32)}}),
    "a price that is not paid": ("buyer", {"purchase_filing": {"paid_full": False}}),
    "a contract filed too late": ("buyer", {"purchase_filing": {"filed": dt.date(2026, 6, 1)}}),
    "a buyer who owes taxes": ("buyer", {"tax_paid": {"arrears": True}}),
    "a permit outside the catchment": ("insured", {"residence_permit": {"district": ELSEWHERE}}),
    "a lease that has ended": ("insured", {"rental_filing": {"end": dt.date(2026, 1, 1)}}),
    "another one's company": ("business", {"business_licence": {"legal_rep": bytes(32)}}),
    "a company that is closed": ("business", {"business_licence": {"status": "closed"}}),
    "a factory": ("owner", {"real_estate": {"use": "industrial"}}),
    "a shop": ("owner", {"real_estate": {"use": "commercial"}}),
    "a homestead": ("owner", {"real_estate": {"right_type": "homestead"}}),
    "land without a building": ("owner", {"real_estate": {"right_type": "land_use"}}),
    "a contract about a shop": ("buyer", {"purchase_filing": {"use": "commercial"}}),
    "a lease of a factory": ("insured", {"rental_filing": {"use": "industrial"}}),
    "a driver's lease of a shop": ("driver", {"rental_filing": {"use": "commercial"}}),
    "a merchant's lease of a shop": ("business", {"rental_filing": {"use": "commercial"}}),
    "taxes of nothing": ("buyer", {"tax_paid": {"amount": 0}}),
    "taxes of the year before last": ("buyer", {"tax_paid": {"period": 2024 * 12 + 11}}),
    "taxes of the buyer's company": ("buyer", {"tax_paid": {"uscc_or_id": bytes(32)}}),
    "a business's taxes of nothing": ("business", {"tax_paid": {"amount": 0}}),
    "a business's taxes of long ago": ("business", {"tax_paid": {"period": 1900 * 12}}),
    "taxes of another business": ("business", {"tax_paid": {"uscc": "91370100000000000X"}}),
    "insurance that has ended": ("insured", {"social_insurance": {"status": "ended"}}),
    "insurance that is paused": ("insured", {"social_insurance": {"status": "paused"}}),
    "insured and drawing benefits": ("insured", {"social_insurance": {"unemployed_claim": True}}),
    "a driver's certificate that has ended": ("driver", {"transport_qual": {"valid_until": ENDED}}),
    "a permit that has ended": ("driver", {"residence_permit": {"valid_until": ENDED}}),
    "a card that has ended": ("owner", {"id_card": {"valid_until": ENDED}}),
    "a new home outside the catchment": ("buyer", {"purchase_filing": {"district": ELSEWHERE}}),
    "a lease outside the catchment": ("business", {"rental_filing": {"district": ELSEWHERE}}),
    "a lease that has not begun": ("insured", {"rental_filing": {"start": NEXT_YEAR}}),
    "a permit without half a year": ("insured", {"residence_permit": {"continuous_since": RECENT}}),
    "insured for less than half a year": ("insured", {"social_insurance": {"continuous_since": RECENT}}),
    "a driver for less than half a year": ("driver", {"transport_qual": {"continuous_since": RECENT}}),
    "a business of less than half a year": ("business", {"business_licence": {"established": RECENT}}),
}  # fmt: skip


@pytest.mark.parametrize("case", UNMET)
def test_whom_one_thing_is_missing_is_told_so_and_sends_nothing(
    flows: FlowTown, question: CompositeExchange, tmp_path: Path, case: str
) -> None:
    way, changes = UNMET[case]
    with arrived(flows, tmp_path, way, changes) as vault:
        with pytest.raises(NothingFitsError) as caught:
            flows.answer(question.link, vault, WAYS[way].branch)
        assert "unmet" in str(caught.value)
        assert not vault.usages()


LIES: Mapping[str, tuple[str, str]] = {
    "a child born a day after the cut-off": ("PROOF_INVALID", "proof"),
    "another child's vaccination": ("PROOF_INVALID", "proof"),
    "a vaccination that is not complete": ("PROOF_INVALID", "proof"),
    "a register outside the catchment": ("PROOF_INVALID", "proof"),
    "a home outside the catchment": ("UNSATISFIED", "predicates[10]"),  # its district is shown
    "another one's company": ("PROOF_INVALID", "proof"),
    "a factory": ("PROOF_INVALID", "proof"),
    "taxes of nothing": ("PROOF_INVALID", "proof"),
    "insurance that has ended": ("PROOF_INVALID", "proof"),
}


@pytest.mark.parametrize("case", LIES)
def test_a_lie_is_refused_by_the_service(
    flows: FlowTown, question: CompositeExchange, tmp_path: Path, case: str
) -> None:
    (way, changes), (reason, place) = UNMET[case], LIES[case]
    with arrived(flows, tmp_path, way, changes) as vault:
        with pytest.raises(ServiceError) as caught:
            lie(flows, question.link, vault, WAYS[way].branch)
        (usage,) = vault.usages()
    assert caught.value.reason == reason
    assert [each.field.endswith(place) for each in caught.value.violations] == [True]
    assert usage.state is UsageState.REFUSED


def test_a_revoked_insurance_counts_no_more(flows: FlowTown, tmp_path: Path) -> None:
    exchange = flows.ask(ENROLMENT)
    with arrived(flows, tmp_path, "insured") as vault:
        (work,) = (each for each in vault.composite.credentials() if "insurance" in each.schema.name.item)
        flows.revoke(work)
        with pytest.raises(NothingFitsError, match=r"queries\[7\] \(revoked\)"):
            flows.answer(exchange.link, vault, "permit_employed")
        assert not vault.usages()


@contextmanager
def office(folder: Path) -> Iterator[Any]:
    """The school's office: it keeps each answer with a register of what may come once."""
    register, unique = PseudonymRegister(folder / "register.sqlite3"), policy(ENROLMENT).unique
    kept = count()

    def keep(answered: CompositeAnswered) -> Path:
        path = folder / f"{next(kept)}.json"
        answered.keep(path, unique=unique, register=register)
        return path

    yield keep


def test_a_child_and_a_home_come_once_a_year(flows: FlowTown, tmp_path: Path) -> None:
    """Neither the other parent, nor another way, nor another child of the same home gets a second place."""
    lives, other = household("owner"), household("buyer")
    taken = {"purchase_filing": {"home_secret": lives.home.secret}}
    with office(tmp_path) as keep, ExitStack() as stack:
        first = stack.enter_context(arrived(flows, tmp_path, "owner"))
        record = keep(flows.answered(ENROLMENT, first, "owner"))
        spouse = stack.enter_context(arrived(flows, tmp_path, "owner", parent=1))
        with pytest.raises(AlreadySeenError, match="child"):
            keep(flows.answered(ENROLMENT, spouse, "owner"))
        # The same child by a lease somewhere else, which the other parent has signed.
        elsewhere = {"rental_filing": {"home_secret": bytes(range(32))}}
        renting = stack.enter_context(arrived(flows, tmp_path, "insured", elsewhere, lives=lives, parent=1))
        with pytest.raises(AlreadySeenError, match="child"):
            keep(flows.answered(ENROLMENT, renting, "permit_employed"))
        # Another family's child in a home that has given its place, by a contract instead of a title.
        sold = stack.enter_context(arrived(flows, tmp_path, "buyer", taken))
        with pytest.raises(AlreadySeenError, match="home"):
            keep(flows.answered(ENROLMENT, sold, "buyer"))
        # In its own home that child is admitted.
        own = stack.enter_context(arrived(flows, tmp_path, "buyer"))
        keep(flows.answered(ENROLMENT, own, "buyer"))
    assert other.home.secret != lives.home.secret
    kept = load_record(record)
    rechecked = recheck_composite(kept, log_verifier=flows.town.log)  # type: ignore[arg-type]
    assert rechecked.pinned


def test_of_all_that_the_policy_asks_there_is_a_family_whom_it_turns_away() -> None:
    """For each attribute of each paper, but for what ties the papers, there is a case above."""
    asked = {
        (schema.item, operand.attribute)
        for branch in policy(ENROLMENT).branches
        for rule in branch.predicates
        for operand, _ in rule.operands
        for query in branch.queries
        if query.id == operand.query
        for schema in query.schemas
    }
    bad = {(item, name) for _, changes in UNMET.values() for item, each in changes.items() for name in each}
    assert {name for _, name in asked - bad} == {"id_commit", "child_id", "uscc"}


def test_neither_another_list_nor_an_old_one_of_the_department_is_the_catchment(
    flows: FlowTown, tmp_path: Path
) -> None:
    """Education publishes another school's catchment, and this one's again; who lives there is told no."""
    lists = [(ELSEWHERE, "370112"), CATCHMENT]
    with Service(flows.town.endpoint) as service:
        for codes in lists:
            listed = publish_codes("departments/education", DISTRICTS, codes, SHA_256)
            service.create_table(listed, flows.tokens["education"], flows.town.log)
    changes = {"household": {"district": ELSEWHERE}, "real_estate": {"district": ELSEWHERE}}
    exchange = flows.ask(ENROLMENT)
    with arrived(flows, tmp_path, "owner", changes) as vault, pytest.raises(NothingFitsError):
        flows.answer(exchange.link, vault, "owner")
    with arrived(flows, tmp_path, "owner") as vault:
        flows.answer(exchange.link, vault, "owner")
        assert shown(flows.wait(exchange, SCHOOL))["home.district"] == "370102"


def test_a_request_by_another_list_is_refused_by_the_registered_policy(flows: FlowTown) -> None:
    """Even one of the same department, published in earnest, for the same places in the question."""
    with Service(flows.town.endpoint) as service:
        other = publish_codes("departments/education", DISTRICTS, (ELSEWHERE, "370113"), SHA_256)
        service.create_table(other, flows.tokens["education"], flows.town.log)
    client = flows.verifier(SCHOOL)
    asked = check_composite_policy(policy(ENROLMENT), SCHOOL, client.reader, flows.town.city.clock(), {})
    branch = asked.branches[0]
    predicates = tuple(
        replace(each, code_list=other.table.digest) if isinstance(each, InList) else each
        for each in branch.predicates
    )
    with pytest.raises(ServiceError) as caught:
        client.ask(replace(asked, branches=(replace(branch, predicates=predicates), *asked.branches[1:])))
    assert caught.value.reason == "OVER_ASKING"
    places = [each.field for each in caught.value.violations]
    lists = [index for index, each in enumerate(predicates) if isinstance(each, InList)]
    assert places == [f"signed_request.branches[0].predicates[{index}].code_list" for index in lists]
