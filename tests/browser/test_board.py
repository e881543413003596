"""The counter's board, by clicking: a person's own vault begins an errand, and clerks settle its parts."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from disclosure import LocalizedText, OfferLink
from disclosure.errand import BundleLink
from tests.browser.browsing import SIZES, Site, site
from tests.browser.conftest import Nine
from tests.browser.test_counter import saves_the_record
from tests.cli.running import start
from tests.web_edge.behind import CODE
from tests.web_edge.halls import Hall, hall_of, trusting
from tests.zkservice.support import VALUES
from verifier import parse_record
from web_edge.watched import Watched

pytestmark = pytest.mark.asyncio(loop_scope="session")
EVIL = "<img src=x onerror=document.title='owned'>"
MARKUP = "<b>1380000</b>"
SECONDS = 120
ROWS = "[data-test=parts] a"
LINES, DECLARED, DECISIONS = ("[data-test=lines]", "[data-test=declared]", "[data-test=decisions]")


@dataclass
class Person:
    """Somebody with a vault of the command's, which the prover's library is in."""

    home: Path

    async def zk(self, *arguments: object) -> dict[str, Any]:
        """Run a command of the vault."""
        process = start("vault", *arguments, "--json", "--home", self.home)
        out, err = await asyncio.to_thread(process.communicate, timeout=SECONDS)
        assert process.returncode == 0, err
        told: dict[str, Any] = json.loads(out.splitlines()[-1])
        return told

    async def submits(self, link: str) -> str:
        """Begin an errand with the link of a board, consent, submit; return the errand's identifier."""
        declared = ("--declare", "born=2026-11-01", "--declare", f"phone={MARKUP}")
        told = await self.zk("errands", "start", link, "--yes", "--timeout", "60", *declared)
        assert [each["state"] for each in told["uses"]] == ["answered"] * 3
        return str(told["errand"])

    async def told(self, errand: str, part: str) -> list[tuple[str, str]]:
        """What counters have told of a part: the state, and the document's number."""
        parts = (await self.zk("errands", "show", errand))["parts"]
        found = next(each for each in parts if each["part"] == part)
        return [(each["state"], each["document"]) for each in found["told"]]


@dataclass
class Opened:
    """A hall, its page, and a person who comes there."""

    hall: Hall
    place: Site
    person: Person


async def furnished(nine: Nine, folder: Path, number: int) -> tuple[Hall, Person]:
    """Register a bundle and its counters, and give a person what they ask for."""
    hall = await hall_of(nine.town, folder, number, LocalizedText(EVIL, EVIL))
    person = Person(trusting(nine.town, folder / "person").path)
    await person.zk("create")
    offered = await nine.town.issue({**VALUES, "name": EVIL})
    offer = OfferLink(nine.town.ready.address, offered.offer.removeprefix("offers/"), offered.claim_code)
    await person.zk("claim", offer)
    return hall, person


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def opened(nine: Nine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Opened]:
    hall, person = await furnished(nine, tmp_path_factory.mktemp("board"), 800)
    async with site(nine.town, nine.site.browser, Watched(), **hall.given()) as place:
        yield Opened(hall, place, person)


async def signs_in(page: Page) -> None:
    await page.get_by_label("Code of the counter").fill(CODE)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("navigation")).to_be_visible()


async def opens_the_board(page: Page) -> None:
    await page.get_by_role("link", name="Errands", exact=True).click()
    await expect(page.get_by_role("heading", name=EVIL)).to_be_visible()


async def begins(page: Page) -> str:
    await page.get_by_role("button", name="Begin with a person").click()
    await expect(page.get_by_role("img", name="QR code of the errand")).to_be_visible()
    return (await page.locator("[data-test=link]").text_content() or "").strip()


async def known(page: Page) -> set[str]:
    """The addresses of the parts that are listed."""
    found = await page.locator(ROWS).evaluate_all("all => all.map((each) => each.getAttribute('href'))")
    return set(map(str, found))


async def comes_in(page: Page, before: set[str], state: str) -> list[str]:
    """Wait until three more parts stand there in a state; return their addresses."""
    async with asyncio.timeout(SECONDS):
        while True:
            fresh = page.locator(ROWS).filter(has=page.locator(".state", has_text=state))
            found = await fresh.evaluate_all("all => all.map((each) => each.getAttribute('href'))")
            if len(more := [str(each) for each in found if each not in before]) == 3:
                return more
            await asyncio.sleep(0.2)


async def the_part(opened: Opened, page: Page, addresses: list[str], part: str) -> Locator:
    """The row of a step among these parts: the test's own look into the board, since all are called alike."""
    answer = await page.context.request.get(f"{opened.place.origin}/counter/parts")
    rows = {f"#errands/{each['name']}": each["part"] for each in (await answer.json())["rows"]}
    (address,) = [each for each in addresses if rows[each] == part]
    return page.locator(f"a[href='{address}']")


