"""Those who have an account with the police, in browsers: what is delivered, applied for and decided."""

from dataclasses import replace
from typing import Any, Final

from disclosure import AttributeDefinition, AttributeType, CredentialForm, OfferLink, SchemaName
from tests.browser.vault_town import World
from tests.browser.vaulting import Tab
from tests.zkservice import holding, residents
from tests.zkservice.cases_applications import furnished
from tests.zkservice.support import PERMIT, TEXT, VALUES, new_id
from wire.convert import values_to
from zkproto.v1 import application_pb2, issuance_pb2

COMMIT: Final = bytes(range(32))
CARD: Final = replace(
    PERMIT,
    name=SchemaName("police", "id_card", 2),
    form=CredentialForm.COMPOSITE,
    attributes=(AttributeDefinition("id_commit", TEXT, AttributeType.HASH),),
)
"""The identity card whose holder can be appointed as an agent."""


def company_number() -> str:
    """A company's number that no other test has."""
    return f"9137{residents.number()[-14:]}"


async def bound(world: World, tab: Tab, kind: str = "person") -> str:
    """Bind a vault by a code of the police; return its owner's number."""
    is_person = kind == "person"
    number = residents.number() if is_person else company_number()
    link = await world.account(number, residents.PERSON if is_person else residents.COMPANY)
    view = await tab.call("open", str(link))
    assert (view["kind"], view["departmentName"]["en"]) == ("account", "test")
    await tab.call("register", view["id"], kind, number)
    return number


async def delivered(world: World, number: str) -> str:
    """Have the police put an offer into somebody's inbox; return its name."""
    asked = issuance_pb2.IssueCredentialRequest(
        schema=str(PERMIT.name),
        values=values_to(PERMIT, VALUES.items()),
        deliver_to=residents.subject(number),
        request_id=new_id(),
    )
    city = world.town.city
    made = await city.issuance.IssueCredential(asked, metadata=city.bearer(city.department_token))
    assert not made.claim_code
    return str(made.offer)


async def queue(world: World) -> list[Any]:
    city = world.town.city
    asked = application_pb2.ListApplicationsRequest(parent="departments/police")
    answer = await residents.applications(city).ListApplications(
        asked, metadata=city.bearer(city.department_token)
    )
    return list(answer.applications)


async def decide(world: World, name: str, **decision: Any) -> None:
    city = world.town.city
    asked = application_pb2.DecideApplicationRequest(name=name, request_id=new_id(), **decision)
    await residents.applications(city).DecideApplication(asked, metadata=city.bearer(city.department_token))


async def can_appoint(world: World) -> World:
    """Have a town in which companies appoint agents, who show identity cards."""
    await furnished(world.town.city)
    await world.town.city.add_schema(CARD)
    return world


async def card(world: World, person: bytes) -> OfferLink:
    """Have the police offer somebody an identity card."""
    asked = holding.identified({"id_commit": COMMIT}, person, CARD)
    return world.link(await holding.offer(world.town.city, asked))
