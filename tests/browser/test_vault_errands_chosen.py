"""Which way an errand's counter is answered, and which errands there are to begin."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from disclosure.composite import ExpiryShown
from tests.browser.browsing import needs
from tests.browser.errand_town import answers, both_forms, bureau, followed
from tests.browser.vault_town import World, vault_town
from tests.browser.vaulting import PASSPHRASE, Tab, built, opened
from tests.disclosure.composite.world import HOUSEHOLD, INSURANCE, PERMIT
from zkproto.v1 import errand_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")
PHONE = {"phone": "053100000000"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    needs()
    folder = tmp_path_factory.mktemp("vault-errands-chosen")
    pages = await asyncio.to_thread(built, folder / "pages")
    async with vault_town(folder / "server", pages) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def tab(world: World) -> AsyncIterator[Tab]:
    """A vault with a permit and an insurance of both forms, and without a household."""
    async with world.place.visitor() as visitor, opened(visitor) as found:
        await found.call("create", PASSPHRASE, (await found.call("logKey"))["key"])
        offered = [await world.offered(each, person=secrets.token_bytes(8)) for each in (PERMIT, INSURANCE)]
        for link in [*offered, await world.plain_offer()]:
            await found.call("claim", (await found.call("open", str(link)))["id"])
        yield found


async def test_a_later_way_is_taken_only_by_the_persons_own_choice(world: World, tab: Tab) -> None:
    """From a later way it may be inferred what is not held: BRANCH_UNDECIDED of the command's vault."""
    town = world.town
    household = town.query("household", HOUSEHOLD, expiry=ExpiryShown())
    first = town.small(id="first", queries=(household,), predicates=())
    second = replace(world.main(), id="second")
    async with bureau(world, both_forms(1)) as counters:
        view = await tab.call("beginErrand", counters.bundle)
        await tab.call("followErrand", view["id"], "")
        await counters.ask("school", request=lambda: town.request(first, second))
        await counters.ask("bank")
        await followed(tab, view["id"], lambda each: bool(each["asked"]))
        asked = await tab.call("askedErrand", view["id"])
        school = asked["parts"][0]
        assert [(way["branch"], bool(way["missing"])) for way in school["ways"]] == [
            ("first", True), ("second", False),
        ]  # fmt: skip
        assert school["answer"]["choice"] == {"branch": "first", "chosen": {}}
        said = answers(asked, school=PHONE)
        assert (await tab.call("chooseErrand", asked["id"], said))["shared"] is None
        assert await tab.refused("submitErrand", asked["id"], said) == "NOTHING_FITS"
        assert "SubmitErrand" not in world.between.calls
        asked = await tab.call("askedErrand", view["id"])
        said["school"]["choice"] = {"branch": "second", "chosen": {}}
        assert (await tab.call("chooseErrand", asked["id"], said))["shared"] is not None
        assert (await tab.call("submitErrand", asked["id"], said))["stage"] == "submitted"


async def test_a_bundle_that_is_none_hides_no_other_and_a_list_has_an_end(world: World, tab: Tab) -> None:
    between = world.between

    def lists(*listed: pb.ErrandBundle, token: str = "") -> None:
        page = pb.ListErrandBundlesResponse(errand_bundles=listed, next_page_token=token)
        between.answers["ListErrandBundles"] = lambda _: page.SerializeToString()

    async with bureau(world, both_forms(2)) as counters:
        listed = await counters.errands.stub.ListErrandBundles(pb.ListErrandBundlesRequest())
        one = listed.errand_bundles[-1]
        lists(one)
        whole = await tab.call("bundles")
        assert len(whole) == 1
        spoilt = []
        for change in (
            lambda it: setattr(it, "name", "errandBundles/none"),
            lambda it: it.ClearField("counters"),
            lambda it: it.display_name.Clear(),
        ):
            spoilt.append(pb.ErrandBundle.FromString(one.SerializeToString()))
            change(spoilt[-1])
        lists(*spoilt, one)
        assert await tab.call("bundles") == whole
        for count, turns in ((100, 3), (0, 20)):
            lists(*[one] * count, token="more")
            between.calls.clear()
            assert len(await tab.call("bundles")) == min(256, count * turns)
            assert between.calls == ["ListErrandBundles"] * turns
        lists(*[one] * 101)
        assert await tab.refused("bundles") == "MALFORMED"
    between.answers.clear()
