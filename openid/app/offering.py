"""An issuer's grants: offers that a department has handed to its edge, until a wallet has taken them.

Kept by SHA-256 of their secrets, in memory. A code is good for one token; with a transaction code, five wrong
ones end it. State rules: every change is one of the methods below, made between two awaits; what is refused
has changed nothing but the count of wrong codes.
"""

import datetime as dt
import hmac
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from disclosure import CredentialForm, OfferLink, SchemaName
from openid.errors import OpenIdError, OpenIdReason
from openid.issuance import TX_DIGITS, hashed

MAX_GRANTS: Final = 10_000
MAX_WRONG: Final = 5
LIFE: Final = dt.timedelta(days=7)
_OCTETS: Final = 32


@dataclass
class Grant:
    """One offer on its way. `link` is None until the department has issued: it is deferred so long."""

    schema: SchemaName
    form: CredentialForm
    ends: dt.datetime
    link: OfferLink | None = field(default=None, repr=False)
    code: str = field(default_factory=lambda: secrets.token_urlsafe(_OCTETS), repr=False)
    handle: str = field(default_factory=lambda: secrets.token_urlsafe(_OCTETS), repr=False)
    reference: str = field(default_factory=lambda: secrets.token_urlsafe(_OCTETS), repr=False)
    transaction: str = field(default_factory=lambda: secrets.token_urlsafe(_OCTETS), repr=False)
    notification: str = field(default_factory=lambda: secrets.token_urlsafe(_OCTETS), repr=False)
    tx_code: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    request_id: str | None = field(default=None, repr=False)
    wrong: int = 0
    taken: bool = False
    """The wallet has said that the credential is kept: nothing is left to be had by this grant."""


class Grants:
    """All grants of an edge. `clock` gives times with a zone."""

    def __init__(self, clock: Callable[[], dt.datetime], most: int = MAX_GRANTS) -> None:
        self._clock, self._most = clock, most
        self._found: dict[str, dict[bytes, Grant]] = {
            each: {} for each in ("code", "handle", "reference", "token")
        }
        self._taken = deque[Grant]()

    def add(self, schema: SchemaName, form: CredentialForm, link: OfferLink | None, tx_code: bool) -> Grant:
        """Take a grant; OpenIdError SESSIONS_FULL."""
        handles = self._found["handle"]
        if len(handles) >= self._most:
            for each in [one for one in handles.values() if self._clock() >= one.ends]:
                self.drop(each)
        if len(handles) >= self._most:
            raise OpenIdError(OpenIdReason.SESSIONS_FULL, "too many offers are open")
        digits = f"{secrets.randbelow(10**TX_DIGITS):0{TX_DIGITS}}" if tx_code else None
        made = Grant(schema, form, self._clock() + LIFE, link, tx_code=digits)
        for name in ("code", "handle", "reference"):
            self._found[name][hashed(getattr(made, name))] = made
        return made

    def by(self, name: str, secret: str) -> Grant:
        """Return the grant of a `handle`, `reference` or `token`; OpenIdError SESSION_UNKNOWN."""
        found = self._found[name].get(hashed(secret))
        if found is None or self._clock() >= found.ends:
            raise _unknown()
        return found

    def redeem(self, code: str, tx_code: str | None) -> Grant:
        """Give a grant its token, for a code that is used up by it.

        Raises OpenIdError SESSION_UNKNOWN, of which nobody learns what was wrong.
        """
        grant = self.by("code", code)
        expected, given = grant.tx_code or "", tx_code or ""
        if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass")):
            grant.wrong += 1
            if grant.wrong >= MAX_WRONG:
                self._forget_code(grant)
            raise _unknown()
        self._forget_code(grant)
        grant.token = secrets.token_urlsafe(_OCTETS)
        self._found["token"][hashed(grant.token)] = grant
        return grant

    def finish(self, grant: Grant) -> None:
        """Note that the credential is kept: the link and all codes are forgotten, and the place is free.

        The token answers the same notification for a while longer, as the specification wants it.
        """
        token = grant.token
        self.drop(grant)
        grant.link, grant.taken = None, True
        if token is not None:
            self._found["token"][hashed(token)] = grant
            self._taken.append(grant)
        while self._taken and (len(self._taken) > self._most or self._clock() >= self._taken[0].ends):
            self.drop(self._taken.popleft())

    def drop(self, grant: Grant) -> None:
        """Forget a grant."""
        for name, found in self._found.items():
            if (secret := getattr(grant, name)) is not None:
                found.pop(hashed(secret), None)

    def _forget_code(self, grant: Grant) -> None:
        self._found["code"].pop(hashed(grant.code), None)
        self._found["reference"].pop(hashed(grant.reference), None)


def _unknown() -> OpenIdError:
    return OpenIdError(OpenIdReason.SESSION_UNKNOWN, "there is no such offer")
