"""Keys that sign notes (c2sp.org/signed-note, section Signatures; c2sp.org/tlog-cosignature, section Format).

Type 01 signs the text of a note. Type 04 signs a checkpoint together with the time at which a witness saw it.
Type 06 (ML-DSA-44) is recognised and not supported: nothing here can verify it, so it counts as unknown.

A type 04 message does not name its cosigner and a type 01 message is whatever text one signs: a key has one
type, one name and one use. Whoever signs texts refuses those that a cosignature could be read from.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import ClassVar, NoReturn, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tlog.ed25519 import is_public_key
from tlog.encoding import (
    LIMIT,
    check_bytes,
    check_count,
    check_line,
    check_text,
    decoding,
    from_base64,
    to_base64,
)
from tlog.errors import InputError, MalformedError, Reason, VerificationError

COSIGNATURE_PREFIX = "cosignature/v1\n"
KEY_ID_OCTETS = 4
SIGNATURE_OCTETS = 64
TIME_OCTETS = 8

_UNSUPPORTED = {
    0x02: "ECDSA keys are not supported",
    0x05: "RFC 6962 tree head keys are not supported",
    0x06: "ML-DSA-44 cosigner keys are not supported",
}


class KeyType(IntEnum):
    """The signature types that are supported."""

    ED25519 = 1
    COSIGNATURE = 4


def check_name(name: str) -> str:
    """Return `name`; InputError INVALID_NAME unless it can name a key."""
    try:
        check_line(name, "the name of a key")
    except InputError as error:
        raise InputError(Reason.INVALID_NAME, error.detail) from error
    if "+" in name or any(map(str.isspace, name)):
        raise InputError(Reason.INVALID_NAME, "the name of a key has a space or a plus")
    return name


@dataclass(frozen=True)
class Verifier:
    """A public key under a name. `str` gives the verifier key that `from_string` reads.

    Raises InputError INVALID_NAME, INVALID_LENGTH, INVALID_TYPE, INVALID_KEY (others could sign as well).
    """

    name: str
    key_type: KeyType
    public_key: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        check_bytes(self.public_key, "an Ed25519 public key", 32)
        if not isinstance(self.key_type, KeyType):
            raise InputError(Reason.INVALID_TYPE, "the key type is not a KeyType")
        if not is_public_key(self.public_key):
            raise InputError(Reason.INVALID_KEY, "the octets are no Ed25519 public key that is safe to use")

    @classmethod
    def from_string(cls, vkey: str) -> "Verifier":
        """Decode "<name>+<key id>+<key>"; MalformedError KEY_MALFORMED, KEY_UNSUPPORTED."""
        with decoding(Reason.KEY_MALFORMED):
            name, key_id, key = _three_parts(check_line(vkey, "the verifier key"))
            octets = from_base64(key, "the key of a verifier key")
            check_name(name)
            if octets and octets[0] not in KeyType.__members__.values():
                detail = _UNSUPPORTED.get(octets[0], f"key type {octets[0]:#04x} is unknown")
                raise MalformedError(Reason.KEY_UNSUPPORTED, detail)
            check_bytes(octets, "the key of a verifier key", 33)
            verifier = cls(name, KeyType(octets[0]), octets[1:])
        if verifier.key_id.hex() != key_id:
            raise MalformedError(Reason.KEY_MALFORMED, "the key id is not that of the name and the key")
        return verifier

    @cached_property
    def key_id(self) -> bytes:
        """The 4 octets that, with the name, tell this key from others."""
        material = self.name.encode() + b"\n" + self._typed_key
        return hashlib.sha256(material).digest()[:KEY_ID_OCTETS]

    def verify(self, text: str, signature: bytes) -> None:
        """Verify a signature of this type on a note's text; VerificationError NOTE_SIGNATURE_INVALID."""
        try:
            self._key.verify(signature[-SIGNATURE_OCTETS:], self._message(text, signature))
        except InvalidSignature as error:
            raise VerificationError(
                Reason.NOTE_SIGNATURE_INVALID, f"the signature of {self.name} does not hold"
            ) from error

    def _message(self, text: str, signature: bytes) -> bytes:
        timed = self.key_type is KeyType.COSIGNATURE
        time = signature[:TIME_OCTETS] if timed else b""
        if len(signature) != len(time) + SIGNATURE_OCTETS:
            raise VerificationError(
                Reason.NOTE_SIGNATURE_INVALID, f"a signature of {self.name} has another length"
            )
        return cosigned_message(text, int.from_bytes(time)) if timed else text.encode()

    @cached_property
    def _key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.public_key)

    @property
    def _typed_key(self) -> bytes:
        return bytes([self.key_type]) + self.public_key

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{to_base64(self._typed_key)}"


