"""The departments and items that the project brings along, readable YAML beside this file.

A file holds one department, its items and its own code lists; `code_lists.yaml` holds those that several
departments use. Loading checks everything and gives the types of `disclosure`; an operator's own file is read
the same way. A version of an item never changes once it was registered anywhere: change it by adding a
version.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from disclosure import (
    AttributeDefinition,
    AttributeType,
    Code,
    CredentialForm,
    DepartmentName,
    DisclosureError,
    LocalizedText,
    Schema,
    SchemaName,
)
from disclosure.attributes import days
from verifier import strict_yaml

_SHARED_LISTS: Final = "code_lists.yaml"


class CatalogueError(ValueError):
    """A file that describes no department; the text says where."""


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, populate_by_name=False)


class _Text(_Model):
    zh: str
    en: str

    def build(self) -> LocalizedText:
        return LocalizedText(self.zh, self.en)


class _CodeList(_Model):
    system: str
    codes: dict[str, _Text]

    def build(self) -> tuple[Code, ...]:
        return tuple(Code(code, name.build()) for code, name in self.codes.items())


class _Attribute(_Model):
    id: str
    name: _Text
    type: Literal["text", "integer", "date", "boolean", "code", "hash", "secret"]
    optional: bool = False
    unit: str = ""
    scale: int = 0
    minimum: int | None = None
    maximum: int | None = None
    first: Annotated[dt.date | None, Field(alias="from")] = None
    last: Annotated[dt.date | None, Field(alias="to")] = None
    max_length: int = 0
    codes: str = ""

    def build(self, lists: Mapping[str, _CodeList]) -> AttributeDefinition:
        if (self.first or self.last) and (self.type != "date" or self.minimum or self.maximum):
            raise CatalogueError(f"{self.id}: from and to are for dates, minimum and maximum for integers")
        if self.codes and self.codes not in lists:
            raise CatalogueError(f"{self.id}: there is no code list {self.codes}")
        code_list = lists[self.codes] if self.codes else None
        return AttributeDefinition(
            id=self.id,
            display_name=self.name.build(),
            type=AttributeType(self.type),
            optional=self.optional,
            unit=self.unit,
            scale=self.scale,
            minimum=days(self.first) if self.first else self.minimum,
            maximum=days(self.last) if self.last else self.maximum,
            max_length=self.max_length,
            code_system=code_list.system if code_list else "",
            codes=code_list.build() if code_list else (),
        )


class _Item(_Model):
    id: str
    version: int
    form: Literal["plain", "composite"] = "plain"
    name: _Text
    validity_days: int
    attributes: list[_Attribute]

    def build(self, department: DepartmentName, lists: Mapping[str, _CodeList]) -> Schema:
        name = SchemaName.parse(f"{department}/schemas/{self.id}@{self.version}")
        return Schema(
            name=name,
            display_name=self.name.build(),
            form=CredentialForm(self.form),
            attributes=tuple(each.build(lists) for each in self.attributes),
            validity_days=self.validity_days,
        )


class _Shared(_Model):
    code_lists: dict[str, _CodeList]


class _Department(_Model):
    id: str
    name: _Text
    items: list[_Item] = []
    code_lists: dict[str, _CodeList] = {}

    def build(self, shared: Mapping[str, _CodeList]) -> "Department":
        if doubled := sorted(set(shared) & set(self.code_lists)):
            raise CatalogueError(f"{self.id}: the code list {doubled[0]} exists already")
        name = DepartmentName.parse(f"departments/{self.id}")
        lists = {**shared, **self.code_lists}
        return Department(name, self.name.build(), tuple(each.build(name, lists) for each in self.items))


@dataclass(frozen=True)
class Department:
    """A department with the schemas of its items. Raises CatalogueError if one stands there twice."""

    name: DepartmentName
    display_name: LocalizedText
    schemas: tuple[Schema, ...]

    def __post_init__(self) -> None:
        if len({each.name for each in self.schemas}) != len(self.schemas):
            raise CatalogueError(f"{self.name}: a version of an item stands there twice")


@dataclass(frozen=True)
class Catalogue:
    """Departments by their identifier, in order of it."""

    departments: Mapping[str, Department]

    def schemas(self) -> Iterator[Schema]:
        """All schemas, department by department."""
        for department in self.departments.values():
            yield from department.schemas

    def find(self, item: str) -> Schema | None:
        """Return the newest version of an item, by its identifier, or the version of `item@version`."""
        identifier, _, version = item.partition("@")
        found = [
            each
            for each in self.schemas()
            if each.name.item == identifier and version in {"", str(each.name.version)}
        ]
        return max(found, key=lambda each: each.name.version, default=None)


def parse_department(octets: bytes, shared: Mapping[str, "_CodeList"] | None = None) -> Department:
    """Read a department's file, by default with the shared code lists. Raises CatalogueError."""
    try:
        model = _Department.model_validate(strict_yaml.parse(octets))
        return model.build(_shared_lists() if shared is None else shared)
    except ValidationError as error:
        raise CatalogueError(_first_fault(error)) from None
    except (strict_yaml.YamlError, DisclosureError) as error:
        raise CatalogueError(str(error)) from None


def load_department(path: Path) -> Department:
    """Read an operator's own file as `parse_department` does; also raises OSError."""
    with path.open("rb") as file:
        return parse_department(file.read(strict_yaml.MAX_OCTETS + 1))


def load() -> Catalogue:
    """Read the project's own catalogue anew. Raises CatalogueError if an installation is damaged."""
    departments = [
        parse_department(each.read_bytes())
        for each in sorted(resources.files(__name__).iterdir(), key=lambda each: each.name)
        if each.name.endswith(".yaml") and each.name != _SHARED_LISTS
    ]
    by_id = {each.name.department: each for each in departments}
    if len(by_id) != len(departments):
        raise CatalogueError("two files describe one department")
    return Catalogue(dict(sorted(by_id.items())))


@cache
def builtin() -> Catalogue:
    """Return the project's own catalogue, read once."""
    return load()


@cache
def _shared_lists() -> Mapping[str, _CodeList]:
    octets = (resources.files(__name__) / _SHARED_LISTS).read_bytes()
    return _Shared.model_validate(strict_yaml.parse(octets)).code_lists


def _first_fault(error: ValidationError) -> str:
    """Say where and what the first fault is, without repeating the input."""
    fault = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(map(str, fault["loc"]))
    return f"{place}: {fault['msg']}"
