"""What a holder declares to one counter, in words: sealed to it, and bound to what is proven to it.

Sealed is by HPKE (RFC 9180, base mode: X25519, HKDF-SHA256, AES-256-GCM) to the key in the counter's signed
ask, so the service carries it and does not read it. Base mode says nothing of who sealed: anybody could seal
another form to the same key. So the first 16 octets of the presentation's usage tag, which every proof in it
covers, are a digest of the form with a salt of 256 bits. The counter recomputes it: a form that does not come
from the holder of this very presentation is refused. To whoever has not the form the digest is random, as a
tag without a form is.
"""

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hmac import compare_digest
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from disclosure import canonical
from disclosure.canonical import Item
from disclosure.errand.asking import FORM_KEY_OCTETS, PartAsk, PartName
from disclosure.errand.bundle import Counter, FormValue
from disclosure.errors import MalformedError, Reason, RefusedError

SEALED_BLOCK: Final = 1024
"""Sealed forms have a multiple of this and a little more, so that the length tells little."""
TAG_NONCE_OCTETS: Final = 16
MAX_SEALED_OCTETS: Final = 48 << 10
_SALT_OCTETS: Final = 32
_LENGTH_OCTETS: Final = 4
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_LABEL: Final = "zk-disclosure/errand-form/v1"
_SEAL_LABEL: Final = "zk-disclosure/errand-form-seal/v1"
_KEY_LABEL: Final = b"zk-disclosure/errand-form-key/v1/"


@dataclass(frozen=True, repr=False)
class Form:
    """The values of a form by their fields' identifiers. Does not show itself. Raises MalformedError."""

    values: Mapping[str, FormValue]
    salt: bytes = field(default_factory=lambda: secrets.token_bytes(_SALT_OCTETS))

    def __post_init__(self) -> None:
        if len(self.salt) != _SALT_OCTETS:
            raise MalformedError(Reason.MALFORMED, f"a salt has {_SALT_OCTETS} octets", field="form")

    @cached_property
    def octets_secret(self) -> bytes:
        """Its canonical bytes, salt included."""
        values: list[Item] = [[name, _item(self.values[name])] for name in sorted(self.values)]
        return canonical.encode(_LABEL, self.salt, values)

    @cached_property
    def tag_nonce(self) -> bytes:
        """What the usage tag of the form's presentation begins with: 16 octets."""
        return canonical.digest(_LABEL, self.octets_secret)[:TAG_NONCE_OCTETS]

    @classmethod
    def from_octets(cls, octets: bytes) -> "Form":
        """Decode canonical bytes; MalformedError MALFORMED."""
        match canonical.decode(_LABEL, octets):
            case [bytes(salt), list(values)]:
                form = cls(dict(map(_value, values)), salt)
                if form.octets_secret == octets:
                    return form
        raise _malformed()


@dataclass(frozen=True, eq=False, repr=False)
class FormKey:
    """A counter's key for one part's form. Does not show itself."""

    private: X25519PrivateKey

    @classmethod
    def of(cls, signing_key: Ed25519PrivateKey, part: PartName) -> "FormKey":
        """Return the key of a part, which follows from the counter's signing key: nothing has to be kept."""
        hkdf = HKDF(SHA256(), FORM_KEY_OCTETS, salt=None, info=_KEY_LABEL + part.id.encode())
        return cls(X25519PrivateKey.from_private_bytes(hkdf.derive(signing_key.private_bytes_raw())))

    @cached_property
    def public(self) -> bytes:
        """What the holder seals to: 32 octets."""
        return self.private.public_key().public_bytes_raw()

    def receive(self, sealed: bytes, ask: PartAsk, counter: Counter, usage_tag: bytes) -> Form:
        """Return the form that came with the presentation of a usage tag.

        Raises MalformedError (its length, its values); RefusedError PROOF_INVALID: sealed for something else,
        or not what the presentation is bound to.
        """
        check_sealed(sealed)
        try:
            plain = _SUITE.decrypt(sealed, self.private, _info(ask))
        except (InvalidTag, ValueError):
            raise _refused("the form was sealed for another counter, or another part") from None
        end = _LENGTH_OCTETS + int.from_bytes(plain[:_LENGTH_OCTETS])
        form = Form.from_octets(plain[_LENGTH_OCTETS:end])
        if not compare_digest(form.tag_nonce, usage_tag[:TAG_NONCE_OCTETS]):
            raise _refused("the form is not that of the presentation's holder")
        counter.check(form.values)
        return form


def seal_form(form: Form, ask: PartAsk) -> bytes:
    """Seal a form to the key in an ask whose signature was checked; MalformedError MALFORMED (the key)."""
    framed = len(form.octets_secret).to_bytes(_LENGTH_OCTETS) + form.octets_secret
    framed += bytes(-len(framed) % SEALED_BLOCK)
    try:
        sealed = _SUITE.encrypt(framed, X25519PublicKey.from_public_bytes(ask.form_key), _info(ask))
    except ValueError:  # a point of small order: everybody would know the shared secret
        raise MalformedError(Reason.MALFORMED, "the form key is none", field="form_key") from None
    return check_sealed(sealed)


def check_sealed(sealed: bytes) -> bytes:
    """Return octets of which no length is wrong for a sealed form; MalformedError MALFORMED."""
    body = len(sealed) - FORM_KEY_OCTETS - 16
    if body <= 0 or body % SEALED_BLOCK or len(sealed) > MAX_SEALED_OCTETS:
        raise MalformedError(Reason.MALFORMED, "the octets are no sealed form", field="sealed_form")
    return sealed


def _info(ask: PartAsk) -> bytes:
    return canonical.encode(_SEAL_LABEL, ask.signed_bytes)


def _item(value: FormValue) -> list[Item]:
    if isinstance(value, dt.date):
        return ["date", value.isoformat()]
    return ["text", value] if isinstance(value, str) else ["number", value]


def _value(item: Item) -> tuple[str, FormValue]:
    match item:
        case [str(name), ["text", str(text)]]:
            return name, text
        case [str(name), ["number", int(number)]]:
            return name, number
        case [str(name), ["date", str(written)]]:
            try:
                return name, dt.date.fromisoformat(written)
            except ValueError:
                raise _malformed() from None
    raise _malformed()


def _malformed() -> MalformedError:
    return MalformedError(Reason.MALFORMED, "the octets are no form", field="form")


def _refused(detail: str) -> RefusedError:
    return RefusedError(Reason.PROOF_INVALID, detail, field="sealed_form")
