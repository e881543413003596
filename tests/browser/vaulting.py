"""The vault of a browser without its screens: a page of a test's own, the worker, a real edge and service."""

import fcntl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Page

from tests.browser.browsing import ROOT, Site, Visitor
from tests.web_edge.standing import endpoint_of, tls_of
from tests.zkservice.support import City
from web_edge import Edge, Pages, serving

PASSPHRASE: Final = "correct horse, ärgert"
WITHOUT_SCREENS: Final = ROOT / "web/pages/test/vault/page"
"""The page of a test's own that has the whole vault in it."""
_VITE: Final = ROOT / "web/node_modules/.bin/vite"
_CALL: Final = """async ([method, given]) => {
  const sent = given.map((each) => each?.octets ? Uint8Array.from(each.octets) : each);
  try {
    const value = await vault[method](...sent);
    return { value: value instanceof Uint8Array ? { octets: [...value] } : value ?? null };
  } catch (fault) {
    return { fault };
  }
}"""


class Faulted(Exception):
    """What the vault refused, as its page is told it."""

    def __init__(self, fault: dict[str, Any]) -> None:
        super().__init__(f"{fault['reason']}: {fault['detail']}")
        self.reason: str = fault["reason"]
        self.passing: bool = fault["passing"]
        self.fault = fault


@dataclass
class Tab:
    """One tab with a vault in it."""

    page: Page

    async def call(self, method: str, *given: Any) -> Any:
        """Call a method of the vault; octets go in and come out as bytes. Raises Faulted."""
        sent = [{"octets": list(each)} if isinstance(each, bytes) else each for each in given]
        said = await self.page.evaluate(_CALL, [method, sent])
        if "fault" in said:
            raise Faulted(said["fault"])
        value = said["value"]
        return bytes(value["octets"]) if isinstance(value, dict) and "octets" in value else value

    async def refused(self, method: str, *given: Any) -> str:
        """Return the reason why a call is refused."""
        with pytest.raises(Faulted) as told:
            await self.call(method, *given)
        return told.value.reason

    async def make(self) -> None:
        """Make a vault, under the key that the service says its log has."""
        await self.call("create", PASSPHRASE, (await self.call("logKey"))["key"])

    async def claim(self, link: object) -> dict[str, Any]:
        """Take what an offer's link leads to."""
        offer = await self.call("open", str(link))
        assert offer["kind"] == "offer"
        found: dict[str, Any] = await self.call("claim", offer["id"])
        return found


@asynccontextmanager
async def opened(visitor: Visitor) -> AsyncIterator[Tab]:
    """Open the page; no vault is made yet."""
    page = await visitor.goes_to("/")
    await page.wait_for_function("() => window.vault")
    yield Tab(page)


def built(folder: Path, page: Path) -> Path:
    """Build a page of tests into a folder that all processes of a run share: the first that wants it does."""
    made, config = folder / page.name, WITHOUT_SCREENS / "vite.config.ts"
    with (folder / f"{page.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.is_dir():
            begun = folder / f"{page.name}.begun"
            command: list[str | Path] = [_VITE, "build", page, "--config", config, "--outDir", begun]
            subprocess.run(command, check=True, cwd=page, timeout=240)
            begun.rename(made)
    return made


@asynccontextmanager
async def vault_site(town: City, browser: Browser, folder: Path, **given: Any) -> AsyncIterator[Site]:
    """Serve the built page before a service, as the edge serves all pages."""
    endpoint = given.pop("endpoint", None) or endpoint_of(town)
    edge = Edge(endpoint, Pages(folder), **(tls_of(town) | given))
    async with serving(edge) as port:
        yield Site(browser, port, town)
