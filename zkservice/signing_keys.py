"""Which key a department signs with, and what the signing worker needs to know of it.

Asked of the database again after a second, since a key may be retired, and at once after a new key was made.
"""

import time
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection

from disclosure import IssuerKeyName
from zkservice.errors import ServiceError
from zkservice.keys import Keys, secret_label
from zkservice.storage import catalog
from zkservice.storage.catalog import StoredKey
from zkservice.storage.database import Database
from zkservice.tasks import Names, Supplies

SECONDS: Final = 1.0


class SigningKeys:
    """Belongs to the event loop. Secret halves are opened for the worker only, and are not kept here."""

    def __init__(
        self, database: Database, keys: Keys, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database, self._keys, self._monotonic = database, keys, monotonic
        self._names: dict[str, tuple[float, IssuerKeyName]] = {}
        self._forgotten = 0

    async def of(self, parent: str) -> IssuerKeyName:
        """Return the name of the key that a department signs with; ServiceError ISSUER_KEY_MISSING."""
        until, name = self._names.get(parent, (0.0, None))
        now, turn = self._monotonic(), self._forgotten
        if name is not None and now < until:
            return name
        try:
            stored = await self._database.read(lambda connection: catalog.signing_key(connection, parent))
        except ServiceError:
            self._names.pop(parent, None)
            raise
        if turn == self._forgotten:  # or a key that was made meanwhile would wait for its second
            self._names[parent] = now + SECONDS, stored.key.name
        return stored.key.name

    def forget(self, parent: str) -> None:
        """Have the database asked again: the department has a new key."""
        self._forgotten += 1
        self._names.pop(parent, None)

    async def supplies(self, names: Names) -> Supplies:
        """Return schemas, and issuer keys with their secret halves, for the worker that signs."""
        return await self._database.read(lambda connection: self._supplies(connection, names))

    def _supplies(self, connection: Connection, names: Names) -> Supplies:
        schemas = catalog.schemas(connection, names.schemas)
        keys = catalog.issuer_keys_named(connection, names.issuer_keys)
        return Supplies(
            schemas={name: schemas[name].canonical if name in schemas else None for name in names.schemas},
            issuer_keys={name: keys[name].key if name in keys else None for name in names.issuer_keys},
            secrets={name: self._opened(name, stored) for name, stored in keys.items()},
        )

    def _opened(self, name: str, stored: StoredKey) -> bytes:
        return self._keys.open(secret_label(name), stored.sealed_secret)
