"""A loan: a bank asks much, sees no value, decides in seconds, and files what its auditor checks."""

import datetime as dt
import time
from collections.abc import Mapping
from typing import Any, Final

from disclosure import LocalizedText, Value, VerifierName
from verifier import CompositeRecord, load_record, recheck_composite
from zk import catalogue
from zk.demo.people import Asker
from zk.demo.stories.outcome import Told
from zk.demo.stories.registers import Registers
from zk.demo.stories.story import Cast, Part, Story, answered, asked, part, policy_text, verified
from zk.demo.stories.town import BIG_DATA, DISTRICTS, ID_CARD, Town, today
from zk.synthetic import Company

BANK: Final = Asker(
    VerifierName("quancheng-bank"), LocalizedText("泉城普惠银行", "Quancheng Bank"), "inclusive-finance"
)
BORROWER: Final = "borrower"
BRANCH: Final = "newcomer"
ITEMS: Final = (
    ID_CARD, "residence_permit@3", "housing_fund@3", "social_insurance@3", "business_licence@2",
    "abnormal_list@1",
)  # fmt: skip
PROMISED_SECONDS: Final = 10.0
_TWO_YEARS: Final = dt.timedelta(days=740)
_HALF_A_YEAR: Final = dt.timedelta(days=190)


def cast(registers: Registers) -> Cast:
    """Find somebody with a small company to whom the bank lends."""
    found = (each for each in registers.city.companies() if _fits(registers, each))
    owner = next(found, None)
    return Cast({} if owner is None else {BORROWER: Part(owner.legal_rep, ITEMS)})


def _fits(registers: Registers, company: Company) -> bool:
    """Tell whether the bank would lend: no more than a look for somebody who tells this story."""
    owner, early = company.legal_rep, today() - _TWO_YEARS
    permit, fund, insurance, _, listed = (registers.of(each, owner) for each in ITEMS[1:])
    if None in (permit, fund, insurance, listed) or not company.active or company.established > early:
        return False
    return _lives_here(permit) and _pays(fund, early) and _insured(insurance, early) and not listed["listed"]  # type: ignore[index]


def _lives_here(permit: Any) -> bool:
    return bool(permit["continuous_since"] <= today() - _HALF_A_YEAR)


def _pays(fund: Any, early: dt.date) -> bool:
    return bool(
        max(fund["opened"], fund["continuous_since"]) <= early
        and fund["balance"] >= 900_000
        and fund["base"] >= 500_000
        and fund["status"] == "paying"
    )


def _insured(insurance: Any, early: dt.date) -> bool:
    return bool(
        insurance["continuous_since"] <= early
        and insurance["pension_months"] >= 36
        and insurance["base"] >= 500_000
    )


def play(town: Town, cast: Cast, told: Told) -> None:
    """Ask, decide, file, and check the file without the service."""
    borrower, asks = part(cast, BORROWER).person, policy_text(f"policies/{BANK.policy}")
    town.need(*(f"{each.item}@{each.version}" for each in asks.schemas))
    town.publish(BIG_DATA, [each.code for each in catalogue.builtin().code_lists[DISTRICTS]])
    town.register(BANK, asks)
    cast.furnish(town)
    begun = time.monotonic()
    exchange = asked(town, BANK, asks)
    answered(town, exchange.link, town.vaults[borrower.number], BRANCH)
    decided = verified(town, BANK, exchange)
    seconds = time.monotonic() - begun
    shown: list[Mapping[str, Value | None]] = [
        each.shown.values for each in decided.verified.answer.credentials
    ]
    told.fact(
        "story.loan.decided",
        holds=seconds < PROMISED_SECONDS and not any(shown),
        seconds=f"{seconds:.1f}",
        documents=len(shown),
    )
    path = town.output / "loan.json"
    decided.keep(path, unique=asks.unique)
    _audited(town, told)


def _audited(town: Town, told: Told) -> None:
    """Read the filed record with the log's key and nothing else, as an auditor does years later."""
    path = town.output / "loan.json"
    record = load_record(path)
    holds = isinstance(record, CompositeRecord)
    if isinstance(record, CompositeRecord):
        holds = recheck_composite(record, log_verifier=town.log).index > 0
    told.fact("story.loan.filed", holds=holds, octets=path.stat().st_size)


STORY: Final = Story("loan", cast, play)
