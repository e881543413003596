"""Receiving cards: where somebody receives what is sent unasked, signed by its registered key.

The card is what stops whoever runs the service from putting a key of its own in a recipient's place. Of a
verifier the key that signed it stands on the ledger. An account's key stands nowhere in public, so whoever
sends to an account has the card's hash from its owner, by the link (`disclosure.links.SendLink`).
"""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from disclosure import canonical
from disclosure.attributes import LocalizedText
from disclosure.errors import MalformedError, Reason, RefusedError
from disclosure.names import VerifierName
from disclosure.request import SIGNATURE_OCTETS

KEY_OCTETS: Final = 32
MAX_CARD_OCTETS: Final = 3000
_ACCOUNT: Final = re.compile(r"accounts/[A-Za-z0-9_-]{1,40}", re.ASCII)
_LABEL: Final = "zk-disclosure/receiving-card/v1"
_SIGNING_PREFIX: Final = b"zk-disclosure/receiving-card-signature/v1\x00"
_KEY_LABEL: Final = b"zk-disclosure/receiving-key/v1"


def check_recipient(name: str, *, field: str = "recipient") -> str:
    """Return the name of a verifier or an account, who alone can receive; MalformedError NAME_INVALID."""
    if name.startswith("verifiers/"):
        return str(VerifierName.parse(name, field=field))
    if not _ACCOUNT.fullmatch(name):
        detail = "a recipient is a verifier or an account"
        raise MalformedError(Reason.NAME_INVALID, detail, field=field)
    return name


@dataclass(frozen=True)
class ReceivingKey:
    """The key that what is sent to a party is opened with. Does not show itself."""

    private: X25519PrivateKey = field(repr=False)

    @classmethod
    def of(cls, signing_key: Ed25519PrivateKey) -> "ReceivingKey":
        """Return the key that follows from the one a party is registered with: nothing has to be kept."""
        hkdf = HKDF(SHA256(), KEY_OCTETS, salt=None, info=_KEY_LABEL)
        return cls(X25519PrivateKey.from_private_bytes(hkdf.derive(signing_key.private_bytes_raw())))

    @cached_property
    def public(self) -> bytes:
        """What senders seal to: 32 octets."""
        return self.private.public_key().public_bytes_raw()


@dataclass(frozen=True)
class ReceivingCard:
    """Who receives, what people call it, and the X25519 key (32 octets) to seal to.

    Raises MalformedError NAME_INVALID, VALUE_INVALID.
    """

    party: str
    display_name: LocalizedText
    public_key: bytes

    def __post_init__(self) -> None:
        check_recipient(self.party, field="party")
        if len(self.public_key) != KEY_OCTETS:
            detail = f"a receiving key has {KEY_OCTETS} octets"
            raise MalformedError(Reason.VALUE_INVALID, detail, field="public_key")

    @cached_property
    def canonical(self) -> bytes:
        """The canonical bytes, which the party signs."""
        return canonical.encode(_LABEL, self.party, self.display_name.items(), self.public_key)

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 over the canonical bytes, domain-separated: what an account's link carries."""
        return canonical.digest(_LABEL, self.canonical)

    @classmethod
    def from_bytes(cls, octets: bytes) -> "ReceivingCard":
        """Decode canonical bytes; MalformedError."""
        match canonical.decode(_LABEL, octets, most=MAX_CARD_OCTETS):
            case [str(party), [str(zh), str(en)], bytes(public_key)]:
                return cls(party, LocalizedText(zh, en), public_key)
        raise MalformedError(Reason.MALFORMED, "the octets are no receiving card")

    def sign(self, key: Ed25519PrivateKey) -> "SignedCard":
        """Sign it with the key that the party is registered with."""
        return SignedCard(self.canonical, key.sign(_SIGNING_PREFIX + self.canonical))


@dataclass(frozen=True)
class SignedCard:
    """A card as its party signed it."""

    payload: bytes
    signature: bytes

    @cached_property
    def card(self) -> ReceivingCard:
        """The card, decoded but not yet verified; MalformedError."""
        return ReceivingCard.from_bytes(self.payload)

    def open(self, party: str, public_key: bytes) -> ReceivingCard:
        """Return the card of a party that its registered key of 32 octets has signed.

        Raises MalformedError; RefusedError SIGNATURE_INVALID, also for another party's card.
        """
        try:
            if self.card.party != party or len(self.signature) != SIGNATURE_OCTETS:
                raise ValueError
            key = Ed25519PublicKey.from_public_bytes(public_key)
            key.verify(self.signature, _SIGNING_PREFIX + self.payload)
        except (InvalidSignature, ValueError):
            detail = "the card is another's, or is not signed by the registered key"
            raise RefusedError(Reason.SIGNATURE_INVALID, detail, field="signature") from None
        return self.card
