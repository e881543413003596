"""The counter, by clicking: a clerk asks, a person answers, and what was proven comes in live."""

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from tests.browser.browsing import SIZES, Site, site
from tests.browser.conftest import Nine
from tests.web_edge.behind import BRIEF, CODE, answer, decline, desk_of
from tests.zkservice.support import VALUES
from verifier import parse_record
from web_edge.watched import Watched

pytestmark = pytest.mark.asyncio(loop_scope="session")
LINK = "[data-test=link]"
LINES = "[data-test=lines]"
DOWNLOADS = 3


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def counter(nine: Nine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    desk = await desk_of(nine.town, tmp_path_factory.mktemp("counter") / "home", BRIEF)
    given = {"desk": desk, "counter_code": CODE}
    async with site(nine.town, nine.site.browser, Watched(), **given) as made:
        yield made


async def signs_in(page: Page) -> None:
    await page.get_by_label("Code of the counter").fill(CODE)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="What is it for?")).to_be_visible()


async def asks(page: Page) -> str:
    await page.get_by_role("button", name="test", exact=True).click()
    await expect(page.get_by_role("img", name="QR code of the question")).to_be_visible()
    return (await page.locator(LINK).text_content() or "").strip()


async def saves_the_record(page: Page, link: Locator, saved: Path) -> None:
    """Save what a link leads to, when all of it has come.

    Rarely, on a loaded machine, Chromium gives a download up without a reason. A person would press again.
    """
    failures = list[str]()
    while len(failures) < DOWNLOADS:
        async with page.expect_download() as coming:
            await link.click()
        download = await coming.value
        assert download.suggested_filename == "record.json"
        failure = await download.failure()  # waits for its end
        if failure is None:
            await download.save_as(saved)
            return
        failures.append(failure)
    raise AssertionError(failures)


@pytest.mark.parametrize("size", list(SIZES))
async def test_a_clerk_asks_and_the_answer_comes_in(
    nine: Nine, counter: Site, size: str, tmp_path: Path
) -> None:
    saved = tmp_path / "record.json"
    issued = await nine.town.claim(await nine.town.issue())
    async with counter.visitor(size) as visitor:
        visitor.expected = ["401", "403"]
        page = await visitor.goes_to("/counter/")
        await page.get_by_label("Code of the counter").fill("wrong")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_text("This is not the code of this counter.")).to_be_visible()
        await visitor.passes_axe()
        await signs_in(page)
        await visitor.passes_axe()
        link = await asks(page)
        await visitor.fits()
        await visitor.passes_axe()
        await answer(nine.town, issued, link)
        await expect(page.get_by_role("heading", name="Proven")).to_be_visible()
        await expect(page.locator(LINES)).to_contain_text("王小明")
        await visitor.fits()
        await visitor.passes_axe()
        link_to_record = page.get_by_role("link", name="Save the record")
        await saves_the_record(page, link_to_record, saved)
        assert str(parse_record(saved.read_bytes()).request.verifier) == "verifiers/school"
        address = f"{counter.origin}{await link_to_record.get_attribute('href')}"
        assert await (await visitor.context.request.get(address)).body() == saved.read_bytes()
        await page.emulate_media(media="print")
        await expect(page.get_by_role("button", name="Next person")).to_be_hidden()
        await expect(page.locator(LINES)).to_be_visible()
        await page.emulate_media(media="screen")
        await page.get_by_role("button", name="Next person").click()
        await page.get_by_role("button", name="中文").click()
        await page.get_by_role("button", name="退出").click()
        await expect(page.get_by_label("窗口代码")).to_be_visible()
        assert await visitor.context.cookies() == []


async def test_a_person_types_the_code_on_the_screen(nine: Nine, counter: Site) -> None:
    issued = await nine.town.claim(await nine.town.issue())
    async with counter.inside("/counter/", signs_in, "phone") as visitor:
        page = visitor.page
        await page.get_by_label("The person types a code from this screen").check()
        await visitor.passes_axe()
        link = await asks(page)
        shown = page.get_by_text("The person types this code:")
        await expect(shown).to_be_visible()
        code = await shown.locator(".code").text_content() or ""
        with pytest.raises(grpc.RpcError, match="takes the code"):
            await answer(nine.town, issued, link)
        await answer(nine.town, issued, link, code)
        await expect(page.get_by_role("heading", name="Proven")).to_be_visible()


