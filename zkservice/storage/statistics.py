"""Counters: how often what happened, by the day, in the transaction of what they count.

Nothing here is about a person: no holder, no exchange, no time finer than the day. Whatever happens is
counted once under department "" (the occurrence itself), and once more under each department that it
concerns, so that a request that asks for the data of three is one request, and one for each of the three.

An exchange is counted when it is opened and once more when it ends, as answered, declined or expired:
`opened` leaves a row that `ended` or `expire` takes away, so none is counted as two of these.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final

from sqlalchemy import BindParameter, Connection, Insert, bindparam, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from disclosure import civil_date
from zkservice.moments import from_ms, to_ms
from zkservice.storage import tables
from zkservice.storage.rows import insert_new

_SWEPT_AT_ONCE: Final = 1000


class What(StrEnum):
    """What is counted. The values are kept in databases."""

    ASKED = "asked"
    """A request was opened."""
    ANSWERED = "answered"
    DECLINED = "declined"
    """The holder said no."""
    EXPIRED = "expired"
    """A request ended, and nobody had answered or declined."""
    OVER_ASKED = "over-asked"
    """A request, or a consent's terms, asked more than the policy allows."""
    OFFERED = "offered"
    """A credential was offered."""
    CLAIMED = "claimed"
    """A credential went to its holder."""
    REVOKED = "revoked"
    OPENED = "opened"
    """Two officers opened an escrowed identity."""
    SUBMITTED = "submitted"
    """A part of an errand went to its counter."""
    OVERDUE = "overdue"
    """A part of an errand was not settled in the time that the counter has."""


@dataclass(frozen=True)
class Concerned:
    """Whom an occurrence concerns, by resource names: who asked, under which policy, for whose data.

    A verifier or policy that there is none of is "".
    """

    verifier: str = ""
    policy: str = ""
    departments: tuple[str, ...] = ()

    @classmethod
    def of(cls, verifier: str, policy: str, departments: Iterable[str]) -> "Concerned":
        """Return it with each department once."""
        return cls(verifier, policy, tuple(sorted(set(departments))))

    def rows(self) -> list[tuple[str, str, str]]:
        """Return what the counters stand under: the occurrence itself, and each department."""
        return [(self.verifier, self.policy, each) for each in ("", *self.departments)]


def count(
    connection: Connection, day: dt.date, verifier: str, policy: str, department: str, what: What, n: int = 1
) -> None:
    """Add to one counter. Who counts an occurrence uses `count_all`, which counts it for everybody."""
    _add(connection, day, {(verifier, policy, department): n}, what)


def count_all(connection: Connection, day: dt.date, concerned: Concerned, what: What, n: int = 1) -> None:
    """Count what happened, once by itself and once for each department."""
    _add(connection, day, dict.fromkeys(concerned.rows(), n), what)


def count_over_asking(
    connection: Connection, digest: bytes, until: dt.datetime, concerned: Concerned, now: dt.datetime
) -> None:
    """Count what asks too much, by the digest of what was signed: again only after `until`, when it is not
    accepted any more."""
    if insert_new(connection, tables.over_asking, {"digest": digest, "until": to_ms(until)}):
        count_all(connection, civil_date(now), concerned, What.OVER_ASKED)


def forget_over_asking(connection: Connection, now: dt.datetime) -> int:
    """Forget what can be sent no more, some at a time; return how many they were."""
    table = tables.over_asking
    query = select(table.c.digest).where(table.c.until <= to_ms(now)).limit(_SWEPT_AT_ONCE)
    gone = connection.execute(query).scalars().all()
    connection.execute(delete(table).where(table.c.digest.in_(gone)))
    return len(gone)


def opened(
    connection: Connection, exchange: str, concerned: Concerned, now: dt.datetime, expires: dt.datetime
) -> None:
    """Count a request that was opened, and remember it until it ends."""
    count_all(connection, civil_date(now), concerned, What.ASKED)
    values = {
        "exchange": exchange,
        "verifier": concerned.verifier,
        "policy": concerned.policy,
        "departments": " ".join(concerned.departments),
        "expires": to_ms(expires),
    }
    connection.execute(tables.open_exchange.insert().values(**values))


