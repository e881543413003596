"""A small business loan, from the departments' registers to the bank's file, over a real server."""

import datetime as dt
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from disclosure.composite import CompositeRequest, Equal
from prover import NothingFitsError, UsageState, Vault
from prover.present import Lack
from tests.flows.borrowers import WAYS, borrower, document, documents
from tests.flows.lies import lie
from tests.flows.town import FlowTown
from verifier.client import CompositeExchange
from wire.client import ServiceError

FINANCE = "inclusive-finance"
_INDEX = count()
TODAY = dt.datetime.now(dt.UTC).date()


def days_ago(days: int) -> dt.date:
    return TODAY - dt.timedelta(days=days)


@pytest.fixture(scope="module")
def question(the_flow_town: FlowTown) -> CompositeExchange:
    """The bank's question, which nobody here answers but by a lie."""
    return the_flow_town.ask(FINANCE)


@pytest.fixture(scope="module")
def resident(
    the_flow_town: FlowTown, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Vault, Mapping[str, str]]]:
    """The vault of a borrower who fits, and the good paper for each query."""
    path = tmp_path_factory.mktemp("bank") / "resident.vault"
    with the_flow_town.vault(path, borrower().members[0], documents("resident")) as vault:
        by_item = {each.schema.name.item: each.id for each in vault.composite.credentials()}
        yield vault, {query: by_item[item] for query, item in ITEM.items()}


@pytest.mark.parametrize("way", WAYS)
def test_a_loan_is_decided_on_and_nothing_is_shown(flows: FlowTown, tmp_path: Path, way: str) -> None:
    with flows.vault(tmp_path / "own.vault", borrower().members[0], documents(way)) as vault:
        answered = flows.answered(FINANCE, vault, way)
    answer = answered.verified.answer
    assert answer.branch == way
    assert all(not each.shown.values and each.shown.expiry is None for each in answer.credentials)
    assert all(each.epoch is not None for each in answer.credentials)
    _, branch = answered.record.request.branch(way)
    assert [each.id for each in branch.escrows] == (
        ["borrower", "spouse"] if way == "resident" else ["borrower"]
    )


ALONE: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "under eighteen": ("me", {"birth": days_ago(17 * 365)}),
    "past sixty-five": ("me", {"birth": days_ago(66 * 366)}),
    "a card that has ended": ("me", {"valid_until": days_ago(2)}),
    "just registered": ("register", {"since": days_ago(100)}),
    "never married": ("marriage", {"status": "unmarried"}),
    "divorced": ("marriage", {"status": "divorced"}),
    "contributions paused": ("fund", {"status": "paused"}),
    "an account of a year": ("fund", {"opened": days_ago(365)}),
    "paid in without a break for a year": ("fund", {"continuous_since": days_ago(365)}),
    "a base a cent below the band": ("fund", {"base": 499_999}),
    "a base a cent above the band": ("fund", {"base": 5_000_001}),
    "twelve contributions a cent below two instalments": ("fund", {"monthly": 49_999}),
    "too little saved": ("fund", {"balance": 899_999}),
    "once overdue": ("owed", {"overdue_count": 1}),
    "too much owed": ("owed", {"outstanding": 60_000_001}),
    "insurance ended": ("insurance", {"status": "ended"}),
    "insured for a year": ("insurance", {"continuous_since": days_ago(365)}),
    "a month short of three years": ("insurance", {"pension_months": 35}),
    "an insured base below the band": ("insurance", {"base": 499_999}),
    "drawing benefits": ("insurance", {"unemployed_claim": True}),
    "the bank's own employee": ("insurance", {"employer": "91370100BANK000001"}),
    "a homestead": ("home", {"right_type": "homestead"}),
    "a factory": ("home", {"use": "industrial"}),
    "less than half of it": ("home", {"share_bp": 4_999}),
    "too small": ("home", {"area_dm2": 3_999}),
    "mortgaged": ("burden", {"mortgaged": True}),
    "sealed up": ("burden", {"sealed": True}),
    "another home's clean sheet": ("burden", {"unit_no": bytes(32)}),
    "another one's company": ("licence", {"legal_rep": bytes(32)}),
    "a company of a year": ("licence", {"established": days_ago(365)}),
    "a company that is suspended": ("licence", {"status": "suspended"}),
    "too little capital": ("licence", {"capital": 9_999_999}),
    "a listed company": ("listed", {"listed": True}),
    "another company's clean sheet": ("listed", {"uscc": "91370100000000000X"}),
}  # fmt: skip
"""Each condition that fails alone: the query, and what its paper says."""
ITEM: Mapping[str, str] = {
    "me": "id_card", "register": "household", "marriage": "marriage", "fund": "housing_fund",
    "owed": "fund_loan", "insurance": "social_insurance", "home": "real_estate",
    "burden": "estate_encumbrance", "licence": "business_licence", "listed": "abnormal_list",
}  # fmt: skip


@pytest.mark.parametrize("case", ALONE)
def test_each_condition_that_fails_alone_cannot_be_answered(
    flows: FlowTown, question: CompositeExchange, resident: tuple[Vault, Mapping[str, str]], case: str
) -> None:
    """All other papers are good: with the one that is not, exactly that condition is told as missing."""
    (query, changes), (vault, good) = ALONE[case], resident
    held = flows.claimed(vault, borrower().members[0], ITEM[query], document(ITEM[query], **changes))
    request = flows.client.fetch(question.link, flows.town.log).request
    assert isinstance(request, CompositeRequest)
    plan = flows.client.plan(request, vault, flows.town.log, branch="resident")
    for each, credential in {**good, query: held.id}.items():
        plan = plan.choose(each, credential)
    (lacking,) = plan.missing
    (attribute,) = changes
    assert lacking.lack is Lack.UNMET
    assert lacking.predicate is not None
    assert f"{query}.{attribute}" in map(str, lacking.predicate.operands)
    assert isinstance(lacking.predicate, Equal) == (attribute in {"unit_no", "legal_rep", "uscc"})
    with pytest.raises(NothingFitsError):
        plan.answers()


@pytest.mark.parametrize(
    "changes",
    [
        {"residence_permit": {"valid_until": days_ago(2)}},
        {"residence_permit": {"continuous_since": days_ago(100)}},
        {"id_card": {"valid_until": days_ago(2)}},
    ],
    ids=["a permit that has ended", "a new one", "a card that has ended"],
)
def test_a_newcomer_s_permit_and_card_are_good(
    flows: FlowTown, question: CompositeExchange, tmp_path: Path, changes: Mapping[str, Any]
) -> None:
    papers = documents("newcomer", **changes)
    with flows.vault(tmp_path / "own.vault", borrower().members[0], papers) as vault:
        with pytest.raises(NothingFitsError, match="unmet"):
            flows.answer(question.link, vault, "newcomer")
        assert not vault.usages()


@pytest.mark.parametrize(
    "case", ["mortgaged", "another one's company", "a listed company", "once overdue", "under eighteen"]
)
def test_a_lie_is_refused_by_the_service(
    flows: FlowTown, question: CompositeExchange, tmp_path: Path, case: str
) -> None:
    query, changes = ALONE[case]
    papers = documents("resident", **{ITEM[query]: changes})
    with flows.vault(tmp_path / "liar.vault", borrower().members[0], papers) as vault:
        with pytest.raises(ServiceError) as caught:
            lie(flows, question.link, vault, "resident")
        (usage,) = vault.usages()
    assert caught.value.reason == "PROOF_INVALID"
    assert usage.state is UsageState.REFUSED
