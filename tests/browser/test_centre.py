"""The resource centre, by clicking: what is registered, and what becomes of the page when others go away."""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.browsing import SIZES, site
from tests.browser.centre_town import (
    CODE,
    DAY,
    ENDED,
    EVIL,
    TODAY,
    VIEWS,
    Watching,
    counted,
    opens,
    queued,
    registered,
    registry,
    signs_in,
)
from tests.browser.conftest import Nine
from tests.web_edge.standing import endpoint_of
from tests.zkservice.centre import PERMIT_ITEM
from tests.zkservice.counting import access
from tests.zkservice.pushes import record
from tests.zkservice.support import city
from web_edge.watched import Watched
from zk.centre import PAGE, opened_books

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def centre(nine: Nine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watching]:
    async with city(tmp_path_factory.mktemp("centre") / "server") as town:
        await registered(town)
        await counted(town)
        await queued(town)
        made = Watching(town, await access(town), nine.site, await registry(town))
        async with site(town, nine.site.browser, Watched(), **made.given) as place:
            made.site = place
            yield made


@pytest.mark.parametrize("size", list(SIZES))
async def test_what_is_registered_is_shown(centre: Watching, size: str) -> None:
    async with centre.site.visitor(size) as visitor:
        visitor.expected = ["401", "403"]
        page = await visitor.goes_to("/centre/")
        await page.get_by_label("Code of the centre").fill("wrong")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_text("This is not the code of this centre.")).to_be_visible()
        await visitor.passes_axe()
        await signs_in(page)
        for view in VIEWS:
            await opens(page, view)
            await expect(page.get_by_role("row").nth(1)).to_be_visible()
            await visitor.fits()
            await visitor.passes_axe()
        assert await page.locator("img").count() == 0
        assert "owned" not in await page.title()
        await page.get_by_role("button", name="中文").click()
        await expect(page.get_by_role("heading", name="统计", exact=True)).to_be_visible()
        await visitor.passes_axe()
        await page.get_by_role("button", name="退出").click()
        await expect(page.get_by_label("资源中心代码")).to_be_visible()
        assert await visitor.context.cookies() == []


async def test_names_are_text_and_lead_to_what_is_theirs(centre: Watching) -> None:
    async with centre.site.inside("/centre/", signs_in) as visitor:
        page = visitor.page
        rows = page.get_by_role("row")
        await expect(rows).to_have_count(PAGE + 1)
        await expect(page.get_by_text(EVIL)).to_be_visible()
        await page.get_by_role("button", name="Show more").click()
        await expect(rows).to_have_count(PAGE + 5)
        await expect(page.get_by_role("button", name="Show more")).to_have_count(0)
        police = page.get_by_role("row").filter(has_text="departments/police")
        await police.get_by_role("button").click()
        await expect(page.get_by_role("heading", name="Data items of")).to_be_visible()
        await expect(page.get_by_role("row").filter(has_text=EVIL)).to_contain_text("every 30 days")
        await page.get_by_label("Words in names or attributes").fill("nothing like it")
        await page.get_by_role("button", name="Search").click()
        await expect(page.get_by_text("There is nothing here.")).to_be_visible()
        await page.get_by_label("Words in names or attributes").fill("permit")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("row").filter(has_text="items/residence_permit")).to_have_count(1)
        await opens(page, "Verifiers")
        await page.get_by_role("row").filter(has_text="verifiers/school").get_by_role("button").click()
        await expect(page.get_by_role("heading", name="Policies of")).to_be_visible()
        await expect(page.get_by_role("row").filter(has_text="policies/counter@1")).to_contain_text(EVIL)
        await page.go_back()
        await expect(page.get_by_role("heading", name="Verifiers", exact=True)).to_be_visible()
        await page.reload()
        await expect(page.get_by_role("heading", name="Verifiers", exact=True)).to_be_visible()
        assert await page.locator("img").count() == 0
        assert "owned" not in await page.title()


async def test_which_receipt_a_policy_demands_is_shown_in_both_languages(centre: Watching) -> None:
    words = {
        "counter@1": ("not said", "未说明"), "once-pending@1": ("pending", "待锚定"),
        "once-anchored@1": ("anchored", "已锚定"), "once-ordered@1": ("ordered", "已定序"),
    }  # fmt: skip
    async with centre.site.visitor() as visitor:
        visitor.expected = ["401"]
        page = await visitor.goes_to("/centre/")
        await signs_in(page)
        await opens(page, "Policies")
        heads = page.get_by_role("columnheader")
        await expect(heads.nth(4)).to_have_text("Receipt")
        for name, (en, _) in words.items():
            row = page.get_by_role("row").filter(has_text=f"policies/{name}")
            await expect(row.get_by_role("cell").nth(3)).to_have_text(en)
        await page.get_by_role("button", name="中文").click()
        await expect(heads.nth(4)).to_have_text("回执")
        for name, (_, zh) in words.items():
            row = page.get_by_role("row").filter(has_text=f"policies/{name}")
            await expect(row.get_by_role("cell").nth(3)).to_have_text(zh)


