"""AppointmentService: a company appoints agents through the department, and ends what it began by itself.

An appointment is as many applications as its scope has elements, made by the company for the agent's inbox.
Ending it needs nobody's decision: whoever appointed may always take it back, at once.
"""

import datetime as dt
from typing import Any, Final

from sqlalchemy import Connection

from disclosure import MalformedError, Reason, Schema, SchemaName, civil_date
from disclosure.application import AppointmentBody, Scope, ScopeKind, ended_digest
from disclosure.composite.credential import require_composite
from disclosure.event import EventKind
from wire.convert import date_of, each_within, moment_to, values_to
from zkproto.v1 import application_pb2
from zkproto.v1 import appointment_pb2 as pb
from zkproto.v1.appointment_pb2_grpc import AppointmentServiceServicer
from zkservice.context import Context
from zkservice.errors import ServiceError, ServiceReason
from zkservice.events import Happening, receipt
from zkservice.fields import check_request_id, required, resource_id
from zkservice.inbox import addressee_is, ring
from zkservice.listing import listed
from zkservice.logs import logged
from zkservice.moments import whole_ms
from zkservice.offering import department_of
from zkservice.services.applications import STATES, check_grounds, sealed_application
from zkservice.services.offers import RevokeDue
from zkservice.storage import accounts, applications, appointments, items, revocation
from zkservice.storage.applications import Application
from zkservice.storage.appointments import Appointment
from zkservice.storage.events import Event
from zkservice.subjects import SubjectKind

_KINDS: Final = {pb.Scope.KIND_ITEM: ScopeKind.ITEM, pb.Scope.KIND_ERRAND: ScopeKind.ERRAND}
_KIND_NUMBERS: Final = {kind: number for number, kind in _KINDS.items()}


