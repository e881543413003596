"""Tokens of parties that have shown their key: computed, not stored, and void once the key is another one."""

import base64
import binascii
import datetime as dt
import hashlib
import hmac
from typing import Any, Final

from disclosure.session import SessionStatement
from zkservice.access import bearer
from zkservice.errors import ServiceError, ServiceReason
from zkservice.keys import Keys
from zkservice.moments import from_ms, to_ms, whole_ms
from zkservice.storage import parties
from zkservice.storage.database import Database

LIFETIME: Final = dt.timedelta(minutes=15)
_STATEMENTS: Final = 100_000
"""So many statements of the last minutes are remembered; more open no session until some are forgotten."""


class Sessions:
    """Opens sessions and tells whose a call is. Belongs to the event loop.

    Statements are remembered in this process for as long as their time counts: two copies of one sent to two
    processes would open two sessions of the same party, which the party could open itself.
    """

    def __init__(self, database: Database, keys: Keys, service: str) -> None:
        self._database, self._keys, self._service = database, keys, service
        self._seen: dict[bytes, dt.datetime] = {}

    async def open(
        self, party: str, time: dt.datetime, nonce: bytes, signature: bytes, now: dt.datetime
    ) -> tuple[str, dt.datetime]:
        """Return a party's token and its end.

        Raises RefusedError REQUEST_SIGNATURE_INVALID (also for a party that nobody has registered),
        REQUEST_EXPIRED, REQUEST_NOT_YET_VALID; ServiceError REPLAYED, OVERLOADED; MalformedError.
        """
        statement = SessionStatement(party, self._service, time, nonce)
        public_key = await self._database.read(lambda each: parties.public_key(each, party))
        statement.check(signature, public_key or b"", now)
        self._remember(hashlib.sha256(statement.signed_bytes).digest(), now)
        ends = whole_ms(now + LIFETIME)
        return self._token(party, ends, public_key or b""), ends

    def _remember(self, digest: bytes, now: dt.datetime) -> None:
        if digest in self._seen:
            raise ServiceError(ServiceReason.REPLAYED, "this statement has opened a session")
        if len(self._seen) >= _STATEMENTS:
            self._seen = {each: at for each, at in self._seen.items() if now - at < LIFETIME}
        if len(self._seen) >= _STATEMENTS:
            raise ServiceError(ServiceReason.OVERLOADED, "too many sessions were opened; try again later")
        self._seen[digest] = now

    def _token(self, party: str, ends: dt.datetime, public_key: bytes) -> str:
        mac = self._keys.token("session", party, str(to_ms(ends)), public_key.hex())
        return base64.urlsafe_b64encode(f"{party}|{to_ms(ends)}|{mac}".encode()).rstrip(b"=").decode()

    async def party(self, context: Any, now: dt.datetime, *, collection: str | tuple[str, ...]) -> str:
        """Return whose call it is, one of `collection` ("accounts", "consents", "verifiers"), or of several.

        Raises ServiceError TOKEN_MISSING, TOKEN_INVALID, also once the party's key is another one.
        """
        collections = (collection,) if isinstance(collection, str) else collection
        whose, token = " or ".join(collections), bearer(context)
        party, ends = _read(token)
        if party.partition("/")[0] not in collections or now >= ends:
            raise _refused(whose)
        public_key = await self._database.read(lambda each: parties.public_key(each, party))
        if public_key is None or not _same(token, self._token(party, ends, public_key)):
            raise _refused(whose)
        return party


def _read(token: str) -> tuple[str, dt.datetime]:
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        party, milliseconds, _ = text.split("|")
        return party, from_ms(int(milliseconds))
    except (binascii.Error, ValueError, OverflowError, OSError):
        raise _refused("anybody") from None


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def _refused(whose: str) -> ServiceError:
    return ServiceError(ServiceReason.TOKEN_INVALID, f"the token is no session's of {whose}, or has ended")
