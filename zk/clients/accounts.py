"""What a department does about accounts: it says whose a code is, and decides what people apply for."""

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from disclosure import AccountLink, LocalizedText, MalformedError, Reason, Schema, SchemaName, Value
from wire.client import Endpoint, call
from wire.convert import moment_of, present_values_of, values_to
from zk.clients.records import Subject
from zk.service import Required
from zkproto.v1 import (
    account_pb2,
    account_pb2_grpc,
    application_pb2,
    application_pb2_grpc,
    issuance_pb2,
    issuance_pb2_grpc,
)

_PAGE: Final = 100
_KINDS: Final = {"person": account_pb2.Subject.KIND_PERSON, "company": account_pb2.Subject.KIND_COMPANY}
_KIND_NAMES: Final = {number: name for name, number in _KINDS.items()}


@dataclass(frozen=True)
class Code:
    """A one-time code for a subject, as the link that its vault takes; secret until it is used."""

    link: AccountLink = field(repr=False)
    expires: dt.datetime


@dataclass(frozen=True)
class Delivered:
    """An offer in somebody's inbox, by its name; nobody but the account's sessions can claim it."""

    offer: str
    expires: dt.datetime


@dataclass(frozen=True)
class Application:
    """An application that waits. `for_another` says that the offer goes to another account than the
    applicant's: to an agent's."""

    name: str
    schema: SchemaName
    applicant: Subject
    company: Subject | None
    grounds: str = field(repr=False)
    values: Mapping[str, Value] = field(repr=False)
    for_another: bool
    created: dt.datetime


class DepartmentDesk:
    """The calls of one department with its token; use it as a context manager.

    Every call raises wire.client.ServiceError if it is refused, MalformedError for an answer that is none.
    """

    def __init__(self, endpoint: Endpoint, department: str, token: str) -> None:
        self._server, self._channel = endpoint.server, endpoint.channel()
        self._department, self._token = department, token
        self._accounts = account_pb2_grpc.AccountServiceStub(self._channel)
        self._issuance = issuance_pb2_grpc.IssuanceServiceStub(self._channel)
        self._applications = application_pb2_grpc.ApplicationServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def code(self, subject: Subject) -> Code:
        """Have a code made for somebody whom the department has identified; an older one is void then."""
        asked = account_pb2.CreateRegistrationRequest(subject=_subject_to(subject))
        answer = call(self._accounts.CreateRegistration, asked, token=self._token)
        link = AccountLink(self._server, self._department.rpartition("/")[2], answer.code)
        return Code(link, moment_of(answer.expire_time, field="expire_time"))

    def applications(self) -> Iterator[Application]:
        """Give the open applications, oldest first."""
        token = ""
        while True:
            asked = application_pb2.ListApplicationsRequest(
                parent=self._department, page_size=_PAGE, page_token=token
            )
            page = call(self._applications.ListApplications, asked, token=self._token)
            yield from map(_application_of, page.applications)
            if not (token := page.next_page_token):
                return

    def application(self, name: str) -> Application:
        """Return one application; what a decided one said is gone, and it is refused as malformed."""
        asked = application_pb2.GetApplicationRequest(name=name)
        return _application_of(call(self._applications.GetApplication, asked, token=self._token))

    def approve(
        self,
        application: str,
        schema: Schema,
        values: Mapping[str, Value],
        identified: bytes | Required | None = None,
    ) -> str:
        """Approve by an offer of these values; return the offer's name. `identified` as of Service.issue."""
        message = application_pb2.DecideApplicationRequest(name=application, request_id=str(uuid.uuid4()))
        message.approve.values.extend(values_to(schema, values.items()))
        if isinstance(identified, Required):
            message.approve.required.CopyFrom(_required_to(identified))
        elif identified is not None:
            message.approve.person = identified
        return call(self._applications.DecideApplication, message, token=self._token).offer

    def deliver(
        self,
        schema: Schema,
        values: Mapping[str, Value],
        subject: Subject,
        identified: bytes | Required | None = None,
        *,
        replace_holder: bool = False,
    ) -> Delivered:
        """Offer a credential for a subject's inbox; HOLDER_UNKNOWN for one without an account.

        With `replace_holder` whoever claims it takes the place of the vault that the department's person
        had: what that one holds of base credentials is revoked with the claim.
        """
        message = issuance_pb2.IssueCredentialRequest(
            schema=str(schema.name),
            values=values_to(schema, values.items()),
            deliver_to=_subject_to(subject),
            replace_holder=replace_holder,
            request_id=str(uuid.uuid4()),
        )
        if isinstance(identified, Required):
            message.required.CopyFrom(_required_to(identified))
        elif identified is not None:
            message.person = identified
        answer = call(self._issuance.IssueCredential, message, token=self._token)
        return Delivered(answer.offer, moment_of(answer.expire_time, field="expire_time"))

    def refuse(self, application: str, reason: LocalizedText) -> None:
        """Refuse for a reason that the applicant reads."""
        message = application_pb2.DecideApplicationRequest(name=application, request_id=str(uuid.uuid4()))
        message.refuse.zh, message.refuse.en = reason.zh, reason.en
        call(self._applications.DecideApplication, message, token=self._token)


def _required_to(required: Required) -> issuance_pb2.RequiredCredential:
    values = values_to(required.schema, required.values.items())
    return issuance_pb2.RequiredCredential(schema=str(required.schema.name), values=values)


def _subject_to(subject: Subject) -> account_pb2.Subject:
    return account_pb2.Subject(kind=_KINDS[subject.kind], number=subject.number)


def _subject_of(message: account_pb2.Subject) -> Subject:
    if message.kind not in _KIND_NAMES:
        raise MalformedError(Reason.MALFORMED, "the application says nothing of who applies")
    return Subject(_KIND_NAMES[message.kind], message.number)


def _application_of(message: application_pb2.Application) -> Application:
    return Application(
        name=message.name,
        schema=SchemaName.parse(message.schema),
        applicant=_subject_of(message.applicant),
        company=_subject_of(message.on_behalf) if message.HasField("on_behalf") else None,
        grounds=message.grounds,
        values=present_values_of(message.values),
        for_another=message.for_another,
        created=moment_of(message.create_time, field="create_time"),
    )
