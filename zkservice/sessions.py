"""Tokens of parties that have shown their key: computed, not stored, and void once the key is another one."""

import base64
import binascii
import datetime as dt
import hashlib
import hmac
from collections.abc import Callable
from typing import Any, Final

from disclosure import Reason, RefusedError
from disclosure.session import SessionStatement
from zkservice.access import bearer
from zkservice.errors import ServiceError, ServiceReason
from zkservice.keys import Keys
from zkservice.log_keys import LogKeys
from zkservice.moments import from_ms, to_ms, whole_ms
from zkservice.storage import parties
from zkservice.storage.database import Database
from zkservice.tenants import proven

LIFETIME: Final = dt.timedelta(minutes=15)
_STATEMENTS: Final = 100_000
"""So many statements of the last minutes are remembered; more open no session until some are forgotten."""


class Sessions:
    """Opens sessions and tells whose a call is. Belongs to the event loop.

    Statements are remembered in this process for as long as their time counts: two copies of one sent to two
    processes would open two sessions of the same party, which the party could open itself.
    """

    def __init__(self, database: Database, keys: Keys, log_keys: LogKeys) -> None:
        self._database, self._keys, self._log_keys = database, keys, log_keys
        self._seen: dict[bytes, dt.datetime] = {}

    async def open(
        self, party: str, time: dt.datetime, nonce: bytes, signature: bytes, now: dt.datetime
    ) -> tuple[str, dt.datetime]:
        """Return a party's token and its end.

        Raises RefusedError REQUEST_SIGNATURE_INVALID (also for a party that nobody has registered),
        REQUEST_EXPIRED, REQUEST_NOT_YET_VALID; ServiceError ACCOUNT_REPLACED for whoever signs with the key
        that an account had before, REPLAYED, OVERLOADED; MalformedError.
        """
        public_key = await self._database.read(lambda each: parties.public_key(each, party))
        # The service goes by each key that its log has had: a party may not know yet that it is another now.
        named = [SessionStatement(party, str(each), time, nonce) for each in reversed(self._log_keys.known)]
        signed = (each for each in named if _signs(each, signature, public_key or b"", now))
        statement = next(signed, named[0])
        try:
            statement.check(signature, public_key or b"", now)
        except RefusedError as error:
            if error.reason == Reason.REQUEST_SIGNATURE_INVALID:
                await self._check_former(
                    party, lambda key: any(_signs(each, signature, key, now) for each in named)
                )
            raise
        self._remember(hashlib.sha256(statement.signed_bytes).digest(), now)
        ends = whole_ms(now + LIFETIME)
        return self._token(party, ends, public_key or b""), ends

    async def _check_former(self, party: str, is_shown: Callable[[bytes], bool]) -> None:
        """Raise ServiceError ACCOUNT_REPLACED if a key is shown that the party had before."""
        for each in await self._database.read(lambda connection: parties.former_keys(connection, party)):
            if is_shown(each.public_key):
                detail = f"by a code of {each.department}, on {each.replaced:%Y-%m-%d at %H:%M:%S} UTC"
                raise ServiceError(ServiceReason.ACCOUNT_REPLACED, detail)

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

        Raises ServiceError TOKEN_MISSING, TOKEN_INVALID, ACCOUNT_REPLACED (the account has another key now).
        """
        collections = (collection,) if isinstance(collection, str) else collection
        whose, token = " or ".join(collections), bearer(context)
        party, ends = _read(token)
        if party.partition("/")[0] not in collections or now >= ends:
            raise _refused(whose)
        public_key = await self._database.read(lambda each: parties.public_key(each, party))
        if public_key is None or not _same(token, self._token(party, ends, public_key)):
            await self._check_former(party, lambda key: _same(token, self._token(party, ends, key)))
            raise _refused(whose)
        if not party.startswith("consents/"):  # of these a verifier may have as many as it likes
            proven(party)
        return party


def _signs(statement: SessionStatement, signature: bytes, public_key: bytes, now: dt.datetime) -> bool:
    try:
        statement.check(signature, public_key, now)
    except RefusedError:
        return False
    return True


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
