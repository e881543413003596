"""What people earn and are insured for: human resources, medical insurance, housing fund, tax, transport."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from zk.synthetic.city import City
from zk.synthetic.filling import Absent, Likely, Yuan
from zk.synthetic.months import count, number
from zk.synthetic.people import Company, Household, Person, Role
from zk.synthetic.records.entries import Entry, Facts, Maker, each_person, of_person

_LEAST, _MOST = 4_416, 26_358
"""Between these a month's income counts for contributions."""


@dataclass(frozen=True)
class Job:
    """What all departments agree on about somebody's work. Money is yuan a month."""

    employer: str
    since: dt.date
    insured_since: dt.date
    income: int

    @property
    def base(self) -> int:
        """The base that contributions are paid on."""
        return min(max(self.income, _LEAST), _MOST)


def job_of(city: City, person: Person) -> Job | None:
    """Return somebody's job, None without one."""
    if person.employer is None:
        return None
    draw, today = city.draw("job", person.id), city.today
    began = dt.date(person.birth.year + 20, 7, 1)
    since = draw.day(max(began, dt.date(2010, 1, 1)), today)
    broken = draw.chance(0.15)
    insured = draw.day(since, today) if broken else since
    return Job(
        employer=city.company(person.employer).uscc,
        since=since,
        insured_since=insured.replace(day=1),
        income=draw.amount(3_800, 42_000, 10),
    )


def _social_insurance(city: City, _: Household, person: Person) -> Facts | None:
    job = job_of(city, person)
    if job is None:
        return None
    return {
        "status": "paying",
        "continuous_since": job.insured_since,
        "continuous_since_month": number(job.insured_since),
        "base": Yuan(job.base),
        "employer": job.employer,
        "months": count(job.insured_since, city.today),
        "pension_months": count(job.since, city.today),
        "unemployed_claim": False,
        "district": person.district,
    }


def _labour_contract(city: City, _: Household, person: Person) -> Facts | None:
    job = job_of(city, person)
    if job is None:
        return None
    return {"employer": job.employer, "start": job.since, "end": dt.date(city.today.year + 2, 12, 31)}


def _prof_title(city: City, _: Household, person: Person) -> Facts | None:
    draw = city.draw("title", person.id)
    return {} if person.employer is not None and draw.chance(0.15) else None


def _medical_insurance(city: City, _: Household, person: Person) -> Facts:
    job = job_of(city, person)
    if job is None:
        insured = max(person.birth, dt.date(2012, 1, 1))
        return {
            "type": "resident",
            "status": Likely("paying", 0.97),
            "continuous_since": insured,
            "months": count(insured, city.today),
            "district": person.district,
        }
    return {
        "type": "employee",
        "status": "paying",
        "continuous_since": job.insured_since,
        "months": count(job.insured_since, city.today),
        "district": person.district,
    }


def _housing_fund(city: City, _: Household, person: Person) -> Facts | None:
    job = job_of(city, person)
    draw = city.draw("fund", person.id)
    if job is None or not draw.chance(0.75):
        return None
    monthly = round(job.base * draw.one((10, 14, 20, 24)) / 100)
    return {
        "status": "paying",
        "opened": job.since,
        "continuous_since": job.insured_since,
        "continuous_since_month": number(job.insured_since),
        "months": count(job.insured_since, city.today),
        "base": Yuan(job.base),
        "monthly": Yuan(monthly),
        "balance": Yuan(monthly * max(1, count(job.insured_since, city.today)) // 3),
    }


def _fund_loan(city: City, household: Household, person: Person) -> Facts | None:
    if person.role is not Role.HEAD or not household.home.mortgaged:
        return None
    draw = city.draw("loan", household.index)
    return {
        "outstanding": Yuan(draw.amount(20_000, 700_000, 1_000)),
        "overdue_count": draw.weighed(((0, 0.93), (1, 0.05), (3, 0.02))),
        "closed": False,
    }


def _own_tax(city: City, _: Household, person: Person) -> Facts | None:
    job = job_of(city, person)
    if job is None:
        return None
    draw = city.draw("tax", person.id)
    return {
        "uscc_or_id": person.commit,
        "uscc": Absent(),
        "period": number(city.today) - 1,
        "amount": Yuan(max(0, job.income - 5_000) * 12 // 10),
        "arrears": draw.chance(0.01),
    }


def _company_tax(city: City, company: Company) -> Facts:
    draw = city.draw("tax", company.index)
    return {
        "uscc_or_id": city.secret("taxpayer", company.uscc),
        "uscc": company.uscc,
        "period": number(city.today) - 1,
        "amount": Yuan(draw.amount(1_000, 300_000, 100)),
        "arrears": draw.chance(0.03),
    }


def _tax_paid(city: City) -> Iterator[Entry]:
    """Give what people have paid for themselves; and what companies have, to whom represents each."""
    yield from each_person(_own_tax)(city)
    for company in city.companies():
        if company.active:
            owner = company.legal_rep
            yield of_person(owner, _company_tax(city, company), key=f"{company.uscc}/{owner.id}")


def _transport_qual(city: City, _: Household, person: Person) -> Facts | None:
    draw = city.draw("driver", person.id)
    if person.employer is None or not draw.chance(0.06):
        return None
    since = draw.day(dt.date(2016, 1, 1), city.today)
    return {"continuous_since": since, "valid_until": dt.date(city.today.year + 3, 6, 30)}


def _diploma(city: City, _: Household, person: Person) -> Facts | None:
    if person.age(city.today) < 23 or not city.draw("studied", person.id).chance(0.5):
        return None
    return {"awarded": dt.date(person.birth.year + 22, 7, 1)}


def _rare(what: str, share: float) -> Maker:
    """Return what makes lines for a share of those who work, with everything drawn."""
    return each_person(
        lambda city, _, person: (
            {} if person.employer is not None and city.draw(what, person.id).chance(share) else None
        )
    )


MAKERS: Mapping[str, Maker] = {
    "social_insurance": each_person(_social_insurance),
    "labour_contract": each_person(_labour_contract),
    "prof_title": each_person(_prof_title),
    "medical_insurance": each_person(_medical_insurance),
    "housing_fund": each_person(_housing_fund),
    "fund_loan": each_person(_fund_loan),
    "tax_paid": _tax_paid,
    "transport_qual": each_person(_transport_qual),
    "diploma": each_person(_diploma),
    "teacher_cert": _rare("teacher", 0.04),
    "practitioner": _rare("doctor", 0.02),
    "land_contract": _rare("land", 0.05),
}
