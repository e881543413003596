"""Data items: what is told of them, whether they are still offered, and the words they are found by.

An item and its schemas are registered in any order: what an item takes from its newest version is written
with whichever of the two comes later.
"""

import datetime as dt
import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, or_, select, update

from disclosure import LocalizedText, Schema, SchemaName, canonical
from disclosure.centre import DataItem, Refresh, Sensitivity, Subject
from disclosure.names import DepartmentName, ItemName, PurposeName
from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import from_ms, to_ms
from zkservice.storage import purposes, registered, tables
from zkservice.storage.rows import check_etag, insert_new

_PURPOSES_LABEL: Final = "zk-disclosure/item-purposes/v1"
_ETAG_LABEL: Final = "zk-disclosure/item-etag/v1"
_ACTIVE: Final = "active"
_DEPRECATED: Final = "deprecated"
_STATE: Final = select(tables.item.c.state).where(tables.item.c.name == bindparam("item"))
"""Built once: every offer asks, and building it takes longer than running it."""


@dataclass(frozen=True)
class StoredItem:
    """An item as it is stored; `newest` is its newest version, if it has one."""

    item: DataItem
    deprecated: bool
    successor: ItemName | None
    newest: SchemaName | None
    created: dt.datetime
    updated: dt.datetime

    @property
    def etag(self) -> str:
        """What changes with everything that a caller may change, and with nothing else."""
        successor = str(self.successor) if self.successor else None
        octets = canonical.encode(_ETAG_LABEL, self.item.items(), self.deprecated, successor)
        return hashlib.sha256(octets).hexdigest()[:32]


def folded(text: str) -> str:
    """Return a text in which neither letter case nor width counts, as it is searched and searched for."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def add(connection: Connection, made: DataItem, newest: Schema | None, now: dt.datetime) -> StoredItem | None:
    """Register an item, with its newest version as its reader knows it; None if there is a newer one now.

    Raises ServiceError NOT_FOUND (department, purpose), ALREADY_EXISTS.
    """
    registered.department(connection, str(DepartmentName(made.name.department)), field="parent")
    _check_purposes(connection, made)
    if newest_schema(connection, made.name) != (newest.name if newest else None):
        return None
    values = _values(made) | {
        "name": str(made.name),
        "department": str(DepartmentName(made.name.department)),
        "state": _ACTIVE,
        "newest": str(newest.name) if newest else None,
        "attribute_words": _attribute_words(newest) if newest else "",
        "created": to_ms(now),
        "updated": to_ms(now),
    }
    if not insert_new(connection, tables.item, values):
        raise ServiceError(ServiceReason.ALREADY_EXISTS, f"{made.name} exists already", field="item_id")
    return get(connection, made.name)


def newest_schema(connection: Connection, name: ItemName) -> SchemaName | None:
    """Return an item's newest version, if it has one."""
    column, prefix = tables.schema.c.name, f"departments/{name.department}/schemas/{name.item}@"
    rows = connection.execute(select(column).where(column.startswith(prefix, autoescape=True)))
    return max((SchemaName.parse(row.name) for row in rows), key=lambda each: each.version, default=None)


def note_schema(connection: Connection, schema: Schema) -> None:
    """Have an item take what it takes of a new version, which is in the table already.

    Raises ServiceError ITEM_DEPRECATED: there are no new versions of what is offered no more.
    """
    name, table = ItemName(schema.name.department, schema.name.item), tables.item
    check_offered(connection, schema.name, field="schema_id")
    if newest_schema(connection, name) == schema.name:
        values = {"newest": str(schema.name), "attribute_words": _attribute_words(schema)}
        connection.execute(update(table).where(table.c.name == str(name)).values(**values))


def check_offered(connection: Connection, schema: SchemaName, *, field: str = "schema") -> None:
    """Raise ServiceError ITEM_DEPRECATED if a schema's item is registered and offered no more."""
    name = f"departments/{schema.department}/items/{schema.item}"
    if connection.execute(_STATE, {"item": name}).scalar() == _DEPRECATED:
        detail = f"{name} is deprecated, and is offered no more"
        raise ServiceError(ServiceReason.ITEM_DEPRECATED, detail, field=field)


def check_applicable(connection: Connection, schema: SchemaName) -> None:
    """Raise ServiceError ITEM_NOT_APPLICABLE if a schema's item is registered as one that nobody applies for;
    ITEM_DEPRECATED if it is offered no more."""
    check_offered(connection, schema)
    name, table = str(ItemName(schema.department, schema.item)), tables.item
    if connection.execute(select(table.c.applicable).where(table.c.name == name)).scalar() is False:
        detail = f"nobody applies for {name}: its department gives it by itself"
        raise ServiceError(ServiceReason.ITEM_NOT_APPLICABLE, detail, field="schema")


def get(connection: Connection, name: ItemName, *, field: str = "name") -> StoredItem:
    """Return an item; ServiceError NOT_FOUND, with the field that named it."""
    row = connection.execute(select(tables.item).where(tables.item.c.name == str(name))).one_or_none()
    if row is None:
        raise ServiceError(ServiceReason.NOT_FOUND, f"there is no {name}", field=field)
    return _stored(row)


