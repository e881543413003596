"""A real Chromium over a real edge, service and witnesses; and what every view of a page has to keep."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Request, async_playwright, expect

from tests.web_edge.standing import endpoint_of, tls_of
from tests.zkservice.support import City
from web_edge import Edge, Pages, serving
from web_edge.watched import Watched

ROOT: Final = Path(__file__).resolve().parents[2]
BUILT: Final = ROOT / "build/web"
AXE: Final = ROOT / "web/node_modules/axe-core/axe.min.js"
PATIENCE_MS: Final = 60_000
SIZES: Final = {"phone": (390, 844), "desktop": (1280, 900)}
_ARGUMENTS: Final = (
    "--headless", "--no-sandbox", "--ignore-certificate-errors",
    "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
expect.set_options(timeout=PATIENCE_MS)


def needs() -> str:
    """Return where Chromium is; skip the test where something is not there, or fail where CI is set."""
    chromium = shutil.which("chromium")
    missing = [
        name
        for name, there in (
            ("chromium (scripts/chromium.sh)", chromium is not None),
            ("the built pages (scripts/web.sh)", (BUILT / "index.html").is_file()),
            ("axe (scripts/web.sh)", AXE.is_file()),
        )
        if not there
    ]
    if missing:
        reason = f"not there: {', '.join(missing)}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    assert chromium is not None
    return chromium


@asynccontextmanager
async def chromium(*more: str) -> AsyncIterator[Browser]:
    """Start a browser, with arguments more than those of all tests."""
    path = needs()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=[*_ARGUMENTS, *more])
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Site:
    """An edge that browsers can look at."""

    browser: Browser
    port: int
    town: City

    @property
    def origin(self) -> str:
        return f"https://localhost:{self.port}"

    @asynccontextmanager
    async def visitor(self, size: str = "desktop", **given: Any) -> AsyncIterator["Visitor"]:
        """Open a window of a person with nothing kept; in the end it has kept what all pages promise."""
        width, height = SIZES[size]
        context = await self.browser.new_context(
            viewport={"width": width, "height": height},
            ignore_https_errors=True,
            has_touch=size == "phone",
            **({"locale": "en-GB", "timezone_id": "Asia/Shanghai"} | given),
        )
        context.set_default_timeout(PATIENCE_MS)
        try:
            visitor = Visitor(self, context, await context.new_page())
            visitor.listen()
            yield visitor
            visitor.kept_its_promises()
        finally:
            await context.close()


@dataclass
class Visitor:
    """A person at a window."""

    site: Site
    context: BrowserContext
    page: Page
    requests: list[Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    """Parts of complaints that the test brings about itself."""
    elsewhere: list[str] = field(default_factory=list)
    """Origins that the test itself goes to beside the site's."""

    def listen(self) -> None:
        self.context.on("request", lambda each: self.requests.append(each))  # noqa: PLW0108
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on(
            "console",
            lambda message: (
                self.complaints.append(message.text) if message.type in {"error", "warning"} else None
            ),
        )

    async def goes_to(self, path: str) -> Page:
        await self.page.goto(f"{self.site.origin}{path}")
        return self.page

    async def passes_axe(self) -> None:
        """Check the page as it is now with axe-core, in both lights.

        It is evaluated as the browser's own script: the page's policy would let it in by no other way.
        """
        for scheme in ("light", "dark"):
            await self.page.emulate_media(color_scheme=scheme)
            await self.page.evaluate(AXE.read_text("utf-8"))
            found = await self.page.evaluate("async () => (await axe.run()).violations")
            told = [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found]
            assert told == [], f"{scheme}: {told}"

    async def fits(self) -> None:
        """Nothing is wider than the window."""
        wide = await self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0

    def kept_its_promises(self) -> None:
        known = tuple(f"{each}/" for each in (self.site.origin, *self.elsewhere))
        strangers = [each.url for each in self.requests if not each.url.startswith(known)]
        assert strangers == []
        odd = [each for each in self.complaints if not any(part in each for part in self.expected)]
        assert odd == [], odd


@asynccontextmanager
async def site(town: City, browser: Browser, watched: Watched, **given: Any) -> AsyncIterator[Site]:
    edge = Edge(endpoint_of(town), Pages(BUILT), watched=watched, **(tls_of(town) | given))
    async with serving(edge) as port:
        yield Site(browser, port, town)
