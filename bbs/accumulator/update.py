"""A holder's witness brought up to date by the holder alone, from public pages, a page at a time.

With d_j = y'_j - y for the handles y'_1..y'_k of a page and V_j the values after them,

    V_(j-1) = (a + y'_j)*V_j = (a + y)*V_j + d_j*V_j, so
    C_j = (C_(j-1) - V_j) / d_j, and after the page
    C_k = (C_0 - sum_j d_1*..*d_(j-1) * V_j) / (d_1*..*d_k):

one sum of k + 1 points. The values are not checked to be in the subgroup, which would cost four times the
sum. Instead the sum is cleared of the cofactor, so that each value counts as its part in the subgroup and any
other part has no effect. What comes out is in the subgroup; if e(C_k, (a + y)*P2) = e(V_k, P2), then it is
the only witness that there is, whatever the pages held. The pairing alone would not see a part of small
order.

Whether a false page leads to a witness depends on the handle: errors of two pairs can be chosen, without any
key, so that they cancel for one handle only. Who sends pages sees whether the next one is asked for, and
when. So nothing that depends on the handle is told before the digest has shown that the pages are those of
the epoch: no page is refused for it, and one that has the handle takes as long as any other.

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
from bbs.errors import Reason, VerificationError
from bbs.groups.bls12_381 import H_EFF, r
from bbs.groups.protocol import G1Point
from bbs.scalars import calculate_random_scalars


@dataclass(frozen=True, eq=False, repr=False)
class CatchingUp:
    """A witness on its way to an epoch that the caller trusts. Its memory is that of one page.

    Until `finish` nothing vouches for the pages, nor for `C`: keep the old witness until then. `C` is None
    once the handle was met in a page, which says "revoked" only when the pages have led to the epoch.
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
        """What should be a witness for the value after the last page: not verified, and not to be shown.

        To be stored beside the old one and begun from again. None once the handle was met: an interrupted
        holder then begins from the partial before.
        """
        return None if self.C is None else MembershipWitness(self.y, self.C, self.at)

    def after(self, page: Page) -> "CatchingUp":
        """Go on by one page.

        Raises VerificationError PAGE_INVALID if the page does not begin here or goes beyond the epoch;
        DecodingError NOT_IN_SUBGROUP (its last value). Nothing has changed then. None of it, nor how long it
        takes, depends on the handle.
        """
        at = self.at.after(page)
        if at.count > self.epoch.position.count:
            raise VerificationError(Reason.PAGE_INVALID, "the page goes beyond the epoch")
        return replace(self, at=at, C=_updated(self.C, self.y, page))

    def finish(self) -> MembershipWitness:
        """Return the witness for the epoch, verified.

        Raises InputError EPOCH_MISMATCH (revocations are missing); VerificationError PAGE_INVALID if the
        pages were not those that lead to the epoch, REVOKED if they were and the handle is among them,
        WITNESS_INVALID if they were and what it began from was no witness.
        """
        if self.missing:
            raise other_epoch(f"{self.missing} revocations are missing")
        if self.at != self.epoch.position:
            raise VerificationError(Reason.PAGE_INVALID, "the pages are not those of the epoch")
        if self.partial is None:
            raise VerificationError(Reason.REVOKED, "the credential is revoked")
        return self.partial.verified()


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


def _updated(C: G1Point | None, y: int, page: Page) -> G1Point | None:
    """Return the witness after a page, None once the handle was met; for as much work either way."""
    group = page.key.group
    blind, decoy = calculate_random_scalars(2)
    met = C is None or y in set(page.handles)
    *weights, product = _products(blind, page.handles, decoy if met else y)
    # minus the product times C_k, and H_EFF times that
    total = group.msm([page.values[0] if C is None else C, *page.values], [r - blind, *weights])
    (cleared,) = group.clear_cofactor([total])
    C_k = group.msm([cleared], [r - group.invert(product * H_EFF)], secret=True)
    return None if met or group.is_identity(C_k) else C_k


def _products(start: int, handles: Sequence[int], y: int) -> list[int]:
    """Return start, start * d_1, start * d_1 * d_2 and so on; none is 0 if y is not among the handles."""
    minus_y, product = r - y, start
    return [start, *[product := product * (handle + minus_y) % r for handle in handles]]
