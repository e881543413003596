"""ApplicationService: a holder asks, a department decides, and what was said is forgotten.

What an application says is sealed while it waits. Who applies is the holder's word, compared with whose
account it is; that an agent may act for a company is proven when the offer is claimed.
"""

from typing import Any, Final

from sqlalchemy import Connection

from disclosure import LocalizedText, MalformedError, Reason, SchemaName, canonical
from disclosure.application import ApplicationBody
from disclosure.event import EventKind
from wire.convert import moment_to, present_values_of, text_of, text_to, within
from zkproto.v1 import application_pb2 as pb
from zkproto.v1 import issuance_pb2
from zkproto.v1.application_pb2_grpc import ApplicationServiceServicer
from zkservice.context import Context
from zkservice.errors import ServiceError, ServiceReason
from zkservice.events import Happening, receipt
from zkservice.fields import check_request_id, placed, required, resource_id
from zkservice.inbox import addressee_is, ring
from zkservice.listing import listed
from zkservice.moments import whole_ms
from zkservice.offering import Required, department_of
from zkservice.services.offers import Also, Offers, RevokeDue
from zkservice.storage import applications, items
from zkservice.storage.applications import Application
from zkservice.storage.events import Event
from zkservice.storage.issuance import Offer
from zkservice.subjects import SubjectKind, subject_of

_DECISION_LABEL: Final = "zk-disclosure/application-decision/v1"
_REASON_LABEL: Final = "zk-disclosure/application-reason/v1"
STATES: Final = {
    "open": pb.Application.STATE_OPEN,
    "approved": pb.Application.STATE_APPROVED,
    "refused": pb.Application.STATE_REFUSED,
    "cancelled": pb.Application.STATE_CANCELLED,
}


