"""Borrowers who come to the bank: the papers of each way, all of which the policy finds good."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from disclosure import Value
from tests.flows.people import Papers, company_of, family, of, paper
from zk.synthetic import Household
from zk.synthetic.people import Tenure

LONG_AGO = dt.date(2018, 3, 1)
ITEMS: Mapping[str, Mapping[str, Value]] = {
    "id_card": {"birth": dt.date(1988, 4, 5)},
    "household": {"since": LONG_AGO, "district": "370112"},
    "residence_permit": {"continuous_since": LONG_AGO, "district": "370112"},
    "marriage": {"status": "married", "registered": LONG_AGO, "spouse_id": bytes(range(32))},
    "min_living": {"active": True},
    "housing_fund": {
        "status": "paying", "opened": LONG_AGO, "continuous_since": LONG_AGO, "base": 900_000,
        "monthly": 90_000, "balance": 4_000_000,
    },
    "fund_loan": {"outstanding": 20_000_000, "overdue_count": 0},
    "social_insurance": {
        "status": "paying", "continuous_since": LONG_AGO, "base": 900_000, "pension_months": 90,
        "unemployed_claim": False, "employer": "91370102MA00000001",
    },
    "prof_title": {"level": "senior"},
    "real_estate": {"right_type": "ownership", "use": "dwelling", "share_bp": 5_000, "area_dm2": 8_900},
    "estate_encumbrance": {"mortgaged": False, "sealed": False},
    "business_licence": {"status": "active", "established": LONG_AGO, "capital": 50_000_000},
    "abnormal_list": {"listed": False},
}  # fmt: skip
"""What a paper says of a borrower who gets the loan."""
WAYS: Mapping[str, tuple[str, ...]] = {
    "resident": (
        "id_card", "household", "marriage", "housing_fund", "fund_loan", "social_insurance", "real_estate",
        "estate_encumbrance", "business_licence", "abnormal_list",
    ),
    "newcomer": (
        "id_card", "residence_permit", "housing_fund", "social_insurance", "business_licence",
        "abnormal_list",
    ),
    "skilled": (
        "id_card", "household", "housing_fund", "social_insurance", "prof_title", "business_licence",
        "abnormal_list",
    ),
    "supported": ("id_card", "household", "min_living", "business_licence", "abnormal_list"),
}  # fmt: skip
HOME = of(Tenure.OWNED, native=True)


def borrower() -> Household:
    """The household whose head borrows."""
    return family(HOME)


def document(item: str, **changes: Any) -> dict[str, Any]:
    """One paper of the borrower's, with what is changed in it."""
    who = borrower().members[0]
    company = company_of(who)
    named: dict[str, Any] = {}
    if item in {"business_licence", "abnormal_list"}:
        named["uscc"] = company.uscc
    if item in {"real_estate", "estate_encumbrance"}:
        named["unit_no"] = b"unit".ljust(32)
    subject = company if item == "abnormal_list" else who
    return paper(item, subject, None, **{**ITEMS[item], **named, **changes})


def documents(way: str, **changes: Mapping[str, Any]) -> Papers:
    """All papers of one way."""
    return {item: document(item, **changes.get(item, {})) for item in WAYS[way]}
