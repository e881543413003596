"""Two officers of a regulator, who open together."""

from collections.abc import Sequence

from bbs import SHA_256
from bbs.engine import PairingSuite
from bbs.gadgets.escrow_shares import EscrowShare, PartialOpening
from disclosure.composite import CompositeClaim, RegulatorKey, open_part

Officers = Sequence[EscrowShare]


def new_officers() -> tuple[EscrowShare, ...]:
    """Return the shares of two officers, newly made."""
    suite = PairingSuite(SHA_256)
    return EscrowShare.generate(suite), EscrowShare.generate(suite)


def shared_by(officers: Officers) -> RegulatorKey:
    """Return the key that officers share."""
    return RegulatorKey(str(SHA_256), tuple(each.publish() for each in officers))


def parts_of(
    officers: Officers, claim: CompositeClaim, escrow: str, reference: str
) -> tuple[PartialOpening, ...]:
    """Return the part of each officer."""
    return tuple(open_part(each, claim, escrow, reference) for each in officers)