async def test_counts_are_shown_by_whatever_is_chosen(centre: Watching) -> None:
    async with centre.site.inside("/centre/", signs_in) as visitor:
        visitor.expected += ["400"]
        page = visitor.page
        await opens(page, "Issuance")
        await page.get_by_label("Last day").fill((TODAY + dt.timedelta(days=2)).isoformat())
        await page.get_by_role("button", name="Show", exact=True).click()
        police = page.get_by_role("row").filter(has_text="departments/police")
        await expect(police.get_by_role("cell")).to_have_text(["1", "1", "0", "100%"])
        archive = page.get_by_role("row").filter(has_text="departments/archive")
        await expect(archive.get_by_role("cell")).to_have_text(["0", "0", "3", "nothing offered"])
        await opens(page, "Revocations")
        await expect(archive).to_contain_text("3 revoked, epoch 1")
        await expect(page.get_by_role("row").filter(has_text=EVIL)).to_contain_text("no list")
        await opens(page, "Statistics")
        counts = page.get_by_role("region", name="Statistics")
        for by, named in (
            ("Verifier", "verifiers/school"), ("Policy", "verifiers/school/policies/any@1"),
            ("Department", "departments/police"), ("Day", str(TODAY.year)), ("Purpose", "none of them"),
        ):  # fmt: skip
            await page.get_by_label("Told apart by").select_option(label=by)
            await expect(counts.get_by_role("columnheader").first).to_have_text(by)
            await expect(counts.get_by_role("rowheader").filter(has_text=named).first).to_be_visible()
        await page.get_by_label("First day").fill("2020-01-01")
        await page.get_by_role("button", name="Show", exact=True).first.click()
        await expect(page.get_by_text("The service refuses this: FIELD_INVALID")).to_be_visible()
        await visitor.passes_axe()
        assert await page.locator("img").count() == 0


async def test_use_over_the_days_is_drawn(centre: Watching) -> None:
    async with centre.site.inside("/centre/", signs_in, "phone") as visitor:
        page = visitor.page
        await opens(page, "Statistics")
        drawn = page.get_by_role("img", name="Use by day")
        await page.get_by_label("First day").fill(f"{ENDED}-01")
        await page.get_by_label("Last day").fill(f"{ENDED}-05")
        await page.get_by_role("button", name="Show", exact=True).first.click()
        await expect(page.get_by_role("img", name="at most 907 on one day")).to_be_visible()
        heights = [
            [float(point.partition(",")[2]) for point in (await line.get_attribute("points") or "").split()]
            for line in await drawn.locator("polyline").all()
        ]
        asked, answered, *others = heights
        ground = asked[0]
        assert [each < ground for each in asked] == [False, True, False, False, False]
        assert asked[1] < answered[1] < ground
        assert all(set(each) == {ground} for each in others)
        await expect(page.get_by_role("figure")).to_contain_text("Answered")
        await visitor.fits()
        await visitor.passes_axe()
        await page.get_by_label("Last day").fill(f"{ENDED}-01")
        await page.get_by_role("button", name="Show", exact=True).first.click()
        await expect(drawn).to_have_count(0)


async def test_applications_are_counted_in_steps_and_small_numbers_are_not_there(centre: Watching) -> None:
    async with centre.site.inside("/centre/", signs_in) as visitor:
        visitor.expected += ["400"]
        page = visitor.page
        await opens(page, "Applications")
        waiting = page.get_by_role("region", name="Waiting").get_by_role("row")
        await expect(waiting).to_have_count(2)
        await expect(waiting.nth(1).get_by_role("rowheader")).to_have_text(str(PERMIT_ITEM.name))
        await expect(waiting.nth(1).get_by_role("cell")).to_have_text(["10 to 14", "39 days"])
        decided = page.get_by_role("region", name="Decided").get_by_role("row")
        await expect(decided).to_have_count(2)
        await expect(decided.nth(1).get_by_role("cell")).to_have_text(
            ["departments/police", "15 to 19", "5 to 9", "fewer than 5"]
        )
        await page.get_by_label("First day").fill((TODAY - DAY).isoformat())
        await page.get_by_role("button", name="Show", exact=True).click()
        await expect(page.get_by_text("On these days nothing was decided")).to_be_visible()
        await expect(waiting).to_have_count(2)
        await page.get_by_label("Last day").fill(TODAY.isoformat())
        await page.get_by_role("button", name="Show", exact=True).click()
        await expect(page.get_by_text("The service refuses this: FIELD_INVALID")).to_be_visible()
        await visitor.passes_axe()


