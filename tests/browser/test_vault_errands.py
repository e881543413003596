"""The browser vault's errands, without screens: begun, asked, agreed to once, submitted once, followed."""

from dataclasses import replace
from functools import partial

import pytest

from disclosure import PolicyName
from tests.browser.altering import altered
from tests.browser.errand_town import (
    AGAIN,
    TOLD,
    TYPED,
    Bureau,
    answers,
    bureau,
    followed,
    submissions,
    submit,
)
from tests.browser.vault_town import World
from tests.browser.vaulting import PASSPHRASE, WITHOUT_SCREENS, Faulted, Tab
from tests.zkservice.support import new_id
from tests.zkservice.test_errands_refused import narrow
from verifier.client import Answered, CompositeAnswered
from verifier.client.errands import DONE, RECEIVED, REJECTED, Outcome
from zkproto.v1 import errand_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = WITHOUT_SCREENS


@pytest.fixture
def tab(supplied: Tab) -> Tab:
    return supplied


async def test_one_consent_one_submission_and_each_counter_verifies_its_own(
    world: World, counters: Bureau, tab: Tab
) -> None:
    listed = {each["bundle"]: each for each in await tab.call("bundles")}
    bundle = await tab.call("open", counters.bundle)
    assert bundle == listed[counters.bundle]
    assert (bundle["kind"], [each["part"] for each in bundle["counters"]]) == ("bundle", ["school", "bank"])
    assert bundle["counters"][1]["after"] == [bundle["counters"][0]["name"]]
    begun = await tab.call("beginErrand", counters.bundle)
    assert (begun["stage"], begun["asked"], begun["parts"][0]["state"]) == ("begun", False, "waiting")
    assert await tab.refused("askedErrand", begun["id"]) == "NOT_ASKED"
    await counters.ask("school")
    waiting = await followed(tab, begun["id"], lambda each: each["parts"][0]["state"] == "asked")
    assert not waiting["asked"], "the bank is waited for"
    await counters.ask("bank")
    assert (await followed(tab, begun["id"], lambda each: bool(each["asked"])))["state"] == "open"

    asked = await tab.call("askedErrand", begun["id"])
    assert asked["heading"]["en"] == "School and bank: submitted once, 2 counters each get their own part"
    assert [each["heading"]["en"] for each in asked["parts"]] == [
        "Part 1 of 2: The school's counter", "Part 2 of 2: The bank's counter",
    ]  # fmt: skip
    assert [[way["missing"] for way in each["ways"]] for each in asked["parts"]] == [[[]], [[]]]
    assert (asked["shared"], asked["parts"][0]["declares"]["values"]) == (None, None)
    assert await tab.refused("chooseErrand", asked["id"], answers(asked)) == "FORM_INCOMPLETE"
    assert await tab.refused("submitErrand", asked["id"], answers(asked)) == "FORM_INCOMPLETE"
    said = answers(asked, school=TYPED)
    assert await tab.refused("submitErrand", asked["id"], {"school": said["school"]}) == "CHOICE_INVALID"
    told = await tab.call("chooseErrand", asked["id"], said)
    assert told["shared"]["heading"]["en"] == "Nothing is seen by more than one counter."
    assert [each["value"]["en"] for each in told["parts"][0]["declares"]["values"]] == [TYPED["phone"]]
    assert submissions(world) == [], "nothing is shown before the person has agreed"
    view = await tab.call("submitErrand", asked["id"], said)
    assert await tab.refused("submitErrand", asked["id"], said) == "REQUEST_CLOSED"
    assert (view["stage"], view["sending"], view["asked"]) == ("submitted", False, False)
    assert [each["state"] for each in view["parts"]] == ["submitted", "submitted"]
    assert [[use["state"], use["receipt"]] for each in view["parts"] for use in each["uses"]] == [
        ["done", "pending"], ["done", "pending"],
    ]  # fmt: skip
    assert len(submissions(world)) == 1

    _, school = await counters.receive("school")
    _, bank = await counters.receive("bank")
    assert isinstance(school.answered, CompositeAnswered)
    assert isinstance(bank.answered, Answered)
    assert school.values == TYPED
    assert bank.values == {}
    tags = {
        school.answered.record.presentation.answer.usage_tag, bank.answered.record.presentation.usage_tag,
    }  # fmt: skip
    assert len(tags) == 2
    history = await tab.call("uses")
    assert sorted(each["state"] for each in history) == ["done", "done", "recorded"]
    (event,) = [each for each in history if each["state"] == "recorded"]
    assert (event["verifier"], event["receipt"]) == (counters.bundle, "pending")
    assert (await tab.call("overview"))["unsent"] == 0