def all_ended(connection: Connection, exchanges: Sequence[str], now: dt.datetime, *whats: What) -> None:
    """Count how exchanges ended, and what else is to be said of them, unless they have ended already."""
    gone = connection.execute(_GONE, {"exchanges_": list(exchanges)}).all()
    rows = Counter(concerned for row in gone for concerned in _concerned(row).rows())
    for what in whats:
        _add(connection, civil_date(now), rows, what)


def ended(connection: Connection, exchange: str, now: dt.datetime, *whats: What) -> None:
    """Count how an exchange ended, and what else is to be said of it, unless it has ended already."""
    all_ended(connection, [exchange], now, *whats)


def expire(connection: Connection, now: dt.datetime) -> int:
    """Count the requests that nobody has answered in time, some at a time; return how many they were.

    A request counts on the day that it ended, whenever this comes to it.
    """
    table = tables.open_exchange
    query = select(table).where(table.c.expires <= to_ms(now)).order_by(table.c.expires).limit(_SWEPT_AT_ONCE)
    rows = connection.execute(query).all()
    for row in rows:
        day = civil_date(from_ms(row.expires))
        count_all(connection, day, _concerned(row), What.EXPIRED)
    connection.execute(delete(table).where(table.c.exchange.in_([each.exchange for each in rows])))
    return len(rows)


class Dimension(StrEnum):
    """What sums of counters are told apart by, in the order in which they are sorted."""

    DAY = "day"
    VERIFIER = "verifier"
    POLICY = "policy"
    DEPARTMENT = "department"


@dataclass(frozen=True)
class Sum:
    """So many occurrences; what it is not told apart by is None or ""."""

    what: What
    n: int
    day: dt.date | None = None
    verifier: str = ""
    policy: str = ""
    department: str = ""


def sums(
    connection: Connection,
    days: tuple[dt.date, dt.date],
    by: Iterable[Dimension],
    only: Mapping[Dimension, str],
    limit: int,
) -> list[Sum]:
    """Return sums over days, both included, told apart by some dimensions, of `only` what has these names.

    Whoever tells departments apart, or wants only one, is given what concerns each; whoever does not is given
    the occurrences themselves, each once. At most `limit` sums, in the order of the dimensions.
    """
    table, told = tables.statistic, [each for each in Dimension if each in set(by)]
    columns = [table.c[each] for each in told]
    single = Dimension.DEPARTMENT not in told and Dimension.DEPARTMENT not in only
    department = table.c.department
    query = (
        select(*columns, table.c.what, func.sum(table.c.n).label("n"))
        .where(table.c.day.between(*days), department == "" if single else department != "")
        .where(*(table.c[each] == name for each, name in only.items()))
        .group_by(*columns, table.c.what)
        .order_by(*columns, table.c.what)
        .limit(limit)
    )
    return [
        Sum(What(row.what), int(row.n), **{str(each): getattr(row, each) for each in told})
        for row in connection.execute(query)
    ]


_CONCERNED: Final = (
    tables.open_exchange.c.verifier,
    tables.open_exchange.c.policy,
    tables.open_exchange.c.departments,
)


_EXCHANGES: Final[BindParameter[Sequence[str]]] = bindparam(
    "exchanges_", expanding=True, type_=tables.open_exchange.c.exchange.type
)
_GONE: Final = (
    delete(tables.open_exchange).where(tables.open_exchange.c.exchange.in_(_EXCHANGES)).returning(*_CONCERNED)
)


def _concerned(row: Any) -> Concerned:
    return Concerned(row.verifier, row.policy, tuple(row.departments.split()))


def _add(connection: Connection, day: dt.date, rows: Mapping[tuple[str, str, str], int], what: What) -> None:
    if not rows:
        return
    values = [
        {
            "day": day,
            "what": str(what),
            "verifier": verifier,
            "policy": policy,
            "department": department,
            "n": n,
        }
        for (verifier, policy, department), n in sorted(rows.items())
    ]
    connection.execute(_upsert(connection.dialect.name), values)


@cache
def _upsert(dialect: str) -> Insert:
    """Return the statement, built once: building it takes longer than running it."""
    table = tables.statistic
    insert: Any = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    upsert: Insert = insert.on_conflict_do_update(
        index_elements=list(table.primary_key), set_={"n": table.c.n + insert.excluded.n}
    )
    return upsert
