"""Homes: titles, contracts on file, rents, and what lies on a title."""

import datetime as dt
from collections.abc import Iterator, Mapping

from zk.synthetic.city import City
from zk.synthetic.people import Home, Household, Tenure
from zk.synthetic.records.entries import Entry, Facts, Maker, of_person


def _named(city: City, home: Home) -> Facts:
    """Return what names a home everywhere: the hash of its number, and its secret."""
    return {"unit_no": city.secret("unit", home.unit), "home_secret": home.secret}


def _lived_in(city: City, home: Home) -> Facts:
    """Return what title, contract and lease say alike of a home: its name, its district, what it is for."""
    return {**_named(city, home), "district": home.district, "use": "dwelling"}


def _of_head(household: Household, facts: Facts) -> Entry:
    return of_person(household.members[0], facts)


def _real_estate(city: City) -> Iterator[Entry]:
    """Give a title for each owner: couples own half each."""
    for household in city.households():
        home = household.home
        if home.tenure is not Tenure.OWNED:
            continue
        owners = household.parents
        for owner in owners:
            yield of_person(
                owner,
                {
                    **_lived_in(city, home),
                    "right_type": "ownership",
                    "share_bp": 10_000 // len(owners),
                    "area_dm2": home.area_dm2,
                    "area": home.area_dm2 // 100,
                    "since": home.since,
                    "mortgaged": home.mortgaged,
                },
            )


def _encumbrance(city: City) -> Iterator[Entry]:
    for household in city.households():
        home = household.home
        if home.tenure is Tenure.OWNED:
            for owner in household.parents:
                facts = {**_named(city, home), "mortgaged": home.mortgaged, "sealed": home.sealed}
                yield of_person(owner, facts)


def _purchase_filing(city: City) -> Iterator[Entry]:
    for household in city.households():
        home = household.home
        if home.tenure is Tenure.BOUGHT:
            facts = {**_lived_in(city, home), "filed": home.since, "paid_full": True}
            yield _of_head(household, facts)


def _rental_filing(city: City) -> Iterator[Entry]:
    for household in city.households():
        home = household.home
        if home.tenure is Tenure.RENTED:
            end = dt.date(city.today.year + 1, 8, 31)
            facts = {**_lived_in(city, home), "start": home.since, "end": end}
            yield _of_head(household, facts)


MAKERS: Mapping[str, Maker] = {
    "real_estate": _real_estate,
    "estate_encumbrance": _encumbrance,
    "purchase_filing": _purchase_filing,
    "rental_filing": _rental_filing,
}
