"""Pages of what is stored: a listing goes on after the last row of the page before."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

from zkservice.context import Context
from zkservice.fields import page_size

PAGE_OCTETS: Final = 2 << 20
_Row = TypeVar("_Row")


async def listed(
    context: Context,
    request: Any,
    listing: str,
    read: Callable[[Connection, str, int], Sequence[_Row]],
    convert: Callable[[_Row], Any],
    key: Callable[[_Row], str] | None = None,
) -> tuple[list[Any], str]:
    """Return a page of messages and the token of the next one, empty after the last.

    `read` gives the rows after a key, which is empty at the start; `key` says that of a row, if it is not the
    name that its message has. One row more than the page has is read, to
    know whether there is another page; a page ends before its messages have more than PAGE_OCTETS, whatever
    was asked for. Raises ServiceError PAGE_TOKEN_INVALID, FIELD_INVALID.
    """
    after = context.pages.take(listing, request.page_token)
    size = page_size(request.page_size)
    rows = await context.database.read(lambda connection: read(connection, after, size + 1))
    page: list[Any] = []
    octets, last = 0, ""
    for row in rows:
        message = convert(row)
        octets += message.ByteSize()
        if len(page) == size or (page and octets > PAGE_OCTETS):
            return page, context.pages.give(listing, last)
        page.append(message)
        last = key(row) if key else message.name
    return page, ""
