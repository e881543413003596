"""Secrets that somebody has already: two parties with one secret would be one."""

from sqlalchemy import Connection, select

from zkservice.errors import ServiceError, ServiceReason
from zkservice.storage import tables


def check_unused(connection: Connection, hashed: bytes, *, field: str) -> None:
    """Raise ServiceError FIELD_INVALID if this is the hash of an administrator's, a department's or a
    regulator's secret."""
    for column in (
        tables.administrator.c.secret_hash,
        tables.department.c.token_hash,
        tables.regulator_access.c.token_hash,
    ):
        if connection.execute(select(column).where(column == hashed)).first() is not None:
            raise is_taken(field)


def is_taken(field: str) -> ServiceError:
    """Return what is said of a secret that somebody has."""
    detail = "this secret is somebody's already; everybody makes a new one"
    return ServiceError(ServiceReason.FIELD_INVALID, detail, field=field)
