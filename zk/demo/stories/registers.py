"""What the city's departments have in their registers, and who its people are, looked up by number."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from disclosure import Schema, Value
from zk import catalogue
from zk.catalogue.info import Subject
from zk.exits import CommandError, Exit
from zk.synthetic import City, Company, Household, Person, Record, records_of


@dataclass(frozen=True)
class Line:
    """A record with who gets its credential: for a company's, its legal representative."""

    record: Record
    holder: Person


class Registers:
    """A synthetic city and the registers about it; each is made when it is first asked for, and kept."""

    def __init__(self, city: City) -> None:
        self.city = city
        self._lines: dict[str, tuple[Line, ...]] = {}

    @cached_property
    def people(self) -> Mapping[str, Person]:
        """Everybody, by number."""
        return {person.number: person for each in self.city.households() for person in each.members}

    @cached_property
    def companies(self) -> Mapping[str, Company]:
        """All companies, by number."""
        return {each.uscc: each for each in self.city.companies()}

    def schema(self, item: str) -> Schema:
        """Return a schema of the catalogue by item and version."""
        found = catalogue.builtin().find(item)
        if found is None:
            raise CommandError(Exit.USAGE, "ITEM_UNKNOWN", "error.item_unknown", item=item, known="")
        return found

    def lines(self, item: str) -> tuple[Line, ...]:
        """Return all records of an item.

        What an item has about a company beside a person's own, as with licences, is left to the company.
        """
        if item not in self._lines:
            schema, info = self.schema(item), catalogue.builtin().info(item)
            wanted = info.subject if info is not None else Subject.PERSON
            found = records_of(self.city, schema, wanted)
            lines = [Line(each, self._holder(each)) for each in found]
            persons = tuple(each for each in lines if each.record.subject is Subject.PERSON)
            self._lines[item] = persons or tuple(lines)
        return self._lines[item]

    def of(self, item: str, person: Person) -> Mapping[str, Value] | None:
        """Return the values of somebody's first record of an item, None without one."""
        mine = (each.record.values for each in self.lines(item) if each.holder.number == person.number)
        return next(mine, None)

    def households(self, wanted: Callable[[Household], bool]) -> list[Household]:
        """Return the households that a story looks for, in the city's order."""
        return [each for each in self.city.households() if wanted(each)]

    def _holder(self, record: Record) -> Person:
        if record.subject is Subject.PERSON:
            return self.people[record.number]
        return self.companies[record.number].legal_rep
