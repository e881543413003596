"""Schemas and issuer keys in memory: schemas never change, so the last used are kept; keys are read each
time."""

from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from sqlalchemy import Connection

from disclosure import Directory, IssuerKey, IssuerKeyName, Schema, SchemaName
from zkservice.errors import ServiceError
from zkservice.storage import catalog
from zkservice.storage.database import Database

_KEPT: Final = 512


class Directories:
    """Loads what a request and its presentation are read with; what is not registered is left out."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._schemas: OrderedDict[SchemaName, Schema] = OrderedDict()

    async def load(self, schemas: Iterable[SchemaName], keys: Iterable[IssuerKeyName] = ()) -> Directory:
        """Return the directory of these names."""
        names, wanted = set(schemas), set(keys)
        known = {name: self._schemas[name] for name in names if name in self._schemas}
        missing = names - known.keys()
        if not missing and not wanted:
            return self._keep(Directory(known, {}))
        found = await self._database.read(lambda connection: _read(connection, missing, wanted))
        return self._keep(Directory(known | dict(found.schemas), found.issuer_keys))

    def _keep(self, directory: Directory) -> Directory:
        for name, schema in directory.schemas.items():
            self._schemas[name] = schema
            self._schemas.move_to_end(name)
        while len(self._schemas) > _KEPT:
            self._schemas.popitem(last=False)
        return directory


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
