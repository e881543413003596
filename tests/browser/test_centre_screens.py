"""Each view of the resource centre as it looks, held against docs/screens; test_screens.py says how."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.browsing import SIZES, chromium, needs, site
from tests.browser.pictures import as_they_were_made, looks
from tests.browser.test_centre import CODE, VIEWS, Watching, counted, opens, signs_in
from tests.zkservice.centre import add_item
from tests.zkservice.counting import access
from tests.zkservice.support import city
from web_edge.watched import Watched

pytestmark = pytest.mark.asyncio(loop_scope="session")
SEEN = [each for each in VIEWS if each != "Statistics"]
"""Statistics have a month's days beside each other, and months differ."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def still(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watching]:
    """A city in which nothing happened but what is counted here."""
    needs()
    as_they_were_made()
    async with city(tmp_path_factory.mktemp("still-centre") / "server") as town, chromium() as browser:
        await add_item(town)
        await counted(town)
        made = Watching(town, await access(town), None)  # type: ignore[arg-type]
        async with site(town, browser, Watched(), **made.given) as place:
            made.site = place
            yield made


@pytest.mark.parametrize("size", list(SIZES))
async def test_the_centre_looks_as_it_did(still: Watching, size: str, tmp_path: Path) -> None:
    async with still.site.visitor(size) as visitor:
        visitor.expected = ["401"]
        page = await visitor.goes_to("/centre/")
        await expect(page.get_by_label("Code of the centre")).to_be_visible()
        told = await looks(page, f"centre-sign-in-{size}", tmp_path)
        await page.reload()
        await page.get_by_label("Code of the centre").fill(CODE)
        await signs_in(page)
        for view in SEEN:
            await page.reload()
            await opens(page, view)
            await expect(page.get_by_role("row").nth(1)).to_be_visible()
            told += await looks(page, f"centre-{view.lower().replace(' ', '-')}-{size}", tmp_path)
    assert not told, "\n".join(told)