@pytest.mark.parametrize("size", list(SIZES))
async def test_a_person_says_no(nine: Nine, counter: Site, size: str) -> None:
    async with counter.inside("/counter/", signs_in, size) as visitor:
        page = visitor.page
        await decline(nine.town, await asks(page))
        await expect(page.get_by_role("heading", name="Declined")).to_be_visible()
        await expect(page.get_by_role("link", name="Save the record")).to_have_count(0)


async def test_a_reload_in_the_middle_shows_the_same_question_and_a_cut_line_is_taken_up(
    nine: Nine, counter: Site
) -> None:
    issued = await nine.town.claim(await nine.town.issue())
    async with counter.inside("/counter/", signs_in) as visitor:
        visitor.expected += ["ERR_INTERNET_DISCONNECTED", "ERR_NETWORK"]
        page = visitor.page
        link = await asks(page)
        await page.reload()
        await expect(page.get_by_role("img", name="QR code of the question")).to_be_visible()
        assert (await page.locator(LINK).text_content() or "").strip() == link
        await visitor.context.set_offline(True)
        await answer(nine.town, issued, link)
        await visitor.context.set_offline(False)
        await expect(page.get_by_role("heading", name="Proven")).to_be_visible()
        await page.reload()
        await expect(page.locator(LINES)).to_contain_text("王小明")
        other = await visitor.context.new_page()
        await other.goto(f"{counter.origin}/counter/")
        await expect(other.get_by_role("heading", name="What is it for?")).to_be_visible()
        await page.get_by_role("button", name="Next person").click()
        await page.reload()
        await expect(page.get_by_role("heading", name="What is it for?")).to_be_visible()
        assert await asks(page) != link


async def test_a_double_tap_asks_once(nine: Nine, counter: Site) -> None:
    async with counter.inside("/counter/", signs_in, "phone") as visitor:
        page = visitor.page
        button = page.get_by_role("button", name="test", exact=True)
        await button.evaluate("(each) => { each.click(); each.click(); }")
        await expect(page.get_by_role("img", name="QR code of the question")).to_be_visible()
        sent = [each for each in visitor.requests if each.method == "POST" and each.url.endswith("/asks")]
        assert len(sent) == 1


@pytest.mark.parametrize("size", list(SIZES))
async def test_a_question_that_nobody_answers_in_time_is_told_so(
    nine: Nine, counter: Site, size: str
) -> None:
    async with counter.inside("/counter/", signs_in, size) as visitor:
        page = visitor.page
        await page.get_by_role("button", name="brief", exact=True).click()
        await expect(page.get_by_role("heading", name="Not answered")).to_be_visible()
        await expect(page.get_by_text("Nobody answered in time. Ask again.")).to_be_visible()
        await expect(page.get_by_role("link", name="Save the record")).to_have_count(0)
        await visitor.fits()
        await visitor.passes_axe()
        await page.get_by_role("button", name="Next person").click()
        await asks(page)


async def test_a_name_from_a_department_is_text(nine: Nine, counter: Site) -> None:
    evil = "<img src=x onerror=document.title='owned'>"
    issued = await nine.town.claim(await nine.town.issue({**VALUES, "name": evil}))
    async with counter.inside("/counter/", signs_in) as visitor:
        page = visitor.page
        await answer(nine.town, issued, await asks(page))
        await expect(page.locator(LINES)).to_contain_text(evil)
        assert await page.locator("img").count() == 0
        assert "owned" not in await page.title()


async def test_where_no_counter_is_open_the_page_says_so(nine: Nine) -> None:
    async with nine.site.visitor() as visitor:
        visitor.expected = ["404"]
        page = await visitor.goes_to("/counter/")
        await expect(page.get_by_text("no counter is open here")).to_be_visible()
        await visitor.passes_axe()
