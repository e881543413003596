"""Who and what there is in the city: people, households, homes, companies. Values, told apart by ids."""

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """What somebody is in a household."""

    HEAD = "head"
    SPOUSE = "spouse"
    CHILD = "child"
    PARENT = "parent"


class Tenure(StrEnum):
    """How a household has its home."""

    OWNED = "owned"
    BOUGHT = "bought"
    """By a contract that is on file; the title comes later."""
    RENTED = "rented"


@dataclass(frozen=True)
class Home:
    """A flat. `secret` is what departments sign, hidden, into everything that names it."""

    unit: str
    district: str
    tenure: Tenure
    since: dt.date
    area_dm2: int
    mortgaged: bool
    sealed: bool
    secret: bytes = field(repr=False)


@dataclass(frozen=True)
class Person:
    """Somebody. `id` tells people apart; `commit` is the salted hash of the number, the same everywhere.

    `employer` is the index of a company. `native` tells whether the person is in the household register of
    the district; others live there by a residence permit.
    """

    id: str
    number: str
    commit: bytes
    name: str
    male: bool
    birth: dt.date
    district: str
    role: Role
    native: bool
    married: bool
    employer: int | None

    def age(self, today: dt.date) -> int:
        """Return the age in whole years."""
        before = (today.month, today.day) < (self.birth.month, self.birth.day)
        return today.year - self.birth.year - before


@dataclass(frozen=True)
class Child(Person):
    """A child of the household. `secret` is what departments sign into everything that names the child."""

    secret: bytes = field(repr=False)


@dataclass(frozen=True)
class Household:
    """People who live together; `members` begins with the head. `index` is unique in the city."""

    index: int
    district: str
    home: Home
    members: tuple[Person, ...]

    @property
    def parents(self) -> tuple[Person, ...]:
        """The one or two who bring up the household's children."""
        return tuple(each for each in self.members if each.role in {Role.HEAD, Role.SPOUSE})

    @property
    def children(self) -> tuple[Child, ...]:
        """The household's children."""
        return tuple(each for each in self.members if isinstance(each, Child))

    @property
    def mother(self) -> Person | None:
        """The parent who is the mother, if she lives here."""
        return next((each for each in self.parents if not each.male), None)

    @property
    def father(self) -> Person | None:
        """The parent who is the father, if he lives here."""
        return next((each for each in self.parents if each.male), None)


@dataclass(frozen=True)
class Company:
    """A company; its legal representative lives in the city."""

    index: int
    uscc: str
    name: str
    district: str
    established: dt.date
    capital: int
    active: bool
    listed: bool
    legal_rep: Person
