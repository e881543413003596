"""A city whose departments offer and whose school asks, with pages of vaults before it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from playwright.async_api import Browser

from disclosure import AccountLink, ExchangeLink, OfferLink, Schema, Value
from disclosure.composite import CompositeRequest
from tests.browser.altering import Altering, altering
from tests.browser.browsing import Site
from tests.browser.vaulting import vault_site
from tests.disclosure.composite.world import VALUES as VALUES_OF
from tests.zkservice import holding, residents
from tests.zkservice.composite_city import CompositeCity, composite_city
from tests.zkservice.support import PERMIT as PLAIN
from tests.zkservice.support import VALUES, City, new_id
from wire.convert import values_to
from zkproto.v1 import issuance_pb2
from zkproto.v1 import presentation_pb2 as pb


@dataclass
class World:
    """A city, something between it and the edge, and where its vaults are."""

    town: CompositeCity
    between: Altering
    place: Site

    @property
    def server(self) -> str:
        return self.between.address

    async def offered(
        self, schema: Schema, values: Mapping[str, Value] | None = None, **asked: Any
    ) -> OfferLink:
        """Have a department offer a credential to somebody whom it has identified."""
        city, said = self.town.city, values or VALUES_OF[schema.name]
        request = holding.identified(said, schema=schema, **asked)
        return self.link(await holding.offer(city, request, self.town.offices[schema.name.department].token))

    async def plain_offer(self) -> OfferLink:
        asked = issuance_pb2.IssueCredentialRequest(schema=str(PLAIN.name), request_id=new_id())
        asked.values.extend(values_to(PLAIN, VALUES.items()))
        return self.link(await holding.offer(self.town.city, asked))

    def link(self, made: issuance_pb2.IssueCredentialResponse) -> OfferLink:
        """Return the link of an offer, at the service that the pages speak to."""
        return OfferLink(self.server, made.offer.removeprefix("offers/"), made.claim_code)

    async def account(self, number: str, kind: Any = residents.PERSON) -> AccountLink:
        """Have the police identify somebody and make the code that binds a vault."""
        code = await residents.new_code(self.town.city, residents.subject(number, kind))
        return AccountLink(self.server, "police", code)

    async def asked(self, *branches: Any) -> tuple[CompositeRequest, pb.CreateExchangeResponse, ExchangeLink]:
        request = self.town.request(*branches)
        made = await self.town.ask(request)
        link = ExchangeLink(self.server, made.exchange.removeprefix("exchanges/"), made.ticket)
        return request, made, link

    def main(self) -> Any:
        """What a vault answers that trusts no regulator, with two credentials of two departments."""
        whole = self.town.main()
        return replace(whole, queries=whole.queries[:2], pseudonyms=whole.pseudonyms[:1], escrows=())

    async def watched(self, made: pb.CreateExchangeResponse) -> pb.WatchExchangeResponse:
        return await watched(self.town.city, made)


async def watched(city: City, made: pb.CreateExchangeResponse) -> pb.WatchExchangeResponse:
    """Return how an exchange stands now, as its verifier is told."""
    asked = pb.WatchExchangeRequest(exchange=made.exchange, result_token=made.result_token)
    async for state in city.presentation.WatchExchange(asked):
        return state  # type: ignore[no-any-return]
    raise AssertionError("the stream has ended")


@asynccontextmanager
async def vault_town(folder: Path, browser: Browser, pages: Path, **given: Any) -> AsyncIterator[World]:
    """Start it in a folder, with built pages before it."""
    async with (
        composite_city(folder) as town,
        altering(town.city) as between,
        vault_site(town.city, browser, pages, endpoint=between.endpoint(town.city), **given) as place,
    ):
        yield World(town, between, place)
