"""Each view of the vault as it looks, held against the pictures in docs/screens; test_screens.py says how."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser import consenting
from tests.browser.applying import delivered
from tests.browser.browsing import SIZES
from tests.browser.clicking import make, paste, take, unlock
from tests.browser.errand_town import Bureau
from tests.browser.pictures import looks
from tests.browser.vault_town import World
from tests.disclosure.composite.world import INSURANCE, PERMIT
from tests.zkservice import residents

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.usefixtures("as_pictured")]


@dataclass
class Walk:
    """A vault that has something of everything, and the page that it is in."""

    counters: Bureau
    page: Page
    number: str

    @property
    def world(self) -> World:
        return self.counters.world


Scene = Callable[[Walk], Awaitable[None]]


async def furnish(walk: Walk, size: str) -> None:
    """Credentials, an account with something in its inbox and something applied for, a use, a consent."""
    world, page = walk.world, walk.page
    await make(page)
    for schema in (PERMIT, INSURANCE):
        await take(page, await world.offered(schema, person=f"still-{size}".encode()))
    await paste(page, await world.account(walk.number))
    await page.get_by_label("Number of the ID document").fill(walk.number)
    await page.get_by_role("button", name="Bind this vault").click()
    await page.get_by_role("button", name="Credentials").click()
    await page.get_by_role("link", name="Inbox").click()
    await page.get_by_role("button", name="Apply for something").click()
    await page.get_by_label("Department", exact=True).select_option("departments/police")
    await page.get_by_label("Why, in your words").fill("I have moved here.")
    await page.get_by_role("button", name="Send the application").click()
    await expect(page.get_by_text("Not decided yet")).to_be_visible()
    await delivered(world, walk.number)
    _, _, asked = await world.asked(world.main())
    await paste(page, asked)
    await page.get_by_role("button", name="Agree and show").click()
    await expect(page.get_by_text("It was shown, and the use stands on the ledger.")).to_be_visible()
    await page.get_by_role("button", name="Back").click()
    await paste(page, (await consenting.asked(world, times=12, interval_days=30)).link)
    await page.get_by_role("button", name="Agree, without asking me each time").click()
    await expect(page.get_by_text("Agreed. It stands under Standing consents")).to_be_visible()


async def _home(walk: Walk) -> None:
    await expect(walk.page.get_by_role("button", name="Valid until")).to_have_count(2)
    await expect(walk.page.get_by_text("was last read at")).to_be_visible()


async def _credential(walk: Walk) -> None:
    await _home(walk)
    await walk.page.get_by_role("button", name="Valid until").first.click()
    await expect(walk.page.get_by_role("heading", name="What it says")).to_be_visible()


async def _scan(walk: Walk) -> None:
    await walk.page.get_by_role("link", name="Scan", exact=True).click()
    await expect(walk.page.get_by_label("Link", exact=True)).to_be_visible()


async def _ask(walk: Walk) -> None:
    _, _, asked = await walk.world.asked(walk.world.main())
    await paste(walk.page, asked)
    await expect(walk.page.get_by_text("Nothing is shown before you agree.")).to_be_visible()


async def _register(walk: Walk) -> None:
    await paste(walk.page, await walk.world.account(residents.number()))
    await expect(walk.page.get_by_role("heading", name="An account with")).to_be_visible()


async def _inbox(walk: Walk) -> None:
    await walk.page.get_by_role("link", name="Inbox").click()
    await expect(walk.page.get_by_text("Not decided yet")).to_be_visible()
    await expect(walk.page.get_by_role("heading", name="Your code as an agent")).to_be_visible()


async def _history(walk: Walk) -> None:
    await walk.page.get_by_role("link", name="History").click()
    await expect(walk.page.get_by_role("button", name="Recorded")).to_have_count(2)


async def _use(walk: Walk) -> None:
    await walk.page.get_by_role("link", name="History").click()
    await walk.page.get_by_role("button", name="Shown").click()
    await expect(walk.page.locator("[data-test=entry]")).to_be_visible()


async def _terms(walk: Walk) -> None:
    await paste(walk.page, (await consenting.asked(walk.world, times=12, interval_days=30)).link)
    await expect(walk.page.get_by_text("Nothing is shown by agreeing")).to_be_visible()


async def _standing(walk: Walk) -> None:
    await walk.page.get_by_role("link", name="Standing consents").click()
    await expect(walk.page.get_by_text("In force")).to_be_visible()


async def _settings(walk: Walk) -> None:
    await walk.page.get_by_role("link", name="Vault settings").click()
    await expect(walk.page.get_by_text("The whole key")).to_be_visible()
    await expect(walk.page.get_by_text("This vault has not read the ledger yet.")).to_be_visible()
    await expect(walk.page.get_by_text("You do not trust it.")).to_be_visible()


async def _errands(walk: Walk) -> None:
    await walk.page.get_by_role("link", name="Errands at several counters").click()
    await expect(walk.page.get_by_role("button", name="School and bank")).to_be_visible()


async def _errand(walk: Walk) -> None:
    page = walk.page
    await _errands(walk)
    await page.get_by_role("button", name="School and bank").last.click()
    await page.get_by_role("button", name="Begin", exact=True).click()
    await expect(page.get_by_text("As soon as all of them have asked")).to_be_visible()
    await walk.counters.ask()
    await page.get_by_role("button", name="See what they ask").click()
    await page.get_by_label("Telephone").fill("053100000000")
    await page.get_by_role("button", name="Go on").click()
    await expect(page.get_by_text("Not everything can be answered.")).to_be_visible()


SCENES: dict[str, Scene] = {
    each.__name__.removeprefix("_"): each
    for each in (
        _home,
        _credential,
        _scan,
        _ask,
        _register,
        _inbox,
        _history,
        _use,
        _terms,
        _standing,
        _settings,
        _errands,
        _errand,
    )
}


@pytest.mark.parametrize("size", list(SIZES))
async def test_the_vault_looks_as_it_did(counters: Bureau, size: str, tmp_path: Path) -> None:
    async with counters.world.place.visitor(size) as visitor:
        page = await visitor.goes_to("/vault/")
        await expect(page.locator("[data-test=fingerprint]")).to_be_visible()
        told = await looks(page, f"vault-begin-{size}", tmp_path)
        await page.reload()
        await page.get_by_role("button", name="I have the words").click()
        await expect(page.locator("[data-test=fingerprint]")).to_be_visible()
        told += await looks(page, f"vault-recover-{size}", tmp_path)
        await page.reload()
        walk = Walk(counters, page, residents.number())
        await furnish(walk, size)
        await page.reload()
        await expect(page.get_by_role("heading", name="Open your vault")).to_be_visible()
        told += await looks(page, f"vault-locked-{size}", tmp_path)
        for name, reach in SCENES.items():
            await page.goto("about:blank")
            await page.goto(f"{counters.world.place.origin}/vault/#home")
            await unlock(page)
            await _home(walk)
            await reach(walk)
            await page.wait_for_load_state("networkidle")
            told += await looks(page, f"vault-{name}-{size}", tmp_path)
    assert not told, "\n".join(told)
