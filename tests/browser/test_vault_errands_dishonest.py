"""Services, counters and lines that would have the browser's vault agree to one errand and submit another."""

from collections.abc import Callable
from typing import Any

import pytest

from disclosure.errand import ErrandBundleName
from disclosure.errand.link import BundleLink
from tests.browser.altering import altered
from tests.browser.errand_town import (
    AGAIN,
    TOLD,
    TYPED,
    Bureau,
    answers,
    followed,
    submissions,
    submit,
)
from tests.browser.vault_town import World
from tests.browser.vaulting import PASSPHRASE, WITHOUT_SCREENS, Tab, opened
from verifier.client.errands import DONE, RECEIVED, REJECTED, Outcome
from zkproto.v1 import errand_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = WITHOUT_SCREENS
LOOKS = ("GetErrand", "WatchErrand")


@pytest.fixture
def tab(supplied: Tab) -> Tab:
    return supplied


def told_otherwise(world: World, change: Callable[[pb.Errand], object]) -> None:
    """Have what is told of errands altered on its way."""
    for each in LOOKS:
        world.between.alter[each] = altered(pb.Errand)(change)


def states(view: dict[str, Any]) -> list[str]:
    return [use["state"] for each in view["parts"] for use in each["uses"]]


async def test_what_is_agreed_to_is_what_was_shown_and_not_what_is_read_later(
    world: World, counters: Bureau, tab: Tab
) -> None:
    """A counter has signed two requests; the service hands out the one that is not on the screen."""
    view = await counters.begun(tab)
    earlier = await counters.told()
    await submit(tab, view, school=TYPED)
    await counters.tell("school", Outcome(REJECTED, AGAIN))
    await followed(tab, view["id"], lambda each: each["parts"][0]["state"] == "rejected")
    await tab.call("retryErrand", view["id"], "school")
    await counters.ask("school")
    await followed(tab, view["id"], lambda each: bool(each["asked"]))
    shown = await tab.call("askedErrand", view["id"])
    told_otherwise(world, lambda it: it.parts[0].ask.CopyFrom(earlier.parts[0].ask))
    late = await tab.call("askedErrand", view["id"])
    assert late["id"] != shown["id"]
    assert await tab.refused("submitErrand", late["id"], answers(late, school=TYPED)) == "EXCHANGE_ANSWERED"
    world.between.alter.clear()
    await tab.call("submitErrand", shown["id"], answers(shown, school={"phone": "2"}))
    received = await counters.tell("school", Outcome(DONE))
    assert received.values == {"phone": "2"}, "the request that was shown is the one that was answered"
    assert len(submissions(world)) == 2


async def test_of_two_openings_one_is_submitted(world: World, counters: Bureau, tab: Tab) -> None:
    view = await counters.begun(tab)
    one, other = [await tab.call("askedErrand", view["id"]) for _ in range(2)]
    world.between.away = True
    sending = await tab.call("submitErrand", one["id"], answers(one, school=TYPED))
    assert (sending["sending"], sending["stage"], states(sending)) == (True, "submitted", ["sending"] * 2)
    assert await tab.refused("submitErrand", other["id"], answers(other, school=TYPED)) == "REQUEST_CLOSED"
    world.between.away = False
    # Whoever looks at it has it sent: nobody has to leave the board for that.
    here = await followed(tab, view["id"], lambda each: not each["sending"])
    assert (here["stage"], states(here)) == ("submitted", ["done"] * 2)
    assert len(set(submissions(world))) == 1
    assert await tab.refused("submitErrand", other["id"], answers(other, school=TYPED)) == "EXCHANGE_ANSWERED"
    assert len(set(submissions(world))) == 1


