"""Keys (draft-irtf-cfrg-bbs-signatures-09, section 3.4)."""

import hmac
import secrets
from collections.abc import Callable
from functools import cached_property
from typing import NoReturn

from bbs.ciphersuite import Ciphersuite, resolve
from bbs.errors import InputError, Reason
from bbs.groups.protocol import GroupSecretKey
from bbs.hashing import hash_to_scalar_octets
from bbs.scalars import check_octets

MIN_KEY_MATERIAL = 32
MAX_KEY_INFO = 65535


def keygen(
    key_material: bytes, key_info: bytes = b"", key_dst: bytes | None = None, *, suite: Ciphersuite | str
) -> bytes:
    """Derive a secret key of 32 octets from secret octets (section 3.4.1, KeyGen).

    `key_material` is at least 32 octets that nobody can guess; `key_info` (at most 65535 octets) derives
    several keys from the same material; `key_dst` (at most 255 octets) defaults to the ciphersuite's. Raises
    InputError INVALID_KEY_MATERIAL, INVALID_KEY_INFO, INVALID_DST, INVALID_TYPE, UNKNOWN_CIPHERSUITE.
    """
    suite = resolve(suite)
    if len(check_octets(key_material, "key_material")) < MIN_KEY_MATERIAL:
        raise InputError(Reason.INVALID_KEY_MATERIAL, f"key_material has {MIN_KEY_MATERIAL} octets at least")
    if len(check_octets(key_info, "key_info")) > MAX_KEY_INFO:
        raise InputError(Reason.INVALID_KEY_INFO, f"key_info has {MAX_KEY_INFO} octets at most")
    dst = suite.ciphersuite_id + b"KEYGEN_DST_" if key_dst is None else check_octets(key_dst, "key_dst")
    derive_input = key_material + len(key_info).to_bytes(2) + key_info
    SK = hash_to_scalar_octets((derive_input,), dst, suite=suite)
    if not any(SK):
        raise InputError(Reason.INVALID_KEY_MATERIAL, "key_material gives no key")
    return SK


def sk_to_pk(sk: bytes, *, suite: Ciphersuite | str) -> bytes:
    """Return the public key of 96 octets of a secret key of 32 (section 3.4.2, SkToPk).

    Raises DecodingError INVALID_LENGTH, INVALID_SCALAR; InputError INVALID_TYPE, UNKNOWN_CIPHERSUITE.
    """
    return SecretKey.from_octets(sk, suite=suite).public_key()


class SecretKey:
    """A secret key, held by the group it computes in.

    It does not show itself, is neither copied nor pickled nor hashed, and compares in constant time. Whether
    its arithmetic is constant-time depends on the group; that of the reference groups is not.
    """

    def __init__(self, key: GroupSecretKey, suite: Ciphersuite) -> None:
        """Wrap a key of the suite's group; use `generate` or `from_octets`."""
        self.suite = suite
        self.group_key = key

    @classmethod
    def generate(
        cls, *, suite: Ciphersuite | str, rng: Callable[[int], bytes] = secrets.token_bytes
    ) -> "SecretKey":
        """Make a new key by KeyGen from 48 octets of `rng`, by default the system's generator.

        Raises InputError INVALID_KEY_MATERIAL (`rng` gave too few octets), UNKNOWN_CIPHERSUITE.
        """
        return cls.from_octets(keygen(rng(48), suite=suite), suite=suite)

    @classmethod
    def from_octets(cls, octets: bytes, *, suite: Ciphersuite | str) -> "SecretKey":
        """Take in a stored key of 32 octets.

        Raises DecodingError INVALID_LENGTH, INVALID_SCALAR; InputError INVALID_TYPE, UNKNOWN_CIPHERSUITE.
        """
        suite = resolve(suite)
        return cls(suite.group.secret_key(check_octets(octets, "the secret key")), suite)

    def to_octets_secret(self) -> bytes:
        """Return the 32 secret octets, for key storage only."""
        return self.group_key.to_octets_secret()

    def public_key(self) -> bytes:
        """Return the public key of 96 octets (section 3.4.2, SkToPk)."""
        return self._public_key

    @cached_property
    def _public_key(self) -> bytes:
        return self.suite.group.g2_to_octets(self.group_key.public_key())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SecretKey):
            return NotImplemented
        return self.suite.ciphersuite_id == other.suite.ciphersuite_id and hmac.compare_digest(
            self.to_octets_secret(), other.to_octets_secret()
        )

    __hash__ = None  # type: ignore[assignment]  # nothing derived from the secret leaves it

    def __repr__(self) -> str:
        return f"SecretKey({self.suite}, <hidden>)"

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("a secret key is not copied; store it with to_octets_secret()")

    __copy__ = __deepcopy__ = __reduce_ex__ = __reduce__ = __getstate__ = _refuse


def as_secret_key(sk: "bytes | SecretKey", *, suite: Ciphersuite) -> SecretKey:
    """Return `sk` as a key of this suite and its group; InputError KEY_MISMATCH if it is of another."""
    if not isinstance(sk, SecretKey):
        return SecretKey.from_octets(sk, suite=suite)
    if sk.suite.group is not suite.group or sk.suite.ciphersuite_id != suite.ciphersuite_id:
        raise InputError(Reason.KEY_MISMATCH, "the secret key belongs to another ciphersuite or group")
    return sk


def as_key_pair(sk: "bytes | SecretKey", pk: bytes, *, suite: Ciphersuite) -> SecretKey:
    """Return `sk` as `as_secret_key` does; InputError KEY_MISMATCH if `pk` is not its public key."""
    SK = as_secret_key(sk, suite=suite)
    if SK.public_key() != check_octets(pk, "the public key"):
        raise InputError(Reason.KEY_MISMATCH, "the public key is not that of the secret key")
    return SK
