"""The city is the same for the same seed, adds up, and nobody in it is anybody."""

import datetime as dt
import tracemalloc
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zk.synthetic import Child, City, numbers
from zk.synthetic.people import Role

TOWN = City(2_000)


def people(city: City) -> list[object]:
    return [member for household in city.households() for member in household.members]


def test_the_same_seed_gives_the_same_city_and_another_seed_another() -> None:
    again, other = City(2_000), City(2_000, seed=7)
    assert list(TOWN.households()) == list(again.households())
    assert list(TOWN.companies()) == list(again.companies())
    assert next(TOWN.households()) != next(other.households())


@pytest.mark.parametrize("asked", [100, 101, 1_000, 1_999])
def test_there_are_as_many_people_as_asked_for_in_whole_blocks(asked: int) -> None:
    city = City(asked)
    assert len(people(city)) == city.blocks * 20 == -(-asked // 20) * 20


@pytest.mark.parametrize("asked", [0, 99, 1_000_001])
def test_a_city_has_its_bounds(asked: int) -> None:
    with pytest.raises(ValueError, match="100 to 1000000"):
        City(asked)


def test_no_two_people_share_a_number_an_id_or_a_commitment() -> None:
    city = City(40_000)  # more people than there are serials, so that those of one serial must differ
    found = [member for household in city.households() for member in household.members]
    for what in ("id", "number", "commit"):
        assert len({getattr(each, what) for each in found}) == len(found), what


def test_what_numbers_show_is_what_is_said_of_a_person() -> None:
    for household in TOWN.households():
        for person in household.members:
            number = person.number
            assert len(number) == 18
            assert number[:6] == person.district == household.district
            assert number[6:14] == f"{person.birth:%Y%m%d}"
            assert int(number[16]) % 2 == person.male


def test_every_check_character_is_wrong() -> None:
    for household in TOWN.households():
        for person in household.members:
            assert numbers.person_check(person.number[:17]) != person.number[17]
    for company in TOWN.companies():
        assert numbers.company_check(company.uscc[:17]) != company.uscc[17]


def test_check_characters_are_those_of_the_standards() -> None:
    assert numbers.person_check("11010519491231002") == "X", "the example of GB 11643"
    assert numbers.company_check("91350100M000100Y4") == "3", "the example of GB 32100"


@given(st.integers(0, numbers.SERIALS - 1), st.integers(0, numbers.SERIALS - 1), st.booleans())
def test_serials_tell_numbers_apart(one: int, other: int, male: bool) -> None:
    birth = dt.date(2000, 1, 1)
    first, second = (numbers.person_number("370102", birth, each, male=male) for each in (one, other))
    assert (first == second) == (one == other)


def test_families_hold_together() -> None:
    for household in TOWN.households():
        head = household.members[0]
        assert head.role is Role.HEAD
        assert household.children == tuple(each for each in household.members if each.role is Role.CHILD)
        for child in household.children:
            assert isinstance(child, Child)
            assert child.employer is None
            assert child.age(TOWN.today) < 18
            assert min(each.age(TOWN.today) for each in household.parents) - child.age(TOWN.today) >= 17
        mother, father = household.mother, household.father
        assert mother is None or not mother.male
        assert father is None or father.male


def test_people_work_at_companies_that_there_are() -> None:
    employers = [
        person.employer
        for household in TOWN.households()
        for person in household.members
        if person.employer is not None
    ]
    assert 0.3 < len(employers) / TOWN.people < 0.7
    assert {TOWN.company(each).index for each in set(employers)} == set(employers)


def test_a_company_is_led_by_somebody_who_lives_here() -> None:
    residents = {person.id for household in TOWN.households() for person in household.members}
    for company in TOWN.companies():
        assert company.legal_rep.id in residents
        assert company.legal_rep.age(TOWN.today) >= 18
    with pytest.raises(IndexError):
        TOWN.company(TOWN.blocks)


def test_a_large_city_takes_no_more_memory_than_a_small_one() -> None:
    def peak(city: City, households: int) -> int:
        tracemalloc.start()
        for _ in islice(city.households(), households):
            pass
        taken = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return taken

    peak(City(1_000_000), 500)  # fill what is kept of the last blocks
    assert peak(City(1_000_000), 6_000) < 1.5 * peak(City(1_000_000), 2_000)