async def test_what_a_service_tells_without_end_is_not_kept(world: World, counters: Bureau, tab: Tab) -> None:
    view = await counters.begun(tab)
    await submit(tab, view, school=TYPED)
    await counters.tell("school", Outcome(RECEIVED, TOLD, "No. 7"))
    mark = (await followed(tab, view["id"], lambda each: each["parts"][0]["state"] == "received"))["mark"]

    def talks(it: pb.Errand) -> None:
        for number in range(60):
            it.parts[0].updates.add().CopyFrom(it.parts[0].updates[0])
            it.parts[0].updates[-1].document = f"No. {number}"

    told_otherwise(world, talks)
    heard = await tab.call("followErrand", view["id"], mark)
    assert [each["document"] for each in heard["parts"][0]["told"]] == [f"No. {n}" for n in range(44, 60)]
    told_otherwise(world, lambda it: setattr(it.parts[0].updates[0], "document", "9" * 201))
    assert await tab.refused("followErrand", view["id"], heard["mark"]) == "ANSWER_INVALID"
    told_otherwise(world, lambda it: setattr(it.parts[0].updates[0].message, "en", "long" * 600_000))
    assert await tab.refused("followErrand", view["id"], heard["mark"]) == "ANSWER_INVALID"
    assert (await tab.call("errand", view["id"]))["parts"] == heard["parts"]
    assert [each["id"] for each in await tab.call("errands")] == [view["id"]]
    await tab.call("settle")


async def test_other_words_in_the_same_place_are_shown(world: World, counters: Bureau, tab: Tab) -> None:
    view = await counters.begun(tab)
    await submit(tab, view, school=TYPED)
    await counters.tell("school", Outcome(RECEIVED, TOLD, "No. 7"))
    before = await followed(tab, view["id"], lambda each: each["parts"][0]["state"] == "received")
    told_otherwise(world, lambda it: setattr(it.parts[0].updates[-1], "document", "No. 8"))
    after = await tab.call("followErrand", view["id"], before["mark"])
    assert [each["document"] for each in after["parts"][0]["told"]] == ["No. 8"]


async def test_a_vault_of_before_learns_that_it_was_submitted_and_does_not_give_it_up(
    world: World, counters: Bureau, tab: Tab
) -> None:
    view = await counters.begun(tab)
    file = await tab.call("backup")
    await submit(tab, view, school=TYPED)
    for first in ("followErrand", "declineErrand"):
        async with world.place.visitor() as visitor, opened(visitor) as other:
            await other.call("restore", file, PASSPHRASE)
            (kept,) = await other.call("errands")
            assert (kept["id"], kept["stage"]) == (view["id"], "begun")
            now = await other.call(first, view["id"], *(("",) if first == "followErrand" else ()))
            assert (now["stage"], now["state"], now["over"]) == ("submitted", "submitted", False)
            assert (await other.call("declineErrand", view["id"]))["stage"] == "submitted"
    assert (await counters.told()).state == pb.Errand.STATE_SUBMITTED


async def test_one_that_cannot_be_begun_holds_up_nothing_and_is_forgotten(
    world: World, counters: Bureau, tab: Tab
) -> None:
    world.between.refuses["StartErrand"] = "OVERLOADED"
    assert await tab.refused("beginErrand", counters.bundle) == "OVERLOADED"
    await tab.call("settle")
    (held,) = await tab.call("errands")
    assert (held["stage"], held["state"]) == ("begun", None)
    assert await tab.refused("followErrand", held["id"], "") == "OVERLOADED"
    before = len(world.between.sent)
    assert (await tab.call("declineErrand", held["id"]))["over"]
    assert await tab.call("errands") == []
    assert "StartErrand" not in [method for method, _ in world.between.sent[before:]]
    assert await tab.refused("errand", held["id"]) == "ERRAND_NOT_FOUND"


async def test_the_code_on_a_counters_screen(world: World, counters: Bureau, tab: Tab) -> None:
    name = ErrandBundleName.parse(counters.bundle)
    bundle = await tab.call("open", str(BundleLink(world.server, name)))
    assert bundle == await tab.call("open", counters.bundle)
    assert await tab.refused("open", str(BundleLink("other.example:443", name))) == "LINK_ELSEWHERE"
    written = str(BundleLink(world.server, name))
    for broken in (f"{written}&x=1", written.replace("%40", "@"), written.replace("%3A", ":"), f"{written} "):
        assert await tab.refused("open", broken) == "LINK_INVALID"
