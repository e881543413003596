"""Which way an errand's counter is answered, and which errands there are to begin."""

from dataclasses import replace

import pytest

from disclosure.composite import ExpiryShown
from tests.browser.errand_town import TYPED, answers, both_forms, bureau, followed
from tests.browser.vault_town import World
from tests.browser.vaulting import WITHOUT_SCREENS, Tab
from tests.disclosure.composite.world import HOUSEHOLD
from zkproto.v1 import errand_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = WITHOUT_SCREENS


@pytest.fixture
def tab(supplied: Tab) -> Tab:
    return supplied


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
        said = answers(asked, school=TYPED)
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
