"""The verifier's side: claims through the service of its city, and believes nothing of what that says.

What is answered is checked from the header on that the verifier trusts. An answer that does not hold, or
none, means that nobody knows: the record waits, and the same claim is asked for again.
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consortium.errors import SourceError
from consortium.fetching import Fetcher
from ordering.light.claimed import ShownClaim
from ordering.light.verifying import MAX_OCTETS, Trusted
from ordering.transactions import Claim
from verifier.across import Grounds
from verifier.claim_request import ClaimRequest
from zk.claims.reasons import PASSING, PATH, ClaimReason
from zk.exits import CommandError, Exit

_SECONDS: Final = 90.0
"""Longer than the service waits for a block."""
_REASON: Final = re.compile(rb"([A-Z_]{1,40})\n")
_REASONS: Final = frozenset(map(str, ClaimReason))


@dataclass(frozen=True)
class ClaimsService:
    """Where a city's service is, whose root certificate counts there, and for which city it claims."""

    url: str
    operator: str
    root: bytes | None = field(default=None, repr=False)
    seconds: float = _SECONDS


class RemoteClaims:
    """Claims for one verifier; `trusted` moves on with the headers that it was shown.

    `grounds` are those of everything that may be claimed.
    """

    def __init__(
        self,
        service: ClaimsService,
        key: Ed25519PrivateKey,
        grounds: Iterable[Grounds],
        trusted: Trusted,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._service, self._key, self.trusted, self._now = service, key, trusted, now
        self._grounds = {each.claim: each for each in grounds}

    def is_first(self, claim: Claim) -> bool:
        """Have a claim ordered, and tell whether it came first, as the city's with this reference.

        May be repeated, by another process too. Raises CommandError UNREACHABLE (then nobody knows), REFUSED;
        OrderError for an answer that does not hold.
        """
        operator, begin = self._service.operator, self.trusted
        request = ClaimRequest(
            begin.chain, operator, self._grounds[claim], int(self._now()), begin.height, begin.hash
        )
        shown = ShownClaim.parse(self._asked(request.signed(self._key).to_bytes()))
        self.trusted, found = shown.check(claim, begin, int(self._now()))
        return (found.operator, found.reference) == (operator, claim.reference)

    def _asked(self, octets: bytes) -> bytes:
        service = self._service

        async def asked() -> tuple[int, bytes]:
            async with Fetcher(root=service.root, whole=service.seconds) as fetcher:
                return await fetcher.post(service.url.rstrip("/") + PATH, octets, MAX_OCTETS)

        try:
            status, body = asyncio.run(asked())
        except SourceError as error:
            raise _away(error.detail) from None
        if status == 200:
            return body
        said = _REASON.fullmatch(body)
        reason = said[1].decode() if said else ""
        if reason not in _REASONS or reason in PASSING:
            raise _away(reason or f"it answered {status}")
        raise CommandError(Exit.REFUSED, reason, "error.claims_refused", reason=reason)


def _away(detail: str) -> CommandError:
    return CommandError(Exit.UNREACHABLE, "CLAIMS_UNREACHABLE", "error.claims_away", detail=detail)
