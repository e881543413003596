"""Short-lived signed tokens (RFC 7519, EdDSA): made of a secret, good wherever the secret would be.

A token says whose it is, for which log, until when, and which secret it was made of: when another takes
that secret's place, its tokens have ended. Every server of a database accepts what any of them signs, since
the keys stand there, sealed. What is verified is fixed here and not read from the token: one algorithm, one
type, one issuer and audience, a key that is known by its thumbprint.
"""

import base64
import datetime as dt
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from zkservice.errors import ServiceError, ServiceReason
from zkservice.keys import Keys
from zkservice.moments import whole_ms
from zkservice.roles import COLLECTIONS, Role
from zkservice.storage import token_keys
from zkservice.storage.database import Database
from zkservice.storage.token_keys import TokenKey

LIFETIME: Final = dt.timedelta(minutes=15)
LEEWAY: Final = dt.timedelta(seconds=30)
"""How far ahead another server's clock may be; a token ends when it says, by the clock of whoever reads
it."""
_ALGORITHM: Final = "EdDSA"
_TYPE: Final = "zk-access+jwt"
_HEADER: Final = {"alg", "typ", "kid"}
_CLAIMS: Final = {"iss", "aud", "sub", "role", "iat", "nbf", "exp", "jti", "bound"}
_FORM: Final = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){2}", re.ASCII)
"""Three parts of base64 without padding (RFC 7515, section 7.1): a token has one spelling."""
_MOST: Final = 1024
"""A token has fewer characters, whatever its party is called."""
_FRESH: Final = dt.timedelta(seconds=1)
_BINDING: Final = b"zk-disclosure/token-binding/v1\x00"


@dataclass(frozen=True)
class Bound:
    """What a token that was verified says: whose it is, and the secret's mark that it is bound to."""

    name: str
    mark: str


def mark_of(secret_hash: bytes) -> str:
    """Return what a token says of the secret that it was made of, by the hash that is stored of it."""
    return _text(hashlib.sha256(_BINDING + secret_hash).digest()[:16])


def label(kid: str) -> str:
    """Return the label that a key's secret half is sealed under."""
    return f"token-key/{kid}"


