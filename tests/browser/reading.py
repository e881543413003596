"""A page with the vault's reader on it, before an edge, something that alters answers, and a real service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser

from tests.browser.altering import Altering, altering
from tests.browser.browsing import ROOT, Visitor
from tests.browser.vaulting import vault_site
from tests.zkservice.composite_city import CompositeCity
from tests.zkservice.support import City

READING: Final = ROOT / "web/pages/test/vault/reading"
_ASK: Final = "([question, given]) => reading.ask(question, given)"


@dataclass
class Asking:
    """Asks a page's reader."""

    between: Altering
    visitor: Visitor

    async def begins(self, log: str, later: int = 0) -> None:
        """Begin with a reader that has read nothing yet, under a log's key, so many seconds later."""
        await self.visitor.page.evaluate("(given) => reading.begin(...given)", [log, later])

    async def forget(self) -> None:
        """Remove all that the vault has kept of what it read."""
        await self.visitor.page.evaluate("() => reading.forget()")

    async def ask(self, question: str, *given: Any) -> Any:
        said = await self.visitor.page.evaluate(_ASK, [question, list(given)])
        assert "fault" not in said, said
        return said.get("value")

    async def refused(self, question: str, *given: Any) -> str:
        """Return the reason for which a question is not answered."""
        said = await self.visitor.page.evaluate(_ASK, [question, list(given)])
        assert "fault" in said, said
        reason: str = said["fault"]["reason"]
        return reason

    async def kept(self) -> list[str]:
        """Return the names of the records of what was read."""
        found: list[str] = await self.visitor.page.evaluate("() => reading.kept()")
        return found

    async def owed(self) -> int:
        """Return of how many checkpoints the vault has written down that they are still to be compared."""
        count: int = await self.visitor.page.evaluate("() => reading.owed()")
        return count


@dataclass
class World(Asking):
    """A city, something between it and the edge, and a page with a reader."""

    town: CompositeCity

    async def begin(self, later: int = 0, log: str = "") -> None:
        """Begin with a reader that has read nothing yet, over what the vault has kept."""
        await self.begins(log or self.town.city.ready.verifier_key, later)


@asynccontextmanager
async def reading(town: City, browser: Browser, pages: Path) -> AsyncIterator[tuple[Altering, Visitor]]:
    """Open the page, with a vault made."""
    async with (
        altering(town) as between,
        vault_site(town, browser, pages, endpoint=between.endpoint(town)) as place,
        place.visitor() as visitor,
    ):
        page = await visitor.goes_to("/")
        await page.wait_for_function("() => window.reading")
        await page.evaluate("() => reading.make()")
        yield between, visitor
