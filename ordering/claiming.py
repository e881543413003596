"""Claims by an operator at a node: made once, however often they are tried, and proven to have come first.

The node orders; it is not believed. That a claim is the first of its tag is read off the row, which is shown
under a header that follows from a trusted one.
"""

import secrets
import time
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ordering import state
from ordering.client import Client
from ordering.errors import Refusal, RefusedError, StateError
from ordering.light import fetching
from ordering.light.claimed import ShownClaim
from ordering.light.verifying import OrderError, OrderReason, Trusted
from ordering.state import Claimed
from ordering.transactions import Claim, Transaction

SECONDS: Final = 60.0
_LOST_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.1
_SPREAD: Final = 64
"""Numbers are drawn from so many, since others may submit for the same operator at this moment."""
_AGAIN: Final = {Refusal.REPLAYED, Refusal.TAKEN, Refusal.SEQUENCE_TOO_FAR, Refusal.TOO_MANY}


class Claimant:
    """Claims for one operator; `trusted` moves on with the headers that it has followed.

    `now` gives seconds since 1970.
    """

    def __init__(
        self,
        client: Client,
        operator: str,
        key: Ed25519PrivateKey,
        trusted: Trusted,
        now: Callable[[], float] = time.time,
        seconds: float = SECONDS,
    ) -> None:
        self._client, self._operator, self._key = client, operator, key
        self.trusted, self._now, self._seconds = trusted, now, seconds

    def is_first(self, claim: Claim) -> bool:
        """Have a claim ordered, and tell whether it came first, as this operator's with this reference.

        May be repeated, by another process too: what stands is found to stand. Raises RefusedError,
        StateError (no answer, or no block in time), OrderError.
        """
        found = self.claim(claim)
        return (found.operator, found.reference) == (self._operator, claim.reference)

    def claim(self, claim: Claim) -> Claimed:
        """Have a claim ordered, and return what came first of its tag, proven; raises as `is_first` does."""
        ends = time.monotonic() + self._seconds
        while (found := self.first(claim)) is None:
            if time.monotonic() > ends:
                raise StateError("the claim is not ordered in time")
            self._submit(claim)
        return found

    def first(self, claim: Claim) -> Claimed | None:
        """Return what came first of a claim's tag, None if nothing has, either proven.

        Raises StateError, OrderError.
        """
        value = self.row(state.claim_key(claim.scope, claim.tag))
        if value is None:
            return None
        try:
            return Claimed.parse(value)
        except RefusedError as error:
            raise OrderError(OrderReason.ORDER_ROW_INVALID, error.detail) from None

    def row(self, key: bytes) -> bytes | None:
        """Return a row as it stands under a header that follows from the trusted one.

        Raises StateError, OrderError.
        """
        self.trusted, value = fetching.proven(self._client, key, self.trusted, int(self._now()))
        return value

    def shown(self, claim: Claim, begin: Trusted) -> ShownClaim:
        """Return what shows, from a header on, who came first of a tag that something came of.

        It was checked from there on. Raises StateError, OrderError.
        """
        moment, key = int(self._now()), state.claim_key(claim.scope, claim.tag)
        steps, row = fetching.shown(self._client, key, begin, moment)
        found = ShownClaim(steps, row.value or b"", row.proof)
        found.check(claim, begin, moment)
        return found

    def _submit(self, claim: Claim) -> None:
        """Hand it in, and wait until its tag has a row or it seems lost; RefusedError.

        What is refused because something came in between is looked at again, and so is what the node does not
        answer: the transaction may have come in all the same, or another one may have taken its number.
        """
        seen = self._client.seen(self._operator)
        sequence = seen.highest + 1 + secrets.randbelow(_SPREAD)
        transaction = Transaction(self.trusted.chain, self._operator, sequence, claim).signed(self._key)
        try:
            self._client.send(transaction)
        except RefusedError as error:
            if error.refusal not in _AGAIN:
                raise
        except StateError:
            return
        key, ends = state.claim_key(claim.scope, claim.tag), time.monotonic() + _LOST_SECONDS
        while self._client.read(key).value is None and time.monotonic() < ends:
            time.sleep(_LOOK_SECONDS)
