"""Applications: laid into a queue, decided once, forgotten in what they say as soon as they are."""

import datetime as dt
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, select, update

from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import from_ms, to_ms
from zkservice.storage import accounts, tables
from zkservice.storage.accounts import ArrivalKind


@dataclass(frozen=True)
class Application:
    """An application as it is stored. `account` has made it, and `beneficiary` gets the offer.

    `sealed` is what it says while it is open, and the reason once it is refused. `request_id` and `place` are
    of the call that made it, which may have made several.
    """

    id: str
    account: str
    beneficiary: str
    department: str
    schema: str
    request_id: str
    place: int
    created: dt.datetime
    sealed: bytes | None = field(repr=False)
    state: str = "open"
    decision: bytes | None = field(default=None, repr=False)
    offer: str | None = None
    decided: dt.datetime | None = None


def new_id(now: dt.datetime) -> str:
    """Return an identifier that nobody guesses; later ones come later in every list."""
    return f"{to_ms(now):011x}{secrets.token_urlsafe(12)}"


def add(connection: Connection, made: Iterable[Application]) -> None:
    """Keep new applications of one call, in the transaction of their event.

    Raises ServiceError REQUEST_ID_REUSED: a call of another method, which an appointment's is, had the same.
    """
    for each in made:
        if not each.place and of_request(connection, each.account, each.request_id):
            detail = "the request_id was used for another call"
            raise ServiceError(ServiceReason.REQUEST_ID_REUSED, detail, field="request_id")
        values = {
            "id": each.id,
            "account": each.account,
            "beneficiary": each.beneficiary,
            "department": each.department,
            "schema": each.schema,
            "request_id": each.request_id,
            "place": each.place,
            "state": each.state,
            "sealed": each.sealed,
            "created": to_ms(each.created),
        }
        connection.execute(tables.application.insert().values(**values))


def of_request(connection: Connection, account: str, request_id: str) -> list[Application]:
    """Return what a call of an account's has made, in its order."""
    table = tables.application
    mine = (table.c.account == account) & (table.c.request_id == request_id)
    return _all(connection, select(table).where(mine).order_by(table.c.place))


def get(connection: Connection, application_id: str) -> Application:
    """Return an application; ServiceError NOT_FOUND."""
    table = tables.application
    row = connection.execute(select(table).where(table.c.id == application_id)).one_or_none()
    if row is None:
        raise _missing()
    return _application(row)


def queue(connection: Connection, department: str, after: str, limit: int) -> Sequence[Application]:
    """Return a department's open applications after an identifier, oldest first."""
    table = tables.application
    mine = (table.c.department == department) & (table.c.state == "open") & (table.c.id > after)
    return _all(connection, select(table).where(mine).order_by(table.c.id).limit(limit))


def of_account(connection: Connection, account: str, after: str, limit: int) -> Sequence[Application]:
    """Return what an account has applied for, after an identifier, oldest first."""
    table = tables.application
    mine = (table.c.account == account) & (table.c.id > after)
    return _all(connection, select(table).where(mine).order_by(table.c.id).limit(limit))


def cancel(connection: Connection, application_id: str, account: str, now: dt.datetime) -> None:
    """Take an application back; one that is taken back already stays so.

    Raises ServiceError NOT_FOUND, also for another account's; APPLICATION_DECIDED.
    """
    application = get(connection, application_id)
    if application.account != account:
        raise _missing()
    if application.state != "cancelled":
        _close(connection, application, now, state="cancelled", sealed=None)


def decided_before(application: Application, decision: bytes) -> bool:
    """Tell whether this very decision was made before; ServiceError APPLICATION_DECIDED for another one."""
    if application.state == "open":
        return False
    if application.decision is None or not hmac.compare_digest(application.decision, decision):
        raise _decided()
    return True


def approve(
    connection: Connection, application: Application, decision: bytes, offer: str, now: dt.datetime
) -> None:
    """Approve by an offer, which goes into the beneficiary's inbox; ServiceError APPLICATION_DECIDED."""
    _close(connection, application, now, state="approved", sealed=None, decision=decision, offer=offer)
    accounts.deliver(connection, offer, application.beneficiary, now)
    _tell(connection, application, now)


def refuse(
    connection: Connection, application: Application, decision: bytes, reason: bytes, now: dt.datetime
) -> None:
    """Refuse for a sealed reason; ServiceError APPLICATION_DECIDED."""
    _close(connection, application, now, state="refused", sealed=reason, decision=decision)
    _tell(connection, application, now)


def _tell(connection: Connection, application: Application, now: dt.datetime) -> None:
    about = f"applications/{application.id}"
    accounts.arrive(connection, application.account, ArrivalKind.APPLICATION, about, now)


def _close(connection: Connection, application: Application, now: dt.datetime, **changes: Any) -> None:
    """End an application that the row itself says is open, whatever its reader believed."""
    table = tables.application
    still = (table.c.id == application.id) & (table.c.state == "open")
    values = {"decided": to_ms(now), **changes}
    if connection.execute(update(table).where(still).values(**values)).rowcount != 1:
        raise _decided()


def _all(connection: Connection, query: Any) -> list[Application]:
    return [_application(row) for row in connection.execute(query)]


def _application(row: Row[Any]) -> Application:
    return Application(
        id=row.id,
        account=row.account,
        beneficiary=row.beneficiary,
        department=row.department,
        schema=row.schema,
        request_id=row.request_id,
        place=row.place,
        created=from_ms(row.created),
        sealed=row.sealed,
        state=row.state,
        decision=row.decision,
        offer=row.offer,
        decided=None if row.decided is None else from_ms(row.decided),
    )


def _missing() -> ServiceError:
    return ServiceError(ServiceReason.NOT_FOUND, "there is no such application of this account", field="name")


def _decided() -> ServiceError:
    detail = "the application was decided or taken back before"
    return ServiceError(ServiceReason.APPLICATION_DECIDED, detail, field="name")
