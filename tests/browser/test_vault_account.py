"""The browser vault's account, without screens: bound by a department's code, its inbox, its applications."""

import datetime as dt

import pytest

from disclosure import AccountLink, Value
from disclosure.account import new_code
from tests.browser.altering import altered
from tests.browser.applying import bound, decide, delivered, queue
from tests.browser.vault_town import World
from tests.browser.vaulting import PASSPHRASE, WITHOUT_SCREENS, Tab, opened
from tests.zkservice import residents
from tests.zkservice.support import PERMIT
from wire.convert import values_to
from zkproto.v1 import account_pb2, application_pb2, session_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = WITHOUT_SCREENS
PERSON = account_pb2.Subject.KIND_PERSON


async def test_a_code_binds_the_vault_and_what_is_delivered_is_taken_from_the_inbox(
    world: World, tab: Tab
) -> None:
    assert (await tab.call("overview"))["account"] is False
    assert await tab.call("inbox") == {"account": False, "offers": [], "faults": []}
    assert await tab.call("applications") == []
    number = await bound(world, tab)
    assert (await tab.call("overview"))["account"] is True
    (told,) = await tab.call("uses")
    assert (told["state"], told["receipt"], told["verifier"]) == ("recorded", "pending", "departments/police")
    assert (await tab.call("inbox"))["offers"] == []
    await delivered(world, number)
    (offer,) = (await tab.call("inbox"))["offers"]
    assert (offer["kind"], offer["department"], offer["shows"]) == ("offer", "departments/police", None)
    found = await tab.call("claim", offer["id"])
    assert [each["id"] for each in (await tab.call("overview"))["credentials"]] == [found["id"]]
    assert (await tab.call("inbox"))["offers"] == []


async def test_it_is_bound_after_the_vault_was_locked_too_and_sessions_open_anew(
    world: World, tab: Tab
) -> None:
    number = await bound(world, tab)
    await tab.call("lock")
    await tab.call("unlock", PASSPHRASE)
    await delivered(world, number)
    assert len((await tab.call("inbox"))["offers"]) == 1
    assert len((await tab.call("inbox"))["offers"]) == 1
    assert world.between.calls.count("OpenSession") == 1, "one session serves both"


async def test_a_wrong_number_binds_nothing_and_the_right_one_does_after_it(world: World, tab: Tab) -> None:
    number = residents.number()
    made = await world.account(number)
    view = await tab.call("open", str(made))
    assert await tab.refused("register", view["id"], "person", "not a number!") == "NUMBER_MALFORMED"
    assert "RegisterAccount" not in world.between.calls
    refused = await tab.refused("register", view["id"], "person", residents.number())
    assert refused == "SUBJECT_MISMATCH"
    assert (await tab.call("overview"))["account"] is False
    assert (await tab.call("overview"))["unsent"] == 0, "a refusal is for good"
    await tab.call("register", view["id"], "person", f" {number[:6]} {number[6:]}")
    assert (await tab.call("overview"))["account"] is True
    assert await tab.refused("register", view["id"], "person", number) == "REQUEST_CLOSED"


async def test_a_registration_that_broke_off_is_gone_on_with_as_it_was_stored(world: World, tab: Tab) -> None:
    number = residents.number()
    view = await tab.call("open", str(await world.account(number)))
    world.between.away = True
    assert await tab.refused("register", view["id"], "person", number) == "UNAVAILABLE"
    assert await tab.refused("register", view["id"], "person", number) == "UNAVAILABLE"
    first, again = [message for method, message in world.between.sent if method == "RegisterAccount"]
    assert first == again, "the same key, octet for octet"
    assert (await tab.call("overview"))["unsent"] == 1
    world.between.away = False
    await tab.call("settle")
    overview = await tab.call("overview")
    assert (overview["unsent"], overview["account"]) == (0, True)
    await delivered(world, number)
    assert len((await tab.call("inbox"))["offers"]) == 1


async def test_a_receipt_that_does_not_hold_binds_nothing(world: World, tab: Tab) -> None:
    number = residents.number()
    view = await tab.call("open", str(await world.account(number)))

    @altered(account_pb2.RegisterAccountResponse)
    def other(answer: account_pb2.RegisterAccountResponse) -> None:
        answer.receipt = answer.receipt[:-2] + b"0\n"

    world.between.alter["RegisterAccount"] = other
    assert await tab.refused("register", view["id"], "person", number)
    assert (await tab.call("overview"))["account"] is False
    world.between.alter.clear()
    await tab.call("register", view["id"], "person", number)
    assert (await tab.call("overview"))["account"] is True


