"""Appointments: of which applications they are made, and how they end."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from disclosure import civil_date
from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import from_ms, to_ms
from zkservice.storage import accounts, applications, ended_offers, tables
from zkservice.storage.accounts import ArrivalKind
from zkservice.storage.applications import Application

_ENDED_AT_ONCE: Final = 64


@dataclass(frozen=True)
class Appointment:
    """An appointment as it is stored; `sealed` is its scope, and until when."""

    id: str
    company: str
    agent: str
    request_id: str
    sealed: bytes = field(repr=False)
    until: dt.date
    created: dt.datetime
    ended: dt.datetime | None = None


def add(connection: Connection, made: Appointment, parts: Sequence[Application]) -> None:
    """Keep an appointment and the applications for the elements of its scope."""
    values = {
        "id": made.id,
        "company": made.company,
        "agent": made.agent,
        "request_id": made.request_id,
        "sealed": made.sealed,
        "until": made.until,
        "created": to_ms(made.created),
    }
    connection.execute(tables.appointment.insert().values(**values))
    applications.add(connection, parts)
    rows = [{"application": each.id, "appointment": made.id} for each in parts]
    connection.execute(tables.appointment_part.insert(), rows)


def of_request(connection: Connection, company: str, request_id: str) -> Appointment:
    """Return what a call of a company's has made; ServiceError NOT_FOUND."""
    table = tables.appointment
    mine = (table.c.company == company) & (table.c.request_id == request_id)
    return _one(connection, mine)


def get(connection: Connection, appointment_id: str, company: str) -> Appointment:
    """Return a company's appointment; ServiceError NOT_FOUND, also for another company's."""
    table = tables.appointment
    return _one(connection, (table.c.id == appointment_id) & (table.c.company == company))


def of_company(connection: Connection, company: str, after: str, limit: int) -> Sequence[Appointment]:
    """Return a company's appointments after an identifier, oldest first."""
    table = tables.appointment
    mine = (table.c.company == company) & (table.c.id > after)
    rows = connection.execute(select(table).where(mine).order_by(table.c.id).limit(limit))
    return [_appointment(row) for row in rows]


def parts(connection: Connection, appointments: Iterable[str]) -> dict[str, list[Application]]:
    """Return the applications of appointments, in the order of their scopes."""
    part, table = tables.appointment_part, tables.application
    query = (
        select(part.c.appointment, table.c.id)
        .join(table, table.c.id == part.c.application)
        .where(part.c.appointment.in_(list(appointments)))
        .order_by(table.c.place)
    )
    found = defaultdict[str, list[Application]](list)
    for row in connection.execute(query):
        found[row.appointment].append(applications.get(connection, row.id))
    return found


def end(connection: Connection, appointment: Appointment, now: dt.datetime) -> None:
    """End an appointment: open applications are taken back, offers are void, credentials left to be revoked.

    An agent whose claim is under way gets nothing signed: the offer is void before its claim is kept, or is
    claimed and revoked. Raises ServiceError APPOINTMENT_ENDED.
    """
    table = tables.appointment
    still = (table.c.id == appointment.id) & table.c.ended.is_(None)
    if connection.execute(update(table).where(still).values(ended=to_ms(now))).rowcount != 1:
        raise ServiceError(ServiceReason.APPOINTMENT_ENDED, "the appointment has ended", field="name")
    offers = list[str]()
    for part in parts(connection, [appointment.id])[appointment.id]:
        if part.state == "open":
            applications.cancel(connection, part.id, appointment.company, now)
        if part.offer is not None:
            offers.append(part.offer)
    ended_offers.end(connection, offers)
    about = f"appointments/{appointment.id}"
    accounts.arrive(connection, appointment.agent, ArrivalKind.APPOINTMENT, about, now)


def end_over(connection: Connection, now: dt.datetime) -> int:
    """End appointments whose last day is over, some at a time; return how many.

    So an agent of the past can show none of them, also where nobody asks until when it was.
    """
    table = tables.appointment
    over = table.c.ended.is_(None) & (table.c.until < civil_date(now))
    rows = connection.execute(select(table).where(over).limit(_ENDED_AT_ONCE)).all()
    for row in rows:
        end(connection, _appointment(row), now)
    return len(rows)


def _one(connection: Connection, which: Any) -> Appointment:
    row = connection.execute(select(tables.appointment).where(which)).one_or_none()
    if row is None:
        detail = "there is no such appointment of this company"
        raise ServiceError(ServiceReason.NOT_FOUND, detail, field="name")
    return _appointment(row)


def _appointment(row: Row[Any]) -> Appointment:
    ended = None if row.ended is None else from_ms(row.ended)
    return Appointment(
        row.id, row.company, row.agent, row.request_id, row.sealed, row.until, from_ms(row.created), ended
    )
