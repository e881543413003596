"""The vault's keys and what they seal.

A passphrase gives a wrapping key by Argon2id (RFC 9106). That key wraps a random data key by AES-256-GCM,
with the header's clear part as associated data. From the data key HKDF-SHA256 derives five subkeys, each for
one use: records at rest, usage tags, holder's notes, keys of standing consents, the secret that W3C documents
are bound to. Changing the passphrase wraps
the same data key anew, so records stay as they are; whoever kept a copy of the old file still opens that copy
with the old passphrase.

The parameters of Argon2id stand in the header, which an attacker may rewrite. They are bounded from below, so
that they cannot be made weak, and from above, so that opening cannot be made to exhaust memory or time.
Within the bounds a change derives another wrapping key, and the header does not open.
"""

import hmac
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from disclosure import MalformedError, canonical
from prover.errors import PassphraseError, VaultFileError, VaultReason
from tlog import HOLDER_NOTE_OCTETS

RandomOctets = Callable[[int], bytes]
"""Given a count, returns that many uniform secret octets."""

MIN_PASSPHRASE: Final = 10
MAX_PASSPHRASE_OCTETS: Final = 1024
KEY_OCTETS: Final = 32
NONCE_OCTETS: Final = 12
GCM_TAG_OCTETS: Final = 16
SALT_OCTETS: Final = 16
BLOCK_OCTETS: Final = 512
TAG_NONCE_OCTETS: Final = 16
NOTE_PLAIN_OCTETS: Final = HOLDER_NOTE_OCTETS - NONCE_OCTETS - GCM_TAG_OCTETS

_HEADER_LABEL: Final = "zk-disclosure/vault-header/v1"
_WRAPPED_LABEL: Final = "zk-disclosure/vault-wrapped/v1"
_SUBKEY_PREFIX: Final = b"zk-disclosure/vault-key/v1/"
_RECORD_PREFIX: Final = b"zk-disclosure/vault-record/v1\x00"
_NOTE_PREFIX: Final = b"zk-disclosure/holder-note-seal/v1\x00"
_BLIND_PREFIX: Final = b"zk-disclosure/w3c-blind/v1\x00"
_TAG_PREFIX: Final = b"zk-disclosure/usage-tag/v1\x00"
_CONSENT_LABEL: Final = "zk-disclosure/consent-key/v1"
_LENGTH_OCTETS: Final = 4


@dataclass(frozen=True)
class Cost:
    """What one guess of a passphrase costs: passes, lanes and memory (KiB) of Argon2id.

    The default is the second recommendation of RFC 9106, section 4, and also the least that is accepted.
    Raises ValueError outside the bounds.
    """

    iterations: int = 3
    lanes: int = 4
    memory_kib: int = 64 << 10

    def __post_init__(self) -> None:
        bounds = (
            (self.iterations, 3, 10),
            (self.lanes, 1, 16),
            (self.memory_kib, 64 << 10, 512 << 10),
        )
        if not all(type(value) is int and low <= value <= high for value, low, high in bounds):
            raise ValueError("the cost of a guess is outside its bounds")

    def derive(self, passphrase: str, salt: bytes) -> bytes:
        """Return the wrapping key of a passphrase that was checked."""
        kdf = Argon2id(
            salt=salt, length=KEY_OCTETS, iterations=self.iterations, lanes=self.lanes,
            memory_cost=self.memory_kib,
        )  # fmt: skip
        return kdf.derive(_octets(passphrase))


def _octets(passphrase: str) -> bytes:
    """Return a passphrase as octets, the same however a keyboard composes its characters."""
    return unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass")


def check_passphrase(passphrase: str) -> str:
    """Return a passphrase that a vault takes; PassphraseError PASSPHRASE_TOO_SHORT, PASSPHRASE_TOO_LONG."""
    if len(unicodedata.normalize("NFC", passphrase)) < MIN_PASSPHRASE:
        detail = f"a passphrase has {MIN_PASSPHRASE} characters at least"
        raise PassphraseError(VaultReason.PASSPHRASE_TOO_SHORT, detail)
    if len(_octets(passphrase)) > MAX_PASSPHRASE_OCTETS:
        detail = f"a passphrase has {MAX_PASSPHRASE_OCTETS} octets at most"
        raise PassphraseError(VaultReason.PASSPHRASE_TOO_LONG, detail)
    return passphrase


