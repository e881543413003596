"""What every page promises: nobody else's script, frame or address, and a small first view."""

import io
import json

import pytest
from PIL import Image
from playwright.async_api import expect

from tests.browser.browsing import BUILT
from tests.browser.conftest import Nine
from web_edge.headers import CONTENT_SECURITY_POLICY
from zkproto.v1 import ledger_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")
FIRST_VIEW_OCTETS = 200_000
PAGES = ("/", "/chain/", "/counter/", "/centre/", "/vault/")
_TRIED = """async () => {
  const got = [];
  const attempt = async (name, act) => { try { await act(); got.push(name); } catch { /* as it should */ } };
  const script = (made) => { document.head.append(Object.assign(document.createElement("script"), made)); };
  await attempt("html", () => { document.body.innerHTML = '<img src=x onerror="window.owned=1">'; });
  await attempt("inline", () => script({ textContent: "window.owned = 2" }));
  await attempt("script", () => script({ src: "https://evil.example/x.js" }));
  await attempt("fetch", () => fetch("https://evil.example/"));
  await attempt("worker", () => new Worker("data:text/javascript,0"));
  const beside = (name, given) => document.body.append(Object.assign(document.createElement(name), given));
  beside("iframe", { src: "https://evil.example/" });
  beside("img", { src: "https://evil.example/x.png" });
  beside("style", { textContent: "body { display: none }" });
  await new Promise((done) => setTimeout(done, 300));
  return [got, window.owned ?? null, getComputedStyle(document.body).display];
}"""


@pytest.mark.parametrize("path", PAGES)
async def test_no_script_of_anybody_else_runs(nine: Nine, path: str) -> None:
    async with nine.site.visitor() as visitor:
        visitor.expected = ["Content Security Policy", "Trusted", "evil.example", "404"]
        page = await visitor.goes_to(path)
        answer = await visitor.context.request.get(f"{nine.site.origin}{path}")
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        await expect(page.get_by_role("main")).to_be_visible()
        assert await page.evaluate(_TRIED) == [[], None, "block"]
        # A request that the policy has stopped is told of as one that failed: none was answered.
        strange = [each for each in visitor.requests if "evil.example" in each.url]
        assert [each.url for each in strange if not each.failure] == []
        visitor.requests = [each for each in visitor.requests if each not in strange]


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_is_shown_inside_another(nine: Nine, path: str) -> None:
    async with nine.site.visitor() as visitor:
        await visitor.is_framed_by_nobody(f"{nine.site.origin}{path}", "#page")


@pytest.mark.parametrize("path", PAGES)
async def test_the_first_view_is_small(nine: Nine, path: str) -> None:
    async with nine.site.visitor() as visitor:
        visitor.expected = ["404"]  # there is no counter here, and no centre
        octets = sum(await visitor.first_view(path))
        assert 10_000 < octets < FIRST_VIEW_OCTETS, octets


async def test_the_build_has_no_address_of_anybody_else() -> None:
    for path in BUILT.rglob("*"):
        if path.suffix in {".html", ".css", ".svg"}:
            text = path.read_text("utf-8").replace("http://www.w3.org/", "")
            assert "http://" not in text
            assert "https://" not in text


async def test_a_page_speaks_the_contract_and_shows_nothing_of_who_it_is(nine: Nine) -> None:
    async with nine.site.visitor() as visitor:
        page = await visitor.goes_to("/chain/")
        await expect(page.get_by_text("each following the one before it")).to_be_visible()
        asked = [each for each in visitor.requests if each.url.endswith("/ListEntries")]
        body = asked[0].post_data_buffer
        assert body is not None
        assert ledger_pb2.ListEntriesRequest.FromString(body[5:]).page_size > 0
        for each in visitor.requests:
            assert not {"cookie", "authorization", "referer"} & set(await each.all_headers())


async def test_the_button_for_light_and_dark_follows_the_system_until_somebody_chooses(nine: Nine) -> None:
    async with nine.site.visitor() as visitor:
        page = await visitor.goes_to("/")
        dark, light = (page.get_by_role("button", name=name, exact=True) for name in ("Dark", "Light"))
        await expect(dark).to_be_visible()
        for is_dark in (True, False, True):
            there, gone = (light, dark) if is_dark else (dark, light)
            await page.emulate_media(color_scheme="dark" if is_dark else "light")
            await expect(there).to_be_visible()
            await expect(gone).to_have_count(0)
        await light.click()
        await expect(dark).to_be_visible()
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            await page.evaluate("() => new Promise((done) => setTimeout(done, 200))")
            await expect(dark).to_be_visible()
            await expect(light).to_have_count(0)
        await page.reload()
        await expect(dark).to_be_visible()


@pytest.mark.parametrize("path", PAGES)
async def test_large_type_is_larger_and_still_fits_a_phone(nine: Nine, path: str) -> None:
    async with nine.site.visitor("phone") as visitor:
        visitor.expected = ["404"]  # there is no counter here, and no centre
        page = await visitor.goes_to(path)
        size = "parseFloat(getComputedStyle(document.documentElement).fontSize)"
        before = await page.evaluate(size)
        await page.get_by_role("button", name="Large type").click()
        assert await page.evaluate(size) >= 1.25 * before >= 20
        await visitor.fits()
        await visitor.passes_axe()


async def test_the_vault_can_be_installed(nine: Nine) -> None:
    """The browser itself reads what the page says of an application, and finds nothing wrong with it."""
    async with nine.site.visitor("phone") as visitor:
        page = await visitor.goes_to("/vault/")
        told = await (await visitor.context.new_cdp_session(page)).send("Page.getAppManifest")
        assert told["errors"] == []
        manifest = json.loads(told["data"])
        assert manifest["display"] == "standalone"
        assert manifest["start_url"].startswith(manifest["scope"])
        for icon in manifest["icons"]:
            answer = await visitor.context.request.get(f"{nine.site.origin}{icon['src']}")
            assert answer.headers["content-type"] == icon["type"]
            if icon["sizes"] != "any":
                drawn = Image.open(io.BytesIO(await answer.body()))
                assert f"{drawn.width}x{drawn.height}" == icon["sizes"]
        assert await page.evaluate("navigator.serviceWorker.ready.then((each) => each.scope)") == (
            f"{nine.site.origin}/vault/"
        )
