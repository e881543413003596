"""The secrets that parties have for long: whose one is, and whether it is still the party's own.

Root's and the operator's stand in files of the data folder, those of administrators, departments and
regulators in the database, as hashes. What is known of the database counts for a second: a secret that is
replaced, here or by another server, ends within that time.
"""

import datetime as dt
import hmac
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from zkservice.keys import token_hash
from zkservice.roles import Role
from zkservice.storage import administrators, publication, registered
from zkservice.storage.administrators import ROOT
from zkservice.storage.database import Database
from zkservice.tokens import mark_of

OPERATOR: Final = "operators/root"
"""The operator whose secret is `operator.token`."""
_PERSONS: Final = "administrators/"
"""Of whom nothing is remembered: from the moment that somebody is removed the secret is nobody's."""
_FRESH: Final = dt.timedelta(seconds=1)
_MOST: Final = 4096
"""So much is remembered; when it is more, all of it is read again."""


@dataclass(frozen=True)
class _Seen:
    whose: str
    hashed: bytes
    at: dt.datetime


class Secrets:
    """Knows secrets by their hashes: a dump of memory holds none. Belongs to the event loop."""

    def __init__(
        self, database: Database, admin_token: str, operator_token: str, clock: Callable[[], dt.datetime]
    ) -> None:
        self._database, self._clock = database, clock
        self._files = {ROOT: token_hash(admin_token), OPERATOR: token_hash(operator_token)}
        self._by_hash: dict[bytes, _Seen] = {}
        self._by_name: dict[str, _Seen] = {}

    def in_file(self, hashed: bytes) -> str | None:
        """Return whose a secret is by its hash, if it stands in a file of the data folder."""
        return next((name for name, own in self._files.items() if hmac.compare_digest(own, hashed)), None)

    async def whose(self, hashed: bytes, roles: Collection[Role]) -> str | None:
        """Return the name of whoever has the secret of a hash, None if nobody of these roles has it in
        the database."""
        seen = self._fresh(self._by_hash.get(hashed))
        if seen is not None:
            return seen.whose
        found = await self._database.read(lambda each: _whose(each, hashed, roles))
        if found is not None and not found.startswith(_PERSONS):
            self._keep(_Seen(found, hashed, self._clock()))
        return found

    async def current(self, name: str) -> bytes | None:
        """Return the hash of a party's secret, None if there is no such party or it has none."""
        if name in self._files:
            return self._files[name]
        seen = self._fresh(self._by_name.get(name))
        if seen is not None:
            return seen.hashed
        hashed = await self._database.read(lambda each: _current(each, name))
        if hashed is not None and not name.startswith(_PERSONS):
            self._keep(_Seen(name, hashed, self._clock()))
        return hashed

    def mark_now(self, connection: Connection, name: str) -> str | None:
        """Return the mark of the secret that a party has within a transaction, None if it has none."""
        hashed = self._files.get(name) or _current(connection, name)
        return None if hashed is None else mark_of(hashed)

    def forget(self) -> None:
        """Read all of it again, since a secret was replaced."""
        self._by_hash.clear()
        self._by_name.clear()

    def _fresh(self, seen: _Seen | None) -> _Seen | None:
        return seen if seen is not None and abs(self._clock() - seen.at) < _FRESH else None

    def _keep(self, seen: _Seen) -> None:
        if len(self._by_hash) >= _MOST or len(self._by_name) >= _MOST:
            self.forget()
        self._by_hash[seen.hashed] = self._by_name[seen.whose] = seen


def _whose(connection: Connection, hashed: bytes, roles: Collection[Role]) -> str | None:
    name = None
    if Role.ADMINISTRATOR in roles:
        name = administrators.of_secret(connection, hashed)
    if name is None and Role.DEPARTMENT in roles:
        name = registered.department_of_token(connection, hashed)
    if name is None and Role.REGULATOR in roles:
        name = publication.regulator_of_token(connection, hashed)
    return name


def _current(connection: Connection, name: str) -> bytes | None:
    if name.startswith(_PERSONS):
        return administrators.secret_hash(connection, name)
    if name.startswith("departments/"):
        return registered.department_token_hash(connection, name)
    return publication.access_token_hash(connection, name) if name.startswith("regulators/") else None
