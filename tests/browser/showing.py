"""A page with what a vault shows, over a real edge, with something between that and the service."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser

from disclosure import ExchangeLink, IssuerKey, Schema
from disclosure.composite import (
    CompositeRequest,
    Holding,
)
from tests.browser.altering import altering
from tests.browser.asking import Asking
from tests.browser.browsing import ROOT
from tests.browser.vault_town import watched
from tests.browser.vaulting import vault_site
from tests.disclosure.composite.world import ALICE, HOUSEHOLD, INSURANCE, PERMIT
from tests.zkservice.composite_city import CompositeCity, composite_city
from tests.zkservice.witnessing import Consortium, consortium
from web_edge.watched import Watched
from zkproto.v1 import presentation_pb2 as pb

SHOWING: Final = ROOT / "web/pages/test/vault/showing"
_METHODS: Final = ("SubmitPresentation", "DeclineExchange")


@dataclass
class World(Asking):
    """A city, something between it and the edge, and a page with a vault."""

    OF = "showing"

    town: CompositeCity
    gathered: Consortium
    vault: str = ""
    vaults: Iterator[int] = field(default_factory=lambda: iter(range(1000)))

    async def begin(self, vault: str = "", log: str = "") -> None:
        """Begin with a new vault, or with one of before; it believes the city's log if no other is named."""
        self.vault = vault or f"vault-{next(self.vaults)}"
        key = log or self.town.city.ready.verifier_key
        await self.does("begin", self.vault, key, ALICE.to_octets_secret().hex())

    async def again(self) -> None:
        """Load the page anew, as after a crash, and open the same vault."""
        await self.visitor.page.reload()
        await self.loaded()
        await self.begin(self.vault)

    async def give(self, *held: tuple[str, Holding, Schema, IssuerKey]) -> None:
        written = [
            {
                "id": name, "schema": schema.canonical.hex(), "key": key.record().hex(), "received": at,
                "credential": each.credential.to_bytes(schema).hex(), "list": self._list(schema, each),
            }
            for at, (name, each, schema, key) in enumerate(held)
        ]  # fmt: skip
        await self.does("give", written)
        await self.does("trust", "regulators/prosecutor", self.town.regulator_key.digest.hex())

    def _list(self, schema: Schema, holding: Holding) -> dict[str, str] | None:
        if holding.witness is None:
            return None
        office = self.town.offices[schema.name.department]
        by = self.town.hrss if schema.name.department == "hrss" else self.town.police
        epoch = next(each for each in by.epochs.values() if each.position == holding.witness.at)
        return {
            "name": office.name, "key": office.accumulator.key.octets.hex(), "epoch": epoch.octets.hex(),
            "witness": holding.witness.to_octets_secret().hex(),
        }  # fmt: skip

    async def stock(self) -> None:
        """Give a permit, an insurance and a household, with the witnesses of the city's first epochs."""
        town = self.town
        await self.give(
            *(
                (each.name.item, town.held(each), each, (town.hrss if each is INSURANCE else town.police).key)
                for each in (PERMIT, INSURANCE, HOUSEHOLD)
            )
        )

    async def exchange(
        self, *branches: Any, **changes: Any
    ) -> tuple[CompositeRequest, pb.CreateExchangeResponse, str]:
        """Have a verifier ask; return the request, its exchange and the link."""
        asked = self.town.request(*(branches or (self.town.main(), self.town.small())), **changes)
        opened = await self.town.ask(asked)
        return asked, opened, self.link(opened)

    def link(self, opened: pb.CreateExchangeResponse) -> str:
        """Return the link of an exchange, at the service that the edge speaks to."""
        name = opened.exchange.removeprefix("exchanges/")
        return str(ExchangeLink(self.between.address, name, opened.ticket))

    async def watched(self, opened: pb.CreateExchangeResponse) -> pb.WatchExchangeResponse:
        """Return how an exchange stands now, as its verifier sees it."""
        return await watched(self.town.city, opened)

    def went(self, *methods: str) -> list[bytes]:
        return [message for method, message in self.between.sent if method in (methods or _METHODS)]


def first(branch: str) -> dict[str, Any]:
    return {"branch": branch, "chosen": {}}


@asynccontextmanager
async def showing_world(folder: Path, browser: Browser, pages: Path) -> AsyncIterator[World]:
    """Start everything, in a folder."""
    async with (
        consortium(folder / "witnesses", folder / "server") as gathered,
        composite_city(folder / "server", **gathered.settings) as town,
        altering(town.city) as between,
        vault_site(
            town.city, browser, pages, endpoint=between.endpoint(town.city), watched=Watched(gathered.policy)
        ) as place,
        place.visitor() as visitor,
    ):
        visitor.expected.append("503")
        await visitor.goes_to("/")
        world = World(between, visitor, town, gathered)
        await world.loaded()
        yield world
