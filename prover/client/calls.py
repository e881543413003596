"""The way to one service, and what its answers and refusals mean for what the vault has stored.

Every operation opens a channel of its own and closes it, so that nothing at the transport links two uses.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import grpc

import bbs
import tlog
from disclosure import DisclosureError, LocalizedText, MalformedError, VerifierName
from disclosure.names import DepartmentName
from disclosure.registry import verifier_entry
from prover.errors import ClientError, VaultError, VaultReason
from wire import convert
from wire.client import Endpoint, ServiceError, call
from wire.kept import Kept
from wire.published import Reader
from zkproto.v1 import catalog_pb2, catalog_pb2_grpc

_FINAL: Final = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.OUT_OF_RANGE,
}
"""What the service says of what was sent. Everything else says nothing of it: send the same again later."""


@dataclass(frozen=True)
class Way:
    """Where the service is, and the time. What is public and never changes is read once."""

    endpoint: Endpoint
    clock: Callable[[], dt.datetime]
    kept: Kept = field(default_factory=Kept, repr=False)

    @contextmanager
    def channel(self) -> Iterator[grpc.Channel]:
        """Open a channel for one operation."""
        channel = self.endpoint.channel()
        try:
            yield channel
        finally:
            channel.close()

    @contextmanager
    def kept_open(self) -> Iterator["Way"]:
        """Give a way that opens no more than this one channel, for the steps of one exchange.

        Fetching a request and answering it name the same exchange, so one connection links nothing that is
        not linked. What depends on what a vault holds does not go over it.
        """
        with self.channel() as channel:
            yield _OneChannel(self.endpoint, self.clock, self.kept, channel)

    @property
    def apart(self) -> "Way":
        """The way for what is not to be linked with the exchange: each time a channel of its own."""
        return self

    def reader(self, channel: grpc.Channel, log: tlog.Verifier) -> Reader:
        """Return a reader of what is published."""
        return Reader(channel, log, self.kept)

    def check_server(self, server: str) -> None:
        """Raise ClientError LINK_ELSEWHERE for a link whose secrets are another service's."""
        if server != self.endpoint.server:
            detail = f"the link leads to {server}, this client goes to {self.endpoint.server}"
            raise ClientError(VaultReason.LINK_ELSEWHERE, detail)


@dataclass(frozen=True)
class _OneChannel(Way):
    """The way of one exchange, over a channel that somebody else closes."""

    one: grpc.Channel | None = field(default=None, repr=False)

    @contextmanager
    def channel(self) -> Iterator[grpc.Channel]:
        if self.one is not None:
            yield self.one

    @property
    def apart(self) -> Way:
        return Way(self.endpoint, self.clock, self.kept)


def verifier_of(channel: grpc.Channel, name: VerifierName, log: tlog.Verifier) -> catalog_pb2.Verifier:
    """Return a registered verifier, whose key stands on the ledger; ClientError ANSWER_INVALID for another.

    Else whoever runs the service could ask in any verifier's name. Raises tlog.TlogError.
    """
    message = catalog_pb2.GetVerifierRequest(name=str(name))
    verifier = call(catalog_pb2_grpc.CatalogServiceStub(channel).GetVerifier, message)
    return logged_verifier(verifier, name, log)


def logged_verifier(
    verifier: catalog_pb2.Verifier, name: VerifierName, log: tlog.Verifier
) -> catalog_pb2.Verifier:
    """Return what the service says of a verifier, as `verifier_of` does, which it may do unasked."""
    if verifier.name != str(name):
        raise ClientError(VaultReason.ANSWER_INVALID, "the service answered with another verifier")
    tlog.ProofFile.parse(verifier.proof).verify(verifier_entry(name, verifier.public_key), log)
    return verifier


def department_name_of(channel: grpc.Channel, name: DepartmentName) -> LocalizedText:
    """Return a department's name for people."""
    message = catalog_pb2.GetDepartmentRequest(name=str(name))
    department = call(catalog_pb2_grpc.CatalogServiceStub(channel).GetDepartment, message)
    if department.name != str(name):
        raise ClientError(VaultReason.ANSWER_INVALID, "the service answered with another department")
    return convert.text_of(department.display_name)


class FinalError(Exception):
    """Carries a refusal for good, after the vault has written it down."""

    def __init__(self, error: ServiceError) -> None:
        super().__init__(error.reason)
        self.error = error


@contextmanager
def final(
    write_down: Callable[[str], object], ends: Callable[[str], bool] = lambda _: True
) -> Iterator[None]:
    """Have a refusal for good written down, if its reason ends it, and raise FinalError; the rest passes."""
    try:
        yield
    except ServiceError as error:
        if error.code not in _FINAL:
            raise
        if ends(error.reason):
            write_down(error.reason)
        raise FinalError(error) from None


@contextmanager
def raised() -> Iterator[None]:
    """Raise the refusal itself once it was written down."""
    try:
        yield
    except FinalError as error:
        raise error.error from None


@contextmanager
def apart(failures: list[Exception]) -> Iterator[None]:
    """Let one item's failure not stop the others, unless the service cannot be reached."""
    try:
        yield
    except FinalError:
        pass
    except ServiceError as error:
        if error.is_of_all:
            raise
        failures.append(error)
    except (DisclosureError, tlog.TlogError, VaultError) as error:
        failures.append(error)


@contextmanager
def checked() -> Iterator[None]:
    """Name an answer that cannot be decoded as what it is: one that no honest service gives."""
    try:
        yield
    except (MalformedError, bbs.DecodingError) as error:
        detail = f"the service's answer is malformed: {error}"
        raise ClientError(VaultReason.ANSWER_INVALID, detail) from None
