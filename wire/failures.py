"""What a failed call is: one tree of exceptions, with the service's reason, its hint when to return, places.

The kind follows from the status code alone, so an `except` clause names what the caller can do about it: come
again later (UnavailableError, ExhaustedError), repair what was sent (InvalidError), ask somebody for a right
(UnauthenticatedError, DeniedError), look again at how things stand (NotFoundError, ExistsError,
PreconditionError). The reason is the service's own word, stable, and says which case of these it is.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, cast

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

_Code = grpc.StatusCode
UNTRUSTED: Final = ("CERTIFICATE_VERIFY_FAILED", "peer certificate", "Hostname Verification")
"""What gRPC says where a server answered whose certificate is not to be believed."""
_OF_ALL: Final = {_Code.UNAVAILABLE, _Code.UNAUTHENTICATED, _Code.CANCELLED}
_DETAILS: Final = "grpc-status-details-bin"
_CODES: Final = {code: each for each in _Code for code in [each.value[0]]}


@dataclass(frozen=True)
class FieldViolation:
    """What is wrong at which path of the message."""

    field: str
    description: str


class ServiceError(Exception):
    """A call that the service, or the way to it, refused: status code, stable reason, sentence, fields.

    `retry_after` is how many seconds the service wants to be left alone, if it said so (RetryInfo).
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        detail: str,
        violations: tuple[FieldViolation, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(code, reason, detail)
        self.code, self.reason, self.detail, self.violations = code, reason, detail, violations
        self.retry_after = retry_after

    @property
    def is_of_all(self) -> bool:
        """Whether it says nothing of what was asked: a call about something else would fare alike."""
        return self.code in _OF_ALL

    def __str__(self) -> str:
        return f"{self.code.name} {self.reason}: {self.detail}"


class UnavailableError(ServiceError):
    """UNAVAILABLE: the service is not reached, or cannot do anything just now."""


class ExhaustedError(ServiceError):
    """RESOURCE_EXHAUSTED: too much at once, by this caller or by all; `retry_after` may say when."""


class TimeoutExceededError(ServiceError):
    """DEADLINE_EXCEEDED: no answer in time. What was asked may have happened."""


class CallCancelledError(ServiceError):
    """CANCELLED: the call was given up, here or there. What was asked may have happened."""


class InvalidError(ServiceError):
    """INVALID_ARGUMENT, OUT_OF_RANGE: what was sent is wrong by itself; `violations` says where."""


class UnauthenticatedError(ServiceError):
    """UNAUTHENTICATED: nobody known has sent it."""


class DeniedError(ServiceError):
    """PERMISSION_DENIED: whoever has sent it may not."""


class NotFoundError(ServiceError):
    """NOT_FOUND: there is no such thing."""


class ExistsError(ServiceError):
    """ALREADY_EXISTS: there is another such thing, or it was done before."""


class PreconditionError(ServiceError):
    """FAILED_PRECONDITION, ABORTED: not as things stand; the reason says what would have to be otherwise."""


class FaultError(ServiceError):
    """INTERNAL, UNKNOWN, DATA_LOSS, UNIMPLEMENTED: a fault of the service, or another service."""


_KINDS: Final[dict[grpc.StatusCode, type[ServiceError]]] = {
    _Code.UNAVAILABLE: UnavailableError,
    _Code.RESOURCE_EXHAUSTED: ExhaustedError,
    _Code.DEADLINE_EXCEEDED: TimeoutExceededError,
    _Code.CANCELLED: CallCancelledError,
    _Code.INVALID_ARGUMENT: InvalidError,
    _Code.OUT_OF_RANGE: InvalidError,
    _Code.UNAUTHENTICATED: UnauthenticatedError,
    _Code.PERMISSION_DENIED: DeniedError,
    _Code.NOT_FOUND: NotFoundError,
    _Code.ALREADY_EXISTS: ExistsError,
    _Code.FAILED_PRECONDITION: PreconditionError,
    _Code.ABORTED: PreconditionError,
}


def service_error(error: grpc.RpcError) -> ServiceError:
    """Turn a failed call into a ServiceError; where the service gave no reason, the code is the reason."""
    call = cast(grpc.Call, error)
    try:
        status = rpc_status.from_call(call)
    except (ValueError, DecodeError):
        status = None
    return _told(call.code(), call.details() or "", status.details if status else ())


async def service_error_aio(call: Any) -> ServiceError:
    """Return the ServiceError of an asynchronous call that has failed, whatever its kind."""
    metadata = await call.trailing_metadata() or ()
    found = next((value for name, value in metadata if name == _DETAILS), b"")
    try:
        details: Iterable[any_pb2.Any] = status_pb2.Status.FromString(found).details
    except DecodeError:
        details = ()
    return _told(await call.code(), await call.details() or "", details)


def refusal(status: status_pb2.Status) -> ServiceError:
    """Turn the status of one member of a call into a ServiceError; a code that there is not is UNKNOWN."""
    code = _CODES.get(status.code, _Code.UNKNOWN)
    return _told(code, status.message, status.details)


def failure(code: grpc.StatusCode, detail: str) -> ServiceError:
    """Return the error of a call that never left this side."""
    return _told(code, detail, ())


def _told(code: grpc.StatusCode, detail: str, details: Iterable[any_pb2.Any]) -> ServiceError:
    reason, violations, after = code.name, list[FieldViolation](), None
    for packed in details:
        info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        hint = error_details_pb2.RetryInfo()
        with suppress(DecodeError):  # what cannot be read says nothing
            if packed.Unpack(info):
                reason = info.reason
            elif packed.Unpack(hint):
                after = max(0.0, hint.retry_delay.seconds + hint.retry_delay.nanos / 1e9)
            elif packed.Unpack(bad_request):
                violations += [
                    FieldViolation(each.field, each.description) for each in bad_request.field_violations
                ]
    return _KINDS.get(code, FaultError)(code, reason, detail, tuple(violations), after)
