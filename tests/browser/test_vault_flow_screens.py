"""How each end of a link looks in the vault, held against docs/screens; test_screens.py says how.

Without the views' navigation, which stands in the pictures of test_vault_screens.py.
"""

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import expect

from disclosure import ExchangeLink
from tests.browser.browsing import SIZES
from tests.browser.clicking import make, paste, take, unlock
from tests.browser.pictures import looks
from tests.browser.vault_town import World
from tests.disclosure.composite.world import INSURANCE, PERMIT

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.usefixtures("as_pictured")]


async def paired(world: World) -> ExchangeLink:
    """Have the school ask with a pairing code."""
    message = world.town.asking(world.town.request(world.main()))
    message.pairing = True
    made = await world.town.city.presentation.CreateExchange(message)
    return ExchangeLink(world.server, made.exchange.removeprefix("exchanges/"), made.ticket)


@pytest.mark.parametrize("size", list(SIZES))
async def test_each_end_looks_as_it_did(world: World, size: str, tmp_path: Path) -> None:
    told = list[str]()
    async with world.place.visitor(size) as visitor:
        page = await visitor.goes_to("/vault/")

        async def seen(name: str) -> None:
            await page.evaluate("document.querySelector('nav.views').remove()")
            told.extend(await looks(page, f"vault-{name}-{size}", tmp_path))
            world.between.alter.clear()
            await page.reload()
            await unlock(page)

        await make(page)
        await paste(page, await world.offered(PERMIT, person=f"flow-{size}".encode()))
        await expect(page.get_by_role("heading", name="A credential for you")).to_be_visible()
        await seen("offer")
        for schema in (PERMIT, INSURANCE):
            await take(page, await world.offered(schema, person=f"flow-{size}".encode()))
        await paste(page, await paired(world))
        await expect(page.get_by_role("heading", name="The code on the other screen")).to_be_visible()
        await seen("pairing")
        asked, _, link = await world.asked(world.main())
        purpose = replace(asked.purpose, en="Something else")
        world.between.asks_instead(world.town.sign(world.town.request(world.main(), purpose=purpose)))
        await paste(page, link)
        await expect(page.get_by_text("(OVER_ASKING)")).to_be_visible()
        await seen("refused")
        for name, button, outcome in (
            ("declined", "Decline", "You declined. Nothing was shown."),
            ("shown", "Agree and show", "It was shown, and the use stands on the ledger."),
        ):
            _, _, link = await world.asked(world.main())
            await paste(page, link)
            await page.get_by_role("button", name=button).click()
            await expect(page.get_by_text(outcome)).to_be_visible()
            await seen(name)
    assert not told, "\n".join(told)
