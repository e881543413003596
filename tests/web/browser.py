"""The prover in a worker of a real browser, served under a strict policy, for tests and measurements.

Bare names of packages are written out as they are served, which a bundler would do; nothing else is changed.
"""

import contextlib
import json
import re
from collections.abc import AsyncIterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Page, async_playwright

from tests.web.node import PROVER
from tests.web.serving import serving

CHROMIUM: Final = Path("/usr/bin/chromium")
_ARGUMENTS: Final = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
_POLICY: Final = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'"
_BARE: Final = re.compile(r"""(from |import )(["'])(@noble/)""")
_SECONDS: Final = 240_000
_ASK: Final = """
(given) => new Promise((resolve, reject) => {
  window.worker ??= new Worker("/dist/test/worker.js", { type: "module" });
  window.worker.onerror = (event) => reject(new Error(event.message ?? "the worker did not begin"));
  window.worker.onmessage = ({ data }) => resolve(data);
  window.worker.postMessage(given);
})
"""


class _Handler(BaseHTTPRequestHandler):
    """Serves an empty page, and the scripts of the prover, of its tests and of what they use."""

    def do_GET(self) -> None:
        found = _script(self.path)
        self.send_response(200 if found or self.path == "/" else 404)
        self.send_header("Content-Type", "text/javascript" if found else "text/html")
        self.send_header("Content-Security-Policy", _POLICY)
        self.end_headers()
        self.wfile.write(found or b"<!doctype html><title>prover</title>")

    def log_request(self, *_: object) -> None:
        """Say nothing."""


def _script(path: str) -> bytes | None:
    file = (PROVER / path.lstrip("/")).resolve()
    within = any(file.is_relative_to(PROVER / each) for each in ("dist", "node_modules/@noble"))
    if not within or file.suffix != ".js" or not file.is_file():
        return None
    return _BARE.sub(r"\1\2/node_modules/\3", file.read_text(encoding="utf-8")).encode()


@contextlib.asynccontextmanager
async def page() -> AsyncIterator[Page]:
    """Open the empty page in Chromium."""
    with serving(_Handler) as address:
        async with async_playwright() as driver:
            browser = await driver.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
            try:
                opened = await browser.new_page()
                opened.set_default_timeout(_SECONDS)
                await opened.goto(address)
                yield opened
            finally:
                await browser.close()


async def ask(opened: Page, given: Any) -> Any:
    """Tell the page's worker to prove; return its answer, and the milliseconds that it took."""
    said = await opened.evaluate(_ASK, json.loads(json.dumps(given)))
    if "error" in said:
        raise AssertionError(said["error"])
    return said["answer"], said["milliseconds"]