async def test_it_is_followed_until_all_is_done_and_what_was_declared_is_remembered(
    world: World, counters: Bureau, tab: Tab
) -> None:
    view = await counters.begun(tab)
    await submit(tab, view, school=TYPED)
    await counters.tell("school", Outcome(RECEIVED))
    here = await followed(tab, view["id"], lambda each: each["parts"][0]["state"] == "received")
    assert here["parts"][0]["stands"]["en"] == "received"
    offer = await world.plain_offer()
    await counters.tell("school", Outcome(DONE, TOLD, "No. 7", offer))
    await counters.tell("bank", Outcome(DONE))
    done = await followed(tab, view["id"], lambda each: bool(each["over"]))
    assert (done["state"], done["stage"], done["stands"]["en"]) == ("done", "ended", "Everything is done")
    last = done["parts"][0]["told"][-1]
    assert (last["message"]["en"], last["document"], last["offer"]) == ("All is well", "No. 7", str(offer))
    assert (await tab.call("open", last["offer"]))["kind"] == "offer"
    await tab.call("lock")
    await tab.call("unlock", PASSPHRASE)
    (kept,) = await tab.call("errands")
    assert (kept["id"], kept["stands"]) == (view["id"], done["stands"])
    assert (await tab.call("errand", view["id"]))["parts"] == done["parts"]
    again = await tab.call("askedErrand", (await counters.begun(tab))["id"])
    assert again["parts"][0]["answer"]["declared"] == TYPED
    assert again["parts"][0]["declares"]["values"][0]["value"]["en"] == TYPED["phone"]
    assert "you answered 1 times" in again["parts"][1]["asker"]["before"]["en"]


async def test_a_submission_whose_answer_was_lost_is_sent_again_octet_for_octet(
    world: World, counters: Bureau, tab: Tab
) -> None:
    view = await counters.begun(tab)
    world.between.lost.add("SubmitErrand")
    sent = await submit(tab, view, school=TYPED)
    assert (sent["sending"], sent["asked"], sent["stage"]) == (True, False, "submitted")
    assert [use["state"] for each in sent["parts"] for use in each["uses"]] == ["sending", "sending"]
    assert (await tab.call("overview"))["unsent"] == 1
    assert await tab.refused("settle") == "UNAVAILABLE"
    await tab.call("lock")
    await tab.call("unlock", PASSPHRASE)
    world.between.lost.clear()
    await tab.call("settle")
    first, *others = submissions(world)
    assert len(others) == 2
    assert set(others) == {first}
    assert (await tab.call("overview"))["unsent"] == 0
    there = await tab.call("errand", view["id"])
    assert [use["state"] for each in there["parts"] for use in each["uses"]] == ["done", "done"]
    await counters.receive("school")


async def test_what_was_never_begun_is_begun_once(world: World, counters: Bureau, tab: Tab) -> None:
    world.between.lost.add("StartErrand")
    assert await tab.refused("beginErrand", counters.bundle) == "UNAVAILABLE"
    assert await tab.refused("beginErrand", counters.bundle) == "UNAVAILABLE"
    world.between.lost.clear()
    await tab.call("settle")
    started = [message for method, message in world.between.sent if method == "StartErrand"]
    assert len(started) == 3
    assert len(set(started)) == 1, "the same request_id finds the same errand"
    (held,) = await tab.call("errands")
    assert (held["stage"], held["state"]) == ("begun", None)


async def test_a_refusal_for_good_is_of_all_parts(world: World, counters: Bureau, tab: Tab) -> None:
    view = await counters.begun(tab)
    asked = await tab.call("askedErrand", view["id"])
    ending = pb.AbandonErrandRequest(**await counters.own(), holder_note=bytes(1024), request_id=new_id())
    await counters.errands.stub.AbandonErrand(ending)
    assert await tab.refused("submitErrand", asked["id"], answers(asked, school=TYPED)) == "ERRAND_ENDED"
    assert (await tab.call("overview"))["unsent"] == 0
    assert sorted(each["state"] for each in await tab.call("uses")) == ["refused", "refused", "refused"]
    there = await tab.call("errand", view["id"])
    assert (there["stage"], there["sending"]) == ("begun", False)
    assert (await followed(tab, view["id"], lambda each: bool(each["over"])))["state"] == "abandoned"


