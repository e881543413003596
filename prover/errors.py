"""What can go wrong on the holder's side alone, beside what disclosure, tlog and wire refuse.

`reason` is a stable string, never reused for another meaning. No message contains an attribute's value, a
link, a ticket, key material or a passphrase.
"""

from enum import StrEnum


class VaultReason(StrEnum):
    """The stable reasons; the value equals the name."""

    # the file
    VAULT_EXISTS = "VAULT_EXISTS"
    VAULT_NOT_FOUND = "VAULT_NOT_FOUND"
    VAULT_DAMAGED = "VAULT_DAMAGED"
    VAULT_BUSY = "VAULT_BUSY"
    VAULT_UNAVAILABLE = "VAULT_UNAVAILABLE"
    VERSION_UNKNOWN = "VERSION_UNKNOWN"
    # the passphrase
    PASSPHRASE_WRONG = "PASSPHRASE_WRONG"  # noqa: S105
    PASSPHRASE_TOO_SHORT = "PASSPHRASE_TOO_SHORT"  # noqa: S105
    PASSPHRASE_TOO_LONG = "PASSPHRASE_TOO_LONG"  # noqa: S105
    # what is in it
    CREDENTIAL_NOT_FOUND = "CREDENTIAL_NOT_FOUND"
    CLAIM_NOT_FOUND = "CLAIM_NOT_FOUND"
    USAGE_NOT_FOUND = "USAGE_NOT_FOUND"
    REGULATOR_NOT_FOUND = "REGULATOR_NOT_FOUND"
    REGULATOR_KEY_CHANGED = "REGULATOR_KEY_CHANGED"
    NUMBER_NOT_FOUND = "NUMBER_NOT_FOUND"
    KEY_NOT_FOUND = "KEY_NOT_FOUND"
    ACCOUNT_NOT_FOUND = "ACCOUNT_NOT_FOUND"
    ID_AMBIGUOUS = "ID_AMBIGUOUS"
    SCHEMA_CHANGED = "SCHEMA_CHANGED"
    USAGE_MISMATCH = "USAGE_MISMATCH"
    NO_RECEIPT = "NO_RECEIPT"
    EVENT_NOT_FOUND = "EVENT_NOT_FOUND"
    ERRAND_NOT_FOUND = "ERRAND_NOT_FOUND"
    ERRAND_CLOSED = "ERRAND_CLOSED"
    CONSENT_NOT_FOUND = "CONSENT_NOT_FOUND"
    CONSENT_BEYOND = "CONSENT_BEYOND"
    DELIVERY_NOT_FOUND = "DELIVERY_NOT_FOUND"
    # going on with a recovery secret
    WORDS_INVALID = "WORDS_INVALID"
    RECOVERY_BROKEN_OFF = "RECOVERY_BROKEN_OFF"
    # answering
    NOTHING_FITS = "NOTHING_FITS"
    CHOICE_INVALID = "CHOICE_INVALID"
    BRANCH_UNDECIDED = "BRANCH_UNDECIDED"
    DECLINED = "DECLINED"
    NOT_ASKED = "NOT_ASKED"
    EXCHANGE_ANSWERED = "EXCHANGE_ANSWERED"
    FORM_INCOMPLETE = "FORM_INCOMPLETE"
    OWN_PROOF_INVALID = "OWN_PROOF_INVALID"
    OFFER_REQUEST_INVALID = "OFFER_REQUEST_INVALID"
    LINK_ELSEWHERE = "LINK_ELSEWHERE"
    ANSWER_INVALID = "ANSWER_INVALID"


class VaultError(Exception):
    """Base of every error that this package raises on purpose, for itself."""

    def __init__(self, reason: VaultReason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason: str = reason.value
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class VaultFileError(VaultError):
    """The file is not there, in the way, in use, of another version or damaged. Nothing in it was changed."""


class PassphraseError(VaultError):
    """The passphrase does not open the vault, or is none that a vault takes."""


class ContentError(VaultError):
    """The vault does not hold what was named, or does not take what was given."""


class PresentingError(VaultError):
    """A request cannot be answered, or its holder does not want to; nothing was sent."""


class ClientError(VaultError):
    """A link that belongs to another service, or an answer that no honest service gives."""
