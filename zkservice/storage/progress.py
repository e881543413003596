"""How far applications and pushes are: counts by department, item and day; nothing of whose or what they say.

What is counted of applications stands in one index (`ix_application_decided`): no row of theirs is read,
whatever else it holds. What waited is what is not decided, with what has been decided since.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, or_, select, union_all

from disclosure import SchemaName
from disclosure.credential import CIVIL_TIME
from disclosure.names import ItemName
from zkservice.moments import from_ms, to_ms
from zkservice.storage import tables
from zkservice.storage.records import Came

_DAY: Final = dt.timedelta(days=1)
_DAY_MS: Final = _DAY // dt.timedelta(milliseconds=1)
_COUNTS: Final = (*map(str, Came), "withdrawn")


@dataclass(frozen=True)
class Waiting:
    """So many applications for an item, by resource name, and since when the oldest of them waits."""

    item: str
    n: int
    oldest: dt.datetime


@dataclass(frozen=True)
class Decided:
    """What became of applications to a department on a day: how many ended in which state."""

    day: dt.date
    department: str
    n: Mapping[str, int]


@dataclass(frozen=True)
class Push:
    """How far a push is. `n` has its counts by the names of `Came`, and what was withdrawn."""

    number: int
    schema: str
    finished: bool
    began: dt.datetime
    changed: dt.datetime
    n: Mapping[str, int]


def midnight(day: dt.date) -> dt.datetime:
    """Return the moment at which a day begins in the cities."""
    return dt.datetime.combine(day, dt.time(), CIVIL_TIME)


def waiting(connection: Connection, day: dt.date, department: str = "") -> list[Waiting]:
    """Return what waited when a day began, all versions of an item together, in the order of the items.

    Of one department, or of all: the same is read. What is decided afterwards changes nothing of it.
    """
    table, moment = tables.application, to_ms(midnight(day))
    # Each of the two is a part of the index; as one condition they would be all of it.
    parts = (
        select(table.c.department, table.c.schema, table.c.created).where(not_yet, table.c.created < moment)
        for not_yet in (table.c.decided.is_(None), table.c.decided >= moment)
    )
    made = union_all(*parts).subquery()
    whose = (made.c.department, made.c.schema)
    counts = func.count().label("n"), func.min(made.c.created).label("oldest")
    found = dict[str, Waiting]()
    for row in connection.execute(select(*whose, *counts).group_by(*whose)):
        if department not in ("", row.department):
            continue
        name = SchemaName.parse(row.schema)
        item, oldest = str(ItemName(name.department, name.item)), from_ms(row.oldest)
        before = found.get(item, Waiting(item, 0, oldest))
        found[item] = Waiting(item, before.n + row.n, min(before.oldest, oldest))
    return [found[item] for item in sorted(found)]


def decided(connection: Connection, days: tuple[dt.date, dt.date], department: str = "") -> list[Decided]:
    """Return what was decided or taken back on each of these days, both included, by day and department."""
    table, (first, last) = tables.application, days
    start, end = (to_ms(midnight(each)) for each in (first, last + _DAY))
    day = ((table.c.decided - start) // _DAY_MS).label("day")
    # Grouped around it: of an expression PostgreSQL would have to be told that it is the same one.
    found = (
        select(day, table.c.department, table.c.state)
        .where(table.c.decided >= start, table.c.decided < end)
        .subquery()
    )
    query = select(*found.c, func.count().label("n")).group_by(*found.c)
    by_day = dict[tuple[int, str], dict[str, int]]()
    for row in connection.execute(query):
        if department in ("", row.department):
            by_day.setdefault((int(row.day), row.department), {})[row.state] = row.n
    return [Decided(first + at * _DAY, name, n) for (at, name), n in sorted(by_day.items())]


def pushes(connection: Connection, before: int | None, limit: int, least: int) -> Sequence[Push]:
    """Return pushes of all departments with a count of at least so many, the newest first; those before a
    number, where one is given."""
    table = tables.push
    columns = (table.c.number, table.c.schema, table.c.finished, table.c.created, table.c.changed)
    query = select(*columns, *(table.c[each] for each in _COUNTS)).order_by(table.c.number.desc())
    query = query.where(or_(*(table.c[each] >= least for each in _COUNTS)))
    if before is not None:
        query = query.where(table.c.number < before)
    return [_push(row) for row in connection.execute(query.limit(limit))]


def _push(row: Any) -> Push:
    # A former program does not say when it went on with a push.
    changed = row.created if row.changed is None else row.changed
    counts = {each: getattr(row, each) for each in _COUNTS}
    return Push(row.number, row.schema, row.finished, from_ms(row.created), from_ms(changed), counts)