async def test_receipts_that_do_not_hold_are_not_believed(world: World, counters: Bureau, tab: Tab) -> None:
    @altered(pb.SubmitErrandResponse)
    def swapped(answer: pb.SubmitErrandResponse) -> None:
        answer.receipts[:] = list(answer.receipts)[::-1]

    @altered(pb.SubmitErrandResponse)
    def fewer(answer: pb.SubmitErrandResponse) -> None:
        del answer.receipts[1:]

    @altered(pb.SubmitErrandResponse)
    def other(answer: pb.SubmitErrandResponse) -> None:
        answer.receipt = answer.receipts[0]

    view = await counters.begun(tab)
    world.between.alter["SubmitErrand"] = swapped
    with pytest.raises(Faulted, match="RECEIPT_MISMATCH"):
        await submit(tab, view, school=TYPED)
    for alter, reason in ((fewer, "ANSWER_INVALID"), (other, "MALFORMED")):
        world.between.alter["SubmitErrand"] = alter
        assert await tab.refused("settle") == reason
        there = await tab.call("errand", view["id"])
        states = [use["state"] for each in there["parts"] for use in each["uses"]]
        assert states == ["sending", "sending"], "all of it or nothing"
    world.between.alter.clear()
    await tab.call("settle")
    assert (await tab.call("overview"))["unsent"] == 0


async def test_asks_that_were_changed_on_their_way_are_refused(
    world: World, counters: Bureau, tab: Tab
) -> None:
    def swap(it: pb.Errand) -> None:
        own = pb.ErrandAsk()
        own.CopyFrom(it.parts[0].ask)
        it.parts[0].ask.CopyFrom(it.parts[1].ask)
        it.parts[1].ask.CopyFrom(own)

    view = await counters.begun(tab)
    for change, reason in (
        (lambda it: setattr(it.parts[0].ask, "form_key", bytes(range(32))), "REQUEST_SIGNATURE_INVALID"),
        (lambda it: setattr(it.parts[0].ask, "form_key", b""), "MALFORMED"),
        (lambda it: setattr(it.parts[1].ask, "form_key", bytes(range(32))), "MALFORMED"),
        (lambda it: setattr(it.parts[0].ask, "ask_signature", bytes(64)), "REQUEST_SIGNATURE_INVALID"),
        (lambda it: setattr(it.parts[0], "name", "errandParts/" + "a" * 22), "REQUEST_SIGNATURE_INVALID"),
        (lambda it: it.parts[0].ClearField("ask"), "ANSWER_INVALID"),
        (lambda it: it.parts.pop(), "ANSWER_INVALID"),
        (lambda it: setattr(it, "name", "errands/another"), "ANSWER_INVALID"),
        (swap, "REQUEST_MISMATCH"),
    ):
        world.between.alter["GetErrand"] = altered(pb.Errand)(change)
        assert await tab.refused("askedErrand", view["id"]) == reason
    assert submissions(world) == []
    assert await tab.call("uses") == []


async def test_a_bundle_counts_as_it_stands_on_the_ledger(world: World, counters: Bureau, empty: Tab) -> None:
    @altered(pb.ErrandBundle)
    def changed(message: pb.ErrandBundle) -> None:
        message.description.en = "Something else"

    @altered(pb.ErrandBundle)
    def other(message: pb.ErrandBundle) -> None:
        message.name = "errandBundles/other@1"

    for alter, reason in ((changed, "INCLUSION_INVALID"), (other, "MALFORMED")):
        world.between.alter["GetErrandBundle"] = alter
        assert await empty.refused("open", counters.bundle) == reason
        assert await empty.refused("beginErrand", counters.bundle) == reason
    assert await empty.refused("open", "errandBundles/nothing") == "NAME_INVALID"
    world.between.alter.clear()
    assert await empty.refused("open", "errandBundles/nothing@1") == "NOT_FOUND"
    address = f"{world.place.origin}/vault/#{counters.bundle}"
    assert (await empty.call("open", address))["bundle"] == counters.bundle
    assert await empty.refused("open", address.replace("https", "http", 1)) == "LINK_INVALID"


