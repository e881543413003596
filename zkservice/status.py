"""One exhaustive table from reasons to status codes, and the google.rpc.Status that carries a reason.

AIP-193: ErrorInfo has the stable reason and the domain, BadRequest the path of what is wrong. A reason that
is not in the table is a fault of ours; a test compares the table with all reasons there are.
"""

import math
from typing import Final

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from disclosure import DisclosureError
from disclosure import Reason as DisclosureReason
from wire.client import ERROR_DOMAIN
from zkservice.errors import ServiceError, ServiceReason

Code = grpc.StatusCode

CODES: Final[dict[str, grpc.StatusCode]] = {
    DisclosureReason.MALFORMED: Code.INVALID_ARGUMENT,
    DisclosureReason.NAME_INVALID: Code.INVALID_ARGUMENT,
    DisclosureReason.SCHEMA_INVALID: Code.INVALID_ARGUMENT,
    DisclosureReason.VALUE_INVALID: Code.INVALID_ARGUMENT,
    DisclosureReason.ATTRIBUTE_UNKNOWN: Code.INVALID_ARGUMENT,
    DisclosureReason.ATTRIBUTE_MISSING: Code.INVALID_ARGUMENT,
    DisclosureReason.REQUEST_INVALID: Code.INVALID_ARGUMENT,
    DisclosureReason.PRESENTATION_INVALID: Code.INVALID_ARGUMENT,
    DisclosureReason.LINK_INVALID: Code.INVALID_ARGUMENT,
    DisclosureReason.PREDICATE_INVALID: Code.INVALID_ARGUMENT,
    DisclosureReason.BOUND_INVALID: Code.INVALID_ARGUMENT,
    DisclosureReason.ITEM_INVALID: Code.INVALID_ARGUMENT,
    DisclosureReason.SIGNATURE_INVALID: Code.INVALID_ARGUMENT,
    DisclosureReason.REQUEST_SIGNATURE_INVALID: Code.UNAUTHENTICATED,
    DisclosureReason.REQUEST_NOT_YET_VALID: Code.FAILED_PRECONDITION,
    DisclosureReason.REQUEST_EXPIRED: Code.FAILED_PRECONDITION,
    DisclosureReason.REQUEST_MISMATCH: Code.INVALID_ARGUMENT,
    DisclosureReason.QUERY_MISMATCH: Code.INVALID_ARGUMENT,
    DisclosureReason.SCHEMA_UNKNOWN: Code.FAILED_PRECONDITION,
    DisclosureReason.FORM_NOT_SUPPORTED: Code.FAILED_PRECONDITION,
    DisclosureReason.ISSUER_KEY_UNKNOWN: Code.FAILED_PRECONDITION,
    DisclosureReason.ISSUER_KEY_RETIRED: Code.FAILED_PRECONDITION,
    DisclosureReason.CREDENTIAL_EXPIRED: Code.FAILED_PRECONDITION,
    DisclosureReason.EXPIRY_INVALID: Code.INVALID_ARGUMENT,
    DisclosureReason.PROOF_INVALID: Code.INVALID_ARGUMENT,
    DisclosureReason.RECEIPT_MISMATCH: Code.INVALID_ARGUMENT,
    DisclosureReason.DOCUMENT_INVALID: Code.INVALID_ARGUMENT,
    DisclosureReason.CONTEXT_UNKNOWN: Code.INVALID_ARGUMENT,
    DisclosureReason.POINTER_INVALID: Code.INVALID_ARGUMENT,
    DisclosureReason.COMMITMENT_INVALID: Code.INVALID_ARGUMENT,
    DisclosureReason.TABLE_UNKNOWN: Code.FAILED_PRECONDITION,
    DisclosureReason.EPOCH_UNKNOWN: Code.FAILED_PRECONDITION,
    DisclosureReason.EPOCH_STALE: Code.FAILED_PRECONDITION,
    DisclosureReason.REGULATOR_UNKNOWN: Code.FAILED_PRECONDITION,
    DisclosureReason.UNSATISFIED: Code.FAILED_PRECONDITION,
    DisclosureReason.POLICY_INVALID: Code.INVALID_ARGUMENT,
    DisclosureReason.POLICY_UNKNOWN: Code.FAILED_PRECONDITION,
    DisclosureReason.POLICY_DEPRECATED: Code.FAILED_PRECONDITION,
    DisclosureReason.OVER_ASKING: Code.PERMISSION_DENIED,
    DisclosureReason.DELIVERY_INVALID: Code.INVALID_ARGUMENT,
    DisclosureReason.DELIVERY_REPLAYED: Code.ALREADY_EXISTS,
    DisclosureReason.LOG_KEY_NOT_FOLLOWED: Code.FAILED_PRECONDITION,
    ServiceReason.MESSAGE_MALFORMED: Code.INVALID_ARGUMENT,
    ServiceReason.MESSAGE_TOO_LARGE: Code.INVALID_ARGUMENT,
    ServiceReason.BATCH_TOO_LARGE: Code.INVALID_ARGUMENT,
    ServiceReason.FIELD_MISSING: Code.INVALID_ARGUMENT,
    ServiceReason.FIELD_INVALID: Code.INVALID_ARGUMENT,
    ServiceReason.PAGE_TOKEN_INVALID: Code.INVALID_ARGUMENT,
    ServiceReason.RANGE_INVALID: Code.OUT_OF_RANGE,
    ServiceReason.NOTE_MISMATCH: Code.INVALID_ARGUMENT,
    ServiceReason.TOKEN_MISSING: Code.UNAUTHENTICATED,
    ServiceReason.TOKEN_INVALID: Code.PERMISSION_DENIED,
    ServiceReason.SECRET_NOT_ACCEPTED: Code.UNAUTHENTICATED,
    ServiceReason.CERTIFICATE_INVALID: Code.UNAUTHENTICATED,
    ServiceReason.CERTIFICATE_REVOKED: Code.UNAUTHENTICATED,
    ServiceReason.NOT_FOUND: Code.NOT_FOUND,
    ServiceReason.ALREADY_EXISTS: Code.ALREADY_EXISTS,
    ServiceReason.REQUEST_ID_REUSED: Code.ALREADY_EXISTS,
    ServiceReason.ISSUER_KEY_MISSING: Code.FAILED_PRECONDITION,
    ServiceReason.VERIFIER_UNKNOWN: Code.UNAUTHENTICATED,
    ServiceReason.OFFER_EXPIRED: Code.FAILED_PRECONDITION,
    ServiceReason.OFFER_TAKEN: Code.FAILED_PRECONDITION,
    ServiceReason.HOLDER_MISMATCH: Code.FAILED_PRECONDITION,
    ServiceReason.REQUIRED_MISMATCH: Code.FAILED_PRECONDITION,
    ServiceReason.EXCHANGE_ANSWERED: Code.FAILED_PRECONDITION,
    ServiceReason.EXCHANGE_DECLINED: Code.FAILED_PRECONDITION,
    ServiceReason.CONSENT_ANSWERED: Code.FAILED_PRECONDITION,
    ServiceReason.CONSENT_NOT_GRANTED: Code.FAILED_PRECONDITION,
    ServiceReason.CONSENT_MISMATCH: Code.INVALID_ARGUMENT,
    ServiceReason.CONSENT_TOO_EARLY: Code.FAILED_PRECONDITION,
    ServiceReason.CONSENT_EXHAUSTED: Code.FAILED_PRECONDITION,
    ServiceReason.CONSENT_EXPIRED: Code.FAILED_PRECONDITION,
    ServiceReason.CONSENT_WITHDRAWN: Code.FAILED_PRECONDITION,
    ServiceReason.PAIRING_REQUIRED: Code.FAILED_PRECONDITION,
    ServiceReason.PAIRING_WRONG: Code.INVALID_ARGUMENT,
    ServiceReason.PAIRING_FAILED: Code.FAILED_PRECONDITION,
    ServiceReason.HOLDER_UNKNOWN: Code.FAILED_PRECONDITION,
    ServiceReason.PUSH_FINISHED: Code.FAILED_PRECONDITION,
    ServiceReason.PUSH_RUNNING: Code.UNAVAILABLE,
    ServiceReason.REGISTRATION_INVALID: Code.UNAUTHENTICATED,
    ServiceReason.REGISTRATION_USED: Code.FAILED_PRECONDITION,
    ServiceReason.REGISTRATION_EXPIRED: Code.FAILED_PRECONDITION,
    ServiceReason.ACCOUNT_REPLACED: Code.UNAUTHENTICATED,
    ServiceReason.NOT_IDENTIFYING: Code.PERMISSION_DENIED,
    ServiceReason.SUBJECT_MISMATCH: Code.PERMISSION_DENIED,
    ServiceReason.GROUNDS_MISSING: Code.INVALID_ARGUMENT,
    ServiceReason.ITEM_NOT_APPLICABLE: Code.FAILED_PRECONDITION,
    ServiceReason.APPLICATION_DECIDED: Code.FAILED_PRECONDITION,
    ServiceReason.APPOINTMENT_ENDED: Code.FAILED_PRECONDITION,
    ServiceReason.ERRAND_INCOMPLETE: Code.FAILED_PRECONDITION,
    ServiceReason.ERRAND_ENDED: Code.FAILED_PRECONDITION,
    ServiceReason.PART_STATE_INVALID: Code.FAILED_PRECONDITION,
    ServiceReason.PART_NOT_READY: Code.FAILED_PRECONDITION,
    ServiceReason.RECEIVING_CLOSED: Code.FAILED_PRECONDITION,
    ServiceReason.DELIVERIES_FULL: Code.RESOURCE_EXHAUSTED,
    ServiceReason.ETAG_MISMATCH: Code.ABORTED,
    ServiceReason.ITEM_DEPRECATED: Code.FAILED_PRECONDITION,
    ServiceReason.KEY_STATE_INVALID: Code.FAILED_PRECONDITION,
    ServiceReason.PURPOSE_UNKNOWN: Code.FAILED_PRECONDITION,
    ServiceReason.PURPOSE_MISMATCH: Code.FAILED_PRECONDITION,
    ServiceReason.REPLAYED: Code.ALREADY_EXISTS,
    ServiceReason.CHALLENGE_MISSING: Code.FAILED_PRECONDITION,
    ServiceReason.ALREADY_REVOKED: Code.FAILED_PRECONDITION,
    ServiceReason.ACCUMULATOR_FULL: Code.FAILED_PRECONDITION,
    ServiceReason.ACCUMULATOR_MISSING: Code.FAILED_PRECONDITION,
    ServiceReason.ACCUMULATOR_MISMATCH: Code.FAILED_PRECONDITION,
    ServiceReason.SECOND_PERSON_REQUIRED: Code.FAILED_PRECONDITION,
    ServiceReason.SAME_PERSON: Code.PERMISSION_DENIED,
    ServiceReason.ACTION_MISMATCH: Code.INVALID_ARGUMENT,
    ServiceReason.ACTION_DECIDED: Code.FAILED_PRECONDITION,
    ServiceReason.ACTION_EXPIRED: Code.FAILED_PRECONDITION,
    ServiceReason.TOO_MANY_WATCHERS: Code.RESOURCE_EXHAUSTED,
    ServiceReason.TOO_MANY_ATTEMPTS: Code.RESOURCE_EXHAUSTED,
    ServiceReason.TOO_MANY_TABLES: Code.RESOURCE_EXHAUSTED,
    ServiceReason.OVERLOADED: Code.RESOURCE_EXHAUSTED,
    ServiceReason.RATE_LIMITED: Code.RESOURCE_EXHAUSTED,
    ServiceReason.TOO_MANY_CALLS: Code.RESOURCE_EXHAUSTED,
    ServiceReason.CALL_TIMEOUT: Code.DEADLINE_EXCEEDED,
    ServiceReason.SHUTTING_DOWN: Code.UNAVAILABLE,
    ServiceReason.STORAGE_UNAVAILABLE: Code.UNAVAILABLE,
    ServiceReason.INTERNAL: Code.INTERNAL,
}

