"""What the command asks of the service for administrators: who they are, and what takes two of them."""

import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from google.protobuf.message import Message

from disclosure import LocalizedText, MalformedError, Reason
from disclosure.administration import ActionOpening, action_digest
from disclosure.names import AdministratorName
from tlog import ProofFile
from wire.administration import request_of
from wire.client import Endpoint, call
from wire.convert import moment_of, text_of, text_to
from zkproto.v1 import administration_pb2 as pb
from zkproto.v1.administration_pb2_grpc import AdministrationServiceStub

_PAGE: Final = 100
_STATES: Final = {
    int(pb.Action.State.Value(f"STATE_{each.upper()}")): each
    for each in ("proposed", "approved", "done", "failed", "rejected", "expired")
}


@dataclass(frozen=True)
class ListedAdministrator:
    """An administrator as the service has it."""

    name: str
    display_name: LocalizedText
    active: bool
    created: dt.datetime
    etag: str


@dataclass(frozen=True)
class Record:
    """A step of an action: what its record commits to, and the proof that it stands on the ledger, which is
    not verified here; none in lists."""

    opening: ActionOpening
    proof: ProofFile | None


@dataclass(frozen=True)
class ListedAction:
    """An action as the service has it. `digest` is computed here, of what is shown."""

    name: str
    method: str
    request: bytes
    proposer: str
    decider: str
    state: str
    reason: str
    detail: str
    created: dt.datetime
    expires: dt.datetime
    records: tuple[Record, ...] = field(repr=False)

    @property
    def id(self) -> str:
        """The last part of its name."""
        return self.name.removeprefix("actions/")

    @property
    def digest(self) -> bytes:
        """What an approval carries."""
        return action_digest(self.name, self.proposer, self.method, self.request)

    def message(self) -> Message:
        """Return the request, with nothing in it that its fields do not show; MalformedError MALFORMED."""
        return request_of(self.method, self.request)


class Administration:
    """Over one channel, which leaving the context closes. `token` is an administrator's secret, or where it
    is said a department's token.

    Raises wire.client.ServiceError, MalformedError, tlog.TlogError.
    """

    def __init__(self, endpoint: Endpoint, token: str) -> None:
        self._channel, self._token = endpoint.channel(), token
        self._stub = AdministrationServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def create(
        self, name: AdministratorName, display_name: LocalizedText, hashed: bytes
    ) -> ListedAdministrator:
        """Make an administrator, by the hash of the secret."""
        request = pb.CreateAdministratorRequest(
            administrator_id=name.administrator,
            administrator=pb.Administrator(display_name=text_to(display_name)),
            secret_hash=hashed,
        )
        return _administrator(call(self._stub.CreateAdministrator, request, token=self._token))

    def set_secret(self, name: AdministratorName, hashed: bytes) -> None:
        """Replace an administrator's secret."""
        request = pb.SetAdministratorSecretRequest(name=str(name), secret_hash=hashed)
        call(self._stub.SetAdministratorSecret, request, token=self._token)

    def administrator(self, name: AdministratorName) -> ListedAdministrator:
        """One administrator, also one who was removed."""
        request = pb.GetAdministratorRequest(name=str(name))
        return _administrator(call(self._stub.GetAdministrator, request, token=self._token))

    def rename(self, name: AdministratorName, display_name: LocalizedText, etag: str) -> ListedAdministrator:
        """Change what an administrator is called."""
        changed = pb.Administrator(name=str(name), display_name=text_to(display_name), etag=etag)
        request = pb.UpdateAdministratorRequest(administrator=changed)
        return _administrator(call(self._stub.UpdateAdministrator, request, token=self._token))

    def remove(self, name: AdministratorName) -> None:
        """End an administrator."""
        request = pb.RemoveAdministratorRequest(name=str(name))
        call(self._stub.RemoveAdministrator, request, token=self._token)

    def administrators(self) -> Iterator[ListedAdministrator]:
        """All administrators, those who were removed too; root is none of them."""
        request = pb.ListAdministratorsRequest(page_size=_PAGE)
        while True:
            page = call(self._stub.ListAdministrators, request, token=self._token)
            yield from map(_administrator, page.administrators)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def propose(self, method: str, octets: bytes) -> ListedAction:
        """Propose a method's request; also with a department's token."""
        request = pb.CreateActionRequest(method=method, request=octets, request_id=str(uuid.uuid4()))
        made = _action(call(self._stub.CreateAction, request, token=self._token))
        if (made.method, made.request) != (method, octets):
            raise MalformedError(Reason.MALFORMED, "the service keeps another proposal", field="request")
        return made

    def get(self, name: str) -> ListedAction:
        """One action with the proofs of its steps."""
        return _action(call(self._stub.GetAction, pb.GetActionRequest(name=name), token=self._token))

    def actions(self, *, waiting: bool) -> Iterator[ListedAction]:
        """All actions or those that wait, newest first."""
        request = pb.ListActionsRequest(page_size=_PAGE, waiting=waiting)
        while True:
            page = call(self._stub.ListActions, request, token=self._token)
            yield from map(_action, page.actions)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def approve(self, action: ListedAction) -> ListedAction:
        """Approve exactly this; return it with its outcome."""
        request = pb.ApproveActionRequest(name=action.name, digest=action.digest)
        return _action(call(self._stub.ApproveAction, request, token=self._token))

    def reject(self, name: str) -> ListedAction:
        """Reject an action."""
        return _action(call(self._stub.RejectAction, pb.RejectActionRequest(name=name), token=self._token))


def _administrator(message: pb.Administrator) -> ListedAdministrator:
    return ListedAdministrator(
        message.name,
        text_of(message.display_name),
        message.state == pb.Administrator.STATE_ACTIVE,
        moment_of(message.create_time, field="create_time"),
        message.etag,
    )


def _state(number: int) -> str:
    if number not in _STATES:
        raise MalformedError(Reason.MALFORMED, "an action is in no such state", field="state")
    return _STATES[number]


def _action(message: pb.Action) -> ListedAction:
    records = tuple(
        Record(ActionOpening.from_bytes(each.opening), ProofFile.parse(each.proof) if each.proof else None)
        for each in message.records
    )
    made = ListedAction(
        message.name, message.method, message.request, message.proposer, message.decider,
        _state(message.state), message.reason, message.detail,
        moment_of(message.create_time, field="create_time"),
        moment_of(message.expire_time, field="expire_time"), records,
    )  # fmt: skip
    if made.digest != message.digest:
        raise MalformedError(Reason.MALFORMED, "the digest is not that of what is shown", field="digest")
    return made