class VaultKeys:
    """The keys of one opened vault.

    They do not show themselves and are neither copied nor pickled. Python cannot wipe memory: they are gone
    when the process is.
    """

    def __init__(self, data_key: bytes) -> None:
        """Derive the subkeys; use `generate` or `unwrap`."""
        self._data_key = data_key
        self._records = AESGCM(_subkey(data_key, b"records"))
        self._notes = AESGCM(_subkey(data_key, b"notes"))
        self._tags = _subkey(data_key, b"usage-tags")
        self._consents = _subkey(data_key, b"consents")
        self._w3c = _subkey(data_key, b"w3c-holder")
        self._w3c_blinds = _subkey(data_key, b"w3c-blinds")

    @classmethod
    def generate(cls, rng: RandomOctets = secrets.token_bytes) -> "VaultKeys":
        """Make the keys of a new vault."""
        return cls(rng(KEY_OCTETS))

    def __repr__(self) -> str:
        return "VaultKeys(<hidden>)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("the keys of a vault are neither copied nor pickled")

    def recovery_secret(self) -> bytes:
        """Return the 32 octets that all keys are derived from, to be written down; see prover.recovery."""
        return self._data_key

    def wrap(
        self, passphrase: str, cost: Cost | None = None, *, rng: RandomOctets = secrets.token_bytes
    ) -> bytes:
        """Return a header that opens with this passphrase; raises as `check_passphrase` does."""
        check_passphrase(passphrase)
        cost = cost or Cost()
        salt, nonce = rng(SALT_OCTETS), rng(NONCE_OCTETS)
        clear = canonical.encode(_HEADER_LABEL, cost.iterations, cost.lanes, cost.memory_kib, salt)
        wrapped = AESGCM(cost.derive(passphrase, salt)).encrypt(nonce, self._data_key, clear)
        return canonical.encode(_WRAPPED_LABEL, clear, nonce, wrapped)

    @classmethod
    def unwrap(cls, header: bytes, passphrase: str) -> "VaultKeys":
        """Open a header.

        Raises PassphraseError PASSPHRASE_WRONG for a wrong passphrase and for a header that was changed: the
        two cannot be told apart, and whoever changes headers learns nothing from trying.
        """
        try:
            clear, cost, salt, nonce, wrapped = _parse_header(header)
            if len(_octets(passphrase)) > MAX_PASSPHRASE_OCTETS:
                raise _wrong()
            return cls(AESGCM(cost.derive(passphrase, salt)).decrypt(nonce, wrapped, clear))
        except (InvalidTag, MalformedError, ValueError):
            raise _wrong() from None

    def seal_record(self, record_id: bytes, plain: bytes, rng: RandomOctets = secrets.token_bytes) -> bytes:
        """Seal a record for its own place; the length is a multiple of 512 octets and tells no more."""
        framed = len(plain).to_bytes(_LENGTH_OCTETS) + plain
        padding = -(NONCE_OCTETS + len(framed) + GCM_TAG_OCTETS) % BLOCK_OCTETS
        nonce = rng(NONCE_OCTETS)
        return nonce + self._records.encrypt(nonce, framed + bytes(padding), _RECORD_PREFIX + record_id)

    def open_record(self, record_id: bytes, sealed: bytes) -> bytes:
        """Open a record; VaultFileError VAULT_DAMAGED if it was changed or moved."""
        try:
            framed = self._records.decrypt(
                sealed[:NONCE_OCTETS], sealed[NONCE_OCTETS:], _RECORD_PREFIX + record_id
            )
        except (InvalidTag, ValueError):
            detail = f"the record {record_id.hex()} was changed; nothing else was touched"
            raise VaultFileError(VaultReason.VAULT_DAMAGED, detail) from None
        end = _LENGTH_OCTETS + int.from_bytes(framed[:_LENGTH_OCTETS])
        return framed[_LENGTH_OCTETS:end]

    def w3c_secret(self) -> bytes:
        """Return the 32 octets that W3C documents are bound to this vault by (prover.w3c)."""
        return self._w3c

    def w3c_blind(self, request_id: str) -> bytes:
        """Return the 64 octets that the blind of a claim's commitment is made of, by the claim's request_id.

        So whoever goes on with a claim commits to the same again, and the service answers it again.
        """
        return hmac.digest(self._w3c_blinds, _BLIND_PREFIX + request_id.encode(), "sha512")

    def usage_tag(self, rng: RandomOctets = secrets.token_bytes) -> bytes:
        """Return a fresh usage tag of 48 octets: random to everybody, recognised by this vault."""
        return self.tag_of(rng(TAG_NONCE_OCTETS))

    def tag_of(self, nonce: bytes) -> bytes:
        """Return the usage tag that begins with these 16 octets, which look random to everybody."""
        return nonce + self._tag_of(nonce)

    def recognises(self, tag: bytes) -> bool:
        """Tell whether a usage tag is this vault's."""
        return hmac.compare_digest(tag[TAG_NONCE_OCTETS:], self._tag_of(tag[:TAG_NONCE_OCTETS]))

    def _tag_of(self, nonce: bytes) -> bytes:
        return hmac.digest(self._tags, _TAG_PREFIX + nonce, "sha256")

    def consent_key(self, log: str, consent: str, terms_digest: bytes) -> Ed25519PrivateKey:
        """Return the key of one standing consent: by the log's verifier key that it was granted under, its
        resource name, its terms.

        A service chooses the name, so a key of the name alone would be one for all consents that it names
        alike, and tell which are of one vault. It is derived and not stored, so that a vault that was made
        anew from its recovery secret can withdraw what the lost one granted.
        """
        about = canonical.encode(_CONSENT_LABEL, log, consent, terms_digest)
        return Ed25519PrivateKey.from_private_bytes(hmac.digest(self._consents, about, "sha256"))

    def seal_note(self, plain: bytes, rng: RandomOctets = secrets.token_bytes) -> bytes:
        """Seal exactly 996 octets as a holder's note of 1,024; ValueError for another length."""
        if len(plain) != NOTE_PLAIN_OCTETS:
            raise ValueError(f"a note's plain text has {NOTE_PLAIN_OCTETS} octets")
        nonce = rng(NONCE_OCTETS)
        return nonce + self._notes.encrypt(nonce, plain, _NOTE_PREFIX)

    def open_note(self, note: bytes) -> bytes | None:
        """Return a holder's note's plain text, or None if this vault did not seal it."""
        if len(note) != HOLDER_NOTE_OCTETS:
            return None
        try:
            return self._notes.decrypt(note[:NONCE_OCTETS], note[NONCE_OCTETS:], _NOTE_PREFIX)
        except InvalidTag:
            return None


def _subkey(data_key: bytes, use: bytes) -> bytes:
    return HKDFExpand(hashes.SHA256(), KEY_OCTETS, _SUBKEY_PREFIX + use).derive(data_key)


def _wrong() -> PassphraseError:
    return PassphraseError(VaultReason.PASSPHRASE_WRONG, "the passphrase does not open this vault")


def _parse_header(header: bytes) -> tuple[bytes, Cost, bytes, bytes, bytes]:
    match canonical.decode(_WRAPPED_LABEL, header):
        case [bytes(clear), bytes(nonce), bytes(wrapped)] if (
            len(nonce) == NONCE_OCTETS and len(wrapped) == KEY_OCTETS + GCM_TAG_OCTETS
        ):
            match canonical.decode(_HEADER_LABEL, clear):
                case [int(iterations), int(lanes), int(memory), bytes(salt)] if len(salt) == SALT_OCTETS:
                    return clear, Cost(iterations, lanes, memory), salt, nonce, wrapped
    raise _wrong()
