"""How the views of the school's enrolment site look, held against docs/screens; see test_screens.py."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.browsing import SIZES
from tests.browser.pictures import looks
from tests.browser.test_enrolment_site import School
from tests.clients.enrolling import enrolling
from tests.verifier.test_verifier_client import POLICY

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def still(
    as_pictured: None, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[School]:
    policy = POLICY.replace("[district,", "[name, district,")
    async with enrolling(tmp_path_factory.mktemp("still-enrolment"), policy) as town:
        yield School(browser, 0, town.given.town, town)


@pytest.mark.parametrize("size", list(SIZES))
async def test_the_site_looks_as_it_did(still: School, size: str, tmp_path: Path) -> None:
    async with still.visitor(size) as visitor:
        page = await visitor.goes_to("/")
        await expect(page.get_by_role("button", name="Fill in from my vault")).to_be_visible()
        told = await looks(page, f"enrolment-begin-{size}", tmp_path)
        await page.reload()
        asked = await still.question(page)
        told += await looks(page, f"enrolment-question-{size}", tmp_path)
        await still.enrolment.agrees(asked)
        await page.reload()
        await expect(page.locator("[data-proven='permit.name']")).to_be_visible()
        told += await looks(page, f"enrolment-proven-{size}", tmp_path)
        await page.reload()
        await page.get_by_label("Child's name").fill("小明")
        await page.get_by_label("Phone").fill("0531 1234567")
        await page.get_by_role("button", name="Enrol", exact=True).click()
        await expect(page.get_by_role("status")).to_have_text("Enrolled.")
        told += await looks(page, f"enrolment-done-{size}", tmp_path)
    assert not told, "\n".join(told)
