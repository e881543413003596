"""What a department knows of a subject, before a schema gives it its form."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from zk.catalogue.info import Subject
from zk.synthetic.city import City
from zk.synthetic.filling import Fact
from zk.synthetic.people import Company, Household, Person

Facts = Mapping[str, Fact]
_SHARE = 0.2
"""How many have an item that does not follow from who they are."""


@dataclass(frozen=True)
class Entry:
    """A line of a register. `key` tells the lines of an item apart; copies of one have the same `about`."""

    key: str
    subject: Subject
    number: str = field(repr=False)
    facts: Facts = field(repr=False)
    about: str


Maker = Callable[[City], Iterator[Entry]]
"""Gives the lines of an item's register."""


def of_person(person: Person, facts: Facts, key: str = "") -> Entry:
    """Return a line about a person, who is named in it by the commitment to the number."""
    key = key or person.id
    return Entry(key, Subject.PERSON, person.number, {"id_commit": person.commit, **facts}, key)


def of_company(company: Company, facts: Facts) -> Entry:
    """Return a line about a company."""
    return Entry(company.uscc, Subject.COMPANY, company.uscc, {"uscc": company.uscc, **facts}, company.uscc)


def each_person(tell: Callable[[City, Household, Person], Facts | None]) -> Maker:
    """Return what makes a line for every person of whom there is something to tell."""

    def make(city: City) -> Iterator[Entry]:
        for household in city.households():
            for person in household.members:
                facts = tell(city, household, person)
                if facts is not None:
                    yield of_person(person, facts)

    return make


def each_company(tell: Callable[[City, Company], Facts | None]) -> Maker:
    """Return what makes a line for every company of which there is something to tell."""

    def make(city: City) -> Iterator[Entry]:
        for company in city.companies():
            facts = tell(city, company)
            if facts is not None:
                yield of_company(company, facts)

    return make


def drawn_for(item: str, subject: Subject) -> Maker:
    """Return what makes lines of an item that a share of all grown people, or of all companies, have."""

    def person(city: City, _: Household, who: Person) -> Facts | None:
        has = who.age(city.today) >= 18 and city.draw("has", item, who.id).chance(_SHARE)
        return {} if has else None

    def company(city: City, which: Company) -> Facts | None:
        return {} if city.draw("has", item, which.index).chance(_SHARE) else None

    return each_person(person) if subject is Subject.PERSON else each_company(company)
