"""Children, in what their parents hold: births, guardians, vaccinations, schools."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping

from zk.synthetic.city import City
from zk.synthetic.people import Child, Household, Person
from zk.synthetic.records.entries import Entry, Facts, Maker, of_person

_SCHOOL_AGE = 6


def _named(child: Child) -> Facts:
    """Return what names a child everywhere: the commitment to its number, and its secret."""
    return {"child_id": child.commit, "child_secret": child.secret}


def _for_each_parent(tell: Callable[[City, Household, Child, Person], Facts | None]) -> Maker:
    def make(city: City) -> Iterator[Entry]:
        for household in city.households():
            for child in household.children:
                for parent in household.parents:
                    facts = tell(city, household, child, parent)
                    if facts is not None:
                        yield of_person(parent, facts, key=f"{parent.id}/{child.id}")

    return make


def _birth_cert(city: City, household: Household, child: Child, parent: Person) -> Facts:
    parents = {"mother_id": household.mother, "father_id": household.father}
    other = next((each.id for each in household.parents if each.id != parent.id), "unknown")
    return {
        **_named(child),
        "parent_secret": city.secret("parent", child.id, parent.id),
        "other_parent_secret": city.secret("parent", child.id, other),
        "child_name": child.name,
        "child_number": child.number,
        "child_sex": "1" if child.male else "2",
        "birth": child.birth,
        **{
            who: parent.commit if parent else city.secret("unknown", who, child.id)
            for who, parent in parents.items()
        },
    }


def _guardianship(_: City, __: Household, child: Child, parent: Person) -> Facts:
    grown = dt.date(child.birth.year + 18, child.birth.month, min(child.birth.day, 28))
    return {**_named(child), "guardian_id": parent.commit, "valid_until": grown}


def _vaccination(city: City, _: Household, child: Child, __: Person) -> Facts:
    return {**_named(child), "complete": city.draw("shots", child.id).chance(0.95), "checked": city.today}


def _student_status(city: City, _: Household, child: Child, __: Person) -> Facts | None:
    age = child.age(city.today)
    if age < _SCHOOL_AGE:
        return None
    stage = "primary" if age < 12 else "junior" if age < 15 else "senior"
    enrolled = dt.date(max(child.birth.year + 6, 2009), 9, 1)
    return {**_named(child), "stage": stage, "enrolled": min(enrolled, city.today)}


MAKERS: Mapping[str, Maker] = {
    "birth_cert": _for_each_parent(_birth_cert),
    "guardianship": _for_each_parent(_guardianship),
    "vaccination": _for_each_parent(_vaccination),
    "student_status": _for_each_parent(_student_status),
}
