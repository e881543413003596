"""Pictures of the views, for whoever looks at them: written where ZK_SCREENS names a folder."""

import os
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.browsing import SIZES
from tests.browser.conftest import Nine

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif("ZK_SCREENS" not in os.environ, reason="ZK_SCREENS names no folder for pictures"),
]


@pytest.mark.parametrize("size", list(SIZES))
async def test_pictures(nine: Nine, size: str) -> None:
    folder = Path(os.environ["ZK_SCREENS"])
    folder.mkdir(parents=True, exist_ok=True)
    async with nine.site.visitor(size) as visitor:
        page = await visitor.goes_to("/chain/")
        await expect(page.get_by_text("each following the one before it")).to_be_visible()
        await page.screenshot(path=folder / f"ledger-{size}.png", full_page=True)
        await page.goto(f"{nine.site.origin}/chain/#receipt")
        await page.get_by_label("Paste the receipt").fill(nine.receipt.decode())
        await page.get_by_role("button", name="Check", exact=True).click()
        await expect(page.get_by_role("heading", name="The receipt holds.")).to_be_visible()
        await page.emulate_media(color_scheme="dark")
        await page.screenshot(path=folder / f"receipt-{size}.png", full_page=True)
