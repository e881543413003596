"""W3C documents with a derived proof of bbs-2023, as a verifier checks them (docs/w3c.md). No I/O.

A nonce is the verifier's own, fresh and random for each presentation, and taken once: that memory is the
caller's (`verifier.nonces` is one). Whether a document that is bound to nobody is taken is the caller's to
say, too. The proof is made for the nonce and the verifier's name, so that what is shown to one verifier is
nothing to another.
"""

import datetime as dt
import secrets
from dataclasses import dataclass
from typing import Final

from disclosure import IssuerKey, KeyState, Reason, RefusedError, Schema, VerifierName, civil_date
from disclosure.w3c import DerivedProof, Document, Expected, Feature, verify
from disclosure.w3c.mapping import ShownDocument, presentation_header, read_document

NONCE_OCTETS: Final = 32


def new_nonce() -> bytes:
    """Return a nonce for one presentation."""
    return secrets.token_bytes(NONCE_OCTETS)


@dataclass(frozen=True)
class CheckedDocument:
    """A document that holds. `bound` says that a secret of the holder's vault is signed into it."""

    shown: ShownDocument
    bound: bool


def check_document(
    document: Document,
    verifier: VerifierName,
    nonce: bytes,
    schema: Schema,
    key: IssuerKey,
    now: dt.datetime,
) -> CheckedDocument:
    """Check a document that was shown to a verifier for a nonce.

    `schema` and `key` are what it names (`disclosure.w3c.mapping.schema_name_of`, `issuer_key_name_of`), read
    from the ledger. Raises MalformedError DOCUMENT_INVALID, CONTEXT_UNKNOWN, VALUE_INVALID,
    ATTRIBUTE_UNKNOWN; RefusedError PROOF_INVALID, REQUEST_MISMATCH (another nonce or verifier),
    ISSUER_KEY_UNKNOWN, ISSUER_KEY_RETIRED, CREDENTIAL_EXPIRED.
    """
    if key.state is KeyState.RETIRED:
        raise RefusedError(Reason.ISSUER_KEY_RETIRED, "the key is retired")
    bound = _is_bound(document)
    feature = Feature.ANONYMOUS_HOLDER_BINDING if bound else Feature.BASELINE
    header = presentation_header(verifier, nonce)
    verified = verify(document, key.public_key, Expected(feature, header))
    shown = read_document(verified.document, verified.options, schema, key)
    if civil_date(now) > shown.expiry:
        raise RefusedError(Reason.CREDENTIAL_EXPIRED, "the document's last day has passed")
    return CheckedDocument(shown, bound)


def _is_bound(document: Document) -> bool:
    """Tell which option a proof says that it has; whether it holds by it, verifying shows."""
    proof = document.get("proof")
    value = proof.get("proofValue", "") if isinstance(proof, dict) else ""
    return DerivedProof.decode(value).octet == Feature.ANONYMOUS_HOLDER_BINDING.base + 1