async def test_pushes_are_followed_while_they_go_on(centre: Watching) -> None:
    pusher = centre.pusher
    assert pusher is not None
    name = (await pusher.push([record(each) for each in range(7)])).push
    async with centre.site.inside("/centre/", signs_in) as visitor:
        page = visitor.page
        await opens(page, "Issuance")
        newest = page.get_by_role("region", name="Pushes of records").get_by_role("row").nth(1)
        await expect(newest.get_by_role("cell").nth(0)).to_contain_text("running")
        await expect(newest.get_by_role("cell").nth(1)).to_have_text("5 to 9")
        await expect(page.get_by_text("1 running now")).to_be_visible()
        await pusher.push([record(each) for each in range(7, 13)], name, first=7)
        await expect(newest.get_by_role("cell").nth(1)).to_have_text("10 to 14")
        await pusher.finish(name)
        await expect(newest.get_by_role("cell").nth(0)).to_contain_text("finished")
        await expect(page.get_by_text("0 running now")).to_be_visible()
        await visitor.passes_axe()


async def test_what_nobody_is_told_of_a_month_is_not_shown(centre: Watching) -> None:
    async with centre.site.inside("/centre/", signs_in) as visitor:
        page = visitor.page
        await opens(page, "Statistics")
        told = page.get_by_role("region", name="A month as everybody may know it").get_by_role("row")
        for verifier, cells in (
            ("verifiers/bank", ["fewer than 5", "5 to 9"]),
            ("verifiers/school", ["900 to 904", "fewer than 5"]),
        ):
            await expect(told.filter(has_text=verifier).get_by_role("cell")).to_have_text(cells)
        await page.get_by_label("Month", exact=True).fill("2020-02")
        await page.get_by_role("button", name="Show", exact=True).last.click()
        await expect(page.get_by_text("Of this month nothing may be told.")).to_be_visible()
        await expect(told).to_have_count(0)


async def test_a_session_that_ended_is_told_and_signed_in_again(centre: Watching) -> None:
    async with centre.site.inside("/centre/", signs_in) as visitor:
        page = visitor.page
        await expect(page.get_by_role("row").nth(1)).to_be_visible()
        await visitor.context.clear_cookies()
        await page.get_by_role("link", name="Purposes", exact=True).click()
        await expect(page.get_by_text("The session has ended.")).to_be_visible()
        await visitor.passes_axe()
        await signs_in(page)
        await expect(page.get_by_role("heading", name="Purposes", exact=True)).to_be_visible()


async def test_an_edge_that_was_started_anew_asks_for_the_code_again(centre: Watching) -> None:
    browser, town = centre.site.browser, centre.town
    async with AsyncExitStack() as first:
        place = await first.enter_async_context(site(town, browser, Watched(), **centre.given))
        async with place.inside("/centre/", signs_in) as visitor:
            visitor.expected += ["ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE"]
            page = visitor.page
            await expect(page.get_by_role("row").nth(1)).to_be_visible()
            await first.aclose()
            await page.get_by_role("link", name="Purposes", exact=True).click()
            await expect(page.get_by_text("The service cannot be reached now.")).to_be_visible()
            async with site(town, browser, Watched(), port=place.port, **centre.given):
                await page.get_by_role("button", name="Try again").click()
                await expect(page.get_by_text("The session has ended.")).to_be_visible()
                await signs_in(page)
                await expect(page.get_by_role("row").nth(1)).to_be_visible()


async def test_a_service_that_is_away_is_told_and_tried_again(nine: Nine, tmp_path: Path) -> None:
    async with AsyncExitStack() as running, AsyncExitStack() as standing:
        town = await running.enter_async_context(city(tmp_path / "server"))
        token, endpoint = await access(town), endpoint_of(town)
        given = {"books": lambda: opened_books(endpoint, token), "centre_code": CODE}
        place = await standing.enter_async_context(site(town, nine.site.browser, Watched(), **given))
        async with place.inside("/centre/", signs_in) as visitor:
            visitor.expected += ["503"]
            page = visitor.page
            await expect(page.get_by_role("row").nth(1)).to_be_visible()
            await running.aclose()
            await page.get_by_role("link", name="Verifiers", exact=True).click()
            await expect(page.get_by_text("The service cannot be reached now.")).to_be_visible()
            await visitor.passes_axe()
            await page.reload()
            await expect(page.get_by_text("The service cannot be reached now.")).to_be_visible()


async def test_where_no_centre_is_open_the_page_says_so(nine: Nine) -> None:
    async with nine.site.visitor() as visitor:
        visitor.expected = ["404"]
        page = await visitor.goes_to("/centre/")
        await expect(page.get_by_text("no centre is open here")).to_be_visible()
        await visitor.passes_axe()
