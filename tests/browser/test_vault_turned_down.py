"""Questions that the vault does not answer, by clicking: too late, too much; and all in large type."""

import datetime as dt
from dataclasses import replace

import pytest
from playwright.async_api import Page, expect

from disclosure import ExchangeLink
from tests.browser.browsing import SIZES
from tests.browser.clicking import at_the_vault, looks_well, make, paste, takes
from tests.browser.vault_town import World
from tests.disclosure.composite.world import INSURANCE, PERMIT
from zkproto.v1 import presentation_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="session")
LIFE = dt.timedelta(minutes=2)
"""So long a question can be answered that is looked at until it ends, by a clock that the test moves on."""
LARGE = 22
"""Pixels that a letter has then."""


async def nothing_was_shown(world: World, page: Page) -> None:
    await expect(page.get_by_role("button", name="Agree and show")).to_have_count(0)
    assert "SubmitPresentation" not in [method for method, _ in world.between.sent]


async def test_a_request_that_has_expired_is_told_so(world: World) -> None:
    async with at_the_vault(world, PERMIT, INSURANCE, size="phone") as visitor:
        page = visitor.page
        asked, _, link = await world.asked(world.main())
        life = asked.expires - asked.created
        ended = world.town.request(world.main(), created=asked.created - life, expires=asked.created)
        world.between.asks_instead(world.town.sign(ended))
        await paste(page, link)
        await expect(page.get_by_text("(REQUEST_EXPIRED)")).to_be_visible()
        await looks_well(visitor)
        await nothing_was_shown(world, page)


async def test_a_question_that_ends_while_it_is_looked_at_cannot_be_answered(world: World) -> None:
    async with at_the_vault(world, PERMIT, INSURANCE) as visitor:
        page = visitor.page
        created = world.town.now.replace(microsecond=0)
        request = world.town.request(world.main(), created=created, expires=created + LIFE)
        made = await world.town.ask(request)
        await page.clock.install()
        await paste(page, ExchangeLink(world.server, made.exchange.removeprefix("exchanges/"), made.ticket))
        await expect(page.get_by_text("Nothing is shown before you agree.")).to_be_visible()
        await expect(page.get_by_role("button", name="Agree and show")).to_be_enabled()
        await page.clock.fast_forward(int(LIFE.total_seconds() * 1000))
        await expect(page.get_by_text("The time to answer is over.")).to_be_visible()
        await expect(page.get_by_role("button", name="Decline")).to_have_count(0)
        await looks_well(visitor)
        await nothing_was_shown(world, page)
        await page.get_by_role("button", name="Back").click()
        await expect(page.get_by_role("button", name="Valid until")).to_have_count(2)


@pytest.mark.parametrize("size", list(SIZES))
async def test_what_asks_too_much_is_refused_and_stands_in_the_history(world: World, size: str) -> None:
    async with at_the_vault(world, PERMIT, INSURANCE, size=size) as visitor:
        page = visitor.page
        asked, made, link = await world.asked(world.main())
        purpose = replace(asked.purpose, en="Something else")
        world.between.asks_instead(world.town.sign(world.town.request(world.main(), purpose=purpose)))
        await paste(page, link)
        await expect(page.get_by_text("more is asked than the public policy allows")).to_be_visible()
        await expect(page.get_by_text("(OVER_ASKING)")).to_be_visible()
        await looks_well(visitor)
        await nothing_was_shown(world, page)
        await page.get_by_role("button", name="Back").click()
        await page.get_by_role("link", name="History").click()
        await expect(page.get_by_role("button", name="Refused: too much was asked")).to_be_visible()
        assert (await world.watched(made)).state == pb.WatchExchangeResponse.STATE_DECLINED


async def test_in_large_type_every_screen_is_read_without_scrolling_sideways(world: World) -> None:
    async with world.place.visitor("phone") as visitor:
        page = await visitor.goes_to("/vault/")
        await page.get_by_role("button", name="Large type").click()
        size = "parseFloat(getComputedStyle(document.documentElement).fontSize)"
        assert await page.evaluate(size) >= LARGE
        await looks_well(visitor)
        await make(page)
        await takes(world, page, PERMIT, INSURANCE)
        await looks_well(visitor)
        await page.get_by_role("button", name="Valid until").first.click()
        await looks_well(visitor)
        _, _, link = await world.asked(world.main())
        await paste(page, link)
        await expect(page.get_by_text("Nothing is shown before you agree.")).to_be_visible()
        await looks_well(visitor)
        await page.get_by_role("button", name="Agree and show").click()
        await expect(page.get_by_text("It was shown, and the use stands on the ledger.")).to_be_visible()
        await looks_well(visitor)
        for view in ("History", "Inbox", "Standing consents", "Vault settings", "Scan"):
            await page.get_by_role("link", name=view, exact=True).click()
            await expect(page.get_by_role("heading", level=2).first).to_be_visible()
            await looks_well(visitor)
