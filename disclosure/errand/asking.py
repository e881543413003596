"""A counter's ask: its signed request, tied to one part of one errand.

Without the tie a service could hand a counter's request of one errand to the holder of another, or take a key
of its own for the counter's form key.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from disclosure import canonical
from disclosure.canonical import Item
from disclosure.errand.bundle import ErrandBundleName
from disclosure.errors import MalformedError, Reason, RefusedError
from disclosure.presentation import DIGEST_OCTETS

FORM_KEY_OCTETS: Final = 32
_LABEL: Final = "zk-disclosure/errand-ask/v1"
_SIGNING_PREFIX: Final = b"zk-disclosure/errand-ask-signature/v1\x00"
_SUBMISSION_LABEL: Final = "zk-disclosure/errand-submission/v1"
_ABANDONED_LABEL: Final = "zk-disclosure/errand-abandoned/v1"
_PART: Final = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)


@dataclass(frozen=True)
class PartName:
    """`errandParts/{part}`: 128 random bits for each counter of each errand, so that no two counters can
    match what they have by name. MalformedError NAME_INVALID."""

    id: str

    def __post_init__(self) -> None:
        if not _PART.fullmatch(self.id):
            raise MalformedError(Reason.NAME_INVALID, "a part has 22 letters, digits, - and _")

    @classmethod
    def parse(cls, name: str, *, field: str = "") -> "PartName":
        """Parse it; MalformedError NAME_INVALID."""
        collection, _, identifier = name.partition("/")
        if collection != "errandParts" or not _PART.fullmatch(identifier):
            raise MalformedError(Reason.NAME_INVALID, "a part is named errandParts/...", field=field)
        return cls(identifier)

    def __str__(self) -> str:
        return f"errandParts/{self.id}"


@dataclass(frozen=True)
class PartAsk:
    """What a counter signs besides its request, with the same key.

    `counter` is the part's identifier in the bundle; `form_key` is the X25519 key of 32 octets that a form is
    sealed to, empty where the counter wants none. Raises MalformedError VALUE_INVALID.
    """

    part: PartName
    bundle: ErrandBundleName
    counter: str
    request_digest: bytes
    form_key: bytes = b""

    def __post_init__(self) -> None:
        if len(self.request_digest) != DIGEST_OCTETS:
            raise MalformedError(Reason.VALUE_INVALID, f"a digest has {DIGEST_OCTETS} octets")
        if len(self.form_key) not in (0, FORM_KEY_OCTETS):
            detail = f"a form key has {FORM_KEY_OCTETS} octets"
            raise MalformedError(Reason.VALUE_INVALID, detail, field="form_key")

    @property
    def signed_bytes(self) -> bytes:
        """What is signed: domain-separated canonical bytes."""
        return _SIGNING_PREFIX + canonical.encode(
            _LABEL, self.part.id, str(self.bundle), self.counter, self.request_digest, self.form_key
        )

    def sign(self, sign: Callable[[bytes], bytes]) -> bytes:
        """Return the signature that a counter's signing function gives."""
        return sign(self.signed_bytes)

    def check(self, signature: bytes, public_key: bytes) -> None:
        """Raise RefusedError REQUEST_SIGNATURE_INVALID unless the counter's registered key made this."""
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(signature, self.signed_bytes)
        except (InvalidSignature, ValueError):
            detail = "the ask is not signed by the counter's registered key"
            raise RefusedError(Reason.REQUEST_SIGNATURE_INVALID, detail, field="ask_signature") from None


def submission_digest(parts: Sequence[tuple[str, bytes, bytes]]) -> bytes:
    """Return what the event of a submission is about: the parts' names, their presentations' digests and
    sealed forms, in the order in which they were submitted."""
    items: list[Item] = [
        [name, presentation, canonical.digest(_SUBMISSION_LABEL, form)] for name, presentation, form in parts
    ]
    return canonical.digest(_SUBMISSION_LABEL, canonical.encode(_SUBMISSION_LABEL, *items))


def abandonment_digest(errand: str) -> bytes:
    """Return what the event of an errand's end is about, by the errand's name."""
    return canonical.digest(_ABANDONED_LABEL, errand.encode())
