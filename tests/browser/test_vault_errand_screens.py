"""Errands and regulators in the vault's page, by clicking."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from tests.browser.altering import altered
from tests.browser.browsing import SIZES, Visitor
from tests.browser.clicking import at_the_vault, looks_well, paste, take, unlock
from tests.browser.errand_town import AGAIN, TOLD, Bureau, bureau
from tests.browser.vault_town import World
from tests.disclosure.composite.world import INSURANCE, PERMIT
from tests.zkservice.errands import VALUES
from verifier.client.errands import DONE, REJECTED, Outcome
from zkproto.v1 import errand_pb2 as pb
from zkproto.v1 import publication_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def newborn(town: World) -> AsyncIterator[Bureau]:
    """The counters of a newborn's errand."""
    async with bureau(town) as made:
        yield made


@dataclass
class Walk:
    """A person's way through an errand of a newborn."""

    world: World
    newborn: Bureau
    visitor: Visitor

    @property
    def page(self) -> Page:
        return self.visitor.page

    def part(self, name: str) -> Locator:
        return self.page.locator(f"li[data-part={name}]")

    async def press(self, name: str, *, twice: bool = False) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click(click_count=1 + twice)

    async def begins(self) -> None:
        """From a notice on the wall to the counters' being asked."""
        page = self.page
        await page.get_by_role("link", name="Errands at several counters").click()
        await expect(page.get_by_text("You have not begun any.")).to_be_visible()
        await expect(page.get_by_role("button", name="A newborn").first).to_be_visible()
        await looks_well(self.visitor)
        await page.goto(f"{self.world.place.origin}/vault/#{self.newborn.bundle}")
        await expect(page.get_by_text("Birth registration, household, insurance")).to_be_visible()
        await expect(page.get_by_text("You tell it: Day of birth, Weight in grams")).to_be_visible()
        await looks_well(self.visitor)
        await self.press("Begin", twice=True)
        await expect(page.get_by_text("As soon as all of them have asked")).to_be_visible()
        await looks_well(self.visitor)
        await self.newborn.ask()

    async def fills_in(self) -> None:
        page = self.page
        await self.press("See what they ask")
        await expect(page.get_by_role("heading", name="What the counters want to be told")).to_be_visible()
        await page.get_by_label("Day of birth").fill(VALUES["born"].isoformat())
        await page.get_by_label("Weight in grams").fill("3200")
        await page.get_by_label("Telephone").fill(VALUES["phone"])
        await looks_well(self.visitor)
        await self.press("Go on")

    async def agrees(self) -> None:
        """One yes, and one submission."""
        page = self.page
        await expect(page.get_by_text("Nothing is shown to any counter before you agree.")).to_be_visible()
        shared = page.locator("[data-test=shared]")
        await expect(shared.get_by_role("listitem")).to_have_count(2)
        await expect(shared).to_contain_text("Seen by more than one counter")
        await expect(page.get_by_role("heading", name="Part 3 of 3")).to_be_visible()
        await looks_well(self.visitor)
        self.world.between.sent.clear()
        await self.press("Agree and submit all", twice=True)
        await expect(page.get_by_text("The receipt holds.")).to_have_count(3)
        assert [method for method, _ in self.world.between.sent].count("SubmitErrand") == 1
        await looks_well(self.visitor)

    async def is_sent_back(self) -> None:
        """One part is done, one is rejected, and submitted again alone."""
        received = await self.newborn.tell("birth", Outcome(DONE, TOLD, "No. 7"))
        assert received.values == {"born": VALUES["born"], "weight": 3200}
        await expect(self.part("birth")).to_contain_text("All is well")
        await expect(self.part("birth")).to_contain_text("Document: No. 7")
        await self.newborn.tell("household", Outcome(REJECTED, AGAIN))
        household = self.part("household")
        await expect(household).to_contain_text("Once more")
        await looks_well(self.visitor)
        await household.get_by_role("button", name="Open this part again").click()
        await expect(household).to_contain_text("its counter has not asked yet")
        await self.newborn.ask("household")
        await self.press("See what they ask")
        await expect(self.page.get_by_role("heading", name="Part 1 of 1")).to_be_visible()
        await self.press("Agree and submit all", twice=True)
        await expect(household.get_by_role("button", name="What was shown")).to_have_count(2)

    async def is_done(self, person: bytes) -> None:
        """All is done, and a credential comes of it."""
        page, offer = self.page, await self.world.offered(PERMIT, person=person)
        await self.newborn.tell("household", Outcome(DONE, TOLD, "", offer))
        await self.newborn.tell("insurance", Outcome(DONE))
        await expect(page.get_by_text("Everything is done")).to_be_visible()
        await looks_well(self.visitor)
        await self.part("household").get_by_role("button", name="Look at the offer").click()
        await self.press("Take it into the vault")
        await expect(page.get_by_text("It is in your vault now.")).to_be_visible()
        await page.get_by_role("button", name="Credentials").click()
        await page.get_by_role("link", name="Errands at several counters").click()
        await expect(page.get_by_role("button", name="A newborn").first).to_contain_text("Everything is done")
        await page.get_by_role("link", name="History").click()
        await expect(page.locator("ul.choices button").filter(has_text="Shown")).to_have_count(4)


