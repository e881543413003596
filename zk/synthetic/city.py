"""The city, block by block: a block has twenty people in its households, and one company."""

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from zk.synthetic import names, numbers
from zk.synthetic.draws import Draw, octets
from zk.synthetic.people import Child, Company, Home, Household, Person, Role, Tenure

BLOCK: Final = 20
"""People of a block, so that the people of a city are whole blocks and any block can be made by itself."""
LEAST, MOST = 100, 1_000_000
_NEIGHBOURS: Final = 50
"""People work at the companies of this many blocks around."""
_DISTRICTS: Final = (
    ("370102", 8), ("370103", 9), ("370104", 7), ("370105", 7), ("370112", 11), ("370113", 6),
    ("370114", 10), ("370115", 5), ("370116", 8), ("370117", 3), ("370124", 3), ("370126", 5),
)  # fmt: skip
"""Jinan's districts, weighed about as its people are spread over them."""
_SIZES: Final = (
    ((2, 1, 0), 0.30), ((2, 2, 0), 0.15), ((2, 0, 0), 0.17), ((1, 0, 0), 0.20), ((1, 1, 0), 0.06),
    ((2, 1, 1), 0.08), ((2, 1, 2), 0.04),
)  # fmt: skip
"""Households by parents, children and grandparents."""