class ApplicationService(ApplicationServiceServicer):
    """Applies in the name of sessions, decides with departments' tokens."""

    def __init__(self, context: Context, revoke_due: RevokeDue) -> None:
        self._context, self._offers = context, Offers(context, revoke_due)

    async def Apply(self, request: pb.ApplyRequest, context: Any) -> Any:
        """Keep an application with its event; on the ledger when answered."""
        account = await self._account(context)
        request_id = check_request_id(request.request_id)
        check_grounds(request.grounds)
        await addressee_is(self._context, request.applicant, account, field="applicant")
        body = await self._body(request)
        happening = Happening.of(
            self._context,
            EventKind.APPLIED,
            department_of(body.schema),
            body.digest,
            f"{account}/applications",
            request_id,
            request.holder_note,
        )
        made = self._application(request, body.schema, account, request_id)

        def keep(connection: Connection) -> tuple[Event, Application]:
            earlier = happening.earlier(connection)
            if earlier is not None:
                return earlier, applications.of_request(connection, account, request_id)[0]
            items.check_applicable(connection, body.schema)
            applications.add(connection, [made])
            return happening.keep(connection, self._context), made

        event, kept = await self._context.database.write(keep)
        _, file = await receipt(self._context, event)
        return pb.ApplyResponse(application=f"applications/{kept.id}", receipt=file)

    async def _body(self, request: pb.ApplyRequest) -> ApplicationBody:
        name = SchemaName.parse(request.schema, field="schema")
        schema = (await self._context.directories.load([name])).schema(name)
        values = present_values_of(request.values)
        with within("values"):
            Required.of(schema, values)
        company = ""
        if request.HasField("on_behalf"):
            subject = subject_of(request.on_behalf, field="on_behalf")
            if subject.kind is not SubjectKind.COMPANY:
                detail = "who acts for another acts for a company"
                raise MalformedError(Reason.VALUE_INVALID, detail, field="on_behalf.kind")
            company = subject.number
        return ApplicationBody(name, company, request.grounds, values, request.nonce)

    def _application(
        self, request: pb.ApplyRequest, schema: SchemaName, account: str, request_id: str
    ) -> Application:
        said = pb.Application(applicant=request.applicant, grounds=request.grounds, values=request.values)
        if request.HasField("on_behalf"):
            said.on_behalf.CopyFrom(request.on_behalf)
        return sealed_application(self._context, said, schema, account, account, request_id, 0)

    async def ListMyApplications(self, request: pb.ListMyApplicationsRequest, context: Any) -> Any:
        """A page of what the session's account has applied for."""
        account = await self._account(context)
        page, token = await listed(
            self._context,
            request,
            f"applications of {account}",
            lambda each, after, limit: applications.of_account(each, account, _id(after), limit),
            self._outcome_to,
        )
        return pb.ListMyApplicationsResponse(applications=page, next_page_token=token)

    async def CancelApplication(self, request: pb.CancelApplicationRequest, context: Any) -> Any:
        """Take an application back."""
        account = await self._account(context)
        identifier = resource_id(request.name, "applications", field="name")
        now = self._context.now()
        await self._context.database.write(lambda each: applications.cancel(each, identifier, account, now))
        return pb.CancelApplicationResponse()

    async def ListApplications(self, request: pb.ListApplicationsRequest, context: Any) -> Any:
        """A page of a department's queue."""
        required(bool(request.parent), "parent")
        await self._context.access.department(context, request.parent)
        page, token = await listed(
            self._context,
            request,
            f"queue of {request.parent}",
            lambda each, after, limit: applications.queue(each, request.parent, _id(after), limit),
            self._application_to,
        )
        return pb.ListApplicationsResponse(applications=page, next_page_token=token)

    async def GetApplication(self, request: pb.GetApplicationRequest, context: Any) -> Any:
        """One application, for its department."""
        return self._application_to(await self._own(request.name, context))

    async def DecideApplication(self, request: pb.DecideApplicationRequest, context: Any) -> Any:
        """Approve by an offer or refuse with a reason, once."""
        application = await self._own(request.name, context)
        check_request_id(request.request_id)
        kind = request.WhichOneof("decision")
        required(kind is not None, "decision")
        octets = canonical.encode(_DECISION_LABEL, application.id, _octets(request))
        decision = self._context.keys.fingerprint(octets)
        if not applications.decided_before(application, decision):
            if kind == "approve":
                await self._approve(application, request, decision)
            else:
                await self._refuse(application, request, decision)
            ring(self._context, application.account)
            ring(self._context, application.beneficiary)
        decided = await self._context.database.read(lambda each: applications.get(each, application.id))
        return pb.DecideApplicationResponse(offer=f"offers/{decided.offer}" if decided.offer else "")

    async def _approve(
        self, application: Application, request: pb.DecideApplicationRequest, decision: bytes
    ) -> None:
        """Make the offer; that it approves the application is kept with it."""
        asked = issuance_pb2.IssueCredentialRequest(
            schema=application.schema, values=request.approve.values, request_id=request.request_id
        )
        kind = request.approve.WhichOneof("identification")
        if kind == "person":
            asked.person = request.approve.person
        elif kind == "required":
            asked.required.CopyFrom(request.approve.required)

        def approve(connection: Connection, offer: Offer) -> None:
            applications.approve(connection, application, decision, offer.id, self._context.now())

        with placed("approve"):
            name = SchemaName.parse(application.schema)
            await self._offers.make(name, asked, Also(f"applications/{application.id}", approve))

    async def _refuse(
        self, application: Application, request: pb.DecideApplicationRequest, decision: bytes
    ) -> None:
        with within("refuse"):
            reason = text_of(request.refuse)
        octets = canonical.encode(_REASON_LABEL, reason.zh, reason.en)
        sealed = self._context.keys.seal(_reason_label(application.id), octets)
        now = self._context.now()
        await self._context.database.write(
            lambda each: applications.refuse(each, application, decision, sealed, now)
        )

    async def _own(self, name: str, context: Any) -> Application:
        """Return an application to its own department; ServiceError NOT_FOUND, TOKEN_INVALID."""
        caller = await self._context.access.any_department(context)
        identifier = resource_id(name, "applications", field="name")
        found = await self._context.database.read(lambda each: applications.get(each, identifier))
        if found.department != caller:
            detail = "the token is not that of the department that was applied to"
            raise ServiceError(ServiceReason.TOKEN_INVALID, detail)
        return found

    def _application_to(self, application: Application) -> pb.Application:
        """Return all that a department may know."""
        message = self._outcome_to(application)
        if application.state == "open" and application.sealed is not None:
            octets = self._context.keys.open(_said_label(application.id), application.sealed)
            message.MergeFrom(pb.Application.FromString(octets))
        return message

    def _outcome_to(self, application: Application) -> pb.Application:
        """Return what became of it: all that its applicant does not know already."""
        message = pb.Application(
            name=f"applications/{application.id}",
            schema=application.schema,
            state=STATES[application.state],
            for_another=application.account != application.beneficiary,
            create_time=moment_to(application.created),
        )
        if application.decided is not None:
            message.decide_time.CopyFrom(moment_to(application.decided))
        if application.offer is not None:
            message.offer = f"offers/{application.offer}"
        if application.state == "refused" and application.sealed is not None:
            message.reason.CopyFrom(text_to(self._reason(application.id, application.sealed)))
        return message

    def _reason(self, identifier: str, sealed: bytes) -> LocalizedText:
        octets = self._context.keys.open(_reason_label(identifier), sealed)
        zh, en = canonical.decode(_REASON_LABEL, octets)
        return LocalizedText(str(zh), str(en))

    async def _account(self, context: Any) -> str:
        return await self._context.access.party(context, "accounts")


def check_grounds(grounds: str) -> None:
    """Raise ServiceError GROUNDS_MISSING if nothing is said for an application."""
    if not grounds.strip():
        detail = "an application says why; the department decides by it"
        raise ServiceError(ServiceReason.GROUNDS_MISSING, detail, field="grounds")


def sealed_application(
    context: Context,
    said: pb.Application,
    schema: SchemaName,
    account: str,
    beneficiary: str,
    request_id: str,
    place: int,
) -> Application:
    """Return an application whose words are sealed: nobody reads them in the database."""
    now = whole_ms(context.now())
    identifier = applications.new_id(now)
    return Application(
        id=identifier,
        account=account,
        beneficiary=beneficiary,
        department=department_of(schema),
        schema=str(schema),
        request_id=request_id,
        place=place,
        created=now,
        sealed=context.keys.seal(_said_label(identifier), said.SerializeToString()),
    )


def _id(name: str) -> str:
    return name.removeprefix("applications/")


def _octets(request: pb.DecideApplicationRequest) -> bytes:
    return request.SerializeToString(deterministic=True)


def _said_label(identifier: str) -> str:
    return f"application/{identifier}"


def _reason_label(identifier: str) -> str:
    return f"application-reason/{identifier}"
