"""Scalars from octets, from messages and from randomness.

Sources: draft-irtf-cfrg-bbs-signatures-09, sections 4.1.2 (messages_to_scalars) and 4.2.1 (random scalars).
"""

import secrets
from collections.abc import Callable, Sequence
from itertools import pairwise

from bbs.ciphersuite import Ciphersuite
from bbs.errors import InputError, Reason
from bbs.groups.bls12_381 import r
from bbs.hashing import hash_to_scalars

RandomScalars = Callable[[int], Sequence[int]]
"""Given a count, returns that many independent, uniform, secret scalars in [1, r). Called once a proof."""


def calculate_random_scalars(count: int, order: int = r) -> list[int]:
    """Draw scalars from the system's generator, 48 octets each reduced modulo r (section 4.2.1).

    `order` is that of another group, of at most 256 bits.
    """
    octets = secrets.token_bytes(48 * count)
    return [int.from_bytes(octets[at : at + 48]) % order for at in range(0, 48 * count, 48)]


def draw(rng: RandomScalars, count: int, *, suite: Ciphersuite) -> list[int]:
    """Return `count` scalars of `rng`; InputError INVALID_RANDOMNESS unless all are in [1, r)."""
    scalars = list(rng(count))
    if len(scalars) != count or (scalars and not 0 < min(scalars) <= max(scalars) < suite.r):
        raise InputError(
            Reason.INVALID_RANDOMNESS, "the generator gave a wrong count or a scalar outside [1, r)"
        )
    return scalars


def check_octets(value: bytes, name: str) -> bytes:
    """Return `value`; InputError INVALID_TYPE if it is not of type bytes."""
    if not isinstance(value, bytes):
        raise InputError(Reason.INVALID_TYPE, f"{name} is not bytes")
    return value


def check_scalars(scalars: Sequence[int], *, suite: Ciphersuite) -> tuple[int, ...]:
    """Return message scalars as a tuple; InputError SCALAR_OUT_OF_RANGE unless each is in [0, r)."""
    if not all(isinstance(scalar, int) and 0 <= scalar < suite.r for scalar in scalars):
        raise InputError(Reason.SCALAR_OUT_OF_RANGE, "a message scalar is outside [0, r)")
    return tuple(scalars)


def check_indexes(disclosed_indexes: Sequence[int], L: int) -> tuple[int, ...]:
    """Return the indexes as a tuple; InputError INVALID_INDEXES unless they ascend strictly within [0, L)."""
    indexes = tuple(disclosed_indexes)
    if not all(type(index) is int for index in indexes):
        raise InputError(Reason.INVALID_INDEXES, "an index is not an integer")
    if any(earlier >= later for earlier, later in pairwise(indexes)):
        raise InputError(Reason.INVALID_INDEXES, "the indexes do not ascend")
    if indexes and not 0 <= indexes[0] <= indexes[-1] < L:
        raise InputError(Reason.INVALID_INDEXES, f"an index is outside [0, {L})")
    return indexes


def messages_to_scalars(messages: Sequence[bytes], api_id: bytes, *, suite: Ciphersuite) -> list[int]:
    """Map each message to a scalar by hashing (section 4.1.2).

    Raises InputError INVALID_TYPE (a message is not bytes), TOO_MANY_MESSAGES.
    """
    if len(messages) > suite.max_messages:
        raise InputError(Reason.TOO_MANY_MESSAGES, f"more than {suite.max_messages} messages")
    map_dst = api_id + b"MAP_MSG_TO_SCALAR_AS_HASH_"
    octets = [check_octets(message, "a message") for message in messages]
    return hash_to_scalars(octets, map_dst, suite=suite)
