"""What a catalogue holds once it is read: departments, the schemas of their items, code lists."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from disclosure import Code, DepartmentName, LocalizedText, Schema
from zk.catalogue.errors import CatalogueError
from zk.catalogue.info import ItemInfo, Subject


@dataclass(frozen=True)
class Department:
    """A department with the schemas of its items, and what is told of them, by item.

    `identifies` are the kinds of subject for whose accounts it makes codes.
    Raises CatalogueError if a version stands there twice.
    """

    name: DepartmentName
    display_name: LocalizedText
    schemas: tuple[Schema, ...]
    items: Mapping[str, ItemInfo]
    identifies: frozenset[Subject] = frozenset()

    def __post_init__(self) -> None:
        if len({each.name for each in self.schemas}) != len(self.schemas):
            raise CatalogueError(f"{self.name}: a version of an item stands there twice")


@dataclass(frozen=True)
class Counts:
    """How much a catalogue holds; a department that issues nothing is not counted."""

    departments: int
    items: int
    versions: int


@dataclass(frozen=True)
class Catalogue:
    """Departments by their identifier, in order of it.

    Raises CatalogueError if two departments have an item of one identifier, or two code lists one system: a
    code means the same wherever it stands.
    """

    departments: Mapping[str, Department]

    def __post_init__(self) -> None:
        owners: dict[str, str] = {}
        for each in self.schemas():
            if owners.setdefault(each.name.item, each.name.department) != each.name.department:
                raise CatalogueError(f"two departments have an item {each.name.item}")
        _ = self.code_lists

    def schemas(self) -> Iterator[Schema]:
        """All schemas, department by department."""
        for department in self.departments.values():
            yield from department.schemas

    @cached_property
    def newest(self) -> Mapping[str, Schema]:
        """The newest version of each item, by the item's identifier."""
        found: dict[str, Schema] = {}
        for each in self.schemas():
            if each.name.item not in found or found[each.name.item].name.version < each.name.version:
                found[each.name.item] = each
        return found

    @cached_property
    def code_lists(self) -> Mapping[str, tuple[Code, ...]]:
        """The code lists that attributes use, by their code system."""
        lists: dict[str, tuple[Code, ...]] = {}
        for schema in self.schemas():
            for each in schema.attributes:
                if each.codes and lists.setdefault(each.code_system, each.codes) != each.codes:
                    raise CatalogueError(f"{schema.name}: {each.code_system} has other codes elsewhere")
        return lists

    def find(self, item: str) -> Schema | None:
        """Return the newest version of an item, by its identifier, or the version of `item@version`."""
        identifier, _, version = item.partition("@")
        if not version:
            return self.newest.get(identifier)
        versions = (each for each in self.schemas() if each.name.item == identifier)
        return next((each for each in versions if str(each.name.version) == version), None)

    def info(self, item: str) -> ItemInfo | None:
        """Return what is told of an item, by its identifier; None if it is unknown or nothing is told."""
        found = self.newest.get(item)
        return self.departments[found.name.department].items.get(item) if found else None

    def counts(self) -> Counts:
        """Count departments that issue something, items, and versions of items."""
        issuing = sum(bool(each.schemas) for each in self.departments.values())
        return Counts(issuing, len(self.newest), sum(1 for _ in self.schemas()))
