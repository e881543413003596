"""Many members in one call: the bounds, which both sides keep, and how members are divided over calls."""

from collections.abc import Iterator, Sequence
from typing import Final

MAX_MEMBERS: Final = 256
"""Members of one call."""
MESSAGE_OCTETS: Final = 256 << 10
"""Octets of a message, where the service is not set otherwise."""


def portions(sizes: Sequence[int]) -> Iterator[range]:
    """Divide members, of so many octets each, into runs that fit into one call each, in their order.

    A member that fits into no call is a run of its own.
    """
    start, octets = 0, 0
    for at, size in enumerate(map(_in_message, sizes)):
        if at > start and (at - start == MAX_MEMBERS or octets + size > MESSAGE_OCTETS):
            yield range(start, at)
            start, octets = at, 0
        octets += size
    if sizes:
        yield range(start, len(sizes))


def _in_message(size: int) -> int:
    """Return what a member of so many octets takes in the message: a tag of one octet, its length, itself."""
    return 1 + max(1, -(-size.bit_length() // 7)) + size
