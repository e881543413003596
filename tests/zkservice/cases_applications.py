"""Refusals of applications and appointments: with their reasons, and nothing changed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from google.type import date_pb2

from disclosure import AttributeDefinition, AttributeType, Code, CredentialForm, SchemaName
from disclosure.names import ItemName
from tests.zkservice.centre import PERMIT_ITEM, add_item
from tests.zkservice.refusing import Case, Refusable, Town, add, metadata, put
from tests.zkservice.residents import (
    COMPANY,
    Resident,
    applications,
    appointments,
    new_code,
    note,
    number,
    registering,
    subject,
)
from tests.zkservice.revoking import Office
from tests.zkservice.support import PERMIT, TEXT, VALUES, City, new_id
from wire.convert import text_to, values_to
from zkproto.v1 import account_pb2 as pb
from zkproto.v1 import application_pb2, appointment_pb2

CASES: list[Case] = []
BAD, MISSING, INVALID = "INVALID_ARGUMENT", "FIELD_MISSING", "VALUE_INVALID"
DENIED, FAILED = "PERMISSION_DENIED", "FAILED_PRECONDITION"
Alter = Callable[[Any], object]
APPOINTMENT = replace(
    PERMIT,
    name=SchemaName("police", "agent_appointment", 1),
    form=CredentialForm.COMPOSITE,
    attributes=(
        AttributeDefinition("id_commit", TEXT, AttributeType.HASH),
        AttributeDefinition("uscc", TEXT, AttributeType.TEXT, max_length=18),
        AttributeDefinition(
            "scope_kind",
            TEXT,
            AttributeType.CODE,
            code_system="scopes",
            codes=(Code("item", TEXT), Code("errand", TEXT)),
        ),
        AttributeDefinition("scope", TEXT, AttributeType.TEXT, max_length=64),
        AttributeDefinition("until", TEXT, AttributeType.DATE, minimum=0, maximum=80_000),
    ),
)
UNREVOCABLE = replace(APPOINTMENT, name=SchemaName("tax", "agent_appointment", 1))
"""That of a department without an accumulator."""


async def furnished(city: City) -> None:
    """Have a department with schema and accumulator for appointments; again changes nothing."""
    if not getattr(city, "appoints", False):
        await city.add_schema(APPOINTMENT)
        await Office.open(city, "police", city.department_token)
        city.appoints = True  # type: ignore[attr-defined]


def same(_: Any) -> None:
    pass


# applications


def applying(code: str, reason: str, *fields: str, name: str, alter: Alter) -> None:
    async def scenario(town: Town) -> Refusable:
        mine = await Resident.settle(town.city)
        message, session = mine.applying(), await mine.session()
        alter(message)
        return lambda: applications(town.city).Apply(message, metadata=session)

    add(CASES, code, reason, *fields, name=f"apply: {name}")(scenario)


def _no_such_value(message: application_pb2.ApplyRequest) -> None:
    message.values.add(attribute="shoe").value.text = "7"


def _for_a_person(message: application_pb2.ApplyRequest) -> None:
    message.on_behalf.CopyFrom(subject("7"))


NO_GROUNDS = (BAD, "GROUNDS_MISSING", "grounds")
applying(*NO_GROUNDS, name="no grounds", alter=lambda each: each.ClearField("grounds"))
applying(*NO_GROUNDS, name="blank grounds", alter=put("grounds", " \n　"))
applying(BAD, INVALID, "grounds", name="very long grounds", alter=put("grounds", "想" * 2001))
applying(BAD, INVALID, "nonce", name="short nonce", alter=put("nonce", bytes(15)))
applying(BAD, "NOTE_MISMATCH", "holder_note", name="short note", alter=put("holder_note", bytes(9)))
applying(BAD, "ATTRIBUTE_UNKNOWN", "values.shoe", name="no such value", alter=_no_such_value)
applying(BAD, INVALID, "on_behalf.kind", name="on behalf of a person", alter=_for_a_person)
applying(
    FAILED, "SCHEMA_UNKNOWN", "schema", name="no such item",
    alter=put("schema", "departments/police/schemas/residence_permit@9"),
)  # fmt: skip
applying(
    DENIED, "SUBJECT_MISMATCH", "applicant", name="somebody else", alter=put("applicant.number", "NOBODY-3")
)


@add(CASES, "ALREADY_EXISTS", "REQUEST_ID_REUSED", "request_id", name="apply: something else by the same id")
async def _reapply(town: Town) -> Refusable:
    mine = await Resident.settle(town.city)
    message, session = mine.applying(), await mine.session()
    await applications(town.city).Apply(message, metadata=session)
    message.grounds = "others"
    return lambda: applications(town.city).Apply(message, metadata=session)


GIVEN = replace(PERMIT, name=SchemaName("police", "given_to_all", 1))


@add(CASES, FAILED, "ITEM_NOT_APPLICABLE", "schema", name="apply: an item that is given and not applied for")
async def _not_applicable(town: Town) -> Refusable:
    await add_item(town.city, replace(PERMIT_ITEM, name=ItemName("police", "given_to_all"), applicable=False))
    await town.city.add_schema(GIVEN)
    mine = await Resident.settle(town.city)
    message, session = mine.applying(str(GIVEN.name)), await mine.session()
    return lambda: applications(town.city).Apply(message, metadata=session)


async def applied(town: Town) -> tuple[Resident, str]:
    mine = await Resident.settle(town.city)
    return mine, (await mine.apply()).application


def approval(name: str, **changes: Any) -> application_pb2.DecideApplicationRequest:
    message = application_pb2.DecideApplicationRequest(name=name, request_id=new_id())
    message.approve.values.extend(values_to(PERMIT, VALUES.items()))
    for field, value in changes.items():
        put(field, value)(message)
    return message


def refusing(name: str) -> application_pb2.DecideApplicationRequest:
    return application_pb2.DecideApplicationRequest(name=name, refuse=text_to(TEXT), request_id=new_id())


def deciding(code: str, reason: str, *fields: str, name: str, alter: Alter, token: Any = None) -> None:
    async def scenario(town: Town) -> Refusable:
        _, application = await applied(town)
        message = approval(application)
        alter(message)
        bearer = town.city.department_token if token is None else token(town)
        return lambda: applications(town.city).DecideApplication(
            message, metadata=metadata(town.city, bearer)
        )

    add(CASES, code, reason, *fields, name=f"decide: {name}")(scenario)


deciding(DENIED, "TOKEN_INVALID", name="another department", alter=same, token=lambda town: town.tax_token)
deciding(DENIED, "TOKEN_INVALID", name="the administrator", alter=same, token=lambda town: town.city.admin)
deciding(BAD, MISSING, "decision", name="nothing", alter=lambda each: each.ClearField("approve"))
deciding(BAD, MISSING, "request_id", name="no id", alter=lambda each: each.ClearField("request_id"))
deciding("NOT_FOUND", "NOT_FOUND", "name", name="no such", alter=put("name", "applications/none"))
deciding(BAD, "FIELD_INVALID", "name", name="an offer", alter=put("name", "offers/x"))
deciding(
    BAD, "ATTRIBUTE_MISSING", "approve.values.name", name="no values",
    alter=lambda each: each.approve.ClearField("values"),
)  # fmt: skip
deciding(BAD, INVALID, "refuse.zh", name="no reason", alter=lambda each: each.refuse.SetInParent())

for _ending in ("approved", "refused", "cancelled"):
    for _trying in (approval, refusing):

        @add(CASES, FAILED, "APPLICATION_DECIDED", "name", name=f"{_trying.__name__} what was {_ending}")
        async def _decided(town: Town, ending: str = _ending, trying: Any = _trying) -> Refusable:
            _, application = await ended(town, ending)
            bearer = metadata(town.city, town.city.department_token)
            return lambda: applications(town.city).DecideApplication(trying(application), metadata=bearer)


async def ended(town: Town, ending: str) -> tuple[Resident, str]:
    mine, application = await applied(town)
    bearer = town.city.bearer(town.city.department_token)
    if ending == "cancelled":
        asked = application_pb2.CancelApplicationRequest(name=application)
        await applications(town.city).CancelApplication(asked, metadata=await mine.session())
    else:
        message = approval(application) if ending == "approved" else refusing(application)
        await applications(town.city).DecideApplication(message, metadata=bearer)
    return mine, application


for _ending in ("approved", "refused"):

    @add(CASES, FAILED, "APPLICATION_DECIDED", "name", name=f"cancel: what was {_ending}")
    async def _cancel_late(town: Town, ending: str = _ending) -> Refusable:
        mine, application = await ended(town, ending)
        asked, session = application_pb2.CancelApplicationRequest(name=application), await mine.session()
        return lambda: applications(town.city).CancelApplication(asked, metadata=session)


@add(CASES, "NOT_FOUND", "NOT_FOUND", "name", name="cancel: in a foreign session")
async def _cancel_foreign(town: Town) -> Refusable:
    _, application = await applied(town)
    other = await Resident.settle(town.city)
    asked, session = application_pb2.CancelApplicationRequest(name=application), await other.session()
    return lambda: applications(town.city).CancelApplication(asked, metadata=session)


@add(CASES, DENIED, "TOKEN_INVALID", name="queue: another department's")
async def _queue(town: Town) -> Refusable:
    asked = application_pb2.ListApplicationsRequest(parent="departments/police")
    return lambda: applications(town.city).ListApplications(asked, metadata=town.city.bearer(town.tax_token))


@add(CASES, DENIED, "TOKEN_INVALID", name="read: another department's application")
async def _read(town: Town) -> Refusable:
    _, application = await applied(town)
    asked = application_pb2.GetApplicationRequest(name=application)
    return lambda: applications(town.city).GetApplication(asked, metadata=town.city.bearer(town.tax_token))


# appointments


def appointing(company: Resident, agent: Resident, **changes: Any) -> appointment_pb2.AppointAgentRequest:
    scope = appointment_pb2.Scope(kind=appointment_pb2.Scope.KIND_ITEM, scope="business_licence")
    fields: dict[str, Any] = {
        "schema": str(APPOINTMENT.name),
        "company": company.who,
        "agent": agent.account,
        "agent_commit": bytes(range(32)),
        "scopes": [scope],
        "until": date_pb2.Date(year=2099, month=12, day=31),
        "grounds": "She keeps our books.",
        "nonce": bytes(16),
        "request_id": new_id(),
        "holder_note": note(),
    }
    return appointment_pb2.AppointAgentRequest(**(fields | changes))


async def company_of(city: City) -> Resident:
    return await Resident.settle(city, COMPANY, "91370" + number()[-13:])


def appointment(code: str, reason: str, *fields: str, name: str, alter: Alter, kind: Any = COMPANY) -> None:
    async def scenario(town: Town) -> Refusable:
        await furnished(town.city)
        if (known := str(UNREVOCABLE.name)) not in _ADDED:
            await town.city.add_schema(UNREVOCABLE)
            _ADDED.add(known)
        company = await company_of(town.city) if kind == COMPANY else await Resident.settle(town.city)
        message = appointing(company, await Resident.settle(town.city))
        alter(message)
        session = await company.session()
        return lambda: appointments(town.city).AppointAgent(message, metadata=session)

    add(CASES, code, reason, *fields, name=f"appoint: {name}")(scenario)


_ADDED = set[str]()


def _twice(message: appointment_pb2.AppointAgentRequest) -> None:
    message.scopes.append(message.scopes[0])


def _no_kind(message: appointment_pb2.AppointAgentRequest) -> None:
    message.scopes[0].ClearField("kind")


appointment(DENIED, "SUBJECT_MISMATCH", "company.kind", name="by a person", alter=same, kind=None)
appointment(
    DENIED, "SUBJECT_MISMATCH", "company", name="for another company", alter=put("company.number", "91370X")
)
appointment(FAILED, "HOLDER_UNKNOWN", "agent", name="nobody", alter=put("agent", "accounts/nobody"))
appointment(BAD, "FIELD_INVALID", "agent", name="a verifier", alter=put("agent", "verifiers/bank"))
appointment(BAD, "GROUNDS_MISSING", "grounds", name="no grounds", alter=put("grounds", ""))
appointment(BAD, INVALID, "scopes", name="nothing", alter=lambda each: each.ClearField("scopes"))
appointment(BAD, INVALID, "scopes", name="the same twice", alter=_twice)
appointment(BAD, INVALID, "scopes[0].kind", name="of no kind", alter=_no_kind)
appointment(BAD, MISSING, "until", name="without end", alter=lambda each: each.ClearField("until"))
appointment(BAD, INVALID, "until", name="until yesterday", alter=put("until.year", 2001))
appointment(BAD, INVALID, "agent_commit", name="short commitment", alter=put("agent_commit", b"7"))
appointment(
    BAD, "ATTRIBUTE_UNKNOWN", "id_commit", name="an item that is no appointment",
    alter=put("schema", "departments/police/schemas/composite@1"),
)  # fmt: skip
appointment(
    FAILED, "ACCUMULATOR_MISSING", "schema", name="that could not be ended",
    alter=put("schema", str(UNREVOCABLE.name)),
)  # fmt: skip


UNAPPOINTED = replace(APPOINTMENT, name=SchemaName("police", "given_appointment", 1))


@add(CASES, FAILED, "ITEM_NOT_APPLICABLE", "schema", name="appoint: by an item that nobody applies for")
async def _not_appointable(town: Town) -> Refusable:
    await furnished(town.city)
    item = replace(PERMIT_ITEM, name=ItemName("police", "given_appointment"), applicable=False)
    await add_item(town.city, item)
    await town.city.add_schema(UNAPPOINTED)
    company = await company_of(town.city)
    message = appointing(company, await Resident.settle(town.city), schema=str(UNAPPOINTED.name))
    session = await company.session()
    return lambda: appointments(town.city).AppointAgent(message, metadata=session)


@add(CASES, "ALREADY_EXISTS", "REQUEST_ID_REUSED", "request_id", name="appoint: by an application's id")
async def _appoint_by_an_applications_id(town: Town) -> Refusable:
    await furnished(town.city)
    company, number = await company_of(town.city), new_id()
    session = await company.session()
    await applications(town.city).Apply(company.applying(request_id=number), metadata=session)
    message = appointing(company, await Resident.settle(town.city), request_id=number)
    return lambda: appointments(town.city).AppointAgent(message, metadata=session)


async def appointed(city: City) -> tuple[Resident, Resident, str]:
    await furnished(city)
    company, agent = await company_of(city), await Resident.settle(city)
    message = appointing(company, agent)
    answer = await appointments(city).AppointAgent(message, metadata=await company.session())
    return company, agent, answer.appointment


def ending(name: str) -> appointment_pb2.EndAppointmentRequest:
    return appointment_pb2.EndAppointmentRequest(name=name, request_id=new_id(), holder_note=note())


@add(CASES, "NOT_FOUND", "NOT_FOUND", "name", name="end: by the agent")
async def _end_foreign(town: Town) -> Refusable:
    _, agent, made = await appointed(town.city)
    message, session = ending(made), await agent.session()
    return lambda: appointments(town.city).EndAppointment(message, metadata=session)


@add(CASES, FAILED, "APPOINTMENT_ENDED", "name", name="end: twice")
async def _end_twice(town: Town) -> Refusable:
    company, _, made = await appointed(town.city)
    session = await company.session()
    await appointments(town.city).EndAppointment(ending(made), metadata=session)
    message = ending(made)
    return lambda: appointments(town.city).EndAppointment(message, metadata=session)


@add(CASES, FAILED, "APPLICATION_DECIDED", "name", name="decide: after the appointment has ended")
async def _decide_ended(town: Town) -> Refusable:
    company, _, made = await appointed(town.city)
    asked = application_pb2.ListMyApplicationsRequest()
    session, bearer = await company.session(), town.city.bearer(town.city.department_token)
    (part,) = (await applications(town.city).ListMyApplications(asked, metadata=session)).applications
    await appointments(town.city).EndAppointment(ending(made), metadata=session)
    return lambda: applications(town.city).DecideApplication(refusing(part.name), metadata=bearer)


async def seeds(city: City, _: int) -> dict[str, tuple[Any, str]]:
    """Return for each method a message that is answered with OK, and its token."""
    await furnished(city)
    who, department = subject(number()), city.department_token
    mine, company = await Resident.settle(city), await company_of(city)
    own, hers = _token(await mine.session()), _token(await company.session())
    open_, closable, readable = [(await mine.apply()).application for _ in range(3)]
    agent = await Resident.settle(city)
    endable = await appointments(city).AppointAgent(
        appointing(company, agent), metadata=await company.session()
    )
    return {
        "CreateRegistration": (pb.CreateRegistrationRequest(subject=who), department),
        "RegisterAccount": (registering(city, await new_code(city, who), who), ""),
        "ListOffers": (pb.ListOffersRequest(page_size=2), own),
        "WatchInbox": (pb.WatchInboxRequest(), own),
        "Apply": (mine.applying(), own),
        "ListMyApplications": (application_pb2.ListMyApplicationsRequest(page_size=1), own),
        "CancelApplication": (application_pb2.CancelApplicationRequest(name=closable), own),
        "ListApplications": (
            application_pb2.ListApplicationsRequest(parent="departments/police", page_size=1),
            department,
        ),
        "GetApplication": (application_pb2.GetApplicationRequest(name=readable), department),
        "DecideApplication": (approval(open_), department),
        "AppointAgent": (appointing(company, agent), hers),
        "ListAppointments": (appointment_pb2.ListAppointmentsRequest(page_size=1), hers),
        "EndAppointment": (ending(endable.appointment), hers),
    }


def _token(bearer: Any) -> str:
    ((_, value),) = bearer
    return str(value).removeprefix("Bearer ")