class AppointmentService(AppointmentServiceServicer):
    """Every method is a company's own session's."""

    def __init__(self, context: Context, revoke_due: RevokeDue) -> None:
        self._context, self._revoke_due = context, revoke_due

    async def AppointAgent(self, request: pb.AppointAgentRequest, context: Any) -> Any:
        """Keep an appointment with its applications and its event; on the ledger when answered."""
        company = await self._company(context)
        request_id = check_request_id(request.request_id)
        check_grounds(request.grounds)
        subject = await addressee_is(self._context, request.company, company, field="company")
        if subject.kind is not SubjectKind.COMPANY:
            detail = "only a company appoints who acts for it"
            raise ServiceError(ServiceReason.SUBJECT_MISMATCH, detail, field="company.kind")
        body = _body(request)
        schema = (await self._context.directories.load([body.schema])).schema(body.schema)
        require_composite(schema)
        values = [_values(body, subject.number, scope) for scope in body.scopes]
        for each in values:
            schema.check_values(each)
        if body.until < civil_date(self._context.now()):
            raise MalformedError(Reason.VALUE_INVALID, "the last day is over", field="until")
        happening = Happening.of(
            self._context,
            EventKind.APPOINTED,
            body.agent,
            body.digest,
            f"{company}/appointments",
            request_id,
            request.holder_note,
        )
        made, parts = self._made(request, schema, values, company, body.until)

        def keep(connection: Connection) -> tuple[Event, Appointment]:
            earlier = happening.earlier(connection)
            if earlier is not None:
                return earlier, appointments.of_request(connection, company, request_id)
            self._check(connection, body)
            appointments.add(connection, made, parts)
            return happening.keep(connection, self._context), made

        event, kept = await self._context.database.write(keep)
        _, file = await receipt(self._context, event)
        return pb.AppointAgentResponse(appointment=f"appointments/{kept.id}", receipt=file)

    def _check(self, connection: Connection, body: AppointmentBody) -> None:
        """Raise ServiceError HOLDER_UNKNOWN; ITEM_NOT_APPLICABLE, ITEM_DEPRECATED; ACCUMULATOR_MISSING where
        nothing could be ended.
        """
        items.check_applicable(connection, body.schema)
        if accounts.public_key(connection, body.agent) is None:
            detail = "there is no such account; nothing was kept"
            raise ServiceError(ServiceReason.HOLDER_UNKNOWN, detail, field="agent")
        department = department_of(body.schema)
        if not revocation.of_department(connection, department, 1):
            detail = f"{department} has no accumulator, and the appointment could not be ended"
            raise ServiceError(ServiceReason.ACCUMULATOR_MISSING, detail, field="schema")

    def _made(
        self,
        request: pb.AppointAgentRequest,
        schema: Schema,
        values: list[dict[str, Any]],
        company: str,
        until: dt.date,
    ) -> tuple[Appointment, list[Application]]:
        now = whole_ms(self._context.now())
        identifier = applications.new_id(now)
        elements = [pb.Appointment.Element(scope=each) for each in request.scopes]
        said = pb.Appointment(elements=elements, until=request.until)
        sealed = self._context.keys.seal(_label(identifier), said.SerializeToString())
        made = Appointment(identifier, company, request.agent, request.request_id, sealed, until, now)
        parts = [
            sealed_application(
                self._context,
                application_pb2.Application(
                    applicant=request.company,
                    grounds=request.grounds,
                    values=values_to(schema, each.items()),
                ),
                schema.name,
                company,
                request.agent,
                request.request_id,
                place,
            )
            for place, each in enumerate(values)
        ]
        return made, parts

    async def ListAppointments(self, request: pb.ListAppointmentsRequest, context: Any) -> Any:
        """A page of the company's appointments."""
        company = await self._company(context)
        found = dict[str, list[Application]]()

        def read(connection: Connection, after: str, limit: int) -> list[Appointment]:
            page = appointments.of_company(connection, company, after.removeprefix("appointments/"), limit)
            found.update(appointments.parts(connection, [each.id for each in page]))
            return list(page)

        page, token = await listed(
            self._context,
            request,
            f"appointments of {company}",
            read,
            lambda each: self._appointment_to(each, found[each.id]),
        )
        return pb.ListAppointmentsResponse(appointments=page, next_page_token=token)

    async def EndAppointment(self, request: pb.EndAppointmentRequest, context: Any) -> Any:
        """End an appointment; what could not be revoked before the answer is within a minute."""
        company = await self._company(context)
        request_id = check_request_id(request.request_id)
        identifier = resource_id(request.name, "appointments", field="name")
        stored = await self._context.database.read(lambda each: appointments.get(each, identifier, company))
        happening = Happening.of(
            self._context,
            EventKind.APPOINTMENT_ENDED,
            stored.agent,
            ended_digest(request.name),
            f"{company}/appointments",
            request_id,
            request.holder_note,
        )

        def keep(connection: Connection) -> Event:
            earlier = happening.earlier(connection)
            if earlier is not None:
                return earlier
            appointments.end(connection, stored, self._context.now())
            return happening.keep(connection, self._context)

        event = await self._context.database.write(keep)
        ring(self._context, stored.agent)
        with logged("could not revoke what an appointment gave"):
            await self._revoke_due()
        _, file = await receipt(self._context, event)
        return pb.EndAppointmentResponse(receipt=file)

    def _appointment_to(self, stored: Appointment, parts: list[Application]) -> pb.Appointment:
        octets = self._context.keys.open(_label(stored.id), stored.sealed)
        message = pb.Appointment.FromString(octets)
        for element, part in zip(message.elements, parts, strict=True):
            element.state = STATES[part.state]
        message.name, message.agent = f"appointments/{stored.id}", stored.agent
        message.create_time.CopyFrom(moment_to(stored.created))
        if stored.ended is not None:
            message.end_time.CopyFrom(moment_to(stored.ended))
        return message

    async def _company(self, context: Any) -> str:
        return await self._context.access.party(context, "accounts")


def _body(request: pb.AppointAgentRequest) -> AppointmentBody:
    """Decode what is appointed; MalformedError, ServiceError FIELD_MISSING, FIELD_INVALID."""
    resource_id(request.agent, "accounts", field="agent")
    required(request.HasField("until"), "until")
    return AppointmentBody(
        schema=SchemaName.parse(request.schema, field="schema"),
        agent=request.agent,
        agent_commit=request.agent_commit,
        scopes=each_within("scopes", request.scopes, _scope),
        until=date_of(request.until, field="until"),
        grounds=request.grounds,
        nonce=request.nonce,
    )


def _scope(message: pb.Scope) -> Scope:
    if message.kind not in _KINDS:
        raise MalformedError(Reason.VALUE_INVALID, "a scope is an item or an errand", field="kind")
    return Scope(_KINDS[message.kind], message.scope)


def _values(body: AppointmentBody, company: str, scope: Scope) -> dict[str, Any]:
    return {
        "id_commit": body.agent_commit,
        "uscc": company,
        "scope_kind": scope.kind.value,
        "scope": scope.scope,
        "until": body.until,
    }


def _label(identifier: str) -> str:
    return f"appointment/{identifier}"
