"""The department's side: witnesses for new handles, and revocations."""

import secrets
from collections.abc import Callable, Container, Iterable
from functools import cached_property
from typing import Final

from bbs.accumulator.key import AccumulatorKey
from bbs.accumulator.page import MAX_PAGE, Page, Revocation, check_handle
from bbs.accumulator.position import Position, check_count
from bbs.accumulator.witness import MembershipWitness
from bbs.ciphersuite import Ciphersuite, resolve
from bbs.errors import InputError, Reason
from bbs.keys import SecretKey, keygen

KEYGEN_DST: Final = b"ZK_REVOCATION_V1_KEYGEN_"


class AccumulatorSecret:
    """The secret key of one accumulator, held by the group: not a credential key, not another accumulator's.

    Stateless: the list is the caller's, durable before any of it is published. `revoked` has every handle
    that is in the list, a set or a look-up in the store; the store itself has to refuse a second time too
    (a unique column), since two callers may ask at once.
    """

    def __init__(self, key: SecretKey) -> None:
        """Wrap a key that is used for nothing else; use `generate` or `from_octets`."""
        self._key = key

    @classmethod
    def generate(
        cls, *, suite: Ciphersuite | str, rng: Callable[[int], bytes] = secrets.token_bytes
    ) -> "AccumulatorSecret":
        """Make a new key from 48 octets of `rng`, with a tag of its own, so that no seed gives it elsewhere.

        Raises InputError INVALID_KEY_MATERIAL, UNKNOWN_CIPHERSUITE.
        """
        suite = resolve(suite)
        return cls.from_octets(
            keygen(rng(48), key_dst=suite.ciphersuite_id + KEYGEN_DST, suite=suite), suite=suite
        )

    @classmethod
    def from_octets(cls, octets: bytes, *, suite: Ciphersuite | str) -> "AccumulatorSecret":
        """Take in a stored key of 32 octets; errors as of `SecretKey.from_octets`."""
        return cls(SecretKey.from_octets(octets, suite=suite))

    def to_octets_secret(self) -> bytes:
        """Return the 32 secret octets, for key storage only."""
        return self._key.to_octets_secret()

    @cached_property
    def key(self) -> AccumulatorKey:
        """The public key."""
        return AccumulatorKey(self._key.suite, self._key.public_key())

    def witness(self, y: int, at: Position, revoked: Container[int]) -> MembershipWitness:
        """Return the witness of a handle that is not revoked, for the value of a position.

        The handle is uniform, the issuer's choice, and no other credential's. Raises InputError
        ALREADY_REVOKED, SCALAR_OUT_OF_RANGE, KEY_MISMATCH.
        """
        self._check_position(at)
        if check_handle(y) in revoked:
            raise InputError(Reason.ALREADY_REVOKED, "the handle is revoked: no witness for it")
        return MembershipWitness(y, self._key.group_key.divide(at.V, y), at)

    def revoke(self, handles: Iterable[int], at: Position, revoked: Container[int]) -> Page:
        """Return the page that revokes 1 to 16,384 handles after a position, in their order.

        All or none. A handle that is in the list, or twice among these, is refused: revoked twice, it would
        come with a witness for the value between. More handles are revoked page by page. Raises InputError
        ALREADY_REVOKED, ACCUMULATOR_FULL (the 2^20-th revocation of a key), SCALAR_OUT_OF_RANGE,
        COUNT_MISMATCH, KEY_MISMATCH.
        """
        self._check_position(at)
        handles = [check_handle(y) for y in handles]
        if not 0 < len(handles) <= MAX_PAGE:
            raise InputError(Reason.COUNT_MISMATCH, f"1 to {MAX_PAGE} handles are revoked at once")
        if len(set(handles)) != len(handles) or any(y in revoked for y in handles):
            raise InputError(Reason.ALREADY_REVOKED, "a handle is revoked once")
        check_count(at.count + len(handles))
        V, values = at.V, []
        for y in handles:
            V = self._key.group_key.divide(V, y)
            values.append(V)
        encode = self.key.group.g1s_to_octets_uncompressed
        pairs = [Revocation(y, encode((V,))) for y, V in zip(handles, values, strict=True)]
        return Page.of(self.key, at.count, pairs)

    def _check_position(self, at: Position) -> None:
        if at.key != self.key:
            raise InputError(Reason.KEY_MISMATCH, "the position is of another accumulator")

    def __repr__(self) -> str:
        return f"AccumulatorSecret({self._key.suite}, <hidden>)"
