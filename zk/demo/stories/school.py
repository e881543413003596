"""A school morning: families enrol by what departments say of them, and are turned away by the same."""

import datetime as dt
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from disclosure import DepartmentName, LocalizedText, Value, VerifierName
from disclosure.composite import contents_of
from verifier import CompositePolicy, PseudonymRegister
from zk.demo.people import Asker
from zk.demo.refusals import VAULT, VERIFIER, refused
from zk.demo.stories.outcome import Told
from zk.demo.stories.registers import Registers
from zk.demo.stories.story import Cast, Part, Story, answered, asked, policy_text, verified
from zk.demo.stories.town import DISTRICTS, ID_CARD, Town, today
from zk.synthetic import Child, Household, Person
from zk.synthetic.months import number
from zk.synthetic.people import Tenure

SCHOOL: Final = Asker(
    VerifierName("quancheng-school"), LocalizedText("泉城实验学校", "Quancheng School"), "school-enrolment"
)
CATCHMENT: Final = ("370102", "370103", "370112", "370113")
_EXAMPLES: Final = ("370102", "370103")
"""The catchment that the policy's file names by digest, in whose place this school's is put."""
FROM_AGE: Final = 6
"""The school takes children from this age on who are at no secondary school."""
IN_TIME: Final = dt.timedelta(days=184)
CHILDS: Final = ("birth_cert@1", "guardianship@1", "vaccination@1", "student_status@2")
WAYS: Final = {
    "owner": ("household@3", "real_estate@3"),
    "buyer": ("household@3", "purchase_filing@1", "tax_paid@1"),
    "permit_employed": ("residence_permit@3", "rental_filing@1", "social_insurance@3"),
}
TURNED_AWAY: Final = ("too_young", "elsewhere", "not_vaccinated")
AGAIN: Final = "again"


@dataclass(frozen=True)
class _Family:
    """A family with its only child: with two, the vault would have to be told which one comes."""

    home: Household
    parent: Person
    child: Child
    way: str


def cast(registers: Registers) -> Cast:
    """Find a family for each way in, and one for each reason to be turned away, as far as there are."""
    found: dict[str, _Family] = {}
    for family in _families(registers):
        found.setdefault(_part(registers, family) or "", family)
    found.pop("", None)
    parts = {name: _played(each, each.parent) for name, each in found.items()}
    if "owner" in found:
        other = next(each for each in found["owner"].home.parents if each is not found["owner"].parent)
        parts[AGAIN] = _played(found["owner"], other)
    return Cast(parts)


def _played(family: _Family, parent: Person) -> Part:
    return Part(parent, (ID_CARD, *CHILDS, *WAYS[family.way]))


def _families(registers: Registers) -> Iterator[_Family]:
    for home in registers.city.households():
        parent, way = home.members[0], _way(home)
        if way is not None and len(home.children) == 1 and (way != "owner" or len(home.parents) == 2):
            yield _Family(home, parent, home.children[0], way)


def _way(home: Household) -> str | None:
    native = home.members[0].native
    ways = {
        (Tenure.OWNED, True): "owner",
        (Tenure.BOUGHT, True): "buyer",
        (Tenure.RENTED, False): "permit_employed",
    }
    return ways.get((home.home.tenure, native))


def _part(registers: Registers, family: _Family) -> str | None:
    """Return the part that a family can play: by its way in, or by the one thing that it lacks."""
    near, age = family.home.district in CATCHMENT, family.child.age(today())
    shots = registers.of("vaccination@1", family.parent)
    vaccinated = bool(shots and shots["complete"])
    if not _entitled(registers, family) or age >= 12:
        return None
    lacks = [
        name
        for name, is_so in zip(TURNED_AWAY, (age < FROM_AGE, not near, not vaccinated), strict=True)
        if is_so
    ]
    if not lacks:
        return family.way
    return lacks[0] if len(lacks) == 1 and family.way == "owner" else None


def _entitled(registers: Registers, family: _Family) -> bool:
    """Tell whether the papers of a family's way hold, wherever it lives."""
    latest = today() - IN_TIME
    if family.way == "buyer":
        tax = registers.of("tax_paid@1", family.parent)
        return family.home.home.since <= latest and _pays(tax, family.parent)
    if family.way == "permit_employed":
        since = [registers.of(item, family.parent) for item in ("residence_permit@3", "social_insurance@3")]
        return all(each is not None and each["continuous_since"] <= latest for each in since)  # type: ignore[operator]
    return True