@pytest.mark.parametrize("size", list(SIZES))
async def test_from_a_notice_on_the_wall_to_what_came_of_it(world: World, newborn: Bureau, size: str) -> None:
    async with at_the_vault(world, size=size) as visitor:
        page = visitor.page
        await take(page, await world.plain_offer())
        walk = Walk(world, newborn, visitor)
        await walk.begins()
        await walk.fills_in()
        await walk.agrees()
        await walk.is_sent_back()
        await walk.is_done(f"errand-{size}".encode())


async def test_after_a_lock_it_is_still_there_and_what_is_stored_is_sent_from_its_board(
    world: World, newborn: Bureau
) -> None:
    async with at_the_vault(world) as visitor:
        page = visitor.page
        await take(page, await world.plain_offer())
        walk = Walk(world, newborn, visitor)
        await page.goto(f"{world.place.origin}/vault/#{newborn.bundle}")
        await walk.press("Begin")
        await expect(page.get_by_text("As soon as all of them have asked")).to_be_visible()
        await page.get_by_role("link", name="Vault settings").click()
        await page.get_by_role("button", name="Lock the vault").click()
        await unlock(page)
        await page.goto(f"{world.place.origin}/vault/#{newborn.bundle}")
        await expect(page.get_by_role("heading", name="You have begun it already")).to_be_visible()
        await looks_well(visitor)
        await page.locator("ul.choices button").first.click()
        await newborn.ask()
        await walk.fills_in()
        await expect(page.get_by_text("Nothing is shown to any counter before you agree.")).to_be_visible()
        world.between.away = True
        visitor.expected += ["Failed to load"]
        await walk.press("Agree and submit all")
        await expect(page.get_by_text("is submitted exactly as it is as soon as")).to_be_visible()
        world.between.away = False
        await expect(page.get_by_text("The receipt holds.")).to_have_count(3)
        started = [message for method, message in world.between.sent if method == "StartErrand"]
        assert len(set(started)) == 1


async def test_what_is_given_up_shows_nothing(world: World, newborn: Bureau) -> None:
    async with at_the_vault(world) as visitor:
        page = visitor.page
        await page.get_by_role("link", name="Errands at several counters").click()
        await page.locator("ul.choices button").filter(has_text="A newborn").last.click()
        await page.get_by_role("button", name="Begin", exact=True).click()
        await page.get_by_role("button", name="Give the errand up").click()
        await expect(page.get_by_text("The errand ends and its counters get nothing.")).to_be_visible()
        await looks_well(visitor)
        await page.get_by_role("button", name="Give it up", exact=True).click()
        await expect(page.get_by_role("status")).to_contain_text("over")
        assert "AbandonErrand" in [method for method, _ in world.between.sent]
        assert (await newborn.told()).state == pb.Errand.STATE_ABANDONED
        await page.get_by_role("button", name="Back").click()
        await page.get_by_role("link", name="History").click()
        await expect(page.get_by_role("button", name="You declined")).to_be_visible()


