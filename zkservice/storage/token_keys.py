"""The keys that short-lived tokens are signed with: the newest signs, those before count for a while."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, select, update

from zkservice.moments import from_ms, to_ms
from zkservice.storage import tables

_MOST: Final = 64
"""So many keys that still count are kept: whoever rotates more often ends the oldest sooner."""


@dataclass(frozen=True)
class TokenKey:
    """A key as it is stored: the secret half sealed, `ends` None for the one that signs."""

    kid: str
    public_key: bytes
    sealed: bytes = field(repr=False)
    created: dt.datetime
    ends: dt.datetime | None = None


def counting(connection: Connection, now: dt.datetime) -> list[TokenKey]:
    """Return the keys that count, the one that signs first; none if no token was ever made."""
    table = tables.token_key
    query = select(table).where(table.c.ends.is_(None) | (table.c.ends > to_ms(now)))
    found = [_key(row) for row in connection.execute(query)]
    return sorted(found, key=lambda each: (each.ends is None, each.created, each.kid), reverse=True)


def first(connection: Connection, make: Callable[[], TokenKey], now: dt.datetime) -> TokenKey:
    """Return the key that signs, made if there is none: of two servers that begin, one makes it."""
    for each in counting(connection, now):
        if each.ends is None:
            return each
    made = make()
    _add(connection, made)
    return made


def rotate(connection: Connection, made: TokenKey, ends: dt.datetime) -> TokenKey:
    """Have a new key sign; those before end at a moment, or sooner if they do already."""
    table = tables.token_key
    connection.execute(update(table).where(table.c.ends.is_(None)).values(ends=to_ms(ends)))
    connection.execute(update(table).where(table.c.ends > to_ms(ends)).values(ends=to_ms(ends)))
    _add(connection, made)
    oldest_first = select(table.c.kid).order_by(table.c.created.desc(), table.c.kid).offset(_MOST)
    over = [row.kid for row in connection.execute(oldest_first)]
    connection.execute(delete(table).where(table.c.kid.in_(over)))
    return made


def forget_over(connection: Connection, now: dt.datetime) -> int:
    """Forget the keys that count no more; return how many."""
    table = tables.token_key
    return connection.execute(delete(table).where(table.c.ends <= to_ms(now))).rowcount


def _add(connection: Connection, key: TokenKey) -> None:
    connection.execute(
        tables.token_key.insert().values(
            kid=key.kid, public_key=key.public_key, sealed=key.sealed, created=to_ms(key.created), ends=None
        )
    )


def _key(row: Row[Any]) -> TokenKey:
    ends = None if row.ends is None else from_ms(row.ends)
    return TokenKey(row.kid, row.public_key, row.sealed, from_ms(row.created), ends)
