"""Each view of the counter's board as it looks, held against docs/screens; test_screens.py says how."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.browsing import SIZES, Site, site
from tests.browser.pictures import looks
from tests.web_edge.behind import CODE
from tests.web_edge.halls import hall_of
from tests.zkservice.errands import PARTS, Started
from tests.zkservice.support import city
from web_edge.watched import Watched
from zkproto.v1 import errand_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="session")
ROWS = "[data-test=parts] a"
ASKED = pb.ERRAND_PART_STATE_ASKED


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def still(
    as_pictured: None, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """A hall at which one errand was submitted and nothing else happened."""
    folder = tmp_path_factory.mktemp("still-board")
    async with city(folder / "server") as town:
        hall = await hall_of(town, folder, 802)
        async with site(town, browser, Watched(), **hall.given()) as place, place.visitor() as visitor:
            visitor.expected = ["401"]
            started = await hall.errands.start()
            page = await _at_the_board(place, visitor.page)
            await expect(page.locator(ROWS).filter(has_text="asked, not")).to_have_count(len(PARTS))
            await _submitted(started)
            await _all_received(page)
            yield place


async def _submitted(started: Started) -> None:
    assert [each.state for each in (await started.get()).parts] == [ASKED] * len(PARTS)
    await started.submit()


async def _at_the_board(place: Site, page: Page) -> Page:
    await page.goto(f"{place.origin}/counter/#errands")
    await page.get_by_label("Code of the counter").fill(CODE)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator(ROWS)).to_have_count(len(PARTS))
    return page


async def _all_received(page: Page) -> None:
    received = page.locator(ROWS).filter(has=page.locator(".state", has_text="received"))
    await expect(received).to_have_count(len(PARTS))


@pytest.mark.parametrize("size", list(SIZES))
async def test_the_board_looks_as_it_did(still: Site, size: str, tmp_path: Path) -> None:
    async with still.visitor(size) as visitor:
        visitor.expected = ["401"]
        page = await _at_the_board(still, visitor.page)
        await _all_received(page)
        told = await looks(page, f"board-{size}", tmp_path)
        await page.reload()
        await page.get_by_role("button", name="Begin with a person").click()
        await expect(page.get_by_role("img", name="QR code of the errand")).to_be_visible()
        told += await looks(page, f"board-begin-{size}", tmp_path)
        await page.reload()
        await page.locator(ROWS).first.click()
        await expect(page.get_by_role("heading", name="What was declared")).to_be_visible()
        told += await looks(page, f"board-part-{size}", tmp_path)
    assert not told, "\n".join(told)
