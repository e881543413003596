"""Keys that sign notes (c2sp.org/signed-note, section Signatures; c2sp.org/tlog-cosignature, section Format).

Type 01 signs the text of a note. Types 04 and 06 sign a checkpoint together with the time at which a witness
saw it: 04 with Ed25519, 06 with ML-DSA-44, which is meant to hold against quantum computers. Where the
cryptographic library has no ML-DSA, 06 is a key type that is not supported.

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
from typing import ClassVar, Final, NoReturn, Protocol, Self

from cryptography.exceptions import InvalidSignature

from tlog import ed25519, mldsa
from tlog.encoding import check_bytes, check_count, check_line, check_text, decoding, from_base64, to_base64
from tlog.errors import InputError, MalformedError, Reason, TlogError, VerificationError
from tlog.statement import COSIGNATURE_PREFIX, MAX_NAME_OCTETS, Checkpoint, cosigned_text, cosigned_tree

KEY_ID_OCTETS: Final = 4
TIME_OCTETS: Final = 8

_SEED_OCTETS: Final = 32
_UNSUPPORTED: Final = {
    0x02: "ECDSA keys are not supported",
    0x05: "RFC 6962 tree head keys are not supported",
    0x06: "ML-DSA-44 cosigner keys are not supported by the cryptographic library that is installed",
}


class KeyType(IntEnum):
    """The signature types that are known. `MLDSA_COSIGNATURE` needs a library that has ML-DSA."""

    ED25519 = 1
    COSIGNATURE = 4
    MLDSA_COSIGNATURE = 6

    @property
    def cosigns(self) -> bool:
        """Whether keys of this type cosign checkpoints, rather than sign notes."""
        return self is not KeyType.ED25519

    @property
    def is_supported(self) -> bool:
        """Whether the cryptographic library that is installed has what it takes."""
        return self is not KeyType.MLDSA_COSIGNATURE or mldsa.is_supported()

    @property
    def public_key_octets(self) -> int:
        """The length of a public key."""
        return mldsa.PUBLIC_KEY_OCTETS if self._is_mldsa else ed25519.PUBLIC_KEY_OCTETS

    @property
    def signature_octets(self) -> int:
        """The length of a signature, with the time before it that a cosigner signs."""
        scheme = mldsa.SIGNATURE_OCTETS if self._is_mldsa else ed25519.SIGNATURE_OCTETS
        return scheme + (TIME_OCTETS if self.cosigns else 0)

    @property
    def _is_mldsa(self) -> bool:
        return self is KeyType.MLDSA_COSIGNATURE

    def is_public_key(self, octets: bytes) -> bool:
        """Tell whether octets are a public key of this type that not anybody can sign for."""
        return mldsa.is_public_key(octets) if self._is_mldsa else ed25519.is_public_key(octets)

    def _public_key(self, octets: bytes) -> "_PublicKey":
        return mldsa.public_key(octets) if self._is_mldsa else ed25519.public_key(octets)

    def _secret_key(self, seed: bytes) -> "_SecretKey":
        return mldsa.secret_key(seed) if self._is_mldsa else ed25519.secret_key(seed)

    def message(self, name: str, text: str, time: int) -> bytes:
        """Return what a key of this type and name signs for a note's text; `time` is a cosigner's.

        Raises InputError OUT_OF_RANGE, INVALID_LENGTH; MalformedError CHECKPOINT_MALFORMED.
        """
        match self:
            case KeyType.ED25519:
                return text.encode()
            case KeyType.COSIGNATURE:
                return cosigned_text(text, time)
            case KeyType.MLDSA_COSIGNATURE:
                return cosigned_tree(name, Checkpoint.parse(text), time)


class _PublicKey(Protocol):
    def verify(self, signature: bytes, data: bytes, /) -> None: ...


class _SecretKey(Protocol):
    def sign(self, data: bytes, /) -> bytes: ...
    def private_bytes_raw(self) -> bytes: ...
    def public_key(self) -> "_RawPublicKey": ...


class _RawPublicKey(Protocol):
    def public_bytes_raw(self) -> bytes: ...


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

    Raises InputError INVALID_NAME, INVALID_LENGTH, INVALID_TYPE, INVALID_KEY (others could sign as well),
    KEY_UNSUPPORTED.
    """

    name: str
    key_type: KeyType
    public_key: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        if not isinstance(self.key_type, KeyType):
            raise InputError(Reason.INVALID_TYPE, "the key type is not a KeyType")
        if not self.key_type.is_supported:
            raise InputError(Reason.KEY_UNSUPPORTED, _UNSUPPORTED[self.key_type])
        if self.key_type is KeyType.MLDSA_COSIGNATURE and len(self.name.encode()) > MAX_NAME_OCTETS:
            raise InputError(Reason.INVALID_NAME, f"the name has more than {MAX_NAME_OCTETS} octets")
        check_bytes(self.public_key, "the public key", self.key_type.public_key_octets)
        if not self.key_type.is_public_key(self.public_key):
            raise InputError(Reason.INVALID_KEY, "the octets are no public key that is safe to use")

    @classmethod
    def from_string(cls, vkey: str) -> "Verifier":
        """Decode "<name>+<key id>+<key>"; MalformedError KEY_MALFORMED, KEY_UNSUPPORTED."""
        with decoding(Reason.KEY_MALFORMED):
            name, key_id, key = _three_parts(check_line(vkey, "the verifier key"))
            octets = from_base64(key, "the key of a verifier key")
            check_name(name)
            verifier = cls(name, _key_type(octets), octets[1:])
        if verifier.key_id.hex() != key_id:
            raise MalformedError(Reason.KEY_MALFORMED, "the key id is not that of the name and the key")
        return verifier

    @cached_property
    def key_id(self) -> bytes:
        """The 4 octets that, with the name, tell this key from others."""
        material = self.name.encode() + b"\n" + self._typed_key
        return hashlib.sha256(material).digest()[:KEY_ID_OCTETS]

    def verify(self, text: str, signature: bytes) -> None:
        """Verify a signature of this type on a note's text; VerificationError NOTE_SIGNATURE_INVALID.

        What a key of this type never signs, such as a text that is no checkpoint for a cosigner of trees, has
        no valid signature.
        """
        if len(signature) != self.key_type.signature_octets:
            raise self._invalid("has another length")
        time, signed = (
            (signature[:TIME_OCTETS], signature[TIME_OCTETS:]) if self.key_type.cosigns else (b"", signature)
        )
        try:
            self._key.verify(signed, self.key_type.message(self.name, text, int.from_bytes(time)))
        except InvalidSignature as error:
            raise self._invalid("does not hold") from error
        except TlogError as error:
            raise self._invalid(f"is of what cannot be signed: {error.detail}") from error

    def _invalid(self, what: str) -> VerificationError:
        return VerificationError(Reason.NOTE_SIGNATURE_INVALID, f"a signature of {self.name} {what}")

    @cached_property
    def _key(self) -> _PublicKey:
        return self.key_type._public_key(self.public_key)

    @property
    def _typed_key(self) -> bytes:
        return bytes([self.key_type]) + self.public_key

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{to_base64(self._typed_key)}"


