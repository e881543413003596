"""Agents in the browser's vault, without screens: an agent's code, an appointment, and how that ends."""

import datetime as dt
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from disclosure.application import AppointmentBody, Scope, ScopeKind
from disclosure.event import EventBody, EventKind
from prover.client.applications import AgentCode
from tests.browser.altering import altered
from tests.browser.applying import COMMIT, bound, can_appoint, card, decide, queue
from tests.browser.vault_town import World
from tests.browser.vaulting import PASSPHRASE, WITHOUT_SCREENS, Tab, opened
from tests.zkservice import residents
from tests.zkservice.cases_applications import APPOINTMENT
from tests.zkservice.support import PERMIT
from tlog import Verifier, verify_receipt
from zkproto.v1 import appointment_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = WITHOUT_SCREENS
LICENCE = {"kind": "item", "scope": "business_licence"}
CHANGE = {"kind": "errand", "scope": "business-change"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(town: World) -> World:
    return await can_appoint(town)


@pytest_asyncio.fixture(loop_scope="session")
async def company(world: World, empty: Tab) -> Tab:
    await bound(world, empty, "company")
    return empty


@pytest_asyncio.fixture(loop_scope="session")
async def agent(world: World) -> AsyncIterator[Tab]:
    async with world.place.visitor() as visitor, opened(visitor) as tab:
        await tab.make()
        await bound(world, tab)
        yield tab


async def carded(world: World, tab: Tab, person: bytes) -> str:
    """Give an agent's vault its identity card; return the code that it shows then."""
    assert (await tab.call("agents"))["code"] is None
    await tab.claim(await card(world, person))
    code: str = (await tab.call("agents"))["code"]
    return code


def appointing(code: str, **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "schema": str(APPOINTMENT.name), "agent": code, "scopes": [LICENCE, CHANGE], "until": "2099-12-31",
        "grounds": "She keeps our books.",
    }  # fmt: skip
    return fields | changes


async def resident(world: World) -> tuple[residents.Resident, str]:
    """Settle somebody with an account; return the code that the vault would show."""
    made = await residents.Resident.settle(world.town.city)
    return made, str(AgentCode(made.account, COMMIT))


def sent(world: World, method: str) -> list[bytes]:
    return [message for name, message in world.between.sent if name == method]


async def test_an_agents_code_is_pythons_once_the_identity_card_is_there(world: World, agent: Tab) -> None:
    view = await agent.call("agents")
    assert (view["kind"], view["department"], view["appointments"]) == ("person", "departments/police", [])
    code = AgentCode.parse(await carded(world, agent, b"shows her code"))
    assert code.commit == COMMIT
    await agent.call("lock")
    await agent.call("unlock", PASSPHRASE)
    assert (await agent.call("agents"))["code"] == str(code)
    before = world.between.calls.count("ListAppointments")
    await agent.call("agents")
    assert world.between.calls.count("ListAppointments") == before, "a person appoints nobody"


async def test_a_vault_without_an_account_has_neither(empty: Tab) -> None:
    nothing: dict[str, Any] = {"kind": None, "department": None, "code": None, "appointments": []}
    assert await empty.call("agents") == nothing
    code = str(AgentCode("accounts/nobody", COMMIT))
    assert await empty.refused("appoint", appointing(code)) == "ACCOUNT_NOT_FOUND"


async def test_an_appointment_is_made_decided_and_ended(world: World, company: Tab, agent: Tab) -> None:
    code = await carded(world, agent, b"the agent")
    assert await company.call("appoint", appointing(code)) is True
    (view,) = (await company.call("agents"))["appointments"]
    assert (view["agent"], view["until"], view["ended"]) == (code.partition("#")[0], "2099-12-31", None)
    assert view["scopes"] == [LICENCE | {"state": "open"}, CHANGE | {"state": "open"}]
    parts = [
        each for each in await queue(world) if each.for_another and each.grounds == "She keeps our books."
    ]
    assert len(parts) == 2
    commits = [value.value for each in parts for value in each.values if value.attribute == "id_commit"]
    assert [each.hash for each in commits] == [COMMIT, COMMIT]
    await decide(world, parts[0].name, approve={"values": parts[0].values, "person": b"the agent"})
    states = [each["state"] for each in (await company.call("agents"))["appointments"][0]["scopes"]]
    assert sorted(states) == ["approved", "open"]
    (offer,) = (await agent.call("inbox"))["offers"]
    assert offer["department"] == "departments/police"
    await agent.call("claim", offer["id"])
    assert len((await agent.call("overview"))["credentials"]) == 2
    assert await company.call("endAppointment", view["id"]) is True
    (view,) = (await company.call("agents"))["appointments"]
    assert view["ended"] is not None
    assert {each["state"] for each in view["scopes"]} == {"approved", "cancelled"}
    await agent.call("settle")
    revoked = [each["revoked"] for each in (await agent.call("overview"))["credentials"]]
    assert sorted(revoked) == [False, True], "what the agent was given is revoked, the card is not"
    told = await company.call("uses")
    assert [(each["state"], each["receipt"], each["purpose"]["en"]) for each in told[:2]] == [
        ("recorded", "pending", "Appointment ended"),
        ("recorded", "pending", "Agent appointed"),
    ]
    assert {each["verifier"] for each in told[:2]} == {code.partition("#")[0]}


async def test_its_receipt_is_for_this_very_appointment(world: World, company: Tab) -> None:
    _, code = await resident(world)
    await company.call("appoint", appointing(code, scopes=[LICENCE]))
    (message,) = sent(world, "AppointAgent")
    asked = pb.AppointAgentRequest.FromString(message)
    read = AgentCode.parse(code)
    body = AppointmentBody(
        APPOINTMENT.name, read.account, read.commit, [Scope(ScopeKind.ITEM, "business_licence")],
        dt.date(2099, 12, 31), "She keeps our books.", asked.nonce,
    )  # fmt: skip
    told = (await company.call("uses"))[0]
    receipt = await company.call("receipt", told["id"])
    verified = verify_receipt(receipt, Verifier.from_string(world.town.city.ready.verifier_key))
    EventBody.from_bytes(verified.opening.body).check(EventKind.APPOINTED, read.account, body.digest)


async def test_one_that_broke_off_is_sent_as_it_was_stored(world: World, company: Tab) -> None:
    _, code = await resident(world)
    await company.call("appoint", appointing(code))
    world.between.sent.clear()
    world.between.away = True
    assert await company.call("appoint", appointing(code, grounds="Also in May.")) is False
    (view,) = await company_appointments(world, company)
    assert await company.call("endAppointment", view["id"]) is False
    assert (await company.call("overview"))["unsent"] == 2
    await company.call("lock")
    await company.call("unlock", PASSPHRASE)
    world.between.away = False
    await company.call("settle")
    for method in ("AppointAgent", "EndAppointment"):
        first, *again = sent(world, method)
        assert again == [first], "the same call, octet for octet"
    assert (await company.call("overview"))["unsent"] == 0
    views = (await company.call("agents"))["appointments"]
    assert [each["ended"] is None for each in views] == [True, False]
    assert await company.call("endAppointment", view["id"]) is True, "it has ended: nothing goes out again"
    assert len(sent(world, "EndAppointment")) == 2


async def company_appointments(world: World, tab: Tab) -> list[Any]:
    """List them, whether the service is away for everything else or not."""
    away, world.between.away = world.between.away, False
    found: list[Any] = (await tab.call("agents"))["appointments"]
    world.between.away = away
    return found


async def test_what_is_no_appointment_is_not_stored(world: World, company: Tab) -> None:
    _, code = await resident(world)
    for reason, changes in (
        ("AGENT_CODE_MALFORMED", {"agent": "accounts/x"}),
        ("SCOPES_MALFORMED", {"scopes": []}),
        ("DATE_MALFORMED", {"until": "2026-02-30"}),
        ("GROUNDS_MALFORMED", {"grounds": "  "}),
        ("NAME_INVALID", {"schema": "no schema"}),
    ):
        assert await company.refused("appoint", appointing(code, **changes)) == reason
    assert sent(world, "AppointAgent") == []
    assert (await company.call("overview"))["unsent"] == 0
    assert await company.refused("endAppointment", "appointments/none") == "APPOINTMENT_NOT_FOUND"


async def test_what_the_service_refuses_is_refused_for_good(world: World, company: Tab, agent: Tab) -> None:
    nobody = str(AgentCode("accounts/nobody", COMMIT))
    assert await company.refused("appoint", appointing(nobody)) == "HOLDER_UNKNOWN"
    _, code = await resident(world)
    assert await company.refused("appoint", appointing(code, until="2001-01-01")) == "VALUE_INVALID"
    assert await agent.refused("appoint", appointing(code)) == "SUBJECT_MISMATCH"
    assert (await company.call("overview"))["unsent"] == 0
    states = [each["state"] for each in await company.call("uses")]
    assert states == ["refused", "refused", "recorded"]


@altered(pb.AppointAgentResponse)
def other_receipt(answer: pb.AppointAgentResponse) -> None:
    answer.receipt = answer.receipt[:-2] + b"0\n"


async def test_a_receipt_that_does_not_hold_is_not_kept(world: World, company: Tab) -> None:
    _, code = await resident(world)
    world.between.alter["AppointAgent"] = other_receipt
    assert await company.refused("appoint", appointing(code))
    assert (await company.call("overview"))["unsent"] == 1
    assert (await company.call("uses"))[0]["state"] == "sending"
    world.between.alter.clear()
    await company.call("settle")
    assert (await company.call("uses"))[0]["state"] == "recorded"
    assert len((await company.call("agents"))["appointments"]) == 1


def listed(change: Callable[[pb.Appointment], object]) -> Callable[[bytes], bytes]:
    @altered(pb.ListAppointmentsResponse)
    def alter(answer: pb.ListAppointmentsResponse) -> None:
        change(answer.appointments[0])

    return alter


async def test_a_list_that_says_something_else_is_refused(world: World, company: Tab) -> None:
    _, code = await resident(world)
    await company.call("appoint", appointing(code))
    changes: list[Callable[[pb.Appointment], object]] = [
        lambda each: setattr(each, "name", "applications/x"),
        lambda each: setattr(each, "agent", "accounts/<b>"),
        lambda each: each.ClearField("until"),
        lambda each: setattr(each.until, "month", 13),
        lambda each: setattr(each.elements[0], "state", 0),
        lambda each: setattr(each.elements[0].scope, "kind", 7),
        lambda each: each.elements[0].ClearField("scope"),
    ]
    for change in changes:
        world.between.alter["ListAppointments"] = listed(change)
        assert await company.refused("agents") == "ANSWER_INVALID"
    world.between.alter.clear()
    assert len((await company.call("agents"))["appointments"]) == 1


async def test_an_agent_applies_for_a_company(world: World, agent: Tab) -> None:
    assert await agent.refused("apply", str(PERMIT.name), "For them.", {}, "no number!") == "NUMBER_MALFORMED"
    assert await agent.call("apply", str(PERMIT.name), "For the company.", {}, " 9137 0100MA3C0F1XX") is True
    (asked,) = [each for each in await queue(world) if each.grounds == "For the company."]
    assert (asked.on_behalf.number, asked.on_behalf.kind) == ("91370100MA3C0F1XX", residents.COMPANY)
    assert asked.applicant.kind == residents.PERSON
