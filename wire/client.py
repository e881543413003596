"""Channels to the service, and its statuses as one typed error.

A channel is TLS under a given root, or the system's roots when none is given. Holders open a channel for each
use
and close it after: nothing at the transport links two uses.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

MAX_MESSAGE_OCTETS: Final = 4 << 20
DEFAULT_TIMEOUT: Final = dt.timedelta(seconds=20)
ERROR_DOMAIN: Final = "zk-disclosure"
_OF_ALL: Final = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.CANCELLED}
_CODES: Final = {code: each for each in grpc.StatusCode for code in [each.value[0]]}

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class FieldViolation:
    """What is wrong at which path of the message."""

    field: str
    description: str


class ServiceError(Exception):
    """A call that the service, or the way to it, refused: status code, stable reason, sentence, fields."""

    def __init__(
        self, code: grpc.StatusCode, reason: str, detail: str, violations: tuple[FieldViolation, ...] = ()
    ) -> None:
        super().__init__(code, reason, detail)
        self.code, self.reason, self.detail, self.violations = code, reason, detail, violations

    @property
    def is_of_all(self) -> bool:
        """Whether it says nothing of what was asked: a call about something else would fare alike."""
        return self.code in _OF_ALL

    def __str__(self) -> str:
        return f"{self.code.name} {self.reason}: {self.detail}"


def service_error(error: grpc.RpcError) -> ServiceError:
    """Turn a failed call into a ServiceError; where the service gave no reason, the code is the reason."""
    call = cast(grpc.Call, error)
    try:
        status = rpc_status.from_call(call)
    except (ValueError, DecodeError):
        status = None
    return _told(call.code(), call.details() or "", status.details if status else ())


def refusal(status: status_pb2.Status) -> ServiceError:
    """Turn the status of one member of a call into a ServiceError; a code that there is not is UNKNOWN."""
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    return _told(code, status.message, status.details)


def _told(code: grpc.StatusCode, detail: str, details: Iterable[any_pb2.Any]) -> ServiceError:
    reason, violations = code.name, list[FieldViolation]()
    for packed in details:
        info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        with suppress(DecodeError):  # what cannot be read says nothing
            if packed.Unpack(info):
                reason = info.reason
            elif packed.Unpack(bad_request):
                violations += [
                    FieldViolation(each.field, each.description) for each in bad_request.field_violations
                ]
    return ServiceError(code, reason, detail, tuple(violations))


@dataclass(frozen=True)
class Endpoint:
    """Where the service is: `host:port`, and the PEM root that signs its certificate.

    `interceptor` stands before every call of one message and one answer.
    """

    server: str
    root_certificate: bytes | None = field(default=None, repr=False)
    interceptor: grpc.UnaryUnaryClientInterceptor | None = field(default=None, repr=False, compare=False)

    @classmethod
    def at(cls, server: str, root: Path | None = None) -> "Endpoint":
        """Read the root from a file."""
        return cls(server, root.read_bytes() if root else None)

    def channel(self) -> grpc.Channel:
        """Open a channel of its own connection; the caller closes it."""
        credentials = grpc.ssl_channel_credentials(root_certificates=self.root_certificate)
        options = [
            ("grpc.max_receive_message_length", MAX_MESSAGE_OCTETS),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        channel = grpc.secure_channel(self.server, credentials, options=options)
        return channel if self.interceptor is None else grpc.intercept_channel(channel, self.interceptor)


def call(
    method: Callable[..., Answer],
    request: Any,
    *,
    token: str | None = None,
    timeout: dt.timedelta | None = DEFAULT_TIMEOUT,
) -> Answer:
    """Call a method of a stub, with a deadline and a bearer token; raises ServiceError."""
    try:
        return method(request, **_options(token, timeout))
    except grpc.RpcError as error:
        raise service_error(error) from None


def calls(method: Any, requests: Iterable[Any]) -> list[Any]:
    """Call a method of a stub with several requests at once; the answers in their order; ServiceError."""
    pending = [method.future(each, **_options(None, DEFAULT_TIMEOUT)) for each in requests]
    try:
        return [each.result() for each in pending]
    except grpc.RpcError as error:
        raise service_error(error) from None
    finally:
        for each in pending:
            each.cancel()


def stream(
    method: Callable[..., Iterator[Answer]],
    request: Any,
    *,
    token: str | None = None,
    timeout: dt.timedelta | None = None,
) -> Iterator[Answer]:
    """Call a streaming method of a stub; raises ServiceError while it is iterated over."""
    answers = method(request, **_options(token, timeout))
    try:
        yield from answers
    except grpc.RpcError as error:
        raise service_error(error) from None
    finally:
        cast(grpc.Call, answers).cancel()  # an iteration given up must not keep the stream open


def _options(token: str | None, timeout: dt.timedelta | None) -> dict[str, Any]:
    return {
        "metadata": (("authorization", f"Bearer {token}"),) if token else (),
        "timeout": timeout.total_seconds() if timeout else None,
    }
