"""From one screen to another: the counter's code before the vault's camera, the answer at the counter."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from disclosure import OfferLink
from tests.browser.browsing import Site, chromium
from tests.browser.clicking import make, paste, take
from tests.browser.filming import camera, screened
from tests.browser.test_counter import asks, signs_in
from tests.browser.vaulting import vault_site
from tests.web_edge.behind import CODE, desk_of
from tests.web_edge.standing import endpoint_of
from tests.zkservice.support import City, city

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(
    browser: Browser, pages: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """A counter, and the vault's pages beside it."""
    folder = tmp_path_factory.mktemp("scanned")
    async with city(folder / "server") as town:
        desk = await desk_of(town, folder / "home")
        async with vault_site(town, browser, pages, desk=desk, counter_code=CODE) as made:
            yield made


async def offer(town: City) -> OfferLink:
    made = await town.issue()
    return OfferLink(endpoint_of(town).server, made.offer.removeprefix("offers/"), made.claim_code)


async def scans(page: Page) -> None:
    await page.get_by_role("link", name="Scan", exact=True).click()
    await page.get_by_role("button", name="Turn the camera on").click()
    await expect(page.get_by_text("Nothing is shown before you agree.")).to_be_visible()


async def test_a_code_on_the_counters_screen_is_scanned_and_answered(place: Site, tmp_path: Path) -> None:
    async with place.inside("/counter/", signs_in) as clerk:
        counter = clerk.page
        await asks(counter)
        shown = await counter.get_by_role("img", name="QR code of the question").screenshot()
        film = screened(tmp_path / "code.y4m", shown)
        async with chromium(*camera(film)) as phones:
            phone = Site(phones, place.port, place.town)
            async with phone.visitor("phone", permissions=["camera"]) as holder:
                page = await holder.goes_to("/vault/")
                await make(page)
                await take(page, await offer(place.town))
                await scans(page)
                await holder.passes_axe()
                await page.get_by_role("button", name="Agree and show").click()
                await expect(page.get_by_text("It was shown, and the use stands")).to_be_visible()
        await expect(counter.get_by_role("heading", name="Proven")).to_be_visible()
        await expect(counter.get_by_text("王小明")).to_be_visible()


async def test_a_code_that_somebody_relays_gets_nowhere_without_the_digits_beside_it(place: Site) -> None:
    """A picture of the counter's code, sent to somebody far away, is not answered by guessing."""
    async with place.inside("/counter/", signs_in) as clerk, place.visitor("phone") as far:
        counter = clerk.page
        await counter.get_by_label("The person types a code from this screen").check()
        link = await asks(counter)
        shown = counter.get_by_text("The person types this code:").locator(".code")
        right = (await shown.text_content() or "").strip()
        wrong = right[:-1] + str((int(right[-1]) + 1) % 10)
        page = await far.goes_to("/vault/")
        await make(page)
        await take(page, await offer(place.town))
        await paste(page, link)
        await expect(page.get_by_role("heading", name="The code on the other screen")).to_be_visible()
        await far.passes_axe()
        for _ in range(5):
            await page.get_by_label("Pairing code").fill(wrong)
            await page.get_by_role("button", name="Go on").click()
            await expect(page.get_by_text("(PAIRING_WRONG)")).to_be_visible()
        await page.get_by_label("Pairing code").fill(right)
        await page.get_by_role("button", name="Go on").click()
        await expect(page.get_by_text("(PAIRING_FAILED)")).to_be_visible()
        await expect(page.get_by_role("button", name="Agree and show")).to_have_count(0)
        await expect(counter.get_by_role("heading", name="Proven")).to_have_count(0)