def cosigned_message(text: str, time: int) -> bytes:
    """Return what a type 04 key signs for a checkpoint's text; VerificationError for a time from 2^63 on."""
    if time >= LIMIT:
        raise VerificationError(Reason.NOTE_SIGNATURE_INVALID, "the time of a cosignature is out of range")
    return f"{COSIGNATURE_PREFIX}time {time}\n{text}".encode()


class _SigningKey:
    """A secret key under a name.

    It does not show itself, is neither copied nor pickled nor hashed, and compares in constant time.
    """

    KEY_TYPE: ClassVar[KeyType]

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        """Wrap a key; use `generate` or `from_secret`."""
        self._private_key = key
        self.verifier = Verifier(name, self.KEY_TYPE, key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, name: str, rng: Callable[[int], bytes] = secrets.token_bytes) -> Self:
        """Make a new key from 32 octets of `rng`, by default the system's generator."""
        return cls.from_secret(name, rng(32))

    @classmethod
    def from_secret(cls, name: str, seed: bytes) -> Self:
        """Take in a stored seed of 32 octets; InputError INVALID_LENGTH, INVALID_NAME, INVALID_TYPE."""
        check_bytes(seed, "the seed of a key", 32)
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    def to_secret(self) -> bytes:
        """Return the 32 secret octets, for key storage only."""
        return self._private_key.private_bytes_raw()

    @property
    def name(self) -> str:
        """The name that signatures carry."""
        return self.verifier.name

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _SigningKey):
            return NotImplemented
        same_place = (self.name, self.KEY_TYPE) == (other.name, other.KEY_TYPE)
        return hmac.compare_digest(self.to_secret(), other.to_secret()) and same_place

    __hash__ = None  # type: ignore[assignment]  # nothing derived from the secret leaves it

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name}, <hidden>)"

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("a secret key is not copied; store it with to_secret()")

    __copy__ = __deepcopy__ = __reduce_ex__ = __reduce__ = __getstate__ = _refuse

    def _line(self, signature: bytes) -> bytes:
        return signature_line(self.name, self.verifier.key_id, signature)


class Signer(_SigningKey):
    """A secret key of type 01, which signs notes."""

    KEY_TYPE = KeyType.ED25519

    def sign_line(self, text: str) -> bytes:
        """Return the signature line for a note's text; InputError INVALID_TEXT, INVALID_TYPE."""
        if check_note_text(text).startswith(COSIGNATURE_PREFIX):
            raise InputError(Reason.INVALID_TEXT, "a text that a cosignature could be read from")
        return self._line(self._private_key.sign(text.encode()))


class CosignatureSigner(_SigningKey):
    """A secret key of type 04, with which a witness cosigns checkpoints."""

    KEY_TYPE = KeyType.COSIGNATURE

    def sign_line(self, text: str, time: int) -> bytes:
        """Return the cosignature line for a checkpoint's text at a POSIX time in seconds.

        Raises InputError INVALID_TEXT, INVALID_TYPE, OUT_OF_RANGE.
        """
        message = cosigned_message(check_note_text(text), check_count(time, "the time"))
        return self._line(time.to_bytes(TIME_OCTETS) + self._private_key.sign(message))


def check_note_text(text: str) -> str:
    """Return `text`; InputError INVALID_TEXT unless it is text that ends in a newline."""
    if not check_text(text, "the text of a note").endswith("\n"):
        raise InputError(Reason.INVALID_TEXT, "the text of a note ends in a newline")
    return text


def signature_line(name: str, key_id: bytes, signature: bytes) -> bytes:
    """Encode one line of a note's signatures."""
    return f"\u2014 {name} {to_base64(key_id + signature)}\n".encode()


def _three_parts(vkey: str) -> tuple[str, str, str]:
    parts = vkey.split("+", 2)
    if len(parts) != 3:
        raise InputError(Reason.INVALID_TEXT, "a verifier key has three parts")
    return parts[0], parts[1], parts[2]