def change(
    connection: Connection,
    name: ItemName,
    changed: Callable[[DataItem], DataItem],
    etag: str,
    now: dt.datetime,
) -> StoredItem:
    """Put what an item is changed to in its place, if it still has this etag.

    Raises ServiceError NOT_FOUND (item, purpose), ETAG_MISMATCH, and what `changed` raises.
    """
    before = get(connection, name, field="item.name")
    check_etag(before.etag, etag, field="item.etag")
    made = changed(before.item)
    _check_purposes(connection, made)
    values = _values(made) | {"updated": to_ms(now)}
    connection.execute(update(tables.item).where(tables.item.c.name == str(name)).values(**values))
    return get(connection, name)


def deprecate(
    connection: Connection, name: ItemName, successor: ItemName | None, etag: str, now: dt.datetime
) -> StoredItem:
    """Have an item offered no more; one that is so already, with this successor, is returned as it is.

    Raises ServiceError NOT_FOUND (item, successor), ETAG_MISMATCH, ITEM_DEPRECATED (the item has another
    successor, or the successor is deprecated itself), FIELD_INVALID.
    """
    before = get(connection, name)
    if before.deprecated and before.successor == successor:
        return before
    check_etag(before.etag, etag, field="etag")
    if before.deprecated:
        detail = f"{name} is deprecated already, with another successor"
        raise ServiceError(ServiceReason.ITEM_DEPRECATED, detail, field="successor")
    if successor == name:
        raise ServiceError(ServiceReason.FIELD_INVALID, "an item does not succeed itself", field="successor")
    if successor is not None and get(connection, successor, field="successor").deprecated:
        detail = f"{successor} is deprecated itself"
        raise ServiceError(ServiceReason.ITEM_DEPRECATED, detail, field="successor")
    values = {
        "state": _DEPRECATED,
        "successor": str(successor) if successor else None,
        "updated": to_ms(now),
    }
    connection.execute(update(tables.item).where(tables.item.c.name == str(name)).values(**values))
    return get(connection, name)


def listed(connection: Connection, parent: str | None, after: str, limit: int) -> list[StoredItem]:
    """Return items of one department or all, after a name, in order of name."""
    return found(connection, parent, (), after, limit)


def found(
    connection: Connection, parent: str | None, words: Iterable[str], after: str, limit: int
) -> list[StoredItem]:
    """Return the items in which each of these folded words is found, as `listed` does."""
    table, wanted = tables.item, list(words)
    owners = _owners(connection) if wanted else {}
    conditions = [table.c.name > after, *(_holds(each, owners) for each in wanted)]
    if parent is not None:
        conditions.append(table.c.department == parent)
    query = select(table).where(and_(*conditions))
    return list(map(_stored, connection.execute(query.order_by(table.c.name).limit(limit))))


def _owners(connection: Connection) -> dict[str, str]:
    """Return the words of each department's names: they change, and are few."""
    owner = tables.department
    rows = connection.execute(select(owner.c.name, owner.c.zh, owner.c.en))
    return {row.name: _words([row.zh, row.en]) for row in rows}


def _holds(word: str, owners: Mapping[str, str]) -> ColumnElement[bool]:
    """Tell whether an item has a word: in the middle of a text too, since Chinese has no spaces."""
    table = tables.item
    told = [each.contains(word, autoescape=True) for each in (table.c.words, table.c.attribute_words)]
    return or_(*told, table.c.department.in_(name for name, words in owners.items() if word in words))


def _check_purposes(connection: Connection, made: DataItem) -> None:
    for index, each in enumerate(made.purposes):
        purposes.get(connection, each, field=f"item.purposes[{index}]")


def _values(made: DataItem) -> dict[str, Any]:
    return {
        "zh": made.display_name.zh,
        "en": made.display_name.en,
        "sensitivity": made.sensitivity.value,
        "validity_days": made.validity_days,
        "refresh": made.refresh.value,
        "refresh_days": made.refresh_days,
        "subject": made.subject.value,
        "applicable": made.applicable,
        "source_zh": made.source.zh,
        "source_en": made.source.en,
        "purposes": canonical.encode(_PURPOSES_LABEL, *map(str, made.purposes)),
        "words": _words([made.name.item, made.display_name.zh, made.display_name.en]),
    }


def _attribute_words(schema: Schema) -> str:
    names = ((each.id, each.display_name.zh, each.display_name.en) for each in schema.attributes)
    return _words(text for each in names for text in each)


def _words(texts: Iterable[str]) -> str:
    # No word that is searched for holds a line break: none is found across two texts.
    return "\n".join(map(folded, texts))


def _stored(row: Row[Any]) -> StoredItem:
    names: Any = canonical.decode(_PURPOSES_LABEL, row.purposes)
    made = DataItem(
        name=ItemName.parse(row.name),
        display_name=LocalizedText(row.zh, row.en),
        sensitivity=Sensitivity(row.sensitivity),
        validity_days=row.validity_days,
        refresh=Refresh(row.refresh),
        refresh_days=row.refresh_days,
        subject=Subject(row.subject),
        applicable=row.applicable,
        source=LocalizedText(row.source_zh, row.source_en),
        purposes=tuple(map(PurposeName.parse, names)),
    )
    return StoredItem(
        item=made,
        deprecated=row.state == _DEPRECATED,
        successor=ItemName.parse(row.successor) if row.successor else None,
        newest=SchemaName.parse(row.newest) if row.newest else None,
        created=from_ms(row.created),
        updated=from_ms(row.updated),
    )
