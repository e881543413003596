"""What the ledger holds of the catalogue: schemas by their digests, the public keys of issuers and verifiers,
and of the log itself: the key that follows another.

A presentation names its schema and its issuer's key in the clear. One that was made for one holder alone
would tag that holder, and who could show another verifier's key than everybody sees could ask in its name. So
each is a record, and who reads one checks that its record stands on the ledger (`wire.published`).
"""

from typing import Final

from disclosure import canonical
from disclosure.credential import IssuerKey, KeyState
from disclosure.errors import MalformedError, Reason
from disclosure.names import IssuerKeyName, SchemaName, VerifierName
from disclosure.presentation import DIGEST_OCTETS
from disclosure.schema import Schema
from tlog.entry import RecordEntry
from tlog.errors import MalformedError as KeyMalformedError
from tlog.keys import Verifier

ISSUER_KEY_RECORD: Final = "issuer-key"
ISSUER_KEY_STATE_RECORD: Final = "issuer-key-state"
LOG_KEY_RECORD: Final = "log-key"
SCHEMA_RECORD: Final = "schema"
VERIFIER_RECORD: Final = "verifier"
_SCHEMA_LABEL: Final = "zk-disclosure/registered-schema/v1"
_KEY_STATE_LABEL: Final = "zk-disclosure/issuer-key-state/v1"
_LOG_KEY_LABEL: Final = "zk-disclosure/log-key/v1"
_VERIFIER_LABEL: Final = "zk-disclosure/registered-verifier/v1"
_PUBLIC_KEY_OCTETS: Final = 32


def issuer_key_entry(key: IssuerKey) -> bytes:
    """Return an issuer key's entry on the ledger: name, suite, public key. Its state changes, and is none."""
    return RecordEntry(ISSUER_KEY_RECORD, key.record()).to_bytes()


def issuer_key_state_entry(name: IssuerKeyName, state: KeyState) -> bytes:
    """Return the entry on the ledger of a key that is active no more: its name and its new state."""
    payload = canonical.encode(_KEY_STATE_LABEL, str(name), state.value)
    return RecordEntry(ISSUER_KEY_STATE_RECORD, payload).to_bytes()


def issuer_key_state_of_record(octets: bytes) -> tuple[IssuerKeyName, KeyState]:
    """Return name and state of a key from the record; MalformedError MALFORMED, NAME_INVALID."""
    match canonical.decode(_KEY_STATE_LABEL, octets):
        case [str(name), str(state)] if state in {KeyState.VERIFY_ONLY, KeyState.RETIRED}:
            return IssuerKeyName.parse(name), KeyState(state)
    raise MalformedError(Reason.MALFORMED, "the octets are no record of a key's state")


def schema_entry(schema: Schema) -> bytes:
    """Return a schema version's entry on the ledger: its name, and the digest that covers all of it."""
    payload = canonical.encode(_SCHEMA_LABEL, str(schema.name), schema.digest)
    return RecordEntry(SCHEMA_RECORD, payload).to_bytes()


def schema_of_record(octets: bytes) -> tuple[SchemaName, bytes]:
    """Return name and digest of a schema from its record; MalformedError MALFORMED, NAME_INVALID."""
    match canonical.decode(_SCHEMA_LABEL, octets):
        case [str(name), bytes(digest)] if len(digest) == DIGEST_OCTETS:
            return SchemaName.parse(name), digest
    raise MalformedError(Reason.MALFORMED, "the octets are no schema's record")


def verifier_entry(name: VerifierName, public_key: bytes) -> bytes:
    """Return a verifier's entry on the ledger: its name, and the Ed25519 key of 32 octets it signs with."""
    payload = canonical.encode(_VERIFIER_LABEL, str(name), public_key)
    return RecordEntry(VERIFIER_RECORD, payload).to_bytes()


def verifier_of_record(octets: bytes) -> tuple[VerifierName, bytes]:
    """Return name and public key of a verifier from its record; MalformedError MALFORMED, NAME_INVALID."""
    match canonical.decode(_VERIFIER_LABEL, octets):
        case [str(name), bytes(public_key)] if len(public_key) == _PUBLIC_KEY_OCTETS:
            return VerifierName.parse(name), public_key
    raise MalformedError(Reason.MALFORMED, "the octets are no verifier's record")


def log_key_entry(old: Verifier, new: Verifier) -> bytes:
    """Return the entry by which a log says that one key of it follows another. Both sign what covers it."""
    payload = canonical.encode(_LOG_KEY_LABEL, str(old), str(new))
    return RecordEntry(LOG_KEY_RECORD, payload).to_bytes()


def log_keys_of_record(octets: bytes) -> tuple[Verifier, Verifier]:
    """Return a log's old and new key from the record; MalformedError MALFORMED.

    They are different keys of one origin, which sign checkpoints.
    """
    match canonical.decode(_LOG_KEY_LABEL, octets):
        case [str(old), str(new)] if old != new:
            try:
                keys = Verifier.from_string(old), Verifier.from_string(new)
            except KeyMalformedError:
                keys = None
            if keys and keys[0].name == keys[1].name and not any(each.key_type.cosigns for each in keys):
                return keys
    raise MalformedError(Reason.MALFORMED, "the octets are no record of a log's new key")
