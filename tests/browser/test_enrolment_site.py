"""A school's enrolment site, by clicking: the button, the vault's answer, the form, and what may go wrong."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from disclosure import OfferLink
from tests.browser.browsing import BUILT, PATIENCE_MS, SIZES, Site
from tests.browser.clicking import make, take, unlock
from tests.browser.vaulting import vault_site
from tests.clients.enrolling import Town, enrolling
from tests.verifier.test_verifier_client import POLICY
from tests.web_edge.standing import endpoint_of
from tests.zkservice.support import VALUES

pytestmark = pytest.mark.asyncio(loop_scope="session")
NAME = "<img src=/x onerror=alert(1)><script>alert(2)</script>"


@dataclass
class School(Site):
    """The school's site, at which browsers look instead of an edge."""

    enrolment: Town

    @property
    def origin(self) -> str:
        return self.enrolment.origin

    async def question(self, page: Page) -> dict[str, str]:
        """Press the button, and read off the page what a vault and its person need."""
        await page.get_by_role("button", name="Fill in from my vault").click()
        await expect(page.get_by_role("img", name="Or scan this")).to_be_visible()
        link = await page.get_by_role("link", name="Open the vault").get_attribute("href")
        return {"link": link or "", "code": await page.locator("#code").text_content() or ""}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def school(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[School]:
    policy = POLICY.replace("[district,", "[name, district,")
    async with enrolling(tmp_path_factory.mktemp("e"), policy, name=NAME) as town:
        yield School(browser, 0, town.given.town, town)


@pytest.mark.parametrize("size", list(SIZES))
async def test_the_button_the_vault_and_the_form(school: School, size: str) -> None:
    async with school.visitor(size) as visitor:
        page = await visitor.goes_to("/")
        await expect(page.get_by_role("heading", name="Enrolment", exact=True)).to_be_visible()
        await visitor.passes_axe()
        asked = await school.question(page)
        await visitor.fits()
        await visitor.passes_axe()
        await page.reload()
        await expect(page.locator("#code")).to_have_text(asked["code"])
        await school.enrolment.agrees(asked)
        await expect(page.locator("[data-proven='permit.name']")).to_have_text(NAME)
        await expect(page.get_by_label("Child's name")).to_be_focused()
        await visitor.fits()
        await visitor.passes_axe()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("Please fill in the child's name")
        await page.keyboard.type("小明")
        await page.keyboard.press("Tab")
        await page.keyboard.type("0531 1234567")
        visitor.expected = ["400"]
        await page.get_by_role("button", name="Enrol", exact=True).dblclick()
        await expect(page.get_by_role("status")).to_have_text("Enrolled.")
        number = await page.locator("#number").text_content()
        await visitor.passes_axe()
        written = json.loads((school.enrolment.kept / f"enrolment-{number}.json").read_text())
        assert written["typed"]["child"] == "小明"
        assert written["proven"]["permit.name"] == NAME
        await page.reload()
        await expect(page.locator("#number")).to_have_text(number or "")
        await page.get_by_role("button", name="Enrol another child").click()
        await expect(page.get_by_role("button", name="Fill in from my vault")).to_be_focused()
        assert await page.locator("[data-proven]").count() == 0, "the next parent reads nothing of it"


async def test_the_line_breaks_and_comes_back(school: School) -> None:
    async with school.visitor() as visitor:
        visitor.expected = ["ERR_INTERNET_DISCONNECTED"]
        page = await visitor.goes_to("/")
        asked = await school.question(page)
        await visitor.context.set_offline(True)
        await school.enrolment.agrees(asked)
        await visitor.context.set_offline(False)
        await expect(page.get_by_role("status")).to_have_text("Proven. Please complete the form.")


async def test_cancelling_and_both_languages(school: School) -> None:
    async with school.visitor("phone", locale="zh-CN") as visitor:
        page = await visitor.goes_to("/")
        await page.get_by_role("button", name="用凭证库填写").click()
        await expect(page.get_by_role("status")).to_have_text("等待您在凭证库里同意。")
        await visitor.passes_axe()
        await page.get_by_role("button", name="English").click()
        await expect(page.get_by_role("status")).to_have_text("Waiting until you agree in your vault.")
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.get_by_role("button", name="Fill in from my vault")).to_be_focused()


async def test_the_button_leads_to_the_vault_and_the_form_fills(school: School, tmp_path: Path) -> None:
    """The whole way in one browser: the school's page, the vault's in the same window, back to the form."""
    town = school.enrolment.given.town
    made = await town.issue(VALUES | {"name": NAME})
    offer = OfferLink(endpoint_of(town).server, made.offer.removeprefix("offers/"), made.claim_code)
    async with (
        vault_site(town, school.browser, BUILT) as vaults,
        school.enrolment.another(tmp_path / "kept", "--vault", f"{vaults.origin}/vault/") as site,
        await school.browser.new_context(ignore_https_errors=True) as context,
    ):
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        await page.goto(f"{vaults.origin}/vault/")
        await make(page)
        await take(page, offer)
        form = await context.new_page()
        await form.goto(site.origin)
        asked = await school.question(form)
        await page.goto("about:blank")
        await page.goto(asked["link"])
        assert "zk" not in page.url.partition("#")[2]
        await unlock(page)
        await page.get_by_label("Pairing code").fill(asked["code"])
        await page.get_by_role("button", name="Go on").click()
        await page.get_by_role("button", name="Agree and show").click()
        await expect(page.get_by_text("It was shown, and the use stands")).to_be_visible()
        await expect(form.get_by_role("status")).to_have_text("Proven. Please complete the form.")
        await expect(form.locator("[data-proven='permit.name']")).to_have_text(NAME)


async def test_it_is_shown_in_no_other_page(school: School) -> None:
    async with school.visitor() as visitor:
        await visitor.is_framed_by_nobody(f"{school.origin}/", "#ask")
