"""Who people are and where they live: public security, civil affairs, and what follows from it."""

import datetime as dt
from collections.abc import Mapping

from zk.synthetic.city import City
from zk.synthetic.filling import Absent
from zk.synthetic.months import count, number
from zk.synthetic.people import Household, Person, Role
from zk.synthetic.records.entries import Facts, Maker, each_person


def _later(day: dt.date, years: int) -> dt.date:
    return dt.date(day.year + years, day.month, min(day.day, 28))


def _since(city: City, household: Household, person: Person) -> dt.date:
    """Return since when somebody has lived in the district without a break: birth, for natives."""
    if person.native:
        return person.birth
    return max(person.birth, city.draw("moved", household.index).day(dt.date(2015, 1, 1), city.today))


def _id_card(city: City, _: Household, person: Person) -> Facts:
    issued = city.draw("card", person.id).day(_later(city.today, -8), city.today)
    return {
        "name": person.name, "sex": "1" if person.male else "2", "birth": person.birth,
        "valid_until": _later(issued, 10),
    }  # fmt: skip


def _household(city: City, household: Household, person: Person) -> Facts | None:
    if not person.native:
        return None
    return {
        "hukou_no": city.secret("register", household.index),
        "district": household.district,
        "relation": person.role.value,
        "since": _since(city, household, person),
    }


def _residence_permit(city: City, household: Household, person: Person) -> Facts | None:
    if person.native or person.age(city.today) < 16:
        return None
    since = _since(city, household, person)
    return {
        "district": household.district,
        "continuous_since": since,
        "continuous_since_month": number(since),
        "permit_months": count(since, city.today),
        "months": count(since, city.today),
        "valid_until": _later(city.today, 1),
    }


def _driving_licence(city: City, _: Household, person: Person) -> Facts | None:
    draw = city.draw("driving", person.id)
    if not 18 <= person.age(city.today) <= 75 or not draw.chance(0.5):
        return None
    return {"points": draw.weighed(((0, 0.7), (3, 0.2), (6, 0.08), (12, 0.02)))}


def _marriage(city: City, household: Household, person: Person) -> Facts | None:
    if person.role not in {Role.HEAD, Role.SPOUSE} or person.age(city.today) < 20:
        return None
    if not person.married:
        return {"status": "unmarried", "spouse_id": Absent(), "registered": Absent()}
    spouse = next((each for each in household.parents if each.id != person.id), None)
    if spouse is None:
        return None
    grown = max(_later(each.birth, 21) for each in household.parents)
    day = city.draw("married", household.index).day(grown, max(grown, city.today))
    return {"status": "married", "spouse_id": spouse.commit, "registered": min(day, city.today)}


def _min_living(city: City, household: Household, person: Person) -> Facts | None:
    draw = city.draw("poor", household.index)
    if person.role is not Role.HEAD or not draw.chance(0.015):
        return None
    return {"active": True, "household_size": len(household.members), "district": household.district}


def _notarial(city: City, _: Household, person: Person) -> Facts | None:
    return {} if person.role is Role.HEAD and city.draw("notary", person.id).chance(0.03) else None


def _veteran(city: City, _: Household, person: Person) -> Facts | None:
    has = person.age(city.today) >= 22 and city.draw("served", person.id).chance(0.04)
    return {"discharged": _later(person.birth, 21), "service_months": 24} if has else None


def _disability(city: City, _: Household, person: Person) -> Facts | None:
    draw = city.draw("disabled", person.id)
    return {"grade": draw.number(1, 4)} if draw.chance(0.03) else None


def _public_credit(city: City, _: Household, person: Person) -> Facts | None:
    if person.age(city.today) < 18:
        return None
    draw = city.draw("credit", person.id)
    return {"subject": person.commit, "blacklisted": draw.chance(0.01), "checked": city.today}


MAKERS: Mapping[str, Maker] = {
    "id_card": each_person(_id_card),
    "household": each_person(_household),
    "residence_permit": each_person(_residence_permit),
    "driving_licence": each_person(_driving_licence),
    "marriage": each_person(_marriage),
    "min_living": each_person(_min_living),
    "notarial": each_person(_notarial),
    "veteran": each_person(_veteran),
    "disability": each_person(_disability),
    "public_credit": each_person(_public_credit),
}
