"""Registers of all departments are about the same people, homes and companies, and fit their schemas."""

import datetime as dt
import tracemalloc
from collections.abc import Mapping
from functools import cache
from itertools import islice
from typing import Any

import pytest

from disclosure import CredentialForm, Schema
from zk import catalogue
from zk.catalogue.info import Subject
from zk.synthetic import ITEMS, City, Record, records_of
from zk.synthetic.records import _MAKERS

TOWN = City(2_000)
BUILTIN = catalogue.builtin()
COMPOSITE = [each for each in BUILTIN.schemas() if each.form is CredentialForm.COMPOSITE]


def subject_of(schema: Schema) -> Subject:
    info = BUILTIN.info(schema.name.item)
    return Subject.PERSON if info is None else info.subject


@cache
def register(item: str) -> tuple[Record, ...]:
    schema = BUILTIN.find(item)
    assert schema is not None
    return tuple(records_of(TOWN, schema, subject_of(schema)))


def values(item: str) -> list[Mapping[str, Any]]:
    return [each.values for each in register(item)]


@pytest.mark.parametrize("schema", COMPOSITE, ids=lambda each: str(each.name))
def test_every_item_of_the_catalogue_has_records_that_fit(schema: Schema) -> None:
    found = list(records_of(TOWN, schema, subject_of(schema)))
    assert found
    assert len({each.id for each in found}) == len(found)
    assert found == list(records_of(City(2_000), schema, subject_of(schema))), "the same again"
    for each in found:
        schema.check_values(each.values)


@pytest.mark.parametrize("item", sorted(ITEMS))
def test_a_fact_has_its_place_in_some_version_of_its_item(item: str) -> None:
    """Or a misspelt one would be drawn instead, and nobody would notice."""
    versions = [each for each in COMPOSITE if each.name.item == item]
    assert versions
    told = {name for entry in islice(_MAKERS[item](TOWN), 200) for name in entry.facts}
    unknown = {name for name in told if not any(name in each for each in versions)}
    assert not unknown - {"home_secret", "child_secret", "uscc"}, "what names a subject is told everywhere"


@pytest.mark.parametrize("item", sorted(ITEMS))
def test_what_is_told_is_kept_where_the_schema_has_the_attribute(item: str) -> None:
    for entry, record in islice(zip(_MAKERS[item](TOWN), register(item), strict=True), 200):
        for name, fact in entry.facts.items():
            if isinstance(fact, bytes | bool | str) and name in record.values:
                assert record.values[name] == fact


def test_departments_name_a_person_by_the_same_commitment() -> None:
    known = {each.number: each.values["id_commit"] for each in register("id_card")}
    for item in (
        "household",
        "residence_permit",
        "social_insurance",
        "housing_fund",
        "marriage",
        "real_estate",
    ):
        for each in register(item):
            assert each.values["id_commit"] == known[each.number], item


def test_spouses_name_each_other() -> None:
    spouse = {each["id_commit"]: each["spouse_id"] for each in values("marriage") if "spouse_id" in each}
    assert spouse
    assert all(spouse[other] == one for one, other in spouse.items())


def test_a_child_is_tied_to_its_guardians_and_its_papers() -> None:
    guardians: dict[bytes, set[bytes]] = {}
    for each in values("guardianship"):
        assert each["guardian_id"] == each["id_commit"]
        guardians.setdefault(each["child_id"], set()).add(each["guardian_id"])
    secrets = {each["child_id"]: each["child_secret"] for each in values("guardianship")}
    for each in values("birth_cert"):
        assert each["id_commit"] in guardians[each["child_id"]]
        assert each["child_secret"] == secrets[each["child_id"]]
        parents = {each["mother_id"], each.get("father_id")}
        assert guardians[each["child_id"]] <= parents
    assert {each["child_id"] for each in values("vaccination")} == set(guardians)
    assert {each["child_id"] for each in values("student_status")} <= set(guardians)


def test_two_parents_of_a_child_have_each_other_s_secret() -> None:
    own = {(each["child_id"], each["id_commit"]): each["parent_secret"] for each in values("birth_cert")}
    assert len(set(own.values())) == len(own), "of this child and this parent"
    pairs = 0
    for each in values("birth_cert"):
        others = {secret for (child, who), secret in own.items()
                  if child == each["child_id"] and who != each["id_commit"]}  # fmt: skip
        assert each["other_parent_secret"] != each["parent_secret"]
        assert others <= {each["other_parent_secret"]}
        pairs += len(others)
    assert pairs