class Tokens:
    """Makes and verifies tokens. Belongs to the event loop; keys are read again after a second."""

    def __init__(self, database: Database, keys: Keys, origin: str) -> None:
        self._database, self._keys, self._origin = database, keys, origin
        self._known: tuple[TokenKey, ...] = ()
        self._read: dt.datetime | None = None

    async def create(self, name: str, secret_hash: bytes, now: dt.datetime) -> tuple[str, dt.datetime]:
        """Return a token of whoever has a secret, and its end."""
        now = whole_ms(now)
        known = await self._database.read(lambda each: token_keys.counting(each, now))
        if not known or known[0].ends is not None:
            make = partial(self._made, now)
            known = [await self._database.write(lambda each: token_keys.first(each, make, now))]
        started = now.replace(microsecond=0)
        ends = started + LIFETIME
        claims = {
            "iss": self._origin,
            "aud": self._origin,
            "sub": name,
            "role": str(COLLECTIONS[name.partition("/")[0]]),
            "iat": int(started.timestamp()),
            "nbf": int(started.timestamp()),
            "exp": int(ends.timestamp()),
            "jti": secrets.token_urlsafe(16),
            "bound": mark_of(secret_hash),
        }
        key = Ed25519PrivateKey.from_private_bytes(self._keys.open(label(known[0].kid), known[0].sealed))
        headers = {"kid": known[0].kid, "typ": _TYPE}
        return jwt.encode(claims, key, _ALGORITHM, headers=headers), ends

    async def verified(self, token: str, roles: Collection[Role], now: dt.datetime) -> Bound:
        """Return what a token says if it is one of this log's and good; ServiceError TOKEN_INVALID.

        Whether the secret that it was made of is still the party's own is not looked at here.
        """
        key = await self._key(_kid(token), now)
        try:
            claims = jwt.decode(
                token,
                Ed25519PublicKey.from_public_bytes(key.public_key),
                algorithms=[_ALGORITHM],
                audience=self._origin,
                issuer=self._origin,
                # Times are compared below, with the service's own clock.
                options={
                    "require": sorted(_CLAIMS),
                    "strict_aud": True,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.InvalidTokenError, ValueError):
            raise _refused("the token is not one that this service has signed") from None
        _check_times(claims, now)
        return _bound(claims, roles)

    async def _key(self, kid: str, now: dt.datetime) -> TokenKey:
        """Return the key of a thumbprint; read again after a second, and where it is not known."""
        found = self._of(kid, now)
        if found is None or self._read is None or abs(now - self._read) >= _FRESH:
            self._known = tuple(await self._database.read(lambda each: token_keys.counting(each, now)))
            self._read, found = now, self._of(kid, now)
        if found is None:
            raise _refused("the token's key is not one of this service's")
        return found

    def _of(self, kid: str, now: dt.datetime) -> TokenKey | None:
        counting = (each for each in self._known if each.ends is None or now < each.ends)
        return next((each for each in counting if hmac.compare_digest(each.kid.encode(), kid.encode())), None)

    async def keys(self, now: dt.datetime) -> list[TokenKey]:
        """Return the keys that count, the one that signs first."""
        return await self._database.read(lambda each: token_keys.counting(each, now))

    async def rotate(self, now: dt.datetime, *, at_once: bool) -> TokenKey:
        """Sign with a new key; those before count until their last token ends, or end at once."""
        now = whole_ms(now)
        made, ends = self._made(now), now if at_once else now + LIFETIME + LEEWAY
        rotated = await self._database.write(lambda each: token_keys.rotate(each, made, ends))
        self._read = None
        return rotated

    def _made(self, now: dt.datetime) -> TokenKey:
        key = Ed25519PrivateKey.generate()
        public_key = key.public_key().public_bytes_raw()
        kid = thumbprint(public_key)
        return TokenKey(kid, public_key, self._keys.seal(label(kid), key.private_bytes_raw()), now)


def thumbprint(public_key: bytes) -> str:
    """Return the RFC 7638 thumbprint of an Ed25519 public key."""
    members = {"crv": "Ed25519", "kty": "OKP", "x": _text(public_key)}
    return _text(hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest())


def is_signed(token: str) -> bool:
    """Tell whether a token has the form of a signed one: a secret that is given has no dots."""
    return token.startswith("eyJ") and token.count(".") == 2


def _kid(token: str) -> str:
    """Return the thumbprint that a token names, whose header is exactly as this service writes it."""
    if len(token) > _MOST:
        raise _refused("the token is longer than any of this service's")
    if not _FORM.fullmatch(token):
        raise _refused("the token cannot be read")
    try:
        header: dict[str, Any] = jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        raise _refused("the token cannot be read") from None
    kid = header.get("kid")
    if set(header) != _HEADER or header["alg"] != _ALGORITHM or header["typ"] != _TYPE:
        raise _refused("the token's header is not as this service writes it")
    if not isinstance(kid, str) or not kid.isascii():
        raise _refused("the token's header is not as this service writes it")
    return kid


def _check_times(claims: dict[str, Any], now: dt.datetime) -> None:
    times = [claims[each] for each in ("iat", "nbf", "exp")]
    if not all(type(each) is int for each in times):
        raise _refused("the token's times are none")
    issued, begins, ends = times
    moment = now.timestamp()
    if not issued <= begins < ends <= issued + LIFETIME.total_seconds():
        raise _refused("the token's times are not as this service writes them")
    if begins > moment + LEEWAY.total_seconds():
        raise _refused("the token is dated ahead")
    if moment >= ends:
        raise _refused("the token has ended")


def _bound(claims: dict[str, Any], roles: Collection[Role]) -> Bound:
    name, role, mark = claims["sub"], claims["role"], claims["bound"]
    if set(claims) != _CLAIMS or not all(isinstance(each, str) for each in (name, role, mark)):
        raise _refused("the token's claims are not as this service writes them")
    if role not in set(Role) or COLLECTIONS.get(name.partition("/")[0]) != role:
        raise _refused("the token's name and role do not go together")
    if role not in roles:
        raise _refused(f"the token is that of a {role}")
    return Bound(name, mark)


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _refused(detail: str) -> ServiceError:
    return ServiceError(ServiceReason.TOKEN_INVALID, detail)
