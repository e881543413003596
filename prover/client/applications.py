"""What a vault applies for and, of a company's, whom it appoints: events, sent as the vault stores them."""

import datetime as dt
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import grpc

import tlog
from disclosure import LocalizedText, MalformedError, Reason, Schema, SchemaName, Value
from disclosure.application import (
    NONCE_OCTETS,
    ApplicationBody,
    AppointmentBody,
    Scope,
    ScopeKind,
    ended_digest,
)
from disclosure.event import EventKind
from disclosure.names import DepartmentName
from prover.accounts import Account
from prover.client import events, sessions
from prover.client.account import PAGE, subject_to
from prover.client.calls import Way, checked, raised
from prover.client.events import outgoing
from prover.errors import ContentError, VaultReason
from prover.events import Call, Event
from prover.notes import EventNote
from prover.vault import Vault, utc_now
from wire.client import Endpoint, call
from wire.convert import date_of, date_to, moment_of, text_of, values_to
from wire.sessions import Session
from zkproto.v1 import application_pb2, application_pb2_grpc, appointment_pb2, appointment_pb2_grpc

_SCOPES: Final = {
    ScopeKind.ITEM: appointment_pb2.Scope.KIND_ITEM,
    ScopeKind.ERRAND: appointment_pb2.Scope.KIND_ERRAND,
}
_SCOPE_KINDS: Final = {number: kind for kind, number in _SCOPES.items()}
_MAX_TITLE: Final = 60


class State(StrEnum):
    """How far an application is."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"
    CANCELLED = "cancelled"


_STATES: Final = {
    application_pb2.Application.STATE_OPEN: State.OPEN,
    application_pb2.Application.STATE_APPROVED: State.APPROVED,
    application_pb2.Application.STATE_REFUSED: State.REFUSED,
    application_pb2.Application.STATE_CANCELLED: State.CANCELLED,
}


@dataclass(frozen=True)
class Applied:
    """An application of the vault's account: how far it is, why it was refused, the offer it has come to."""

    name: str
    schema: SchemaName
    state: State
    created: dt.datetime
    reason: LocalizedText | None
    offer: str


@dataclass(frozen=True)
class AgentCode:
    """What an agent shows to the company: its account, and the commitment in its identity credential."""

    account: str
    commit: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"{self.account}#{self.commit.hex()}"

    @classmethod
    def parse(cls, text: str) -> "AgentCode":
        """Read one; ValueError."""
        account, _, commit = text.strip().partition("#")
        if not account.startswith("accounts/") or len(commit) != 64:
            raise ValueError("an agent's code is accounts/...#...")
        return cls(account, bytes.fromhex(commit))


@dataclass(frozen=True)
class Appointed:
    """An appointment that the company has made: the elements of its scope with how far each is."""

    name: str
    agent: str
    scopes: Sequence[tuple[Scope, State]]
    until: dt.date
    ended: dt.datetime | None


