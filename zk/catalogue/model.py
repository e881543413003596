"""The form of a department's file, and what is built of it. Building raises CatalogueError."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from disclosure import (
    AttributeDefinition,
    AttributeType,
    Code,
    CredentialForm,
    DepartmentName,
    LocalizedText,
    Schema,
    SchemaName,
)
from disclosure.attributes import days
from zk.catalogue.content import Department
from zk.catalogue.errors import CatalogueError
from zk.catalogue.info import ItemInfo, Refresh, Sensitivity, Subject

_PURPOSES = "purposes"


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, populate_by_name=False)


class _Text(_Model):
    zh: str
    en: str

    def build(self) -> LocalizedText:
        return LocalizedText(self.zh, self.en)


class CodeListModel(_Model):
    """A code list; whoever refers to it does so by its key in the file."""

    system: str
    codes: dict[str, _Text]

    def build(self) -> tuple[Code, ...]:
        """Return its codes in the file's order."""
        return tuple(Code(code, name.build()) for code, name in self.codes.items())


class BuiltLists:
    """Code lists by their keys, each built once: hundreds of attributes share a few lists."""

    def __init__(self, models: Mapping[str, CodeListModel]) -> None:
        self._models = models
        self._built: dict[str, tuple[Code, ...]] = {}

    def find(self, key: str, place: str) -> tuple[str, tuple[Code, ...]]:
        """Return a list's code system and codes; CatalogueError."""
        if key not in self._models:
            raise CatalogueError(f"{place}: there is no code list {key}")
        if key not in self._built:
            self._built[key] = self._models[key].build()
        return self._models[key].system, self._built[key]


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

    def build(self, lists: BuiltLists) -> AttributeDefinition:
        if (self.first or self.last) and (self.type != "date" or self.minimum or self.maximum):
            raise CatalogueError(f"{self.id}: from and to are for dates, minimum and maximum for integers")
        system, codes = lists.find(self.codes, self.id) if self.codes else ("", ())
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
            code_system=system,
            codes=codes,
        )


class _Info(_Model):
    subject: Literal["person", "company"]
    sensitivity: Literal["public", "internal", "personal", "sensitive"]
    refresh: Literal["on_change", "periodic", "once"]
    refresh_days: int | None = None
    applicable: bool
    source: _Text
    purposes: list[str] = []

    def build(self, lists: BuiltLists) -> ItemInfo:
        return ItemInfo(
            subject=Subject(self.subject),
            sensitivity=Sensitivity(self.sensitivity),
            refresh=Refresh(self.refresh),
            refresh_days=self.refresh_days,
            applicable=self.applicable,
            source=self.source.build(),
            purposes=self._purposes(lists) if self.purposes else (),
        )

    def _purposes(self, lists: BuiltLists) -> tuple[Code, ...]:
        known = {each.code: each for each in lists.find(_PURPOSES, _PURPOSES)[1]}
        if unknown := [each for each in self.purposes if each not in known]:
            raise CatalogueError(f"there is no purpose {unknown[0]}")
        return tuple(known[each] for each in self.purposes)


class _Item(_Model):
    id: str
    version: int
    form: Literal["plain", "composite"] = "plain"
    name: _Text
    validity_days: int
    info: _Info | None = None
    attributes: list[_Attribute]

    def build(self, department: DepartmentName, lists: BuiltLists) -> Schema:
        name = SchemaName.parse(f"{department}/schemas/{self.id}@{self.version}")
        return Schema(
            name=name,
            display_name=self.name.build(),
            form=CredentialForm(self.form),
            attributes=tuple(each.build(lists) for each in self.attributes),
            validity_days=self.validity_days,
        )


class SharedModel(_Model):
    """The file of code lists that several departments use."""

    code_lists: dict[str, CodeListModel]


class DepartmentModel(_Model):
    """A department's file."""

    id: str
    name: _Text
    identifies: list[Literal["person", "company"]] = []
    items: list[_Item] = []
    code_lists: dict[str, CodeListModel] = {}

    def build(self, shared: Mapping[str, CodeListModel]) -> Department:
        """Return the department; CatalogueError, and DisclosureError where a part is none of a schema."""
        if doubled := sorted(set(shared) & set(self.code_lists)):
            raise CatalogueError(f"{self.id}: the code list {doubled[0]} exists already")
        name = DepartmentName.parse(f"departments/{self.id}")
        lists = BuiltLists({**shared, **self.code_lists})
        schemas = tuple(each.build(name, lists) for each in self.items)
        identifies = frozenset(map(Subject, self.identifies))
        return Department(name, self.name.build(), schemas, self._info(lists), identifies)

    def _info(self, lists: BuiltLists) -> dict[str, ItemInfo]:
        """Return what is told of the items: it stands with one version of each, commonly the newest."""
        found: dict[str, ItemInfo] = {}
        for each in self.items:
            if each.info is None:
                continue
            if each.id in found:
                raise CatalogueError(f"{each.id}: two versions tell about the item")
            try:
                found[each.id] = each.info.build(lists)
            except CatalogueError as error:
                raise CatalogueError(f"{each.id}: {error}") from None
        return found