def _key_type(typed: bytes) -> KeyType:
    """Return the type of a typed key; InputError INVALID_LENGTH; MalformedError KEY_UNSUPPORTED."""
    if not typed:
        raise InputError(Reason.INVALID_LENGTH, "the key of a verifier key is empty")
    if typed[0] not in KeyType.__members__.values() or not KeyType(typed[0]).is_supported:
        detail = _UNSUPPORTED.get(typed[0], f"key type {typed[0]:#04x} is unknown")
        raise MalformedError(Reason.KEY_UNSUPPORTED, detail)
    return KeyType(typed[0])


class _SigningKey:
    """A secret key under a name.

    It does not show itself, is neither copied nor pickled nor hashed, and compares in constant time.
    """

    KEY_TYPE: ClassVar[KeyType]

    def __init__(self, name: str, key: _SecretKey) -> None:
        """Wrap a key; use `generate` or `from_secret`."""
        self._private_key = key
        self.verifier = Verifier(name, self.KEY_TYPE, key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, name: str, rng: Callable[[int], bytes] = secrets.token_bytes) -> Self:
        """Make a new key from 32 octets of `rng`, by default the system's generator."""
        return cls.from_secret(name, rng(_SEED_OCTETS))

    @classmethod
    def from_secret(cls, name: str, seed: bytes) -> Self:
        """Take in a stored seed of 32 octets.

        Raises InputError INVALID_LENGTH, INVALID_NAME, INVALID_TYPE, KEY_UNSUPPORTED.
        """
        check_bytes(seed, "the seed of a key", _SEED_OCTETS)
        if not cls.KEY_TYPE.is_supported:
            raise InputError(Reason.KEY_UNSUPPORTED, _UNSUPPORTED[cls.KEY_TYPE])
        return cls(name, cls.KEY_TYPE._secret_key(seed))

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
    """A secret key with which a witness cosigns checkpoints: here of type 04."""

    KEY_TYPE = KeyType.COSIGNATURE

    def sign_line(self, text: str, time: int) -> bytes:
        """Return the cosignature line for a checkpoint's text at a POSIX time in seconds.

        Raises InputError INVALID_TEXT, INVALID_TYPE, OUT_OF_RANGE; for type 06 also INVALID_LENGTH (an origin
        of more than 255 octets) and MalformedError CHECKPOINT_MALFORMED.
        """
        check_count(time, "the time")
        message = self.KEY_TYPE.message(self.name, check_note_text(text), time)
        return self._line(time.to_bytes(TIME_OCTETS) + self._private_key.sign(message))


class MldsaCosignatureSigner(CosignatureSigner):
    """A witness's secret key of type 06."""

    KEY_TYPE = KeyType.MLDSA_COSIGNATURE


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
