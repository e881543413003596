"""Schemas and issuer keys in memory: schemas never change, so they are read once; keys are read each time."""

from collections.abc import Iterable
from contextlib import suppress

from sqlalchemy import Connection

from disclosure import Directory, IssuerKey, IssuerKeyName, Schema, SchemaName
from zkservice.errors import ServiceError
from zkservice.storage import catalog
from zkservice.storage.database import Database


class Directories:
    """Loads what a request and its presentation are read with; what is not registered is left out."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._schemas: dict[SchemaName, Schema] = {}

    async def load(self, schemas: Iterable[SchemaName], keys: Iterable[IssuerKeyName] = ()) -> Directory:
        """Return the directory of these names."""
        names, wanted = set(schemas), set(keys)
        missing = names - self._schemas.keys()
        if missing or wanted:
            found = await self._database.read(lambda connection: _read(connection, missing, wanted))
            self._schemas |= found.schemas
            return Directory(self._of(names), found.issuer_keys)
        return Directory(self._of(names), {})

    def _of(self, names: set[SchemaName]) -> dict[SchemaName, Schema]:
        return {name: self._schemas[name] for name in names if name in self._schemas}


def _read(connection: Connection, schemas: set[SchemaName], keys: set[IssuerKeyName]) -> Directory:
    found: dict[SchemaName, Schema] = {}
    for name in schemas:
        with suppress(ServiceError):
            found[name] = catalog.schema(connection, str(name)).schema
    known: dict[IssuerKeyName, IssuerKey] = {}
    for key in keys:
        with suppress(ServiceError):
            known[key] = catalog.issuer_key(connection, str(key)).key
    return Directory(found, known)
