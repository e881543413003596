"""Families who come to the school: each with the papers of one way to be admitted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from disclosure import Value
from tests.flows.people import Papers, company_of, family, of, paper
from zk.synthetic import Child, Household, Person
from zk.synthetic.people import Tenure

COMMON = ("birth_cert", "guardianship", "vaccination", "student_status")
CHILDS = frozenset(COMMON)


@dataclass(frozen=True)
class Way:
    """A way to be admitted: the branch, who lives so, and the papers that it takes."""

    branch: str
    lives: Callable[[Household], bool]
    items: tuple[str, ...]


WAYS: Mapping[str, Way] = {
    "owner": Way("owner", of(Tenure.OWNED, native=True), ("household", "real_estate")),
    "buyer": Way("buyer", of(Tenure.BOUGHT, native=True), ("household", "purchase_filing", "tax_paid")),
    "insured": Way(
        "permit_employed", of(Tenure.RENTED, native=False),
        ("residence_permit", "rental_filing", "social_insurance"),
    ),
    "driver": Way(
        "permit_driver", of(Tenure.RENTED, native=False),
        ("residence_permit", "rental_filing", "transport_qual"),
    ),
    "business": Way(
        "permit_business", of(Tenure.RENTED, native=False),
        ("residence_permit", "rental_filing", "business_licence", "tax_paid"),
    ),
}  # fmt: skip


def papers(way: str, parent: Person, child: Child, home: Household, **changes: Mapping[str, Value]) -> Papers:
    """The papers of a parent for a child, by one way; `changes` are by items."""
    items = ("id_card", *COMMON, *WAYS[way].items)
    made = {}
    for item in items:
        about: dict[str, Value] = {"home_secret": home.home.secret} if item in HOMES else {}
        if item == "guardianship":
            about["guardian_id"] = parent.commit
        if way == "business" and item in COMPANYS:
            about["uscc"] = company_of(parent).uscc
        about |= changes.get(item, {})
        made[item] = paper(item, parent, child if item in CHILDS else None, **about)
    return made


HOMES = frozenset({"real_estate", "purchase_filing", "rental_filing"})
COMPANYS = frozenset({"business_licence", "tax_paid"})
"""What is of the company, with whoever has a business: a buyer has paid taxes as a person."""


def household(way: str, index: int = 0) -> Household:
    """A household that lives as a way wants it; another one for each index."""
    return family(WAYS[way].lives, index)
