"""Verifiers that ask vaults in browsers for standing consents, and for answers under them."""

from dataclasses import dataclass
from typing import Any

from disclosure import ConsentLink, Request, sign_request
from disclosure.composite import Branch, CompositeRequest
from tests.browser.vault_town import World
from tests.browser.vaulting import Tab
from tests.disclosure.composite.world import PERMIT, accepted
from tests.zkservice import consenting
from tests.zkservice.stored import change
from tests.zkservice.support import City, new_id
from wire.convert import signed_request_to
from zkproto.v1 import consent_pb2
from zkproto.v1 import presentation_pb2 as pb

AnyRequest = Request | CompositeRequest
TOLD = consent_pb2.WatchConsentResponse
WATCHED = pb.WatchExchangeResponse


@dataclass
class Asked:
    """A consent that was asked for."""

    city: City
    answer: consent_pb2.CreateConsentResponse
    server: str

    @property
    def name(self) -> str:
        return self.answer.consent.removeprefix("consents/")

    @property
    def link(self) -> ConsentLink:
        return ConsentLink(self.server, self.name, self.answer.ticket)

    async def use(self, request: AnyRequest) -> pb.CreateExchangeResponse:
        """Ask under it; the holder gets no link."""
        signed = sign_request(request, self.city.verifier_keys[request.verifier.verifier])
        message = pb.CreateExchangeRequest(
            signed_request=signed_request_to(signed), request_id=new_id(),
            consent=self.answer.consent, consent_token=self.answer.result_token,
        )  # fmt: skip
        made: pb.CreateExchangeResponse = await self.city.presentation.CreateExchange(message)
        return made

    async def fetched(self) -> consent_pb2.FetchConsentResponse:
        """Return what whoever has its link is given: its terms."""
        message = consent_pb2.FetchConsentRequest(consent=self.answer.consent, ticket=self.answer.ticket)
        found: consent_pb2.FetchConsentResponse = await consenting.stub(self.city).FetchConsent(message)
        return found

    async def told(self) -> consent_pb2.WatchConsentResponse:
        """Return what its verifier is told of it."""
        asked = consent_pb2.WatchConsentRequest(
            consent=self.answer.consent, result_token=self.answer.result_token
        )
        async for state in consenting.stub(self.city).WatchConsent(asked):
            return state  # type: ignore[no-any-return]
        raise AssertionError("the stream has ended")

    def lift(self, **values: Any) -> None:
        """Have the service lie: it forgets what it has counted, or what was withdrawn."""
        for name, value in values.items():
            change(self.city.ready.data, f"update consent set {name} = ? where id = ?", value, self.name)


def creating(city: City, request: AnyRequest, **wanted: Any) -> consent_pb2.CreateConsentRequest:
    """Terms for a request, as its verifier signs them: twice within 90 days, if nothing else is wanted."""
    asked: Any = request
    return consenting.creating(city, consenting.terms(city, asked, **({"times": 2} | wanted)))


async def asked_at(city: City, server: str, request: AnyRequest, **wanted: Any) -> Asked:
    """Have a verifier ask for a consent."""
    made = await consenting.stub(city).CreateConsent(creating(city, request, **wanted))
    return Asked(city, made, server)


async def stocked(world: World, tab: Tab, person: bytes = b"") -> Tab:
    """Make a vault, with a permit in it."""
    await tab.make()
    await tab.claim(await world.offered(PERMIT, person=person or new_id().encode()))
    return tab


def small(world: World, **changes: Any) -> CompositeRequest:
    """What a permit answers, of either key of its department's."""
    return world.town.request(branch(world, **changes))


def branch(world: World, **changes: Any) -> Branch:
    """The one way of `small`."""
    town = world.town
    issuers = (accepted(town.police), accepted(town.police_2))
    return town.small(
        **({"queries": (town.query("permit", PERMIT, shown=("name",), issuers=issuers),)} | changes)
    )


async def asked(world: World, request: AnyRequest | None = None, **wanted: Any) -> Asked:
    """Have the school ask for a consent."""
    return await asked_at(world.town.city, world.server, request or small(world), **wanted)


async def granted(world: World, tab: Tab, **wanted: Any) -> Asked:
    """Have it ask, and the person agree."""
    consent = await asked(world, **wanted)
    view = await tab.call("open", str(consent.link))
    assert (await tab.call("grant", view["id"]))["state"] == "granted"
    return consent


def went(world: World, method: str) -> list[bytes]:
    """Return what came from the pages for a method."""
    return [message for name, message in world.between.sent if name == method]
