"""Keeping a witness at the newest epoch of its accumulator, alone and without telling which it is.

No I/O and no clock: the caller fetches. What it fetches is everybody's: the newest epoch, and pages that
begin at multiples of a page's size and end with the epoch, so that whoever serves them sees where a holder's
list ended no finer than to a page. What was fetched is believed as far as it was checked: an epoch if its
record stands on the ledger, a page if it leads to a witness, a new witness if the pages led to the epoch.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bbs.accumulator import Epoch, MembershipWitness, Page
from prover.errors import ClientError, VaultReason
from wire.revocation import MAX_PAIRS


@dataclass(frozen=True)
class CaughtUp:
    """A witness that is verified for an epoch, with the proof that the epoch stands on the ledger."""

    witness: MembershipWitness = field(repr=False)
    epoch: Epoch
    proof: bytes = field(repr=False)


def pages_between(fetch: Callable[[int, int], Page], start: int, end: int) -> Iterator[Page]:
    """Fetch pages by their first number and greatest length; give of them what lies from `start` to `end`.

    Nothing is fetched if nothing is missing. Raises ClientError ANSWER_INVALID for a page that begins
    elsewhere or is longer than was asked for, so that the fetching ends whatever is answered.
    """
    first = start - start % MAX_PAIRS if start < end else end
    while first < end:
        limit = min(MAX_PAIRS - first % MAX_PAIRS, end - first)
        page = fetch(first, limit)
        if page.first != first or page.end > first + limit:
            raise ClientError(VaultReason.ANSWER_INVALID, "the service answered with another page")
        first = page.end
        if page.end > start:
            yield Page(page.key, max(page.first, start), page.pairs[max(start - page.first, 0) :])