@dataclass(frozen=True)
class City:
    """A city of so many people, as it is on a day. Raises ValueError outside 100 to 1,000,000 people.

    The number of people is rounded up to whole blocks of twenty.
    """

    people: int
    seed: int = 2026
    today: dt.date = dt.date(2026, 9, 1)

    def __post_init__(self) -> None:
        if not LEAST <= self.people <= MOST:
            raise ValueError(f"a city has {LEAST} to {MOST} people")

    @property
    def blocks(self) -> int:
        """How many blocks there are, and so how many companies."""
        return -(-self.people // BLOCK)

    def households(self) -> Iterator[Household]:
        """All households, in order; nothing is kept of those that were given before."""
        for block in range(self.blocks):
            yield from block_of(self, block)

    def companies(self) -> Iterator[Company]:
        """All companies, in order."""
        for index in range(self.blocks):
            yield self.company(index)

    def company(self, index: int) -> Company:
        """Return a company; IndexError if there is none of this index."""
        if not 0 <= index < self.blocks:
            raise IndexError(index)
        draw = Draw(self.seed, "company", index)
        household = block_of(self, index)[0]
        oldest = dt.date(2000, 1, 1)
        return Company(
            index=index,
            uscc=numbers.company_number(household.district, index),
            name=names.company(draw, index),
            district=household.district,
            established=draw.day(oldest, self.today - dt.timedelta(days=60)),
            capital=draw.amount(100_000, 50_000_000, 10_000),
            active=draw.chance(0.96),
            listed=draw.chance(0.02),
            legal_rep=household.members[0],
        )

    def draw(self, *place: int | str) -> Draw:
        """Return what is drawn at a place, for what a department alone knows."""
        return Draw(self.seed, *place)

    def secret(self, *place: int | str) -> bytes:
        """Return 32 octets of a place."""
        return octets(self.seed, "secret", *place)


@lru_cache(maxsize=256)
def block_of(city: City, block: int) -> tuple[Household, ...]:
    """Return the households of a block: twenty people."""
    made: list[Household] = []
    left = BLOCK
    while left:
        household = _Maker(city, block, len(made), BLOCK - left).household(left)
        made.append(household)
        left -= len(household.members)
    return tuple(made)


class _Maker:
    """Makes one household."""

    def __init__(self, city: City, block: int, place: int, before: int) -> None:
        self._city, self._block, self._place, self._before = city, block, place, before
        self._draw = Draw(city.seed, "household", block, place)
        self._district = Draw(city.seed, "district", block).weighed(_DISTRICTS)
        self._count = 0

    def household(self, most: int) -> Household:
        """Make it, of at most so many people; the last one of a block takes whom there is room for."""
        parents, children, elders = self._draw.weighed(_SIZES)
        native = self._draw.chance(0.7)
        generations = [Role.HEAD, Role.SPOUSE][:parents] + [Role.CHILD] * children + [Role.PARENT] * elders
        head_male, family = self._draw.chance(0.6), names.surname(self._draw)
        eldest = self._draw.number(24, 52) if children or elders else self._draw.number(22, 80)
        members: list[Person] = []
        for role in generations[:most]:
            members.append(self._person(role, native, head_male, family, eldest, married=parents == 2))
        if len(members) == 1:
            members = [replace(members[0], married=False)]
        return Household(self._block * BLOCK + self._place, self._district, self._home(), tuple(members))

    def _person(
        self, role: Role, native: bool, head_male: bool, family: str, eldest: int, *, married: bool
    ) -> Person:
        draw, sequence = self._draw, self._count
        self._count += 1
        male = {Role.HEAD: head_male, Role.SPOUSE: not head_male}.get(role, draw.chance(0.5))
        age = {
            Role.HEAD: eldest,
            Role.SPOUSE: max(21, eldest + draw.number(-4, 2)),
            Role.CHILD: draw.number(0, max(0, min(17, eldest - 22))),
            Role.PARENT: eldest + draw.number(22, 34),
        }[role]
        serial = self._block * BLOCK + self._before + sequence
        birth = self._born(age, serial)
        grown = role is not Role.CHILD
        identifier = f"{self._block}-{self._place}-{sequence}"
        number = numbers.person_number(self._district, birth, serial, male=male)
        salt = self._city.secret("salt", identifier)
        own = family if role in {Role.HEAD, Role.CHILD} else names.surname(draw)
        fields: dict[str, Any] = {
            "id": identifier,
            "number": number,
            "commit": hashlib.sha256(b"zk-disclosure/number/v1\x00" + salt + number.encode()).digest(),
            "name": own + names.given(draw, male=male),
            "male": male,
            "birth": birth,
            "district": self._district,
            "role": role,
            "native": native,
            "married": married if role in {Role.HEAD, Role.SPOUSE} else grown,
            "employer": self._employer(age) if grown else None,
        }
        if role is Role.CHILD:
            return Child(**fields, secret=self._city.secret("child", identifier))
        return Person(**fields)

    def _born(self, age: int, serial: int) -> dt.date:
        """Return a birthday within the year that makes somebody this old.

        People whose serials agree in what a number shows of them are at most 200 in a city: each of them has
        another day of the year, so that no two people have one number.
        """
        turn, shown = divmod(serial, numbers.SERIALS)
        days = (turn + Draw(self._city.seed, "birthday", shown).number(0, 364)) % 365
        today = self._city.today
        return dt.date(today.year - age, today.month, min(today.day, 28)) - dt.timedelta(days=days)

    def _employer(self, age: int) -> int | None:
        if not 20 <= age < 60 or not self._draw.chance(0.8):
            return None
        blocks = self._city.blocks
        return (self._block + self._draw.number(0, min(_NEIGHBOURS, blocks) - 1)) % blocks

    def _home(self) -> Home:
        draw = self._draw
        tenure = draw.weighed(((Tenure.OWNED, 0.6), (Tenure.BOUGHT, 0.1), (Tenure.RENTED, 0.3)))
        place = f"{self._block}-{self._place}"
        return Home(
            unit=f"{self._district}-{self._block:05d}-{self._place:02d}",
            district=self._district,
            tenure=tenure,
            since=draw.day(dt.date(2008, 1, 1), self._city.today - dt.timedelta(days=30)),
            area_dm2=draw.amount(4_000, 20_000, 10),
            mortgaged=tenure is Tenure.OWNED and draw.chance(0.35),
            sealed=tenure is Tenure.OWNED and draw.chance(0.01),
            secret=self._city.secret("home", place),
        )