RETRY_SECONDS: Final[dict[str, float]] = {
    ServiceReason.OVERLOADED: 1.0,
    ServiceReason.RATE_LIMITED: 1.0,
    ServiceReason.TOO_MANY_CALLS: 1.0,
    ServiceReason.TOO_MANY_WATCHERS: 5.0,
    ServiceReason.DELIVERIES_FULL: 60.0,
    ServiceReason.PUSH_RUNNING: 5.0,
    ServiceReason.STORAGE_UNAVAILABLE: 2.0,
    ServiceReason.SHUTTING_DOWN: 2.0,
}
"""When trying again may help, for the reasons that pass by themselves; an error may say it better."""

_NUMBERS: Final = {code: number for code in Code for number in [code.value[0]]}
_MAX_TEXT: Final = 300
_MAX_VIOLATIONS: Final = 12
"""A status travels in a trailer that clients accept up to 8 KiB; a path may hold what the caller sent."""
_INTERNAL: Final = ServiceError(ServiceReason.INTERNAL, "a fault of the service; it has been logged")


def known(error: BaseException) -> DisclosureError | ServiceError:
    """Return an error that was raised on purpose as it is, and anything else as INTERNAL."""
    if isinstance(error, DisclosureError | ServiceError) and error.reason in CODES:
        return error
    return _INTERNAL


