"""Public keys as `did:key` (The did:key Method; Vc-di-bbs, section 2.1.1): a key that is its own name."""

from typing import Final

import base58

from disclosure.credential import PUBLIC_KEY_OCTETS
from disclosure.errors import MalformedError, Reason

_BLS12_381_G2: Final = b"\xeb\x01"
_PREFIX: Final = "did:key:z"
_MAX: Final = 300


def did_of(public_key: bytes) -> str:
    """Return the name of a BBS public key of 96 octets."""
    return _PREFIX + str(base58.b58encode(_BLS12_381_G2 + public_key).decode())


def method_of(public_key: bytes) -> str:
    """Return the verification method of a key's own document."""
    did = did_of(public_key)
    return f"{did}#{did.removeprefix('did:key:')}"


def public_key_of(did: str) -> bytes:
    """Return the public key that a `did:key` names, not decoded; MalformedError DOCUMENT_INVALID."""
    try:
        octets: bytes = base58.b58decode(did.removeprefix(_PREFIX)) if len(did) <= _MAX else b""
    except ValueError:
        octets = b""
    key = octets.removeprefix(_BLS12_381_G2)
    if len(key) != PUBLIC_KEY_OCTETS or did_of(key) != did:
        raise MalformedError(Reason.DOCUMENT_INVALID, "the issuer is no BBS key as did:key", field="issuer")
    return key
