"""What a push has looked up still holds when it is kept: of two servers that push one record, one goes on.

Within a process an item's pushes are kept apart (`services.records`), and alone on SQLite that is enough.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, select

from zkservice.errors import ServiceError, ServiceReason
from zkservice.storage import tables
from zkservice.storage.many import present


def check_unchanged(
    connection: Connection, department: str, item: str, before: Mapping[bytes, str | None]
) -> None:
    """Raise ServiceError PUSH_RUNNING unless records, by their marks, have these offers, or are not there.

    To be asked in the transaction that changes them, of which there is one at a time.
    """
    if connection.dialect.name == "sqlite" or not before:
        return
    table = tables.record
    where = {table.c.department: department, table.c.item: item}
    marks = present(connection, table.c.mark, where, list(before))
    there = dict[bytes, str]()
    if marks:
        named = (table.c.department == department) & (table.c.item == item) & table.c.mark.in_(marks)
        there = {
            row.mark: row.offer
            for row in connection.execute(select(table.c.mark, table.c.offer).where(named))
        }
    if there != {mark: offer for mark, offer in before.items() if offer is not None}:
        detail = "another push of this item has changed these records meanwhile; go on from where yours is"
        raise ServiceError(ServiceReason.PUSH_RUNNING, detail)
