"""Households and papers of a synthetic city, looked up by what a test needs of them."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from disclosure import Value
from zk.catalogue import builtin
from zk.synthetic import Child, City, Company, Household, Person, records_of
from zk.synthetic.people import Tenure

CITY = City(2_000)
BORN, DISTRICT, ELSEWHERE = dt.date(2014, 3, 1), "370102", "370116"
Papers = dict[str, dict[str, Value]]
"""Values by items."""

FITTING: Mapping[str, Mapping[str, Value]] = {
    "id_card": {"valid_until": dt.date(2031, 5, 1)},
    "birth_cert": {"birth": BORN},
    "guardianship": {"valid_until": dt.date(2032, 3, 1)},
    "vaccination": {"complete": True},
    "student_status": {"stage": "primary", "school": "lixia-sdnu-primary"},
    "household": {"district": DISTRICT, "since": dt.date(2016, 7, 1)},
    "residence_permit": {
        "district": DISTRICT, "continuous_since": dt.date(2019, 7, 1), "valid_until": dt.date(2030, 1, 1),
    },
    "real_estate": {
        "district": DISTRICT, "share_bp": 5_000, "right_type": "ownership", "use": "dwelling",
    },
    "purchase_filing": {
        "district": DISTRICT, "filed": dt.date(2021, 7, 1), "paid_full": True, "use": "dwelling",
    },
    "rental_filing": {
        "district": DISTRICT, "start": dt.date(2019, 7, 1), "end": dt.date(2030, 1, 1), "use": "dwelling",
    },
    "social_insurance": {
        "continuous_since": dt.date(2019, 8, 1), "status": "paying", "unemployed_claim": False,
    },
    "transport_qual": {"continuous_since": dt.date(2019, 8, 1), "valid_until": dt.date(2031, 8, 1)},
    "business_licence": {"established": dt.date(2019, 8, 1), "status": "active"},
    "tax_paid": {"arrears": False, "amount": 120_000, "period": 2026 * 12},
}  # fmt: skip
"""What a test makes of a paper before it changes one thing: the family fits, whatever was drawn for it."""


@cache
def register(item: str) -> Mapping[str, list[dict[str, Value]]]:
    """All that a department has of an item, by the number of whose it is."""
    schema, info = builtin().newest[item], builtin().info(item)
    assert info is not None
    found: dict[str, list[dict[str, Value]]] = {}
    for each in records_of(CITY, schema, info.subject):
        found.setdefault(each.number, []).append(dict(each.values))
    return found


def paper(
    item: str, person: Person | Company, child: Child | None = None, **changes: Value
) -> dict[str, Any]:
    """A paper of somebody's, the one that names a child where there are several, as a fitting family has it.

    Where nobody wrote one for this person, that of another is taken and put in the person's name.
    """
    number = person.uscc if isinstance(person, Company) else person.number
    mine = register(item).get(number, [])
    if child is not None:
        mine = [each for each in mine if each.get("child_id") == child.commit]
    values = dict(mine[0] if mine else next(iter(register(item).values()))[0])
    named: dict[str, Any] = {} if isinstance(person, Company) else {"id_commit": person.commit}
    if child is not None:
        named |= {"child_id": child.commit, "child_secret": child.secret}
    if isinstance(person, Person):
        named |= dict.fromkeys(("legal_rep", "uscc_or_id"), person.commit)
    values |= {name: value for name, value in named.items() if name in builtin().newest[item]}
    return values | dict(FITTING.get(item, {})) | changes


def family(wanted: Callable[[Household], bool] = lambda _: True, index: int = 0) -> Household:
    """A household of two parents with a child, of those that a test wants."""
    found = (each for each in CITY.households() if len(each.parents) == 2 and each.children and wanted(each))
    for _ in range(index):
        next(found)
    return next(found)


def of(tenure: Tenure, *, native: bool) -> Callable[[Household], bool]:
    return lambda each: each.home.tenure is tenure and each.members[0].native is native


def company_of(person: Person) -> Company:
    """The company that somebody represents; of most people it is one that is put in their name."""
    mine: Iterator[Company] = (each for each in CITY.companies() if each.legal_rep.id == person.id)
    return next(mine, CITY.company(0))
