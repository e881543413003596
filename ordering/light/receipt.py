"""Receipts that are ordered: their checkpoint is in the order that the consortium keeps of its logs' trees.

What shows it (`Ordering`) is one log's: headers from a trusted one on, the log's row under the last of them,
and for each tree that something is proven in a consistency proof from there to the row's. It stands in a file
beside what it is about, or in one file with a receipt:

    zk-disclosure/ordered-receipt@v1
    order BASE64
                                        (an empty line)
    the receipt file, as it is

Nobody signs the file as a whole: a receipt is believed by its log's key, the rest by the trusted header.
Encoding of an `Ordering`: prefix, u8 count, for each u64 size (ascending), u8 count, hashes of 32 octets;
then the `Order`, whose own consistency proof is empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from ordering.errors import RefusedError
from ordering.light.verifying import MAX_OCTETS, Order, OrderError, OrderReason, Trusted, check_order
from ordering.octets import Reader, Writer, malformed
from ordering.state import Ordered
from tlog.checkpoint import Checkpoint, LogKeys
from tlog.encoding import from_base64, to_base64
from tlog.errors import InputError
from tlog.merkle import HASH_OCTETS
from tlog.policy import Policy
from tlog.receipt import ReceiptState, VerifiedReceipt, verify_receipt

HEADER: Final = "zk-disclosure/ordered-receipt@v1"
MAX_TREES: Final = 255
_PREFIX: Final = b"zk-disclosure/consortium/ordering/v1\n"
_MAX_CONSISTENCY: Final = 64
_LABEL: Final = b"order "


@dataclass(frozen=True)
class Ordering:
    """What shows that trees of one log are in the order, with consistency proofs by the trees' sizes."""

    order: Order
    paths: Mapping[int, tuple[bytes, ...]]

    def check(self, checkpoint: Checkpoint, trusted: Trusted, now: int) -> Ordered:
        """Check that a verified checkpoint is in the chain's order; return the row over it.

        `now` is in seconds since 1970. Raises OrderError.
        """
        path = self.paths.get(checkpoint.size)
        if path is None:
            raise OrderError(
                OrderReason.ORDER_CHECKPOINT_MISMATCH, "nothing leads from this tree to the order"
            )
        return check_order(replace(self.order, consistency=path), checkpoint, trusted, now)

    def to_bytes(self) -> bytes:
        """Encode it, as it is kept."""
        writer = Writer().fixed(_PREFIX).number(len(self.paths), 1)
        for size in sorted(self.paths):
            writer.number(size, 8).number(len(self.paths[size]), 1)
            for each in self.paths[size]:
                writer.fixed(each)
        return writer.to_bytes() + replace(self.order, consistency=()).to_bytes()

    @classmethod
    def parse(cls, data: bytes) -> "Ordering":
        """Decode it strictly; OrderError ORDER_MALFORMED."""
        try:
            if len(data) > MAX_OCTETS:
                raise malformed("it is too long")
            reader = Reader(data)
            if reader.fixed(len(_PREFIX)) != _PREFIX:
                raise malformed("it is of another kind")
            paths = reader.several(_take_path, MAX_TREES)
        except RefusedError as error:
            raise OrderError(OrderReason.ORDER_MALFORMED, error.detail) from None
        found = cls(Order.parse(reader.rest()), MappingProxyType(dict(paths)))
        if found.to_bytes() != data:
            raise OrderError(OrderReason.ORDER_MALFORMED, "it is written in another way")
        return found


def _take_path(reader: Reader) -> tuple[int, tuple[bytes, ...]]:
    size = reader.number(8)
    return size, tuple(reader.several(lambda each: each.fixed(HASH_OCTETS), _MAX_CONSISTENCY))


@dataclass(frozen=True)
class VerifiedOrdered:
    """A receipt that holds, and whose checkpoint is in the order: what the log's row there says.

    `receipt` has the state that it has without the order.
    """

    receipt: VerifiedReceipt
    ordered: Ordered

    @property
    def state(self) -> ReceiptState:
        """What the receipt is."""
        return ReceiptState.ORDERED


def ordered_receipt(receipt: bytes, ordering: Ordering) -> bytes:
    """Write one file of a receipt file and what shows it to be ordered."""
    return f"{HEADER}\norder {to_base64(ordering.to_bytes())}\n\n".encode() + receipt


def is_ordered_receipt(data: bytes) -> bool:
    """Tell whether octets begin as such a file does."""
    return data.startswith(HEADER.encode() + b"\n")


def parse_ordered(data: bytes) -> tuple[bytes, Ordering]:
    """Return receipt file and ordering, neither verified; OrderError ORDER_MALFORMED."""
    head, gap, receipt = data.partition(b"\n\n")
    name, _, line = head.partition(b"\n")
    if not gap or name != HEADER.encode() or not line.startswith(_LABEL) or len(line) > 2 * MAX_OCTETS:
        raise OrderError(OrderReason.ORDER_MALFORMED, "the file is no ordered receipt")
    try:
        octets = from_base64(line.removeprefix(_LABEL).decode("ascii"), "the order")
    except (InputError, UnicodeDecodeError):
        raise OrderError(OrderReason.ORDER_MALFORMED, "the order is not written in base64") from None
    return receipt, Ordering.parse(octets)


def verify_ordered(
    data: bytes, log: LogKeys, trusted: Trusted, now: int, *, policy: Policy | None = None
) -> VerifiedOrdered:
    """Verify an ordered receipt from a trusted header on, offline.

    With a policy the receipt's own state under it is told; its quorum is not demanded. `now` is in seconds
    since 1970. Raises OrderError; what `tlog.verify_receipt` raises.
    """
    receipt, ordering = parse_ordered(data)
    verified = verify_receipt(receipt, log, policy=policy, accept_pending=True)
    return VerifiedOrdered(verified, ordering.check(verified.checkpoint, trusted, now))
