"""How offers end other than by time: void, or with their credentials left to be revoked.

It happens in the transaction of what ends them, so that no crash leaves a credential in force beside the one
that takes its place.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, select, update

from zkservice.storage import tables
from zkservice.storage.rows import insert_all_new


def end(connection: Connection, offers: Iterable[str]) -> list[str]:
    """End offers: those that nobody has claimed are void, credentials are left to be revoked.

    Returns the offers whose credentials cannot be revoked, and go on until they expire.
    """
    wanted = list(offers)
    if not wanted:
        return []
    table, composite = tables.offer, tables.composite_offer
    query = (
        select(table.c.id, table.c.claim_request_id, composite.c.accumulator)
        .join(composite, composite.c.offer == table.c.id, isouter=True)
        .where(table.c.id.in_(wanted))
    )
    rows = connection.execute(query).all()
    claimed = [row for row in rows if row.claim_request_id is not None]
    due = [(row.id,) for row in claimed if row.accumulator is not None]
    insert_all_new(connection, tables.due_revocation, due)
    still = table.c.id.in_(wanted) & (table.c.state == "offered")
    connection.execute(update(table).where(still).values(state="expired", sealed=None))
    return [row.id for row in claimed if row.accumulator is None]


def claimed(connection: Connection, offer_id: str) -> None:
    """An offer is claimed: the credential that it renews is left to be revoked, as durable as the claim."""
    table = tables.record
    this = (table.c.offer == offer_id) & table.c.renews.is_not(None)
    renewed = connection.execute(select(table.c.renews).where(this)).scalar()
    if renewed is not None:
        end(connection, [renewed])
        connection.execute(update(table).where(this).values(renews=None))