async def test_links_that_bind_nothing(world: World, tab: Tab) -> None:
    elsewhere = AccountLink("127.0.0.1:1", "police", new_code())
    assert await tab.refused("open", str(elsewhere)) == "LINK_ELSEWHERE"
    malformed = AccountLink(world.server, "police", "ABC")
    assert await tab.refused("open", str(malformed)) == "VALUE_INVALID"
    nobody = AccountLink(world.server, "police", new_code())
    view = await tab.call("open", str(nobody))
    assert await tab.refused("register", view["id"], "person", residents.number()) == "REGISTRATION_INVALID"


async def test_a_vault_that_another_took_the_account_from_is_told_so(world: World, tab: Tab) -> None:
    number = await bound(world, tab)
    await tab.call("inbox")
    async with world.place.visitor() as visitor, opened(visitor) as other:
        await other.make()
        view = await other.call("open", str(await world.account(number)))
        await other.call("register", view["id"], "person", number)
        assert (await other.call("inbox"))["account"] is True
        assert await tab.refused("inbox") in {"REQUEST_SIGNATURE_INVALID", "ACCOUNT_REPLACED"}


async def test_what_is_applied_for_is_told_until_it_is_decided_and_taken(world: World, tab: Tab) -> None:
    number = await bound(world, tab)
    names = [each["department"] for each in await tab.call("departments")]
    assert "departments/police" in names
    items = await tab.call("items", "departments/police")
    assert str(PERMIT.name) in [each["schema"] for each in items]
    assert await tab.refused("apply", str(PERMIT.name), "  ") == "GROUNDS_MALFORMED"
    assert await tab.call("apply", str(PERMIT.name), "I have moved 到这里 🏠.") is True
    (view,) = await tab.call("applications")
    assert (view["state"], view["reason"], view["offer"]) == ("open", None, None)
    (asked,) = [each for each in await queue(world) if each.name == view["id"]]
    assert (asked.grounds, asked.applicant.number) == ("I have moved 到这里 🏠.", number)
    await decide(world, view["id"], refuse={"zh": "不符合条件", "en": "Not yet a resident"})
    (view,) = await tab.call("applications")
    assert (view["state"], view["reason"]["en"]) == ("refused", "Not yet a resident")
    await tab.call("apply", str(PERMIT.name), "Again.")
    newest = (await tab.call("applications"))[0]
    assert newest["state"] == "open"
    await tab.call("cancelApplication", newest["id"])
    assert (await tab.call("applications"))[0]["state"] == "cancelled"
    assert await tab.refused("cancelApplication", view["id"]) == "APPLICATION_DECIDED"


async def test_what_is_stated_reaches_the_department_in_its_types(world: World, tab: Tab) -> None:
    number = await bound(world, tab)
    found = {each["schema"]: each for each in await tab.call("items", "departments/police")}
    fields = {each["id"]: each for each in found[str(PERMIT.name)]["fields"]}
    assert {name: each["kind"] for name, each in fields.items()} == {
        "name": "text", "district": "code", "since": "date", "fee": "integer", "student": "boolean",
    }  # fmt: skip
    assert (fields["fee"]["least"]["en"], fields["fee"]["most"]["zh"]) == ("0.00 CNY", "10000000.00 元")
    assert (fields["since"]["least"]["en"], fields["name"]["least"]) == ("1970-01-01", None)
    assert [each["code"] for each in fields["district"]["codes"]] == ["370102", "370103"]
    written = {
        "name": " e\u0301 王小明 ", "district": "370103", "since": "2019-09-01", "fee": "12.5",
        "student": "false", "number": " ",
    }  # fmt: skip
    assert await tab.call("apply", str(PERMIT.name), "To be compared.", written) is True
    stated: dict[str, Value] = {
        "name": "é 王小明", "district": "370103", "since": dt.date(2019, 9, 1), "fee": 1250,
        "student": False,
    }  # fmt: skip
    (asked,) = [each for each in await queue(world) if each.applicant.number == number]
    assert list(asked.values) == list(values_to(PERMIT, stated.items()))