def _pays(tax: Mapping[str, Value] | None, parent: Person) -> bool:
    """Tell whether somebody has paid taxes, and not only a company that one represents."""
    if tax is None or tax["arrears"]:
        return False
    return tax["uscc_or_id"] == parent.commit and tax["amount"] != 0


def policy() -> CompositePolicy:
    """Return the school's question with this year's days and this school's catchment."""
    day = today()
    cut_off = dt.date(day.year - FROM_AGE, day.month, min(day.day, 28))
    education = str(DepartmentName("education"))
    before, ours = (contents_of(education, DISTRICTS, each).hex() for each in (_EXAMPLES, CATCHMENT))
    changes = [
        ("2014-08-31", f"{cut_off}"),
        ("2026-05-31", f"{day - IN_TIME}"),
        ("24300", f"{number(dt.date(day.year - 1, 1, 1))}"),
        (before, ours),
    ]
    return policy_text(f"policies/{SCHOOL.policy}", changes)


def play(town: Town, cast: Cast, told: Told) -> None:
    """Enrol who fits, turn away who does not, and a child that comes for the second time."""
    asks = policy()
    town.need(*(f"{each.item}@{each.version}" for each in asks.schemas))
    town.publish("education", CATCHMENT)
    town.register(SCHOOL, asks)
    cast.furnish(town)
    register = PseudonymRegister(town.output / "stories-school.sqlite3")
    for way in WAYS:
        if way in cast.parts:
            _enrol(town, asks, way, cast.parts[way].person, register, told)
    for reason in TURNED_AWAY:
        if reason in cast.parts:
            _turn_away(town, asks, reason, cast.parts[reason].person, told)
    if AGAIN in cast.parts:
        _again(town, asks, cast.parts[AGAIN].person, register, told)
    told.fact("story.school.no_more", holds=not _of_parents(town, cast))


def _of_parents(town: Town, cast: Cast) -> set[str]:
    """Return the parts whose parent's name, number or commitment stands in a record of the school's."""
    records = [each.read_bytes() for each in town.output.glob("enrolled-*.json")]
    found = set()
    for name, played in cast.parts.items():
        who = played.person
        forms = (who.name.encode(), who.number.encode(), b64encode(who.commit), who.commit.hex().encode())
        if any(form in record for form in forms for record in records):
            found.add(name)
    return found


def _enrol(
    town: Town, asks: CompositePolicy, way: str, parent: Person, register: PseudonymRegister, told: Told
) -> None:
    exchange = asked(town, SCHOOL, asks)
    answered(town, exchange.link, town.vaults[parent.number], way)
    admitted = verified(town, SCHOOL, exchange)
    admitted.keep(town.output / f"enrolled-{way}.json", unique=asks.unique, register=register)
    credentials = admitted.verified.answer.credentials
    shown = {name: value for each in credentials for name, value in each.shown.values.items()}
    town.shown.add(str(shown["child_number"]))
    told.fact(
        f"story.school.{way}",
        holds=sorted(shown) == ["child_name", "child_number", "district"],
        documents=len(credentials),
        shown=len(shown),
    )


def _turn_away(town: Town, asks: CompositePolicy, reason: str, parent: Person, told: Told) -> None:
    """Be told by one's own vault; the school learns that somebody did not answer, and not who or why."""
    vault, exchange = town.vaults[parent.number], asked(town, SCHOOL, asks)
    told.refusals.append(
        refused(
            f"story.school.{reason}",
            (VAULT, "NOTHING_FITS"),
            lambda: answered(town, exchange.link, vault, "owner"),
        )
    )


def _again(
    town: Town, asks: CompositePolicy, parent: Person, register: PseudonymRegister, told: Told
) -> None:
    exchange = asked(town, SCHOOL, asks)
    answered(town, exchange.link, town.vaults[parent.number], "owner", counts=False)
    second = verified(town, SCHOOL, exchange)
    path = town.output / "enrolled-again.json"
    told.refusals.append(
        refused(
            "story.school.again",
            (VERIFIER, "PSEUDONYM_SEEN"),
            lambda: second.keep(path, unique=asks.unique, register=register),
        )
    )


STORY: Final = Story("school", cast, play)