def test_people_live_in_dwellings_which_owners_own() -> None:
    for item in ("real_estate", "purchase_filing", "rental_filing"):
        assert {each["use"] for each in values(item)} == {"dwelling"}
    assert {each["right_type"] for each in values("real_estate")} == {"ownership"}


def test_taxes_are_a_person_s_own_or_those_of_a_company_that_it_represents() -> None:
    represented = {each["legal_rep"]: each["uscc"] for each in values("business_licence")}
    own = [each for each in values("tax_paid") if "uscc" not in each]
    company = [each for each in values("tax_paid") if "uscc" in each]
    assert own
    assert company
    assert all(each["uscc_or_id"] == each["id_commit"] for each in own)
    assert all(represented[each["id_commit"]] == each["uscc"] for each in company)
    assert all(each["uscc_or_id"] != each["id_commit"] for each in company)
    assert all(each["amount"] > 0 for each in company)


def test_a_home_has_one_secret_and_is_held_in_one_way() -> None:
    ways = [
        {each["home_secret"] for each in values(item)}
        for item in ("real_estate", "purchase_filing", "rental_filing")
    ]
    assert all(ways)
    assert sum(map(len, ways)) == len(set.union(*ways))
    titles = {each["unit_no"] for each in values("real_estate")}
    assert {each["unit_no"] for each in values("estate_encumbrance")} == titles


def test_owners_of_a_home_own_all_of_it() -> None:
    shares: dict[bytes, int] = {}
    for each in values("real_estate"):
        shares[each["unit_no"]] = shares.get(each["unit_no"], 0) + each["share_bp"]
    assert set(shares.values()) == {10_000}


def test_people_are_insured_by_companies_that_have_a_licence() -> None:
    licences = {each.values["uscc"] for each in register("business_licence")}
    for item in ("social_insurance", "labour_contract"):
        assert {each["employer"] for each in values(item) if "employer" in each} <= licences


def test_a_licence_names_its_legal_representative_who_has_it_too() -> None:
    cards = {each.number: each.values["id_commit"] for each in register("id_card")}
    companies = {
        each.number: each for each in register("business_licence") if each.subject is Subject.COMPANY
    }
    own = [each for each in register("business_licence") if each.subject is Subject.PERSON]
    assert len(own) == len(companies) == TOWN.blocks
    for each in own:
        assert each.values["legal_rep"] == cards[each.number]
        assert companies[str(each.values["uscc"])].values == each.values


def test_months_are_those_of_the_dates_beside_them() -> None:
    for item in ("social_insurance", "housing_fund", "residence_permit"):
        for each in values(item):
            since = each["continuous_since"]
            assert each["continuous_since_month"] == since.year * 12 + since.month - 1
    for each in values("social_insurance"):
        assert each["months"] == 2026 * 12 + 8 - each["continuous_since_month"]


def test_nothing_lies_in_the_future_that_has_happened() -> None:
    for item in ITEMS:
        for each in values(item):
            for name in (
                "since",
                "continuous_since",
                "established",
                "birth",
                "filed",
                "registered",
                "opened",
            ):
                day = each.get(name)
                assert day is None or not isinstance(day, dt.date) or day <= TOWN.today, (item, name)


def test_natives_are_registered_and_others_have_a_permit() -> None:
    registered = {each["id_commit"] for each in values("household")}
    permitted = {each["id_commit"] for each in values("residence_permit")}
    assert registered
    assert permitted
    assert not registered & permitted


def test_no_subject_is_named_in_a_representation() -> None:
    record = register("id_card")[0]
    assert record.number not in repr(record)
    assert str(record.values["name"]) not in repr(record)


def test_a_large_register_takes_no_more_memory_than_a_small_one() -> None:
    schema, city = BUILTIN.find("id_card"), City(1_000_000)
    assert schema is not None

    def peak(count: int) -> int:
        tracemalloc.start()
        for _ in islice(records_of(city, schema, Subject.PERSON), count):
            pass
        taken = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return taken

    peak(6_000)  # fill what is kept of the last blocks
    assert peak(20_000) < 1.5 * peak(7_000)