def status_of(error: DisclosureError | ServiceError) -> status_pb2.Status:
    """Return the status of an error, with ErrorInfo and, where a field is named, BadRequest.

    What passes by itself has RetryInfo, and where somebody's share is used up QuotaFailure.
    """
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=error.reason, domain=ERROR_DOMAIN)]
    if violations := _violations(error):
        details.append(error_details_pb2.BadRequest(field_violations=violations))
    details += _hints(error)
    packed = [any_pb2.Any() for _ in details]
    for each, detail in zip(packed, details, strict=True):
        each.Pack(detail)
    code = _NUMBERS[CODES[error.reason]]
    return status_pb2.Status(
        code=code_pb2.Code.Value(code_pb2.Code.Name(code)), message=_short(error.detail), details=packed
    )


def _hints(error: DisclosureError | ServiceError) -> list[Message]:
    """Return when to try again, and whose share is used up, as far as that is known."""
    hints: list[Message] = []
    own = error.retry_seconds if isinstance(error, ServiceError) else None
    seconds = RETRY_SECONDS.get(error.reason) if own is None else own
    if seconds is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(math.ceil(seconds * 1000))
        hints.append(error_details_pb2.RetryInfo(retry_delay=delay))
    if isinstance(error, ServiceError) and error.quota:
        violation = error_details_pb2.QuotaFailure.Violation(
            subject=error.quota, description=_short(error.detail)
        )
        hints.append(error_details_pb2.QuotaFailure(violations=[violation]))
    return hints


def _violations(
    error: DisclosureError | ServiceError,
) -> list[error_details_pb2.BadRequest.FieldViolation]:
    """Return every fault that an error has a place for, as far as there is room in the trailer."""
    listed = error.violations if isinstance(error, DisclosureError) else ()
    told = [(error.field, error.detail)] if error.field else []
    told += [(each.field, each.detail) for each in listed]
    rest = len(told) - _MAX_VIOLATIONS
    if rest > 0:
        told = [*told[: _MAX_VIOLATIONS - 1], (told[_MAX_VIOLATIONS - 1][0], f"and {rest + 1} things more")]
    return [
        error_details_pb2.BadRequest.FieldViolation(
            field=_short(field), description=_short(detail), reason=error.reason
        )
        for field, detail in told
    ]


def _short(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"
