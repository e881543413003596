"""Companies: licences, lists, permits, taxes. A licence is its legal representative's too."""

import datetime as dt
from collections.abc import Iterator, Mapping

from zk.catalogue.info import Subject
from zk.synthetic.city import City
from zk.synthetic.filling import Yuan
from zk.synthetic.months import count
from zk.synthetic.people import Company
from zk.synthetic.records.entries import Entry, Facts, Maker, each_company, of_company


def _licence(city: City, company: Company) -> Facts:
    return {
        "uscc": company.uscc,
        "status": "active" if company.active else "closed",
        "established": company.established,
        "licence_months": count(company.established, city.today),
        "capital": Yuan(company.capital),
        "legal_rep": company.legal_rep.commit,
        "district": company.district,
    }


def _business_licence(city: City) -> Iterator[Entry]:
    """Give a licence to each company and, for what is asked of the person, to its legal representative."""
    for company in city.companies():
        facts = _licence(city, company)
        yield of_company(company, facts)
        key, owner = f"{company.uscc}/{company.legal_rep.id}", company.legal_rep
        yield Entry(key, Subject.PERSON, owner.number, facts, company.uscc)


def _abnormal_list(city: City, company: Company) -> Facts:
    return {"listed": company.listed, "checked": city.today}


def _tax_grade(city: City, company: Company) -> Facts:
    grade = city.draw("grade", company.index).weighed(
        (("A", 0.2), ("B", 0.5), ("M", 0.2), ("C", 0.08), ("D", 0.02))
    )
    return {"grade": grade, "year": city.today.year - 1}


def _share(item: str, share: float) -> Maker:
    """Return what makes lines of a permit that a share of the active companies have."""

    def tell(city: City, company: Company) -> Facts | None:
        draw = city.draw(item, company.index)
        if not company.active or not draw.chance(share):
            return None
        return {"valid_until": draw.day(city.today, dt.date(city.today.year + 5, 1, 1))}

    return each_company(tell)


MAKERS: Mapping[str, Maker] = {
    "business_licence": _business_licence,
    "abnormal_list": each_company(_abnormal_list),
    "tax_grade": each_company(_tax_grade),
    **{
        item: _share(item, share)
        for item, share in {
            "food_permit": 0.2, "water_permit": 0.05, "drainage_permit": 0.15, "pollution_permit": 0.05,
            "safety_permit": 0.1, "construction_qual": 0.1, "vehicle_permit": 0.15,
        }.items()
    },
}  # fmt: skip
