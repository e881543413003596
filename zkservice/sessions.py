"""Tokens of parties that have shown their key: computed, not stored, and void once the key is another one."""

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Collection
from typing import Final

from disclosure import Reason, RefusedError
from disclosure.request import NONCE_OCTETS
from disclosure.session import SessionStatement
from zkservice.errors import ServiceError, ServiceReason
from zkservice.keys import Keys
from zkservice.log_keys import LogKeys
from zkservice.moments import from_ms, to_ms, whole_ms
from zkservice.storage import challenges, parties, statements
from zkservice.storage.database import Database
from zkservice.tenants import proven
from zkservice.tokens import LEEWAY

LIFETIME: Final = dt.timedelta(minutes=15)
CHALLENGE_LIFE: Final = dt.timedelta(minutes=2)
_TIME_OCTETS: Final = 8
_DRAWN_OCTETS: Final = 8
_PARTY: Final = re.compile(
    r"verifiers/[a-z][a-z0-9-]{0,62}|(?:accounts|consents)/[A-Za-z0-9_-]{1,64}", re.ASCII
)
_START_OCTETS: Final = _TIME_OCTETS + _DRAWN_OCTETS


class Sessions:
    """Opens sessions and tells whose a call is.

    A statement opens one session, whichever server of the database it is sent to: a challenge is spent
    there, and other statements are remembered there for as long as their time counts.
    """

    def __init__(
        self, database: Database, keys: Keys, log_keys: LogKeys, *, demands_challenges: bool = False
    ) -> None:
        self._database, self._keys, self._log_keys = database, keys, log_keys
        self._demands_challenges = demands_challenges

    async def open(
        self, party: str, time: dt.datetime, nonce: bytes, signature: bytes, now: dt.datetime
    ) -> tuple[str, dt.datetime]:
        """Return a party's token and its end.

        Raises RefusedError REQUEST_SIGNATURE_INVALID (also for a party that nobody has registered),
        REQUEST_EXPIRED, REQUEST_NOT_YET_VALID; ServiceError ACCOUNT_REPLACED for whoever signs with the key
        that an account had before, REPLAYED, CHALLENGE_MISSING, OVERLOADED; MalformedError.
        """
        formed = _is_party(party)  # a name that cannot be one is nobody's, and no database is asked
        public_key = await self._public_key(party) if formed else None
        # The service goes by each key that its log has had: a party may not know yet that it is another now.
        named = [SessionStatement(party, str(each), time, nonce) for each in reversed(self._log_keys.known)]
        signed = (each for each in named if _signs(each, signature, public_key or b"", now))
        statement = next(signed, named[0])
        try:
            statement.check(signature, public_key or b"", now)
        except RefusedError as error:
            if formed and error.reason == Reason.REQUEST_SIGNATURE_INVALID:
                await self._check_former(
                    party, lambda key: any(_signs(each, signature, key, now) for each in named)
                )
            raise
        ends = whole_ms(now + LIFETIME)
        if self._is_challenge(nonce):
            await self._spend(nonce, now)
        elif self._demands_challenges:
            detail = "the statement has a nonce of its own, and none that GetChallenge has given"
            raise ServiceError(ServiceReason.CHALLENGE_MISSING, detail, field="nonce")
        else:
            digest = hashlib.sha256(statement.signed_bytes).digest()
            await self._database.write(lambda each: statements.remember(each, party, digest, ends, now))
        return self._token(party, ends, public_key or b""), ends

    async def _public_key(self, party: str) -> bytes | None:
        return await self._database.read(lambda each: parties.public_key(each, party))

    def challenge(self, now: dt.datetime) -> tuple[bytes, dt.datetime]:
        """Return a nonce to sign in a statement, and until when it can be used. Nothing is kept of it."""
        moment = whole_ms(now)
        start = to_ms(moment).to_bytes(_TIME_OCTETS) + secrets.token_bytes(_DRAWN_OCTETS)
        mac = self._keys.fleeting("session-challenge", start.hex())
        return start + _shortened(mac), moment + CHALLENGE_LIFE

    def _is_challenge(self, nonce: bytes) -> bool:
        start = nonce[:_START_OCTETS]
        macs = self._keys.fleetings("session-challenge", start.hex())
        return any(hmac.compare_digest(nonce[len(start) :], _shortened(each)) for each in macs)

    async def _spend(self, nonce: bytes, now: dt.datetime) -> None:
        """Use a challenge up, at all servers of the database; RefusedError REQUEST_EXPIRED, ServiceError
        REPLAYED."""
        made = from_ms(int.from_bytes(nonce[:_TIME_OCTETS]))
        if abs(now - made) > CHALLENGE_LIFE:
            raise RefusedError(Reason.REQUEST_EXPIRED, "the challenge has ended", field="nonce")
        await self._database.write(lambda each: challenges.spend(each, nonce, now))

    async def _check_former(self, party: str, is_shown: Callable[[bytes], bool]) -> None:
        """Raise ServiceError ACCOUNT_REPLACED if a key is shown that the party had before."""
        for each in await self._database.read(lambda connection: parties.former_keys(connection, party)):
            if is_shown(each.public_key):
                detail = f"by a code of {each.department}, on {each.replaced:%Y-%m-%d at %H:%M:%S} UTC"
                raise ServiceError(ServiceReason.ACCOUNT_REPLACED, detail)

    def _token(self, party: str, ends: dt.datetime, public_key: bytes) -> str:
        return _written(party, ends, self._keys.fleeting(*_named(party, ends, public_key)))

    def _is_token(self, token: str, party: str, ends: dt.datetime, public_key: bytes) -> bool:
        macs = self._keys.fleetings(*_named(party, ends, public_key))
        return any(_same(token, _written(party, ends, each)) for each in macs)

    async def party(self, token: str, now: dt.datetime, collections: Collection[str]) -> str:
        """Return whose session a token is of, one of some collections ("accounts", "consents", "verifiers").

        One that ends later than any that is made now, by another server's clock, is none: however its MAC
        came about. Raises ServiceError TOKEN_INVALID, ACCOUNT_REPLACED (the account has another key now).
        """
        whose = " or ".join(collections)
        party, ends = _read(token)
        if party.partition("/")[0] not in collections or not now < ends <= now + LIFETIME + LEEWAY:
            raise _refused(whose)
        public_key = await self._public_key(party)
        if public_key is None or not self._is_token(token, party, ends, public_key):
            await self._check_former(party, lambda key: self._is_token(token, party, ends, key))
            raise _refused(whose)
        if not party.startswith("consents/"):  # of these a verifier may have as many as it likes
            proven(party)
        return party


def is_session(token: str) -> bool:
    """Tell whether a token has the form of a session's: whether it is one shows only `Sessions.party`."""
    try:
        _read(token)
    except ServiceError:
        return False
    return True


def _named(party: str, ends: dt.datetime, public_key: bytes) -> tuple[str, ...]:
    return "session", party, str(to_ms(ends)), public_key.hex()


def _written(party: str, ends: dt.datetime, mac: str) -> str:
    return base64.urlsafe_b64encode(f"{party}|{to_ms(ends)}|{mac}".encode()).rstrip(b"=").decode()


def _shortened(mac: str) -> bytes:
    return hashlib.sha256(mac.encode()).digest()[: NONCE_OCTETS - _START_OCTETS]


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
        ends = from_ms(int(milliseconds))
    except (binascii.Error, ValueError, OverflowError, OSError):
        raise _refused("anybody") from None
    if not _is_party(party):
        raise _refused("anybody")
    return party, ends


def _is_party(name: str) -> bool:
    """Tell whether a name has the form of a party's that opens sessions."""
    return _PARTY.fullmatch(name) is not None


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def _refused(whose: str) -> ServiceError:
    return ServiceError(ServiceReason.TOKEN_INVALID, f"the token is no session's of {whose}, or has ended")
