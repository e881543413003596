"""The service's own secrets, sealed."""

from typing import Final

from sqlalchemy import Connection, select

from tlog.note import Signer
from zkservice.errors import StartError
from zkservice.keys import Keys
from zkservice.storage import tables

_LOG_KEY: Final = "log-key"


def begun(connection: Connection) -> bool:
    """Tell whether anything is sealed under a master key."""
    return connection.execute(select(tables.service_secret.c.name).limit(1)).first() is not None


def log_signer(connection: Connection, keys: Keys, origin: str) -> Signer:
    """Return the log's signer, made with the log; StartError if the log has another origin than the
    settings."""
    table = tables.service_secret
    rows = {row.name: row.sealed for row in connection.execute(select(table)).all()}
    name = f"{_LOG_KEY}/{origin}"
    if name in rows:
        return Signer.from_secret(origin, keys.open(name, rows[name]))
    if rows:
        raise StartError("the log was begun with another log_origin; set that one")
    signer = Signer.generate(origin)
    connection.execute(table.insert().values(name=name, sealed=keys.seal(name, signer.to_secret())))
    return signer
