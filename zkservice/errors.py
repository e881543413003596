"""What the service itself refuses, beside what disclosure and verifier refuse. `reason` is stable."""

from enum import StrEnum


class ServiceReason(StrEnum):
    """The stable reasons; the value equals the name."""

    MESSAGE_MALFORMED = "MESSAGE_MALFORMED"
    MESSAGE_TOO_LARGE = "MESSAGE_TOO_LARGE"
    BATCH_TOO_LARGE = "BATCH_TOO_LARGE"
    FIELD_MISSING = "FIELD_MISSING"
    FIELD_INVALID = "FIELD_INVALID"
    PAGE_TOKEN_INVALID = "PAGE_TOKEN_INVALID"  # noqa: S105
    RANGE_INVALID = "RANGE_INVALID"
    NOTE_MISMATCH = "NOTE_MISMATCH"
    TOKEN_MISSING = "TOKEN_MISSING"  # noqa: S105
    TOKEN_INVALID = "TOKEN_INVALID"  # noqa: S105
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"
    ISSUER_KEY_MISSING = "ISSUER_KEY_MISSING"
    VERIFIER_UNKNOWN = "VERIFIER_UNKNOWN"
    OFFER_EXPIRED = "OFFER_EXPIRED"
    OFFER_TAKEN = "OFFER_TAKEN"
    HOLDER_MISMATCH = "HOLDER_MISMATCH"
    REQUIRED_MISMATCH = "REQUIRED_MISMATCH"
    EXCHANGE_ANSWERED = "EXCHANGE_ANSWERED"
    REPLAYED = "REPLAYED"
    ALREADY_REVOKED = "ALREADY_REVOKED"
    ACCUMULATOR_FULL = "ACCUMULATOR_FULL"
    ACCUMULATOR_MISSING = "ACCUMULATOR_MISSING"
    ACCUMULATOR_MISMATCH = "ACCUMULATOR_MISMATCH"
    TOO_MANY_WATCHERS = "TOO_MANY_WATCHERS"
    TOO_MANY_ATTEMPTS = "TOO_MANY_ATTEMPTS"
    TOO_MANY_TABLES = "TOO_MANY_TABLES"
    OVERLOADED = "OVERLOADED"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    STORAGE_UNAVAILABLE = "STORAGE_UNAVAILABLE"
    INTERNAL = "INTERNAL"


class ServiceError(Exception):
    """Base of what the service refuses on purpose; `field` is a path in the request's message."""

    def __init__(self, reason: ServiceReason, detail: str, *, field: str = "") -> None:
        super().__init__(reason, detail, field)
        self.reason: str = reason.value
        self.detail = detail
        self.field = field

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class StartError(Exception):
    """The server cannot start; the text says why and what to do. Nothing was changed."""