@pytest.mark.parametrize("size", list(SIZES))
async def test_an_errand_is_begun_and_its_parts_are_settled(
    opened: Opened, size: str, tmp_path: Path
) -> None:
    async with opened.place.inside("/counter/", signs_in, size) as visitor:
        page = visitor.page
        await opens_the_board(page)
        await visitor.passes_axe()
        before = await known(page)
        link = await begins(page)
        assert BundleLink.parse(link).bundle == opened.hall.errands.bundle.name
        await visitor.fits()
        await visitor.passes_axe()
        errand = await opened.person.submits(link)
        addresses = await comes_in(page, before, "received")
        await visitor.fits()
        await visitor.passes_axe()
        await (await the_part(opened, page, addresses, "birth")).click()
        await expect(page.locator(LINES)).to_contain_text(EVIL)
        await expect(page.locator(DECLARED)).to_contain_text("Day of birth")
        await visitor.fits()
        await visitor.passes_axe()
        await page.reload()
        await expect(page.locator(LINES)).to_contain_text(EVIL)
        saved = tmp_path / "record.json"
        await saves_the_record(page, page.get_by_role("link", name="Save the record"), saved)
        assert str(parse_record(saved.read_bytes()).request.verifier) == "verifiers/hall800-birth-counter"
        await page.emulate_media(media="print")
        await expect(page.get_by_role("button", name="Done")).to_be_hidden()
        await expect(page.get_by_role("navigation")).to_be_hidden()
        await expect(page.locator(LINES)).to_be_visible()
        await page.emulate_media(media="screen")
        await page.get_by_label("Number of the document").fill("370102-1")
        await page.get_by_role("button", name="Done").dblclick()
        await expect(page.locator(DECISIONS)).to_contain_text("370102-1")
        await expect(page.locator("[data-test=facts] .state")).to_have_text("done")
        await expect(page.get_by_role("heading", name="Tell the holder")).to_have_count(0)
        await visitor.passes_axe()
        assert await opened.person.told(errand, "birth") == [("received", ""), ("done", "370102-1")]
        await page.get_by_role("link", name="All parts").click()
        await _rejects(opened, page, addresses, errand)
        await page.get_by_role("button", name="中文").click()
        await expect(page.get_by_role("button", name="与来人开始办理")).to_be_visible()
        await visitor.passes_axe()
        await visitor.fits()
        assert await page.locator("img").count() == 0
        assert "owned" not in await page.title()


async def _rejects(opened: Opened, page: Page, addresses: list[str], errand: str) -> None:
    """The last part waits for another, and may be rejected all the same, with a word why."""
    row = await the_part(opened, page, addresses, "insurance")
    await expect(row).to_contain_text("waits for")
    await row.click()
    await expect(page.locator(DECLARED)).to_contain_text(MARKUP)
    assert await page.locator("b").count() == 0
    await expect(page.get_by_role("button", name="Done")).to_be_disabled()
    await page.get_by_role("button", name="Reject").click()
    await expect(page.get_by_text("A rejection says why.")).to_be_visible()
    await page.get_by_label("Message to the holder").fill("  请补充\u3000材料 ")
    await page.get_by_role("button", name="Reject").click()
    await expect(page.locator(DECISIONS)).to_contain_text("请补充 材料")
    assert (await opened.person.told(errand, "insurance"))[-1] == ("rejected", "")
    await page.go_back()
    await expect(page.locator(ROWS).first).to_be_visible()


async def test_two_clerks_see_the_same_and_the_slower_is_told(opened: Opened) -> None:
    async with opened.place.visitor() as one, opened.place.visitor() as other:
        for each in (one, other):
            each.expected = ["401", "409"]
            await signs_in(await each.goes_to("/counter/#errands"))
            await expect(each.page.get_by_role("button", name="Begin with a person")).to_be_visible()
        before = await known(one.page)
        await opened.person.submits(await begins(one.page))
        addresses = await comes_in(one.page, before, "received")
        for each in (one, other):
            await (await the_part(opened, each.page, addresses, "birth")).click()
            await expect(each.page.get_by_role("button", name="Done")).to_be_enabled()
        await other.context.route("**/counter/parts", lambda route: route.abort())  # it hears of nothing more
        other.expected += ["ERR_FAILED"]
        await one.page.get_by_role("button", name="Done").click()
        await expect(one.page.locator("[data-test=facts] .state")).to_have_text("done")
        await other.page.get_by_role("button", name="Done").click()
        await expect(other.page.get_by_text("Another desk was faster")).to_be_visible()


async def test_a_counter_that_was_started_anew_shows_the_same_board(
    nine: Nine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    hall, person = await furnished(nine, tmp_path_factory.mktemp("anew"), 801)
    async with AsyncExitStack() as first:
        browser = nine.site.browser
        place = await first.enter_async_context(site(nine.town, browser, Watched(), **hall.given()))
        async with place.visitor() as visitor:
            visitor.expected = ["401", "ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE"]
            visitor.expected += ["ERR_INCOMPLETE_CHUNKED_ENCODING"]
            page = await visitor.goes_to("/counter/#errands")
            await signs_in(page)
            await person.submits(await begins(page))
            opened = Opened(hall, place, person)
            addresses = await comes_in(page, set(), "received")
            await (await the_part(opened, page, addresses, "birth")).click()
            await page.get_by_label("Number of the document").fill("370102-9")
            await page.get_by_role("button", name="Done").click()
            await expect(page.locator(DECISIONS)).to_contain_text("370102-9")
            await first.aclose()
            await expect(page.get_by_text("cannot be reached now")).to_be_visible()
            async with site(nine.town, browser, Watched(), port=place.port, **hall.given()):
                await page.reload()
                await signs_in(page)
                await expect(page.locator(DECISIONS)).to_contain_text("370102-9")
                await expect(page.locator(LINES)).to_contain_text(EVIL)
                await page.get_by_role("link", name="All parts").click()
                await expect(page.locator(ROWS)).to_have_count(3)