async def test_what_is_missing_is_told_for_each_part_and_nothing_goes_out(
    world: World, counters: Bureau, empty: Tab
) -> None:
    await empty.claim(await world.plain_offer())
    view = await counters.begun(empty)
    asked = await empty.call("askedErrand", view["id"])
    school, bank = ([way["missing"] for way in each["ways"]] for each in asked["parts"])
    assert school[0][0]["en"].startswith("You do not have")
    assert bank == [[]]
    said = answers(asked, school=TYPED)
    assert (await empty.call("chooseErrand", asked["id"], said))["shared"] is None
    assert await empty.refused("submitErrand", asked["id"], said) == "NOTHING_FITS"
    assert submissions(world) == []
    assert await empty.call("uses") == []


async def test_what_is_declined_ends_and_stands_on_the_ledger(
    world: World, counters: Bureau, tab: Tab
) -> None:
    view = await counters.begun(tab)
    asked = await tab.call("askedErrand", view["id"])
    assert asked["mayEnd"]
    over = await tab.call("declineErrand", asked["id"])
    assert (over["stage"], over["over"], over["asked"]) == ("ended", True, False)
    assert (await counters.told()).state == pb.Errand.STATE_ABANDONED
    (use,) = await tab.call("uses")
    assert (use["state"], use["receipt"], use["verifier"]) == ("declined", "pending", counters.bundle)
    assert submissions(world) == []
    world.between.away = True
    ended = await tab.call("declineErrand", view["id"])
    assert ended["stage"] == "ended"
    assert len(await tab.call("uses")) == 1


async def test_a_rejected_part_is_opened_again_and_submitted_alone(
    world: World, counters: Bureau, tab: Tab
) -> None:
    view = await counters.begun(tab)
    await submit(tab, view, school=TYPED)
    await counters.tell("school", Outcome(REJECTED, AGAIN))
    await followed(tab, view["id"], lambda each: each["parts"][0]["state"] == "rejected")
    assert (await tab.call("retryErrand", view["id"], "school"))["parts"][0]["state"] == "waiting"
    await counters.ask("school")
    await followed(tab, view["id"], lambda each: bool(each["asked"]))
    asked = await tab.call("askedErrand", view["id"])
    assert ([each["heading"]["en"] for each in asked["parts"]], asked["mayEnd"]) == (
        ["Part 1 of 1: The school's counter"], False,
    )  # fmt: skip
    await tab.call("declineErrand", asked["id"])
    asked = await tab.call("askedErrand", view["id"])  # a no ends nothing that was submitted
    again = {"school": {"choice": asked["parts"][0]["answer"]["choice"], "declared": {"phone": "1"}}}
    said = await tab.call("submitErrand", asked["id"], again)
    assert [len(each["uses"]) for each in said["parts"]] == [2, 1]
    received = await counters.tell("school", Outcome(DONE))
    assert received.values == {"phone": "1"}


async def test_a_counter_that_asks_too_much_gets_nothing_and_it_is_written_down(
    world: World, tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    errands = await narrow(world.town.city, 70)
    async with bureau(world, errands.bundle) as greedy:
        begun = await tab.call("beginErrand", greedy.bundle)
        await tab.call("followErrand", begun["id"], "")
        monkeypatch.setattr("zkservice.services.asking.check_allowed", lambda *_: None)
        for part in greedy.desks:
            counter = f"{part}-counter"
            shown = ("district", "name") if part == "birth" else ("district",)
            asked = world.town.city.request(counter, shown=shown)
            request = replace(asked, policy=PolicyName(counter, "narrow", 1))
            await greedy.ask(part, request=partial(replace, request))
        assert await tab.refused("askedErrand", begun["id"]) == "OVER_ASKING"
        (use,) = await tab.call("uses")
        assert (use["state"], use["receipt"], use["verifier"]) == (
            "over-asked", "pending", "verifiers/birth-counter",
        )  # fmt: skip
        assert (await tab.call("errand", begun["id"]))["stage"] == "ended"
        assert (await greedy.told()).state == pb.Errand.STATE_ABANDONED
    assert submissions(world) == []
