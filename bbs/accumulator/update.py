"""A holder's witness brought up to date by the holder alone, from public pages, a page at a time.

With d_j = y'_j - y for the handles y'_1..y'_k of a page and V_j the values after them,

    V_(j-1) = (a + y'_j)*V_j = (a + y)*V_j + d_j*V_j, so
    C_j = (C_(j-1) - V_j) / d_j, and after the page
    C_k = (C_0 - sum_j d_1*..*d_(j-1) * V_j) / (d_1*..*d_k):

one sum of k + 1 points. The values are not checked to be in the subgroup, which would cost four times the
sum. Instead the sum is cleared of the cofactor, so that each value counts as its part in the subgroup and any
other part has no effect, not even on whether a page is refused: that would tell something of the handle. What
comes out is in the subgroup; if e(C_k, (a + y)*P2) = e(V_k, P2), then it is the only witness that there is,
whatever the pages held. The pairing alone would not see a part of small order.

The d_j and their products depend on the secret handle and are Python integers; the sum is the group's fast
one. Neither is constant-time. A fresh random factor, taken out at the end by the group's constant-time
multiplication, makes each scalar of the sum uniform by itself, and no d_j is negative before it is reduced.
What is left is what one sees of 256-bit products who times the holder's own machine.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from bbs.accumulator.epoch import Epoch
from bbs.accumulator.page import Page
from bbs.accumulator.position import Position
from bbs.accumulator.witness import MembershipWitness, other_epoch
from bbs.errors import BbsError, Reason, VerificationError
from bbs.groups.bls12_381 import H_EFF, r
from bbs.groups.protocol import G1Point
from bbs.scalars import calculate_random_scalars


@dataclass(frozen=True, eq=False, repr=False)
class CatchingUp:
    """A witness on its way to an epoch that the caller trusts. Its memory is that of one page.

    Until `finish` nothing vouches for the pages: keep the old witness until then. `C` is None once the handle
    was met in a page, which says "revoked" only when the pages have led to the epoch.
    """

    epoch: Epoch
    y: int
    at: Position
    C: G1Point | None

    @classmethod
    def begin(cls, witness: MembershipWitness, epoch: Epoch) -> "CatchingUp":
        """Begin from a witness, the stored one or a `partial`.

        Raises InputError EPOCH_MISMATCH if it is of another accumulator or of a later position.
        """
        if witness.at.key != epoch.key:
            raise other_epoch("the witness is of another accumulator")
        if witness.at.count > epoch.position.count:
            raise other_epoch("the witness is of a later position than the epoch")
        return cls(epoch, witness.y, witness.at, witness.C)

    @property
    def missing(self) -> int:
        """How many revocations are still to come."""
        return self.epoch.position.count - self.at.count

    @property
    def partial(self) -> MembershipWitness | None:
        """A witness for the value after the last page, to be stored beside the old one and begun from again.

        None once the handle was met: an interrupted holder then begins from the partial before.
        """
        return None if self.C is None else MembershipWitness(self.y, self.C, self.at)

    def after(self, page: Page) -> "CatchingUp":
        """Go on by one page.

        Raises VerificationError PAGE_INVALID if the page does not begin here, goes beyond the epoch, or does
        not lead to a witness; DecodingError NOT_IN_SUBGROUP (its last value). Nothing has changed then.
        """
        at = self.at.after(page)
        if at.count > self.epoch.position.count:
            raise VerificationError(Reason.PAGE_INVALID, "the page goes beyond the epoch")
        C = None if self.C is None else _updated(self.C, self.y, page, at)
        return replace(self, at=at, C=C)

    def finish(self) -> MembershipWitness:
        """Return the witness for the epoch.

        Raises InputError EPOCH_MISMATCH (revocations are missing); VerificationError PAGE_INVALID if the
        pages were not those that lead to the epoch, REVOKED if they were and the handle is among them.
        """
        if self.missing:
            raise other_epoch(f"{self.missing} revocations are missing")
        if self.at != self.epoch.position:
            raise VerificationError(Reason.PAGE_INVALID, "the pages are not those of the epoch")
        if self.partial is None:
            raise VerificationError(Reason.REVOKED, "the credential is revoked")
        return self.partial


def catch_up(
    witness: MembershipWitness,
    epoch: Epoch,
    pages: Iterable[Page],
    report: Callable[[CatchingUp], object] = lambda _: None,
) -> MembershipWitness:
    """Return the witness for an epoch, after the pages from the witness's position to it.

    `report` gets the state after each page: to show `missing`, to store `partial`, or to interrupt by
    raising. Errors are those of `CatchingUp`.
    """
    state = CatchingUp.begin(witness, epoch)
    for page in pages:
        state = state.after(page)
        report(state)
    return state.finish()


def _updated(C: G1Point, y: int, page: Page, at: Position) -> G1Point | None:
    """Return the witness after a page, checked, or None if the handle is in it."""
    group = page.key.group
    (blind,) = calculate_random_scalars(1)
    *weights, product = _products(blind, page.handles, y)
    if not product:
        return None
    # minus the product times C_k, and H_EFF times that
    total = group.msm([C, *page.values], [r - blind, *weights])
    (cleared,) = group.clear_cofactor([total])
    C_k = group.msm([cleared], [r - group.invert(product * H_EFF)], secret=True)
    try:
        return MembershipWitness(y, C_k, at).verified().C
    except BbsError:
        raise VerificationError(Reason.PAGE_INVALID, "the page does not lead to a witness") from None


def _products(start: int, handles: Sequence[int], y: int) -> list[int]:
    """Return start, start * d_1, start * d_1 * d_2 and so on; the last is 0 if y is among the handles."""
    minus_y, product = r - y, start
    return [start, *[product := product * (handle + minus_y) % r for handle in handles]]