class ApplicationClient:
    """Applies and appoints in the name of a vault's account. Errors as of AccountClient."""

    def __init__(self, endpoint: Endpoint, *, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._way = Way(endpoint, clock)

    def apply(
        self,
        schema: Schema,
        grounds: str,
        vault: Vault,
        log: tlog.Verifier,
        *,
        values: Mapping[str, Value] | None = None,
        company: str = "",
    ) -> Event:
        """Apply for an item, of one's own or, as an agent, of a company's, by its number.

        The event is stored before it is sent; `HolderClient.resume` sends what could not be. Raises
        MalformedError VALUE_INVALID; ServiceError if the service refuses.
        """
        account = vault.accounts.at(self._way.endpoint.server)
        given = dict(values or {})
        body = ApplicationBody(schema.name, company, grounds, given, secrets.token_bytes(NONCE_OCTETS))
        department = str(DepartmentName(schema.name.department))
        title = _titled("申请", "Applied for", schema.display_name)
        note = EventNote(EventKind.APPLIED, department, title, body.digest, self._way.clock())

        def make(request_id: str, sealed: bytes) -> Call:
            message = application_pb2.ApplyRequest(
                schema=str(schema.name),
                applicant=subject_to(account.kind, account.number),
                grounds=grounds,
                values=values_to(schema, given.items()),
                nonce=body.nonce,
                request_id=request_id,
                holder_note=sealed,
            )
            if company:
                message.on_behalf.CopyFrom(subject_to("company", company))
            return outgoing("ApplicationService", "Apply", message, account.name)

        return self._sent(vault, note, make, log)

    def applications(self, vault: Vault, log: tlog.Verifier) -> list[Applied]:
        """Return all that the account has applied for, oldest first."""

        def read(channel: grpc.Channel, session: Session, token: str) -> Any:
            asked = application_pb2.ListMyApplicationsRequest(page_size=PAGE, page_token=token)
            stub = application_pb2_grpc.ApplicationServiceStub(channel)
            return session.call(stub.ListMyApplications, asked)

        return [_applied(each) for page in self._pages(vault, log, read) for each in page.applications]

    def cancel(self, application: str, vault: Vault, log: tlog.Verifier) -> None:
        """Take an open application back; ServiceError APPLICATION_DECIDED, NOT_FOUND."""
        account = vault.accounts.at(self._way.endpoint.server)
        with self._way.channel() as channel:
            session = sessions.opened(self._way, channel, vault, account.name, log)
            asked = application_pb2.CancelApplicationRequest(name=application)
            stub = application_pb2_grpc.ApplicationServiceStub(channel)
            call(stub.CancelApplication, asked, token=session)

    def appoint(
        self,
        schema: SchemaName,
        agent: AgentCode,
        scopes: Sequence[Scope],
        until: dt.date,
        grounds: str,
        vault: Vault,
        log: tlog.Verifier,
    ) -> Event:
        """Appoint an agent, as the company whose vault it is; each scope becomes an application of its own.

        Raises MalformedError VALUE_INVALID; ServiceError if the service refuses.
        """
        account = vault.accounts.at(self._way.endpoint.server)
        nonce = secrets.token_bytes(NONCE_OCTETS)
        body = AppointmentBody(schema, agent.account, agent.commit, tuple(scopes), until, grounds, nonce)
        title = LocalizedText("委托经办人", "Agent appointed")
        note = EventNote(EventKind.APPOINTED, agent.account, title, body.digest, self._way.clock())

        def make(request_id: str, sealed: bytes) -> Call:
            message = appointment_pb2.AppointAgentRequest(
                schema=str(schema),
                company=subject_to(account.kind, account.number),
                agent=agent.account,
                agent_commit=agent.commit,
                scopes=[
                    appointment_pb2.Scope(kind=_SCOPES[each.kind], scope=each.scope) for each in body.scopes
                ],
                until=date_to(until),
                grounds=grounds,
                nonce=nonce,
                request_id=request_id,
                holder_note=sealed,
            )
            return outgoing("AppointmentService", "AppointAgent", message, account.name)

        return self._sent(vault, note, make, log)

    def appointments(self, vault: Vault, log: tlog.Verifier) -> list[Appointed]:
        """Return the appointments that the company has made, oldest first."""

        def read(channel: grpc.Channel, session: Session, token: str) -> Any:
            asked = appointment_pb2.ListAppointmentsRequest(page_size=PAGE, page_token=token)
            stub = appointment_pb2_grpc.AppointmentServiceStub(channel)
            return session.call(stub.ListAppointments, asked)

        return [_appointed(each) for page in self._pages(vault, log, read) for each in page.appointments]

    def end(self, appointment: Appointed, vault: Vault, log: tlog.Verifier) -> Event:
        """End an appointment: what the agent shows afterwards is refused. ServiceError APPOINTMENT_ENDED."""
        account = vault.accounts.at(self._way.endpoint.server)
        title = LocalizedText("终止委托", "Appointment ended")
        digest = ended_digest(appointment.name)
        note = EventNote(EventKind.APPOINTMENT_ENDED, appointment.agent, title, digest, self._way.clock())

        def make(request_id: str, sealed: bytes) -> Call:
            message = appointment_pb2.EndAppointmentRequest(
                name=appointment.name, request_id=request_id, holder_note=sealed
            )
            return outgoing("AppointmentService", "EndAppointment", message, account.name)

        return self._sent(vault, note, make, log)

    def _sent(
        self, vault: Vault, note: EventNote, make: Callable[[str, bytes], Call], log: tlog.Verifier
    ) -> Event:
        event = vault.begin_event(self._way.endpoint.server, note, make)
        with raised():
            return events.send(self._way, vault, event, log)

    def _pages(
        self, vault: Vault, log: tlog.Verifier, read: Callable[[grpc.Channel, Session, str], Any]
    ) -> list[Any]:
        account: Account = vault.accounts.at(self._way.endpoint.server)
        with self._way.channel() as channel:
            session = sessions.session(self._way, channel, vault, account.name, log)
            pages = [read(channel, session, "")]
            while pages[-1].next_page_token:
                pages.append(read(channel, session, pages[-1].next_page_token))
        return pages


def agent_code(vault: Vault, server: str, identity: str) -> AgentCode:
    """Return what the vault's owner shows to be appointed: by the identity credential of this item.

    Raises ContentError ACCOUNT_NOT_FOUND, CREDENTIAL_NOT_FOUND.
    """
    account = vault.accounts.at(server)
    for each in vault.composite.credentials():
        commit = each.credential.values.get("id_commit")
        if each.schema.name.item == identity and isinstance(commit, bytes):
            return AgentCode(account.name, commit)
    detail = f"the vault has no credential of {identity} with a commitment to its owner's number"
    raise ContentError(VaultReason.CREDENTIAL_NOT_FOUND, detail)


def _titled(zh: str, en: str, name: LocalizedText) -> LocalizedText:
    return LocalizedText(f"{zh}{name.zh[:_MAX_TITLE]}", f"{en} {name.en[:_MAX_TITLE]}")


def _state(number: application_pb2.Application.State.ValueType) -> State:
    if number not in _STATES:
        raise MalformedError(Reason.MALFORMED, "the application is in no state", field="state")
    return _STATES[number]


def _scope(message: appointment_pb2.Scope) -> Scope:
    if message.kind not in _SCOPE_KINDS:
        raise MalformedError(Reason.MALFORMED, "the scope is of no kind", field="scope.kind")
    return Scope(_SCOPE_KINDS[message.kind], message.scope)


def _applied(message: application_pb2.Application) -> Applied:
    with checked():
        return Applied(
            message.name,
            SchemaName.parse(message.schema),
            _state(message.state),
            moment_of(message.create_time, field="create_time"),
            text_of(message.reason) if message.HasField("reason") else None,
            message.offer,
        )


def _appointed(message: appointment_pb2.Appointment) -> Appointed:
    with checked():
        scopes = [(_scope(each.scope), _state(each.state)) for each in message.elements]
        ended = moment_of(message.end_time, field="end_time") if message.HasField("end_time") else None
        return Appointed(message.name, message.agent, scopes, date_of(message.until, field="until"), ended)
