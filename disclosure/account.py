"""Accounts: the code that a department gives, the key's proof of possession, what receipts of accounts tell.

A code is made once and never stored: both sides keep or compute its hash.
"""

import re
import secrets
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from disclosure import canonical
from disclosure.errors import MalformedError, Reason, RefusedError
from disclosure.request import SIGNATURE_OCTETS

KEY_OCTETS: Final = 32
_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Those of a code: without I, L, O and U, which are misread."""
_GROUPS, _GROUP = 5, 4
_CODE: Final = re.compile(f"[{_LETTERS}]{{{_GROUPS * _GROUP}}}")
_CODE_LABEL: Final = "zk-disclosure/registration-code/v1"
_LABEL: Final = "zk-disclosure/account-key/v1"
_SIGNING_PREFIX: Final = b"zk-disclosure/account-key-signature/v1\x00"
_DIGEST_LABEL: Final = "zk-disclosure/account-registered/v1"


def new_code() -> str:
    """Return a fresh code of 100 random bits: five groups of four letters and digits."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_GROUPS * _GROUP))
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def code_hash(code: str) -> bytes:
    """Return a code's hash, 32 octets, however it was typed; MalformedError VALUE_INVALID."""
    letters = re.sub(r"[\s-]", "", code).upper()
    if not _CODE.fullmatch(letters):
        detail = f"a code has {_GROUPS} groups of {_GROUP} letters and digits"
        raise MalformedError(Reason.VALUE_INVALID, detail, field="code")
    return canonical.digest(_CODE_LABEL, canonical.encode(_CODE_LABEL, letters))


@dataclass(frozen=True)
class AccountKey:
    """What a vault signs to register its key: whose code, which key, at which service.

    `service` is the log's verifier key, so that what was signed for one service binds nothing at another.
    Raises MalformedError VALUE_INVALID.
    """

    code_hash: bytes = field(repr=False)
    public_key: bytes
    service: str

    def __post_init__(self) -> None:
        if len(self.public_key) != KEY_OCTETS:
            detail = f"an account's key has {KEY_OCTETS} octets"
            raise MalformedError(Reason.VALUE_INVALID, detail, field="public_key")

    @property
    def signed_bytes(self) -> bytes:
        """What the key signs: domain-separated canonical bytes."""
        return _SIGNING_PREFIX + canonical.encode(_LABEL, self.code_hash, self.public_key, self.service)

    @property
    def digest(self) -> bytes:
        """What the receipt of a registration is about: 32 octets."""
        return canonical.digest(_DIGEST_LABEL, self.signed_bytes)

    def check(self, signature: bytes) -> None:
        """Raise RefusedError REQUEST_SIGNATURE_INVALID unless the key itself has signed."""
        try:
            if len(signature) != SIGNATURE_OCTETS:
                raise ValueError
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, self.signed_bytes)
        except (InvalidSignature, ValueError):
            detail = "the key has not signed that it is to be the account's"
            raise RefusedError(Reason.REQUEST_SIGNATURE_INVALID, detail, field="signature") from None
