"""What is sent, sealed: question and presentation, by HPKE to the key on the recipient's card.

Sealed is by RFC 9180, base mode: X25519, HKDF-SHA256, AES-256-GCM, with who receives and its key as the info.
Padded to one of four sizes, so that whoever carries it learns hardly more than how many credentials it may
hold.
"""

from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from disclosure import canonical
from disclosure.composite.presentation import CompositePresentation
from disclosure.delivery.card import ReceivingKey
from disclosure.delivery.question import UnaskedQuestion
from disclosure.errors import MalformedError, Reason, RefusedError

SEALED_SIZES: Final = (16 << 10, 32 << 10, 64 << 10, 128 << 10)
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_OVERHEAD: Final = 32 + 16
_LENGTH_OCTETS: Final = 4
_LABEL: Final = "zk-disclosure/delivery/v1"
_INFO_LABEL: Final = "zk-disclosure/delivery-seal/v1"


@dataclass(frozen=True)
class OpenedDelivery:
    """What was sealed: the question, and the presentation's octets, which are read with its schemas.

    Nothing of it is verified yet: anybody can seal to a key.
    """

    question: UnaskedQuestion
    presentation: bytes = field(repr=False)


def seal_delivery(question: UnaskedQuestion, presentation: CompositePresentation) -> bytes:
    """Return what only the question's recipient opens; its key is from a card that the caller has opened.

    Raises MalformedError MALFORMED for a key that is none, VALUE_INVALID for what is too large.
    """
    octets = canonical.encode(_LABEL, question.canonical, presentation.canonical)
    framed = len(octets).to_bytes(_LENGTH_OCTETS) + octets
    size = next((each for each in SEALED_SIZES if len(framed) + _OVERHEAD <= each), None)
    if size is None:
        raise MalformedError(Reason.VALUE_INVALID, "what is sent is too large", field="presentation")
    padded = framed.ljust(size - _OVERHEAD, b"\x00")
    try:
        key = X25519PublicKey.from_public_bytes(question.key)
        return _SUITE.encrypt(padded, key, _info(question.recipient, question.key))
    except ValueError:  # a point of small order: everybody would know the shared secret
        raise MalformedError(Reason.MALFORMED, "the receiving key is none", field="key") from None


def check_sealed(sealed: bytes, *, field: str = "sealed") -> bytes:
    """Return octets that have one of the sizes; MalformedError VALUE_INVALID."""
    if len(sealed) not in SEALED_SIZES:
        detail = f"what is sealed has one of the sizes {', '.join(map(str, SEALED_SIZES))}"
        raise MalformedError(Reason.VALUE_INVALID, detail, field=field)
    return sealed


def open_delivery(sealed: bytes, key: ReceivingKey, party: str) -> OpenedDelivery:
    """Open what was sent to a party, with its key.

    Raises RefusedError DELIVERY_INVALID: sealed for somebody else, or changed on its way; REQUEST_MISMATCH: a
    question to somebody else; MalformedError.
    """
    check_sealed(sealed)
    try:
        framed = _SUITE.decrypt(sealed, key.private, _info(party, key.public))
    except (InvalidTag, ValueError):
        detail = "it was sealed for somebody else, or was changed on its way"
        raise RefusedError(Reason.DELIVERY_INVALID, detail, field="sealed") from None
    end = _LENGTH_OCTETS + int.from_bytes(framed[:_LENGTH_OCTETS])
    if end > len(framed) or any(framed[end:]):
        raise MalformedError(Reason.MALFORMED, "what was sealed is not padded as deliveries are")
    match canonical.decode(_LABEL, framed[_LENGTH_OCTETS:end], most=SEALED_SIZES[-1]):
        case [bytes(question), bytes(presentation)]:
            opened = OpenedDelivery(UnaskedQuestion.from_bytes(question), presentation)
            opened.question.check_recipient(party, key.public)
            return opened
    raise MalformedError(Reason.MALFORMED, "the octets are no delivery")


def _info(party: str, key: bytes) -> bytes:
    return canonical.encode(_INFO_LABEL, party, key)
