"""A page with the vault's reader on it, before an edge, something that alters answers, and a real service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.async_api import Browser

from tests.browser.altering import altering
from tests.browser.asking import Asking
from tests.browser.browsing import ROOT
from tests.browser.vaulting import vault_site
from tests.zkservice.composite_city import CompositeCity, composite_city
from tests.zkservice.support import City

READING: Final = ROOT / "web/pages/test/vault/reading"


@dataclass
class Reader(Asking):
    """Asks a page's reader."""

    OF = "reading"

    async def begins(self, log: str, later: int = 0) -> None:
        """Begin with a reader that has read nothing yet, under a log's key, so many seconds later."""
        await self.does("begin", log, later)

    async def forget(self) -> None:
        """Remove all that the vault has kept of what it read."""
        await self.does("forget")

    async def kept(self) -> list[str]:
        """Return the names of the records of what was read."""
        found: list[str] = await self.does("kept")
        return found

    async def owed(self) -> int:
        """Return of how many checkpoints the vault has written down that they are still to be compared."""
        count: int = await self.does("owed")
        return count


@dataclass
class World(Reader):
    """A city, something between it and the edge, and a page with a reader."""

    town: CompositeCity

    async def begin(self, later: int = 0, log: str = "") -> None:
        """Begin with a reader that has read nothing yet, over what the vault has kept."""
        await self.begins(log or self.town.city.ready.verifier_key, later)


@asynccontextmanager
async def reading(town: City, browser: Browser, pages: Path) -> AsyncIterator[Reader]:
    """Open the page, with a vault made."""
    async with (
        altering(town) as between,
        vault_site(town, browser, pages, endpoint=between.endpoint(town)) as place,
        place.visitor() as visitor,
    ):
        await visitor.goes_to("/")
        reader = Reader(between, visitor)
        await reader.loaded()
        await reader.does("make")
        yield reader


@asynccontextmanager
async def reading_world(folder: Path, browser: Browser, pages: Path) -> AsyncIterator[World]:
    """Start everything, in a folder."""
    async with composite_city(folder) as town, reading(town.city, browser, pages) as reader:
        yield World(reader.between, reader.visitor, town)