async def test_what_is_missing_is_told_for_its_counter(world: World, newborn: Bureau) -> None:
    async with at_the_vault(world) as visitor:
        page = visitor.page
        await page.goto(f"{world.place.origin}/vault/#{newborn.bundle}")
        await page.get_by_role("button", name="Begin", exact=True).click()
        await expect(page.get_by_text("As soon as all of them have asked")).to_be_visible()
        await newborn.ask()
        await page.get_by_role("button", name="See what they ask").click()
        await page.get_by_label("Day of birth").fill("2026-11-01")
        await page.get_by_label("Telephone").fill("1")
        await page.get_by_role("button", name="Go on").click()
        await expect(page.get_by_text("Not everything can be answered.")).to_be_visible()
        await expect(page.get_by_role("button", name="Agree and submit all")).to_have_count(0)
        await looks_well(visitor)
        await page.get_by_role("button", name="Change what I tell").click()
        await expect(page.get_by_label("Telephone")).to_have_value("1")


async def test_a_regulator_is_trusted_by_a_word_of_the_persons_own(world: World) -> None:
    async with at_the_vault(world, PERMIT, INSURANCE) as visitor:
        page = visitor.page
        escrowing = replace(world.main(), escrows=world.town.main().escrows)
        _, _, link = await world.asked(escrowing)
        await paste(page, link)
        await expect(page.get_by_text("a key that your vault does not trust")).to_be_visible()
        await page.get_by_role("link", name="Vault settings").click()
        await expect(page.get_by_text("You do not trust it.")).to_be_visible()
        await page.get_by_role("button", name="Trust it …").click()
        await expect(page.get_by_text("May your identity be escrowed to this key")).to_be_visible()
        digest = world.town.regulator_key.digest.hex()
        asks = page.get_by_role("group", name=re.compile(digest))
        await expect(asks).to_be_focused()
        await expect(asks).to_have_accessible_description(re.compile("May your identity be escrowed"))
        await looks_well(visitor)
        await page.get_by_role("button", name="No", exact=True).click()
        await expect(page.get_by_text("You do not trust it.")).to_be_visible()
        item = page.locator(f"#regulator-{digest}")
        await expect(item).to_be_focused()
        await page.get_by_role("button", name="Trust it …").click()
        await page.get_by_role("button", name="Yes, trust it").click()
        await expect(page.get_by_text("You trust it.")).to_be_visible()
        await expect(item).to_be_focused()
        await looks_well(visitor)
        await paste(page, link)
        await expect(page.get_by_role("heading", name="Sealed for a regulator").first).to_be_visible()
        await page.get_by_role("button", name="Agree and show").click()
        await expect(page.get_by_text("It was shown, and the use stands on the ledger.")).to_be_visible()


async def test_trust_can_be_ended_whatever_the_service_lists(world: World) -> None:
    @altered(publication_pb2.ListRegulatorsResponse)
    def another(message: publication_pb2.ListRegulatorsResponse) -> None:
        message.regulators[0].name = "regulators/another"

    async with at_the_vault(world) as visitor:
        page = visitor.page
        await page.get_by_role("link", name="Vault settings").click()
        await page.get_by_role("button", name="Trust it …").click()
        await page.get_by_role("button", name="Yes, trust it").click()
        await expect(page.get_by_text("You trust it.")).to_be_visible()
        await page.get_by_role("link", name="History").click()
        world.between.alter["ListRegulators"] = another
        await page.get_by_role("link", name="Vault settings").click()
        await expect(page.get_by_text("could not be read, or does not hold")).to_be_visible()
        await expect(page.get_by_text("You trust it.")).to_be_visible()
        await looks_well(visitor)
        await page.get_by_role("button", name="Trust it no more").click()
        await expect(page.get_by_text("You trust it.")).to_have_count(0)
        await expect(page.get_by_role("heading", name="Whom your identity may be sealed for")).to_be_focused()
