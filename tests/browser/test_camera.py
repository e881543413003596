"""The camera in a real Chromium: its frames are a code that segno drew, as the counter draws its own."""

import asyncio
import mimetypes
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Page, Route, async_playwright

from disclosure import ExchangeLink
from tests.browser.browsing import needs
from tests.browser.filming import camera, filmed

WEB: Final = Path(__file__).parents[2] / "web"
LINK: Final = str(ExchangeLink("127.0.0.1:50051", "abc-d", "s3cret_-" * 5))
ORIGIN: Final = "http://localhost:9"  # nothing listens: every answer is the test's
PAGE: Final = """<!doctype html><title>scan</title><video></video>
<script type="importmap">{"imports": {"qr/decode.js": "/qr/decode.js"}}</script>
<script type="module">
import { watch } from "/built/camera.js";
const video = document.querySelector("video");
window.scan = async (stopped) => {
  const stop = new AbortController();
  const seen = watch(video, stop.signal);
  let tracks = [];
  video.addEventListener("playing", () => {
    tracks = video.srcObject.getTracks();
    if (stopped) stop.abort();
  });
  try {
    const text = await seen;
    return { text: text ?? null, live: tracks.filter((each) => each.readyState === "live").length,
             seen: tracks.length, held: video.srcObject !== null };
  } catch (error) {
    return { reason: error.reason };
  }
};
</script>"""


@asynccontextmanager
async def looking(folder: Path, film: Path, *, allowed: bool = True) -> AsyncIterator[Page]:
    """Open a page that has the built camera.ts, in a browser whose camera plays the film."""

    async def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        if path == "/":
            await route.fulfill(body=PAGE, content_type="text/html")
            return
        file = WEB / "node_modules" / path[1:] if path.startswith("/qr/") else folder / path[1:]
        kind = mimetypes.guess_type(path)[0] or "text/plain"
        await route.fulfill(body=file.read_bytes() if file.is_file() else b"", content_type=kind)

    arguments = ["--headless", "--no-sandbox", "--disable-gpu", *camera(film)]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=needs(), args=arguments)
        try:
            context = await browser.new_context(permissions=["camera"] if allowed else [])
            page = await context.new_page()
            await page.route("**/*", answer)
            await page.goto(f"{ORIGIN}/")
            await page.wait_for_function("window.scan !== undefined", timeout=60_000)
            yield page
        finally:
            await browser.close()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    needs()
    folder = tmp_path_factory.mktemp("camera")
    project = WEB / "pages" / "test" / "scan" / "tsconfig.json"

    async def build() -> int:
        tsc = WEB / "node_modules" / ".bin" / "tsc"
        running = await asyncio.create_subprocess_exec(tsc, "-p", project, "--outDir", folder / "built")
        return await running.wait()

    assert asyncio.run(build()) == 0
    return folder


async def test_the_camera_reads_a_code_and_is_let_go(built: Path, tmp_path: Path) -> None:
    async with looking(built, filmed(tmp_path / "code.y4m", LINK)) as page:
        said = await page.evaluate("window.scan(false)")
    assert said == {"text": LINK, "live": 0, "seen": 1, "held": False}


async def test_a_view_that_is_left_lets_the_camera_go(built: Path, tmp_path: Path) -> None:
    async with looking(built, filmed(tmp_path / "wall.y4m", None)) as page:
        said = await page.evaluate("window.scan(true)")
    assert said == {"text": None, "live": 0, "seen": 1, "held": False}


async def test_a_person_may_refuse_the_camera(built: Path, tmp_path: Path) -> None:
    async with looking(built, filmed(tmp_path / "code.y4m", LINK), allowed=False) as page:
        assert await page.evaluate("window.scan(false)") == {"reason": "CAMERA_REFUSED"}