async def test_what_is_stated_otherwise_than_the_schema_has_it_is_not_sent(world: World, tab: Tab) -> None:
    await bound(world, tab)
    for name, wrong in (
        (
            "fee",
            ["1.234", "1e3", "-1", "10000000.01", "\uff11", "1,000", "0x10", "01", ".5", "1 CNY", "9" * 30],
        ),
        ("since", ["2019-02-30", "1969-12-31", "0000-01-01", "2019-9-1", "20190901", "+002019-09-01"]),
        ("district", ["999999", "test"]),
        ("student", ["yes", "True", "1"]),
        ("name", ["a\u202eb", "a\nb", "王" * 31]),
        ("number", ["00" * 32]),
    ):
        for each in wrong:
            told = await tab.refused("apply", str(PERMIT.name), "To be refused.", {name: each})
            assert told == "VALUE_MALFORMED", (name, each)
    shoe = {"shoe": "7"}
    assert await tab.refused("apply", str(PERMIT.name), "To be refused.", shoe) == "ATTRIBUTE_UNKNOWN"
    assert (await tab.call("overview"))["unsent"] == 0
    assert "Apply" not in world.between.calls


async def test_an_application_that_broke_off_is_sent_once(world: World, tab: Tab) -> None:
    await bound(world, tab)
    await tab.call("apply", str(PERMIT.name), "The schema is known from now on.")
    world.between.away = True
    assert await tab.call("apply", str(PERMIT.name), "For my new flat.") is False
    assert (await tab.call("overview"))["unsent"] == 1
    world.between.away = False
    await tab.call("settle")
    assert (await tab.call("overview"))["unsent"] == 0
    assert len(await tab.call("applications")) == 2
    assert world.between.calls.count("Apply") == 3, "sent, sent in vain, and sent again"


async def test_a_session_that_does_not_hold_ends_nothing_that_was_stored(world: World, tab: Tab) -> None:
    await bound(world, tab)

    @altered(session_pb2.OpenSessionResponse)
    def other(answer: session_pb2.OpenSessionResponse) -> None:
        answer.token = "a-token-of-nobody"

    world.between.alter["OpenSession"] = other
    assert await tab.refused("inbox") == "TOKEN_INVALID"
    assert await tab.refused("apply", str(PERMIT.name), "Stored all the same.") == "TOKEN_INVALID"
    assert (await tab.call("overview"))["unsent"] == 1
    assert await tab.refused("settle") == "TOKEN_INVALID", "it was not said of the application"
    world.between.alter.clear()
    assert await tab.call("applications") == [], "the old token is tried once, and then a new one"
    await tab.call("settle")
    assert (await tab.call("overview"))["unsent"] == 0
    (view,) = await tab.call("applications")
    assert view["state"] == "open"


async def test_of_two_accounts_the_newest_counts_and_the_others_is_sent(world: World, tab: Tab) -> None:
    number = await bound(world, tab)
    await tab.call("apply", str(PERMIT.name), "The schema is known from now on.")
    world.between.away = True
    assert await tab.call("apply", str(PERMIT.name), "For my new flat.") is False
    world.between.away = False
    company = "91370100MA3C0F1XX"
    code = await residents.new_code(world.town.city, residents.subject(company, residents.COMPANY))
    view = await tab.call("open", str(AccountLink(world.server, "police", code)))
    await tab.call("register", view["id"], "company", company)
    assert await tab.call("applications") == []
    await tab.call("settle")
    assert (await tab.call("overview"))["unsent"] == 0
    own = [each.grounds for each in await queue(world) if each.applicant.number == number]
    assert sorted(own) == ["For my new flat.", "The schema is known from now on."]


async def test_what_cannot_be_read_hides_nothing_else(world: World, tab: Tab) -> None:
    number = await bound(world, tab)
    await delivered(world, number)
    await tab.call("apply", str(PERMIT.name), "Of something that is gone.")

    @altered(application_pb2.ListMyApplicationsResponse)
    def foreign(answer: application_pb2.ListMyApplicationsResponse) -> None:
        answer.applications[0].schema = "departments/police/schemas/nothing@1"
        answer.applications[0].create_time.seconds = 253_402_300_799

    world.between.alter["ListMyApplications"] = foreign
    (view,) = await tab.call("applications")
    assert (view["title"]["en"], view["state"]) == ("departments/police/schemas/nothing@1", "open")
    assert len((await tab.call("inbox"))["offers"]) == 1
