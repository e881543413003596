"""Applications and appointments over a real server: decided once, told to whom they concern, forgotten."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from disclosure.application import ApplicationBody, ended_digest
from disclosure.event import EventBody, EventKind
from tests.zkservice.cases_applications import (
    APPOINTMENT,
    appointed,
    approval,
    company_of,
    ending,
    furnished,
    refusing,
)
from tests.zkservice.residents import GROUNDS, Resident, accounts, applications, appointments, subject
from tests.zkservice.stored import dump
from tests.zkservice.support import PERMIT, TEXT, VALUES, City, aio_error, city, new_id, refusal
from tlog import Verifier, verify_receipt
from wire.convert import text_to, values_to
from zkproto.v1 import account_pb2, appointment_pb2, issuance_pb2
from zkproto.v1 import application_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")
OPEN, APPROVED, REFUSED, CANCELLED = (
    pb.Application.STATE_OPEN,
    pb.Application.STATE_APPROVED,
    pb.Application.STATE_REFUSED,
    pb.Application.STATE_CANCELLED,
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zkservice.server._TIDY_SECONDS", 3600.0)
        async with city(tmp_path_factory.mktemp("applications")) as opened:
            await furnished(opened)
            yield opened


async def mine_of(resident: Resident) -> list[pb.Application]:
    asked = pb.ListMyApplicationsRequest()
    answer = await applications(resident.town).ListMyApplications(asked, metadata=await resident.session())
    return list(answer.applications)


async def queue(town: City) -> list[pb.Application]:
    asked = pb.ListApplicationsRequest(parent="departments/police", page_size=500)
    answer = await applications(town).ListApplications(asked, metadata=town.bearer(town.department_token))
    return list(answer.applications)


async def decide(town: City, message: pb.DecideApplicationRequest) -> str:
    answer = await applications(town).DecideApplication(message, metadata=town.bearer(town.department_token))
    offer: str = answer.offer
    return offer


def body_of(receipt: bytes, town: City) -> EventBody:
    verified = verify_receipt(receipt, Verifier.from_string(town.ready.verifier_key))
    return EventBody.from_bytes(verified.opening.body)


async def test_an_approved_application_ends_in_the_applicants_vault(town: City) -> None:
    mine = await Resident.settle(town)
    values = list(values_to(PERMIT, {"district": "370103"}.items()))
    message = mine.applying(values=values)
    session = await mine.session()
    answer = await applications(town).Apply(message, metadata=session)
    assert await applications(town).Apply(message, metadata=session) == answer
    body = ApplicationBody(PERMIT.name, "", GROUNDS, {"district": "370103"}, message.nonce)
    body_of(answer.receipt, town).check(EventKind.APPLIED, "departments/police", body.digest)
    (queued,) = [each for each in await queue(town) if each.name == answer.application]
    assert (queued.state, queued.applicant, queued.grounds, list(queued.values)) == (
        OPEN,
        mine.who,
        GROUNDS,
        list(values),
    )
    (own,) = await mine_of(mine)
    assert (own.state, own.grounds, own.applicant.number) == (OPEN, "", "")
    decision = approval(answer.application)
    offer = await decide(town, decision)
    assert await decide(town, decision) == offer, "the same decision, the same offer"
    (own,) = await mine_of(mine)
    assert (own.state, own.offer) == (APPROVED, offer)
    (waiting,) = (await mine.offers()).offers
    made = issuance_pb2.IssueCredentialResponse(offer=waiting.name, claim_code=waiting.claim_code)
    assert (await town.claim(made)).credential.values["name"] == VALUES["name"]


async def test_a_refusal_reaches_the_applicant_with_its_reason_at_once(town: City) -> None:
    mine = await Resident.settle(town)
    application = (await mine.apply()).application
    stream = accounts(town).WatchInbox(account_pb2.WatchInboxRequest(), metadata=await mine.session())
    await stream.read()
    waiting = asyncio.ensure_future(stream.read())
    await decide(town, refusing(application))
    (told,) = (await asyncio.wait_for(waiting, 3)).arrivals
    stream.cancel()
    assert (told.kind, told.about) == (account_pb2.Arrival.KIND_APPLICATION, application)
    (own,) = await mine_of(mine)
    assert (own.state, own.reason, own.offer) == (REFUSED, text_to(TEXT), "")
    assert not (await mine.offers()).offers


async def test_what_was_taken_back_is_in_no_queue(town: City) -> None:
    mine = await Resident.settle(town)
    application = (await mine.apply()).application
    asked = pb.CancelApplicationRequest(name=application)
    for _ in range(2):
        await applications(town).CancelApplication(asked, metadata=await mine.session())
    assert application not in [each.name for each in await queue(town)]
    assert [each.state for each in await mine_of(mine)] == [CANCELLED]


async def test_of_decisions_at_the_same_time_one_counts(town: City) -> None:
    mine = await Resident.settle(town)
    application = (await mine.apply()).application
    calls = [decide(town, each(application)) for each in (approval, refusing) * 4]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    told = [aio_error(each).reason for each in answers if isinstance(each, BaseException)]  # type: ignore[arg-type]
    assert told == ["APPLICATION_DECIDED"] * 7
    (own,) = await mine_of(mine)
    assert len((await mine.offers()).offers) == (own.state == APPROVED)


async def test_an_approval_that_cannot_be_an_offer_leaves_the_application_open(town: City) -> None:
    mine = await Resident.settle(town)
    application = (await mine.apply()).application
    message = approval(application)
    del message.approve.values[0]
    assert (await refusal(decide(town, message))).reason == "ATTRIBUTE_MISSING"
    assert [each.state for each in await mine_of(mine)] == [OPEN]
    assert await decide(town, approval(application))


async def test_an_application_says_for_which_company_an_agent_acts(town: City) -> None:
    agent = await Resident.settle(town)
    company = subject("91370100000000000X", account_pb2.Subject.KIND_COMPANY)
    application = (await agent.apply(on_behalf=company)).application
    (queued,) = [each for each in await queue(town) if each.name == application]
    assert (queued.on_behalf, queued.applicant) == (company, agent.who)
    await decide(town, approval(application))
    assert len((await agent.offers()).offers) == 1, "it goes to whoever has applied"


async def test_an_appointment_is_an_application_for_each_scope_for_the_agents_inbox(town: City) -> None:
    company, agent, name = await appointed(town)
    (part,) = await mine_of(company)
    (queued,) = [each for each in await queue(town) if each.name == part.name]
    values = {each.attribute: each.value for each in queued.values}
    assert (values["uscc"].text, values["scope_kind"].code, values["scope"].text) == (
        company.who.number,
        "item",
        "business_licence",
    )
    assert (queued.for_another, queued.applicant) == (True, company.who)
    decision = pb.DecideApplicationRequest(name=part.name, request_id=new_id())
    decision.approve.values.extend(queued.values)
    decision.approve.person = b"the agent"
    await decide(town, decision)
    assert [each.schema for each in (await agent.offers()).offers] == [str(APPOINTMENT.name)]
    assert not (await company.offers()).offers
    asked = appointment_pb2.ListAppointmentsRequest()
    listed = await appointments(town).ListAppointments(asked, metadata=await company.session())
    (own,) = listed.appointments
    assert (own.name, own.agent, [each.state for each in own.elements]) == (name, agent.account, [APPROVED])
    assert not own.HasField("end_time")


async def test_ending_an_appointment_withdraws_what_waits_and_tells_the_agent(town: City) -> None:
    company, agent, name = await appointed(town)
    (part,) = await mine_of(company)
    (queued,) = [each for each in await queue(town) if each.name == part.name]
    decision = pb.DecideApplicationRequest(name=part.name, request_id=new_id())
    decision.approve.values.extend(queued.values)
    decision.approve.person = new_id().encode()
    await decide(town, decision)
    (offer,) = (await agent.offers()).offers
    message, session = ending(name), await company.session()
    answer = await appointments(town).EndAppointment(message, metadata=session)
    assert await appointments(town).EndAppointment(message, metadata=session) == answer
    body_of(answer.receipt, town).check(EventKind.APPOINTMENT_ENDED, agent.account, ended_digest(name))
    assert not (await agent.offers()).offers
    got = issuance_pb2.GetOfferRequest(offer=offer.name, claim_code=offer.claim_code)
    assert (await refusal(town.issuance.GetOffer(got))).reason == "OFFER_EXPIRED"
    stream = accounts(town).WatchInbox(account_pb2.WatchInboxRequest(), metadata=await agent.session())
    told = [each.about for each in (await stream.read()).arrivals]
    stream.cancel()
    assert told[-1] == name


async def test_neither_grounds_nor_values_nor_reasons_stand_in_the_database_or_the_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with city(tmp_path, log_level="debug") as own:
        await furnished(own)
        company, agent = await company_of(own), await Resident.settle(own)
        secret = "because-of-my-illness"
        values = list(values_to(PERMIT, {"name": "王秘密"}.items()))
        kept = [(await agent.apply(grounds=secret, values=values)).application for _ in range(3)]
        reason = text_to(TEXT)
        reason.en = "no-such-diagnosis"
        await decide(own, pb.DecideApplicationRequest(name=kept[0], refuse=reason, request_id=new_id()))
        await decide(own, approval(kept[1]))
        await appointed(own)
        said, held = "".join(capfd.readouterr()), repr(dump(tmp_path))
        octets = b"".join(each.read_bytes() for each in tmp_path.glob("service.sqlite3*"))
    for word in (secret, "王秘密", reason.en, agent.who.number, company.who.number, "business_licence"):
        assert word not in said
        assert word not in held
        assert word.encode() not in octets


async def test_what_an_application_said_is_gone_once_it_is_decided(town: City) -> None:
    mine = await Resident.settle(town)
    names = [(await mine.apply()).application for _ in range(3)]
    await decide(town, approval(names[0]))
    await decide(town, refusing(names[1]))
    cancel = pb.CancelApplicationRequest(name=names[2])
    await applications(town).CancelApplication(cancel, metadata=await mine.session())
    for name in names:
        asked = pb.GetApplicationRequest(name=name)
        found = await applications(town).GetApplication(asked, metadata=town.bearer(town.department_token))
        assert (found.grounds, found.applicant.number) == ("", "")
    rows: dict[str, Any] = {
        row[0]: row for row in dump(town.ready.data)["application"] if f"applications/{row[0]}" in names
    }
    assert sum(isinstance(each, bytes) and len(each) > 40 for row in rows.values() for each in row) == 1


async def test_an_appointment_ends_by_itself_after_its_last_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zkservice.server._TIDY_SECONDS", 0.1)
    async with city(tmp_path) as own:
        company, _, _ = await appointed(own)
        asked = appointment_pb2.ListAppointmentsRequest()
        for days, over in ((26_000, False), (40_000, True)):
            own.clock.ahead = dt.timedelta(days=days)
            await asyncio.sleep(0.5)
            listed = await appointments(own).ListAppointments(asked, metadata=await company.session())
            (found,) = listed.appointments
            assert found.HasField("end_time") == over
        assert [each.state for each in await mine_of(company)] == [CANCELLED]
