"""Accumulators, handles and epochs between messages and the project's types; the bounds, which both sides
keep."""

from collections.abc import Sequence
from typing import Final

from bbs.groups.bls12_381 import SCALAR_OCTETS, r
from disclosure import Accumulator, AccumulatorName, MalformedError, Reason
from zkproto.v1 import revocation_pb2

MAX_HANDLES: Final = 4096
"""Handles that one call revokes: some 140 KB, and about a second of one of the service's threads."""
MAX_PAIRS: Final = 8192
"""Pairs of one page: 1 MiB."""


def accumulator_of(message: revocation_pb2.Accumulator) -> Accumulator:
    """Convert an Accumulator; MalformedError MALFORMED, NAME_INVALID."""
    name = AccumulatorName.parse(message.name, field="name")
    return Accumulator.from_octets(name, message.suite, message.public_key)


def handles_of(octets: Sequence[bytes]) -> list[int]:
    """Convert handles of a call; MalformedError VALUE_INVALID (none, one twice, not a scalar in [1, r))."""
    if not octets:
        raise MalformedError(Reason.VALUE_INVALID, "there is no handle", field="handles")
    handles: dict[int, None] = {}
    for place, each in enumerate(octets):
        handle = int.from_bytes(each)
        if len(each) != SCALAR_OCTETS or not 0 < handle < r or handle in handles:
            detail = f"a handle is a scalar in {SCALAR_OCTETS} octets, not 0, and there once"
            raise MalformedError(Reason.VALUE_INVALID, detail, field=f"handles[{place}]")
        handles[handle] = None
    return list(handles)
